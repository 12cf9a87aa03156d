"""Commands that follow runs along their training: all in one process, or in parts and joined."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.records.command import check_outputs
from analysis.records.tables import check_output
from analysis.studies.examination import TRAINED, Found, Study, asked, examine, gathered, report
from analysis.studies.training.settings import AlongTraining, Following
from checkpoints.console import UserError, one_of
from checkpoints.doors.reading import short_hash
from checkpoints.policy.store import list_policies

if TYPE_CHECKING:
    from analysis.policies.subjects import Subject
    from analysis.studies.training.plan import Plan


def follow(settings: AlongTraining, how: Following) -> None:
    """Measure what lies under the root, or a study: in one process, or parts of it, or join these.

    Raises:
        UserError: wrong settings, tables that are there, policies that are not, parts that do not
            belong together.
    """
    from analysis.studies.training.kept import kept_names

    measure = partial(_of_subjects, settings, how)
    facts = how.schemas, measure, how.show, how.constants
    study = Study(*facts, names=kept_names, steps=TRAINED)
    if settings.study is None:
        if settings.parts is not None:
            raise UserError("--parts: expected --study beside it, which says who is measured")
        examine(settings, study)
        return
    for name in ("policy", "world"):
        if getattr(settings, name):
            raise UserError(f"--study: expected its runs alone, got --{name} too; leave it out")
    settings.check()
    plans = _plans(settings, settings.study)
    if settings.ids:
        _measure(settings, plans, how)
    else:
        _join(settings, settings.study, plans, how, study)


def _of_subjects(settings: AlongTraining, how: Following, subjects: "Sequence[Subject]") -> Found:
    """Policies of one game that are loaded."""
    from analysis.studies.training.course import Logs, measure_all

    shown = [one.trained_backgrounds for one in subjects]
    game, mode = subjects[0].id.game, subjects[0].mode
    course = how.course(game, mode, shown, **asked(settings, how.course))
    until, returned = settings.until, how.returned
    return measure_all(course, subjects, Logs.of(settings), until=until, returned=returned)


def _plans(settings: AlongTraining, study: Path) -> "Mapping[str, Plan]":
    """Game -> its runs, after the ids are checked against them."""
    from analysis.studies.training.plan import read_plans

    plans = read_plans(study)
    names = [name for plan in plans.values() for name in plan.parts]
    for name in settings.ids:
        one_of(f"part of {study}", name, names)
    if settings.ids and settings.parts is None:
        raise UserError(
            f"{study}: expected no ids beside it, whose runs are all meant, got "
            f"{settings.ids[0]}; leave them out, or say with --parts where parts go"
        )
    return plans


def _measure(settings: AlongTraining, plans: "Mapping[str, Plan]", how: Following) -> None:
    """Measure the parts that are named, game by game, into their files."""
    from analysis.studies.training.by_parts import Parts

    # Perhaps none: untrained networks wait for no run.
    policies = list_policies(settings.root)
    games = {game: Parts(settings, how, plan, policies) for game, plan in plans.items()}
    where = {name: games[name.partition("/")[0]] for name in settings.ids}
    for name, one in where.items():
        check_output(one.path(name), overwrite=settings.overwrite)
    for name in sorted(where):
        print(where[name].write(name), flush=True)


def _join(
    settings: AlongTraining, where: Path, plans: "Mapping[str, Plan]", how: Following, study: Study
) -> None:
    """The tables, from parts that were measured before, or from all that is measured now."""
    from analysis.studies.training.by_parts import Parts
    from analysis.studies.training.joined import join

    check_outputs(settings, how.schemas)
    policies = list_policies(settings.root)
    if not policies:
        raise UserError(
            f"expected kept policies under {settings.root}, found none; give another --root"
        )
    codes: dict[str, str] = {}

    def found() -> Iterator[tuple[str, Found]]:
        for game, plan in plans.items():
            parts = Parts(settings, how, plan, policies)
            some = parts.read_all() if settings.parts else parts.measure_all()
            for part in some:
                codes.update({str(one): code for one, code in part.codes.items()})
            yield game, join(some, settings.until, returned=how.returned)

    frames, notes = gathered(found(), study)
    notes["study"] = short_hash(where)
    report(settings, study, list(plans), frames, policies=codes, **notes)
