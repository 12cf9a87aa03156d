"""What the page plays: an episode's frames on every background, and shipped policies as files."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from analysis.records.tables import read_provenance
from analysis.studies.player import SCHEMA
from analysis.studies.player_worlds import SCHEMA as OTHERS
from checkpoints.console import UserError
from checkpoints.doors.reading import read_bytes
from checkpoints.policy.ids import PolicyId, parse_id
from checkpoints.policy.store import ZOO, find_policies, list_policies, policy_path
from checkpoints.policy.store import read_provenance as made_by
from figures.browser.sources import PagePart, PagePlaces, source
from figures.kit.rows import command_of, load_rows

COMMAND = command_of(SCHEMA)
FOLDER = SCHEMA.name
"""Of the frames, inside the folder of tables."""
LARGEST = 10**8
"""Bytes of a game's frames at most."""


def usual(games: Sequence[str], root: Path = ZOO) -> list[PolicyId]:
    """Of each game and method the first run's first peer, at its last kept step."""
    first: dict[tuple[str, str], PolicyId] = {}
    for one in list_policies(root):
        if one.game in games:
            first.setdefault((one.game, one.method), one)
    return [
        find_policies(PolicyId(*key, one.seed, one.peer), root)[-1] for key, one in first.items()
    ]


def named(ids: Sequence[str], root: Path = ZOO) -> list[PolicyId]:
    """The policies that ids mean, each once.

    Raises:
        UserError: an id of nothing that is kept.
    """
    found = [one for text in ids for one in find_policies(parse_id(text), root)]
    return list(dict.fromkeys(found))


def player(
    places: PagePlaces, ids: Sequence[str] = (), root: Path = ZOO
) -> tuple[PagePart, dict[str, bytes]]:
    """The player's part of the page, and the files that it needs by their slots' names.

    Args:
        places: where tables lie.
        ids: policies to carry; :func:`usual` if none is given.
        root: where policies lie.

    Raises:
        UserError: an id of nothing that is kept, or a damaged policy.
    """
    try:
        worlds, states, frames, told = _worlds(places)
    except (UserError, KeyError) as error:
        return {"missing": str(error)}, {}
    policies: list[PagePart] = []
    files: dict[str, bytes] = {}
    for number, one in enumerate(named(ids, root) or usual(list(worlds), root)):
        content = policy_path(root, one).read_bytes()
        files[f"policy-{number}"] = content
        policies.append(_policy(one, content, root) | {"slot": f"policy-{number}"})
    shown: PagePart = {}
    for number, (name, world) in enumerate(worlds.items()):
        slot = f"frames-{number}"
        files[slot] = frames[name]
        shown[name] = {**world, "slot": slot, "states": states[name].to_dict("records")}
    return {**told, "worlds": shown, "policies": policies}, files


def _worlds(
    places: PagePlaces,
) -> tuple[dict[str, PagePart], dict[str, pd.DataFrame], dict[str, bytes], PagePart]:
    """What is known of each world, its states, its frames; and where they come from."""
    rows = load_rows(places.tables, SCHEMA)
    states = {str(name): some.drop(columns="game") for name, some in rows.groupby("game")}
    told: PagePart = {"sources": [source(places, SCHEMA)], "lacking": ""}
    try:
        others = load_rows(places.tables, OTHERS)
        states |= {str(name): some.drop(columns="world") for name, some in others.groupby("world")}
        told["sources"].append(source(places, OTHERS))
    except UserError as error:
        told["lacking"] = str(error)
    known = read_provenance(places.tables / f"{SCHEMA.name}.csv")["worlds"]
    worlds = {name: world for name, world in known.items() if name in states}
    frames = {name: _content(places.tables / FOLDER / f"{name}.webp") for name in worlds}
    return worlds, states, frames, told


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise UserError(f"expected frames at {path}, found no file; write them with: {COMMAND}")
    return read_bytes(path, limit=LARGEST, what="frames")


def _policy(one: PolicyId, content: bytes, root: Path) -> PagePart:
    made = made_by(policy_path(root, one))
    return {
        "id": str(one),
        "key": str(one),
        "game": one.game,
        "method": one.method,
        "sha256": hashlib.sha256(content).hexdigest()[:16],
        "steps": made.steps,
        "returns": made.returns,
        "backgrounds": list(made.recipe.get("backgrounds", [])),
    }
