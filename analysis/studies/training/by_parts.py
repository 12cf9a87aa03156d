"""The parts of one game of a study: measured, written, and read back if they belong together."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path

from analysis.policies.subjects import Subject
from analysis.records.command import provenance_of
from analysis.records.parts import WHAT, Part, Stamp, check_agrees, read_part, write_part
from analysis.studies.examination import asked
from analysis.studies.training.course import Course, Logs
from analysis.studies.training.joined import NOTHING
from analysis.studies.training.kept import why_ended
from analysis.studies.training.plan import Control, Plan, part_path
from analysis.studies.training.settings import AlongTraining, Following
from checkpoints.console import UserError, watch
from checkpoints.doors.reading import short_hash, shown
from checkpoints.policy.ids import UNTRAINED, PolicyId
from checkpoints.policy.recipes import differences
from checkpoints.policy.store import (
    Provenance,
    load_policy,
    policy_path,
    source_hash,
    untrained,
    versions,
)
from checkpoints.runs.folder import FAILED, PROGRESS
from checkpoints.runs.study import Planned

PACKAGES = Path(__file__).parents[3]


class Parts:
    """Of one game of a study."""

    def __init__(
        self, settings: AlongTraining, how: Following, plan: Plan, kept: Sequence[PolicyId]
    ) -> None:
        """Take what is kept; nothing is gathered yet.

        Args:
            settings: of the command.
            how: what it does.
            plan: the game's runs.
            kept: policies under the root, of any run.
        """
        self.settings, self.how, self.plan = settings, how, plan
        self._kept: dict[PolicyId, list[PolicyId]] = {}
        for one in sorted(kept):
            if not settings.until or (one.step or 0) <= settings.until:
                self._kept.setdefault(one.run, []).append(one)

    @cached_property
    def course(self) -> Course:
        """What the policies are shown, gathered once."""
        plan, make = self.plan, self.how.course
        return make(plan.game, plan.mode, plan.shown, **asked(self.settings, make))

    def kept(self, run: PolicyId) -> list[PolicyId]:
        """Policies of a run that are to be measured."""
        return self._kept.get(run, [])

    def measure(self, name: str) -> Part:
        """Measure one part, whichever it is.

        Raises:
            UserError: a policy of another recipe than the study says, or a damaged file.
        """
        logs = Logs.of(self.settings)
        one = self.plan.parts[name]
        if isinstance(one, Control):
            return logs.untrained_part(self.course, self._untrained(one))
        control = self.plan.beside(one)
        run = [self._load(policy, one) for policy in self.kept(one.id)]
        if not run:
            return Part(name, control.kind, {}, ended=self._why_nothing(one.id))
        return logs.run_part(self.course, run, self._untrained(control))

    def _untrained(self, control: Control) -> list[Subject]:
        """Networks as the first run of their encoder starts from, whatever became of it."""
        like = control.like
        first = str(PolicyId(like.id.game, like.id.method, like.id.seed, 0, 0))
        made = Provenance(first, asdict(like.recipe), 0, {}, {}, "")
        seeds = control.seeds(self.settings.untrained)
        return [Subject.of(*untrained(made, seed)) for seed in seeds]

    def _load(self, policy: PolicyId, planned: Planned) -> Subject:
        path = policy_path(self.settings.root, policy)
        loaded, made = load_policy(path)
        recipe, teacher = made.settings(), planned.recipe.teacher
        # A run pins the teacher that it is given to a file.
        if teacher and recipe.teacher.startswith(teacher):
            recipe = replace(recipe, teacher=teacher)
        changed = differences(recipe, planned.recipe)
        if changed:
            raise UserError(
                f"{path}: expected a policy as {self.settings.study} says, but it was trained with "
                f"another recipe ({'; '.join(changed)}); correct the study, or give another --root"
            )
        return Subject.of(loaded, made)

    def _why_nothing(self, run: PolicyId) -> str:
        until = self.settings.until
        nothing = f"{NOTHING} up to step {until:,}" if until else NOTHING
        return why_ended(self.settings.root, run) or nothing

    def stamp(self, name: str) -> Stamp:
        """What a part of now is measured by and on."""
        command = self.how.schemas[0].command
        packages = dict.fromkeys(("checkpoints", "analysis", command.partition(".")[0]))
        code = {one: source_hash(PACKAGES / one) for one in packages} | versions()
        decides = provenance_of(self.settings, **self.how.constants())
        told = self.plan.told(name, self.settings.untrained)
        return Stamp(command, code, decides, told, self._files(self.plan.parts[name]))

    def _files(self, one: Control | Planned) -> dict[str, str]:
        """What a run's part is made from: its policies, its log, and the mark of its failure."""
        if isinstance(one, Control):
            return {}
        root = self.settings.root
        paths = [policy_path(root, policy) for policy in self.kept(one.id)]
        paths += [root / str(one.id) / name for name in (PROGRESS, FAILED)]
        return {
            path.relative_to(root).as_posix(): short_hash(path) for path in paths if path.is_file()
        }

    def path(self, name: str) -> Path:
        """Where a part lies."""
        parts = self.settings.parts or Path()
        return part_path(parts, self.how.schemas[0].name, name)

    def write(self, name: str) -> Path:
        """Measure one part into its file."""
        # Before the work: who goes on training meanwhile makes the part outdated.
        stamp = self.stamp(name)
        write_part(self.measure(name), stamp, self.path(name), overwrite=self.settings.overwrite)
        return self.path(name)

    def read(self, name: str) -> Part:
        """One part back.

        Raises:
            UserError: it is not there, damaged, of another code, of other settings, of another
                study, or of files that have changed since.
        """
        path, expected = self.path(name), self.stamp(name)
        if not path.exists():
            raise UserError(f"expected {WHAT}, {name}, at {path}, found none; {self._again(name)}")
        part, stamp = read_part(path, 1 + self.settings.replicates)
        check_agrees(path, stamp, expected, self._again(name))
        policies = self._policies(name)
        if (part.name, sorted(part.found)) != (name, policies):
            raise UserError(
                f"{path}: expected {name} and its {len(policies)} policies, got {part.name} and "
                f"{len(part.found)}; {self._again(name)}"
            )
        return part

    def measure_all(self) -> list[Part]:
        """Every part, measured now."""
        bar = watch(list(self.plan.parts), f"{self.plan.game}: measuring parts")
        return [self.measure(name) for name in bar]

    def read_all(self) -> list[Part]:
        """Every part, from its file; all must have been shown the same."""
        found = {name: self.read(name) for name in self.plan.parts}
        notes = next(part.notes for part in found.values())
        for name, part in found.items():
            if part.found and part.notes != notes:
                raise UserError(
                    f"{self.path(name)}: expected what the others were shown, {shown(notes)}, got "
                    f"{shown(part.notes)}; {self._again(name)}"
                )
        return list(found.values())

    def _policies(self, name: str) -> list[PolicyId]:
        one = self.plan.parts[name]
        if not isinstance(one, Control):
            return self.kept(one.id)
        seeds = one.seeds(self.settings.untrained)
        return [PolicyId(self.plan.game, UNTRAINED, seed, 0, 0) for seed in seeds]

    def _again(self, name: str) -> str:
        """What to do about a part."""
        asked = self.settings
        places = f"--study {asked.study} --root {asked.root} --parts {asked.parts}"
        command = self.how.schemas[0].command
        return f"measure it with: python -m {command} {name} {places} --overwrite"
