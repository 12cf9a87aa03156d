"""Methods compared with PPO, and the declared question: ``python -m analysis.contrasts``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from analysis.records.command import Output, check_outputs, finish
from checkpoints.console import run_command, say
from checkpoints.doors.places import STUDY, TABLES


@dataclass(frozen=True)
class Settings(Output):
    """Is a method more background-invariant than PPO? Effect, interval over runs, and controls.

    The answer is the factor between two methods' total variation of decisions on twins ÷ that
    between states, on backgrounds never seen in training where there are such: below 1, the
    first method depends less on the background. The primary contrast was declared before the runs
    that decide it were trained, when only seed 0 had been looked at. All other comparisons are
    secondary: q values control the share of false discoveries among what the ledger asks of one
    game and pair. One run a side has no effect. Reads tables, measures nothing anew. Writes
    contrasts.csv.
    """

    games: Positional[Annotated[tuple[str, ...], arg(metavar="[GAME ...]")]] = ()
    """games to answer for, such as starpilot; none takes all in the table"""
    tables: Path = TABLES
    """folder with emergence.csv and probes_steps.csv, and with samples.csv and samples_peers.csv"""
    study: Path = STUDY
    """which runs there should be"""


def main(settings: Settings) -> None:
    """Compare, write contrasts.csv and print the answers."""
    from analysis.records.values import value_tables
    from analysis.studies.contrasts import answers, rows, sources
    from analysis.studies.examination import asked
    from checkpoints.doors.reading import short_hash

    check_outputs(settings, (rows.SCHEMA,))
    say(f"reading tables in {settings.tables}")
    games, frame = rows.contrasts(**asked(settings, rows.contrasts))

    def show() -> None:
        for game in games:
            answers.show(frame, game)
        print("Intervals over runs (Welch); see: runs that earn more than their actions, blind.")

    peers = sources.peers_table(settings.tables)
    read = [*value_tables(settings.tables), *([peers] if peers else [])]
    noted = {
        "tables": {path.name: short_hash(path) for path in read},
        "study": short_hash(settings.study),
        "primary": rows.PRIMARY._asdict(),
    }
    finish(settings, (rows.SCHEMA,), [frame], show, games=list(games), **noted)


if __name__ == "__main__":
    run_command(main, Settings, name="python -m analysis.contrasts")
