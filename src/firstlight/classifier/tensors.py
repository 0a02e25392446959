"""The safetensors format: named arrays in one file, read and written without running anything.

Eight bytes hold the length of a JSON header, which gives type, shape and place of each tensor; the rest is
their bytes, without holes (https://github.com/huggingface/safetensors#format).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.errors import CheckpointError

_TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U8": "|u1",
    "BOOL": "|b1",
}
_NAMES = {np.dtype(code): name for name, code in _TYPES.items()}
_LARGEST_HEADER = 100_000_000

Tensors = Mapping[str, NDArray[Any]]


def dump(tensors: Tensors) -> bytes:
    """The bytes of a safetensors file that holds `tensors`, in order of their names."""
    header: dict[str, Any] = {}
    chunks: list[bytes] = []
    end = 0
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name])
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        if array.dtype not in _NAMES:
            raise CheckpointError(f"numbers of type {array.dtype} cannot be saved", where=f"tensor '{name}'")
        chunks.append(array.tobytes())
        begin, end = end, end + array.nbytes
        header[name] = {
            "dtype": _NAMES[array.dtype],
            "shape": list(np.shape(tensors[name])),
            "data_offsets": [begin, end],
        }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the format asks for aligned data
    return len(text).to_bytes(8, "little") + text + b"".join(chunks)


def parse(data: bytes, *, where: str) -> dict[str, NDArray[Any]]:
    """The arrays of a safetensors file.

    Raises
    ------
    CheckpointError
        When the file is cut off, has holes or names twice, or anything else that the format forbids.
    """
    header, start = _header(data, where)
    header.pop("__metadata__", None)
    tensors: dict[str, NDArray[Any]] = {}
    place = 0
    for name, entry in sorted(header.items(), key=lambda item: _offsets(item, where)):
        begin, end = _offsets((name, entry), where)
        shape, kind = entry.get("shape"), _TYPES.get(str(entry.get("dtype")))
        if kind is None:
            raise CheckpointError(f"tensor '{name}' has unknown type {entry.get('dtype')!r}", where=where)
        if not isinstance(shape, list) or not all(isinstance(size, int) and size >= 0 for size in shape):
            raise CheckpointError(f"tensor '{name}' has no shape", where=where)
        if begin != place or end - begin != math.prod(shape) * np.dtype(kind).itemsize:
            raise CheckpointError(f"tensor '{name}' does not lie where its header says", where=where)
        place = end
        if start + end > len(data):
            raise CheckpointError(f"the file ends inside tensor '{name}'", where=where)
        tensors[name] = np.frombuffer(data, kind, math.prod(shape), start + begin).reshape(shape)
    if start + place != len(data):
        raise CheckpointError(f"{len(data) - start - place} bytes belong to no tensor", where=where)
    return tensors


def _header(data: bytes, where: str) -> tuple[dict[str, Any], int]:
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(_LARGEST_HEADER, len(data) - 8):
        raise CheckpointError("is cut off or no safetensors file", where=where)
    try:
        header = json.loads(data[8 : 8 + length], object_pairs_hook=_unique)
    except ValueError as error:
        raise CheckpointError(f"has no readable header ({error})", where=where) from error
    if not isinstance(header, dict) or not all(isinstance(entry, dict) for entry in header.values()):
        raise CheckpointError("has no readable header", where=where)
    return header, 8 + length


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def _offsets(item: tuple[str, Any], where: str) -> tuple[int, int]:
    offsets = item[1].get("data_offsets")
    if (
        not isinstance(offsets, list)
        or len(offsets) != 2
        or not all(type(place) is int and place >= 0 for place in offsets)
    ):
        raise CheckpointError(f"tensor '{item[0]}' has no place", where=where)
    return offsets[0], offsets[1]
