"""Damaged and hostile files, drawn by a seed: of JSON, of tensors, of text and of bytes."""

import json
import struct
from typing import Any

import numpy as np

VALUES = (
    None,
    True,
    -1,
    0,
    2**63,
    10**400,
    1.5,
    float("nan"),
    float("inf"),
    -1e308,
    "",
    "x" * 5000,
    "../../x",
    "\u0000",
    "\ud800",
    "$\\frac$",
    [],
    [[[]]],
    [None],
    {},
    {"a": 1},
)
DTYPES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I8": 1, "U8": 1, "BOOL": 1}


def places(value: Any, path: tuple = ()) -> list[tuple]:
    """Paths to every value in parsed JSON."""
    found = [path] if path else []
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            found += places(inner, (*path, key))
    return found


def changed_json(value: Any, rng: np.random.Generator) -> Any:
    """A copy with one value replaced, left out or added."""
    copy = json.loads(json.dumps(value))
    path = (paths := places(copy))[rng.integers(len(paths))]
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    how = rng.integers(3)
    if how == 0:
        del inner[path[-1]]
    elif how == 1 and isinstance(inner, dict):
        inner[("unheard_of", "\ud800")[rng.integers(2)]] = VALUES[rng.integers(len(VALUES))]
    else:
        inner[path[-1]] = VALUES[rng.integers(len(VALUES))]
    return copy


def changed_bytes(content: bytes, rng: np.random.Generator, head: int = 400) -> bytes:
    """Cut, prolonged, emptied, or with bytes changed within its first ``head``."""
    how = rng.integers(5)
    if how == 0:
        return content[: rng.integers(len(content))]
    if how == 1:
        return content + rng.bytes(int(rng.integers(1, 100)))
    if how == 2:
        return rng.bytes(int(rng.integers(0, 3000)))
    at = int(rng.integers(min(head, len(content) - 8)))
    return content[:at] + rng.bytes(int(rng.integers(1, 8))) + content[at + 8 * (how == 3) :]


def split_tensors(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and payload of a safetensors file."""
    size = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def joined_tensors(header: Any, payload: bytes) -> bytes:
    """A safetensors file of them."""
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + payload


def changed_tensors(content: bytes, key: str, rng: np.random.Generator) -> bytes:
    """A safetensors file with its metadata, its index, one tensor or its bytes changed.

    Args:
        content: of a sound file.
        key: of its metadata that holds JSON.
        rng: draws the change.
    """
    how = rng.integers(8)
    if how == 0:
        return changed_bytes(content, rng)
    header, payload = split_tensors(content)
    if how <= 3:
        inner = changed_json(json.loads(header["__metadata__"][key]), rng)
        text = json.dumps(inner)
        header["__metadata__"][key] = text if rng.random() < 0.9 else text[: len(text) // 2]
        return joined_tensors(header, payload)
    if how == 4:
        return joined_tensors(changed_json(header, rng), payload)
    names = sorted(set(header) - {"__metadata__"})
    one = header[names[rng.integers(len(names))]]
    start, end = one["data_offsets"]
    if how == 5:  # the same bytes as another type and shape
        dtype = list(DTYPES)[rng.integers(len(DTYPES))]
        one["dtype"], one["shape"] = dtype, [(end - start) // DTYPES[dtype]]
    elif how == 6:  # another shape of as many
        one["shape"] = [*one["shape"], 1] if rng.random() < 0.5 else one["shape"][::-1]
    else:
        spoiled = np.full((end - start) // 2, 0x7FC0, np.uint16).tobytes()
        payload = payload[:start] + spoiled + payload[start + len(spoiled) :]
    return joined_tensors(header, payload)
