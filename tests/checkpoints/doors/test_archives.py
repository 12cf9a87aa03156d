"""Archives of arrays that somebody damaged or forged: read as what they are, or refused."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from checkpoints.console import UserError
from checkpoints.doors.archives import Archive
from tests.support.hostile_files import changed_bytes

INPUTS = 600
ARRAYS = {"x": np.arange(12.0).reshape(4, 3), "y": np.array("text"), "z": np.arange(3)}
PACKINGS = (zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, zipfile.ZIP_STORED)
DTYPES = ("f8", ">f4", "i1", "O", "c8", "U4", "S0", "M8[s]", "?")


def stream(array: np.ndarray) -> bytes:
    """An array as ``.npy``."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def written(path: Path, members: list[tuple[str, bytes]], packing: int = 0) -> bytes:
    """An archive of these members, under their names as they are."""
    with zipfile.ZipFile(path, "w", PACKINGS[packing]) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path.read_bytes()


def changed(rng: np.random.Generator) -> list[tuple[str, bytes]]:
    """Members with one of them renamed, left out, retyped or damaged."""
    members = [(f"{name}.npy", stream(array)) for name, array in ARRAYS.items()]
    place, how = int(rng.integers(len(members))), rng.integers(5)
    name, content = members[place]
    if how == 0:
        del members[place]
    elif how == 1:
        others = (name[:-4], f"{name}.npy", "../x.npy", ".npy", f"a/{name}", "é.npy")
        members[place] = others[rng.integers(len(others))], content
    elif how == 2:
        kind = DTYPES[rng.integers(len(DTYPES))]
        members[place] = name, stream(np.arange(12).astype(kind))
    elif how == 3:
        members[place] = name, changed_bytes(content, rng, head=130)
    else:
        members[place] = name, content.replace(b"'shape': (", b"'shape': (9999999999, ", 1)
    return members


def test_changed_archives_are_refused_or_whole(tmp_path: Path):
    path, rng, refused = tmp_path / "a.npz", np.random.default_rng(0), 0
    for place in range(INPUTS):
        content = written(path, changed(rng), place % 4)
        if rng.random() < 0.3:
            path.write_bytes(changed_bytes(content, rng, head=len(content)))
        try:
            archive = Archive(path, "arrays", limit=10**6)
            found = {name: archive.read(name) for name in archive.members}
        except UserError as error:
            refused += 1
            assert str(path) in str(error) and len(str(error)) < 500
            continue
        for name, array in found.items():
            assert array.shape == archive.members[name].shape and not array.dtype.hasobject
    assert 0.4 * INPUTS < refused < 0.9 * INPUTS, refused


def test_an_array_is_read_by_its_name_with_or_without_ending(tmp_path: Path):
    path = tmp_path / "a.npz"
    written(path, [("x", stream(ARRAYS["x"])), ("z.npy", stream(ARRAYS["z"]))])
    archive = Archive(path, "arrays", limit=10**6)
    archive.check_names(("x", "z"))
    assert np.array_equal(archive.read("x"), ARRAYS["x"])
    assert np.array_equal(np.concatenate(list(archive.rows("x", most=24))), ARRAYS["x"])
    written(path, [("x", stream(ARRAYS["x"])), ("x.npy", stream(ARRAYS["z"]))])
    with pytest.raises(UserError, match="at most 200 arrays of different names, got 2"):
        Archive(path, "arrays", limit=10**6)


@pytest.mark.parametrize("packing", range(len(PACKINGS)))
def test_packed_bytes_that_are_damaged_are_refused_however_they_are_packed(
    packing: int, tmp_path: Path
):
    path, rng = tmp_path / "a.npz", np.random.default_rng(0)
    content = written(path, [("x.npy", stream(rng.normal(size=200)))], packing)
    for place in range(60, 1000, 20):
        path.write_bytes(content[:place] + rng.bytes(16) + content[place + 16 :])
        with pytest.raises(UserError, match="is truncated, damaged or of another format"):
            Archive(path, "an array", limit=10**6).read("x")
