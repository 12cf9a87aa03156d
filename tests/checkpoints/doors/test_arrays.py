"""Arrays are read without pickle and within limits; array-likes are taken by one rule."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import save_file as save_numpy
from safetensors.torch import save_file as save_torch
from scipy.sparse import csr_array

from checkpoints.console import UserError
from checkpoints.doors import arrays
from checkpoints.doors.arrays import as_array, read_array, tensor_names

X = np.random.default_rng(0).normal(size=(7, 3))


def npy(value: np.ndarray, **options) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asanyarray(value), **options)
    return stream.getvalue()


# -- what is taken ---------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", ">i2", "u1", "?", "f2"])
@pytest.mark.parametrize("order", "CF")
def test_numbers_of_any_layout_are_read(tmp_path: Path, dtype, order):
    x = np.asarray(X * 3, dtype=dtype, order=order)
    np.save(tmp_path / "x.npy", x)
    np.savez_compressed(tmp_path / "x.npz", x)
    for name in ("x.npy", "x.npz"):
        found = read_array(tmp_path / name, "features")
        np.testing.assert_array_equal(found, x)
        assert found.dtype.isnative and found.dtype != np.float16


def test_tensors_are_read_without_torch_but_for_bfloat16(tmp_path: Path):
    save_numpy({"x": X}, tmp_path / "x.safetensors")
    np.testing.assert_array_equal(read_array(tmp_path / "x.safetensors", "features"), X)
    half = torch.tensor(X).bfloat16()
    save_torch({"x": half}, tmp_path / "b.safetensors")
    found = read_array(tmp_path / "b.safetensors", "features")
    np.testing.assert_array_equal(found, half.float().numpy())
    assert tensor_names(tmp_path / "b.safetensors") == ["x"]


def test_labels_may_be_text(tmp_path: Path):
    np.save(tmp_path / "l.npy", np.array(["a", "bc"]))
    assert read_array(tmp_path / "l.npy", "levels", text=True).tolist() == ["a", "bc"]
    with pytest.raises(UserError, match="expected features as real numbers, got <U2"):
        read_array(tmp_path / "l.npy", "features")


def test_a_header_of_python_2_is_read_without_a_warning(tmp_path: Path):
    (tmp_path / "x.npy").write_bytes(npy(X).replace(b"(7, 3), }  ", b"(7L, 3L), }"))
    np.testing.assert_array_equal(read_array(tmp_path / "x.npy", "features"), X)


def test_an_empty_array_is_read(tmp_path: Path):
    np.save(tmp_path / "x.npy", X[:0])
    assert read_array(tmp_path / "x.npy", "features").shape == (0, 3)


# -- what is refused -------------------------------------------------------------------------


def zipped(path: Path, **members: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)


WHOLE = npy(X)
BAD = {
    "pickle.npy": (npy(np.array([1, None])), "an array of objects, which takes pickle"),
    "short.npy": (WHOLE[:-1], "truncated, damaged or .*167 bytes for shape"),
    "long.npy": (WHOLE + b"x", "truncated, damaged or .*169 bytes for shape"),
    "text.npy": (b"1,2,3\n4,5,6\n", "truncated, damaged or .*magic string"),
    "empty.npy": (b"", "truncated, damaged or .*EOF"),
    "header.npy": (WHOLE.replace(b"(7, 3)", b"(7, (3"), "truncated, damaged or "),
    "negative.npy": (WHOLE.replace(b"(7, 3)", b"(-7,3)"), r"truncated.*shape \(-7, 3\)"),
    "fields.npy": (npy(np.zeros(2, [("a", "f4")])), r"truncated.*shape \(2,\) of \[\('a'"),
    "three.npy": (npy(X, version=(3, 0)), r"format \(3, 0\) of .npy"),
    "huge.npy": (WHOLE.replace(b"(7, 3), }", b"(9**9,)}"), "truncated, damaged or "),
    "complex.npy": (npy(X + 1j), "as real numbers, got complex128"),
    "nan.npy": (npy(np.where(X == X[4, 1], np.nan, X)), r"first at \(4, 1\) of \(7, 3\)"),
    "inf.npy": (npy(np.where(X == X[2, 0], -np.inf, X)), r"first at \(2, 0\) of \(7, 3\)"),
    "x.csv": (b"1,2", r"expected features in \.npy, \.npz, \.safetensors, got"),
    "no.npz": (b"PK\x03\x04", "truncated, damaged or .*not a zip file"),
    "no.safetensors": (b"\xff" * 20, "expected a complete safetensors file"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused(tmp_path: Path, name):
    content, message = BAD[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_array(tmp_path / name, "features")


def test_what_runs_when_unpickled_does_not_run(tmp_path: Path):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "sprung",))

    np.save(tmp_path / "x.npy", np.array([Trap()], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match="could run anything"):
        read_array(tmp_path / "x.npy", "features")
    assert not (tmp_path / "sprung").exists()


def test_an_archive_holds_one_array(tmp_path: Path):
    np.savez(tmp_path / "two.npz", a=X, b=X)
    with pytest.raises(UserError, match=r"expected one array, got 2 \(\['a', 'b'\]\)"):
        read_array(tmp_path / "two.npz", "features")
    save_numpy({"a": X, "b": X}, tmp_path / "two.safetensors")
    with pytest.raises(UserError, match=r"expected one tensor, got 2 \(\['a', 'b'\]\)"):
        read_array(tmp_path / "two.safetensors", "features")
    zipped(tmp_path / "pickle.npz", x=npy(np.array([None])))
    with pytest.raises(UserError, match=r"pickle\.npz: expected numbers, got an array of objects"):
        read_array(tmp_path / "pickle.npz", "features")


def test_sizes_are_limited_before_anything_is_read(tmp_path: Path, monkeypatch):
    header = WHOLE.replace(b"(7, 3), }", b"(2**40,)}").replace(b"2**40", b"99999")
    (tmp_path / "big.npy").write_bytes(header)
    np.savez_compressed(tmp_path / "bomb.npz", np.zeros(20_000))
    assert (tmp_path / "bomb.npz").stat().st_size < 1000
    np.save(tmp_path / "long.npy", np.zeros(200))
    monkeypatch.setattr(arrays, "LARGEST", 1000)
    for name in ("big.npy", "bomb.npz"):
        with pytest.raises(UserError, match="expected an array of at most 1,000 bytes, got"):
            read_array(tmp_path / name, "features")
    with pytest.raises(UserError, match="expected a file of features of at most 1,000 bytes"):
        read_array(tmp_path / "long.npy", "features")


# -- what is in memory -----------------------------------------------------------------------

TAKEN = {
    "array": X,
    "list": X.tolist(),
    "tuple": tuple(map(tuple, X)),
    "frame": pd.DataFrame(X),
    "tensor": torch.tensor(X),
    "gradient": torch.tensor(X, requires_grad=True),
    "fortran": np.asfortranarray(X),
    "unmasked": np.ma.masked_array(X, mask=False),
}


@pytest.mark.parametrize("name", TAKEN)
def test_array_likes_are_taken(name):
    found = as_array(TAKEN[name], "x")
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, X)


@pytest.mark.parametrize("half", [X.astype(np.float16), torch.tensor(X).bfloat16()])
def test_half_precision_is_widened(half):
    found = as_array(half, "x")
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, X, rtol=1e-2)


REFUSED = {
    "text": (["a", "b"], "got list of <U1"),
    "ragged": ([[1, 2], [3]], r"got list that is none .*give rows of one length"),
    "objects": (pd.DataFrame({"a": [1, "b"]}), "got DataFrame of object"),
    "sparse": (csr_array(np.eye(3)), "got csr_array of object"),
    "complex": (X + 1j, "got ndarray of complex128"),
    "dates": (np.array(["2020-01-01"], dtype="M8[D]"), r"got ndarray of datetime64\[D\]"),
    "none": (None, "got NoneType of object"),
    "masked": (np.ma.masked_array(X, mask=X > 0), "got an array with masked entries"),
    "names": ({"a": 1}, "got dict of object"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_things_are_refused_in_one_sentence(name):
    value, message = REFUSED[name]
    with pytest.raises(UserError, match=f"^layer: expected .*{message}") as caught:
        as_array(value, "layer")
    assert "\n" not in str(caught.value)
