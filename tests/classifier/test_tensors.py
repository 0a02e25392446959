"""The safetensors format: written so that others read it, read so that hostile files are refused."""

import json

import numpy as np
import pytest

from firstlight.classifier import tensors
from firstlight.errors import CheckpointError

ARRAYS = {
    "weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "bias": np.array([1.5, -2.0], np.float64),
    "scalar": np.array(3, np.int64),
    "empty": np.zeros((0, 4), np.float32),
}


def file(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def test_arrays_come_back_as_they_were() -> None:
    back = tensors.parse(tensors.dump(ARRAYS), where="x")
    assert set(back) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert back[name].dtype == array.dtype and back[name].shape == array.shape
        assert np.array_equal(back[name], array)


def test_big_endian_and_strided_arrays_are_saved_by_value() -> None:
    array = np.arange(12, dtype=">f4").reshape(3, 4)[:, ::2]
    assert np.array_equal(tensors.parse(tensors.dump({"x": array}), where="x")["x"], array)


def test_the_safetensors_package_reads_our_files_and_we_read_its() -> None:
    theirs = pytest.importorskip("safetensors.numpy")
    back = theirs.load(tensors.dump(ARRAYS))
    assert all(np.array_equal(back[name], array) for name, array in ARRAYS.items())
    ours = tensors.parse(theirs.save(ARRAYS, metadata={"format": "np"}), where="x")
    assert all(np.array_equal(ours[name], array) for name, array in ARRAYS.items())


def entry(begin: int, end: int, shape: object = (1,), dtype: str = "F32") -> dict:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cut off"),
        (b"\xff" * 8, "cut off"),
        (file({"a": entry(0, 4)}), "ends inside tensor 'a'"),
        (file({"a": entry(0, 4)}, bytes(8)), "4 bytes belong to no tensor"),
        (file({"a": entry(4, 8)}, bytes(8)), "'a' does not lie"),
        (file({"a": entry(0, 4), "b": entry(0, 4)}, bytes(4)), "does not lie"),
        (file({"a": entry(0, 4, (2,))}, bytes(4)), "'a' does not lie"),
        (file({"a": entry(0, 4, (-1,))}, bytes(4)), "'a' has no shape"),
        (file({"a": entry(0, 4, dtype="Q4")}, bytes(4)), "unknown type 'Q4'"),
        (file({"a": {"dtype": "F32", "shape": [1]}}, bytes(4)), "'a' has no place"),
        (file({"a": 3}), "no readable header"),
        (file(b'{"a": {}, "a": {}}'), "a name stands twice"),
        (file(b"\x80\x04K\x01."), "no readable header"),
        (file([1, 2]), "no readable header"),
    ],
)
def test_broken_files_are_refused_by_name(data: bytes, message: str) -> None:
    with pytest.raises(CheckpointError, match=message) as error:
        tensors.parse(data, where="some.safetensors")
    assert "some.safetensors" in str(error.value)


def test_objects_cannot_be_saved() -> None:
    with pytest.raises(CheckpointError, match="tensor 'x'"):
        tensors.dump({"x": np.array([object()])})
