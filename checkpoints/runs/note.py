"""What an engine is told of a run: a small file that says how it stands, once that is settled."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from checkpoints.doors.writing import write_text
from checkpoints.runs.folder import TRIES, Standing, standing
from checkpoints.runs.study import Planned


def note_path(folder: Path, run: Planned) -> Path:
    """Where the note of a run lies."""
    return folder / f"{str(run.id).replace('/', '+')}.json"


def settled(now: Standing) -> bool:
    """Whether the run is done, or has failed so often at one step that it is given up."""
    return now.state == "done" or (now.state == "failed" and now.times >= TRIES)


def write_note(path: Path, run: Planned, now: Standing) -> None:
    """Write how a run stands; a file that says so already is left as it is, with its time."""
    text = json.dumps({"run": str(run.id), "wanted": run.steps, **asdict(now)}, indent=1) + "\n"
    if not path.is_file() or path.read_bytes() != text.encode():
        write_text(path, text)


def note_all(
    study: Iterable[Planned], output: Path, notes: Path, *, training: bool, retry: bool = False
) -> None:
    """Bring all notes up to date without training anything.

    Args:
        study: its runs.
        output: folder of runs.
        notes: folder of notes.
        training: whether what is not done will be trained: it then has no note, except where it
            failed and its note says so; else each run has one that says how it stands.
        retry: of training: whether what failed is tried again.
    """
    for run in study:
        path = note_path(notes, run)
        now = standing(output / str(run.id), run.steps)
        given_up = now.state == "failed" and path.is_file() and not retry
        if now.state == "done" or given_up or not training:
            write_note(path, run, now)
        else:
            path.unlink(missing_ok=True)


def complaints(study: Iterable[Planned], output: Path) -> Iterator[str]:
    """A line for each run that failed, and what to do; none if none did."""
    found = {str(run.id): standing(output / str(run.id), run.steps) for run in study}
    failed = {name: now for name, now in found.items() if now.state == "failed"}
    for name, now in failed.items():
        yield f"failed: {name} at step {now.step:,}: {now.why}"
    if failed:
        yield "their rows say so; to train them again: make study CONFIG=retry=1"
