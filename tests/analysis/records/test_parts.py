"""Files of parts: what is written comes back, and what is forged does not."""

import gc
import json
from pathlib import Path

import numpy as np
import pytest

from analysis.records.parts import Part, Stamp, read_part, write_part
from analysis.records.values import RETURN, Cell
from checkpoints.console import UserError
from checkpoints.policy.ids import PolicyId
from tests.support.disk import full_after

STAMP = Stamp("analysis.emergence", {"torch": "2"}, {"seed": 0}, {"mode": "easy"}, {"a": "b"})
POLICIES = [PolicyId("leaper", "ppo", 0, 0, step) for step in (64, 128)]
KEYS = ("icc_one_way", "hidden"), (RETURN, "episodes")
LENGTH = 5


def part() -> Part:
    rng = np.random.default_rng(0)

    def cells() -> dict:
        return {key: Cell(rng.normal(size=LENGTH), "ok") for key in KEYS}

    found = {one: cells() for one in POLICIES}
    found[POLICIES[0]][KEYS[0]] = Cell(np.full(LENGTH, np.nan), "vacuous")
    begun = {POLICIES[0].run: {("cka_final", "hidden"): rng.normal(size=(2, LENGTH))}}
    codes = {one: "code" for one in POLICIES}
    return Part("leaper/ppo/0", ("nature", 8), found, begun, codes, 128, "failed: so", {"b": [1]})


def test_a_part_comes_back_to_the_bit_and_is_the_same_file_twice(tmp_path):
    paths = tmp_path / "a" / "x.npz", tmp_path / "b" / "x.npz"
    for path in paths:
        write_part(part(), STAMP, path, overwrite=False)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    (found, stamp), made = read_part(paths[0], LENGTH), part()
    assert stamp == STAMP
    for name in ("name", "kind", "codes", "logged", "ended", "notes"):
        assert getattr(found, name) == getattr(made, name)
    for policy, cells in made.found.items():
        assert list(found.found[policy]) == list(cells)
        for key, cell in cells.items():
            np.testing.assert_array_equal(found.found[policy][key].draws, cell.draws)
            assert found.found[policy][key].verdict == cell.verdict
    ((name, starts),) = found.begun.items()
    np.testing.assert_array_equal(*(x["cka_final", "hidden"] for x in (starts, made.begun[name])))


def test_a_run_that_keeps_nothing_has_a_part(tmp_path):
    nothing = Part("leaper/ppo/0", ("nature", 8), {}, ended="nothing kept")
    write_part(nothing, STAMP, tmp_path / "x.npz", overwrite=False)
    found, _ = read_part(tmp_path / "x.npz", LENGTH)
    assert (found.found, found.ended) == ({}, "nothing kept")


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path, capsys):
    with full_after(300), pytest.raises(UserError, match=r"to write .*File too large"):
        write_part(part(), STAMP, tmp_path / "x.npz", overwrite=False)
    gc.collect()  # a zip file left open would now print how its closing failed
    assert not list(tmp_path.iterdir()) and not capsys.readouterr().err


FORGED = {
    "no JSON": (lambda a, h: {"header": np.frombuffer(b"{", np.uint8)}, "header: expected JSON"),
    "bytes": (lambda a, h: {"header": a["header"][None]}, "expected a header of bytes, got uint8"),
    "format": (
        lambda a, h: h | {"format": 2},
        "expected a part of a measurement of format 1, got 2",
    ),
    "unknown": (lambda a, h: h | {"more": 1}, "header: .* unknown field `more`"),
    "missing": (
        lambda a, h: {k: v for k, v in h.items() if k != "stamp"},
        "missing required field",
    ),
    "an id": (lambda a, h: h | {"cells": [["../x", *c[1:]] for c in h["cells"]]}, "expected an id"),
    "fewer": (lambda a, h: h | {"cells": h["cells"][:3]}, r"draws as finite float64 \(3, 5\), got"),
    "one step less": (
        lambda a, h: {"draws": a["draws"][:3], **(h | {"cells": h["cells"][:3]})},
        "expected the return and all measures at each step, got fewer: damaged",
    ),
    "infinite": (lambda a, h: {"draws": a["draws"] + np.inf}, "draws as finite float64"),
    "short": (
        lambda a, h: {"starts": a["starts"][:, :3]},
        r"starts as finite float64 \(2, 5\), got",
    ),
    "strange": (
        lambda a, h: {"extra": np.zeros(1)},
        "unknown array 'extra'; expected header, draws",
    ),
    "objects": (lambda a, h: {"draws": a["draws"].astype(object)}, "got an array of objects"),
}


@pytest.mark.parametrize("kind", FORGED)
def test_what_is_forged_is_refused(tmp_path: Path, kind: str):
    forge, message = FORGED[kind]
    path = tmp_path / "x.npz"
    write_part(part(), STAMP, path, overwrite=False)
    arrays = dict(np.load(path))
    changes = forge(arrays, json.loads(arrays["header"].tobytes()))
    of_arrays = {
        name: changes.pop(name)
        for name in (*arrays, "extra")
        if name in changes and isinstance(changes[name], np.ndarray)
    }
    if changes:
        of_arrays["header"] = np.frombuffer(json.dumps(changes).encode(), np.uint8)
    np.savez(path, **(arrays | of_arrays))
    with pytest.raises(UserError, match=message):
        read_part(path, LENGTH)
