"""A checkpoint is whole, or the part that is not is named."""

import hashlib
import json
import pickletools
from pathlib import Path

import numpy as np
import pytest

from firstlight.classifier import load, read_checkpoint, tensors, write_checkpoint
from firstlight.errors import CheckpointError, FirstlightError, UnknownNameError


def edit(path: Path, change) -> None:
    config = json.loads((path / "config.json").read_text())
    change(config)
    (path / "config.json").write_text(json.dumps(config))


def put(path: Path, part: str, data: bytes) -> None:
    """Replace a part together with its hash, as somebody would who means it."""
    (path / part).write_bytes(data)
    edit(path, lambda config: config["sha256"].update({part: hashlib.sha256(data).hexdigest()}))


@pytest.mark.parametrize("part", ["config.json", "weights.safetensors", "network.onnx", "README.md"])
def test_a_missing_part_is_named(saved: Path, part: str) -> None:
    (saved / part).unlink()
    with pytest.raises(CheckpointError, match=f"{part} is missing"):
        load(saved)


@pytest.mark.parametrize("part", ["weights.safetensors", "network.onnx", "README.md"])
def test_an_altered_part_is_named(saved: Path, part: str) -> None:
    data = bytearray((saved / part).read_bytes())
    data[len(data) // 2] ^= 1
    (saved / part).write_bytes(data)
    with pytest.raises(CheckpointError, match=f"{part} was altered"):
        load(saved)


def test_further_parts_are_kept_and_verified(saved: Path, tmp_path: Path) -> None:
    whole = read_checkpoint(saved)
    path = tmp_path / "with-replay"
    write_checkpoint(
        path,
        config=whole.config,
        weights=whole.weights,
        onnx=whole.onnx,
        card=whole.card,
        extras={"replay.parquet": b"curves"},
    )
    assert load(path).checkpoint.extras == {"replay.parquet": b"curves"}
    assert load(load(path).save(tmp_path / "again")).checkpoint.extras == {"replay.parquet": b"curves"}
    (path / "replay.parquet").write_bytes(b"other!")
    with pytest.raises(CheckpointError, match=r"replay\.parquet was altered"):
        load(path)


def test_a_part_that_nobody_knows_is_refused(saved: Path, tmp_path: Path) -> None:
    whole = read_checkpoint(saved)
    with pytest.raises(UnknownNameError, match=r"'replay\.csv'.*'replay\.parquet'"):
        write_checkpoint(
            tmp_path / "new",
            config=whole.config,
            weights=whole.weights,
            onnx=whole.onnx,
            card=whole.card,
            extras={"replay.csv": b""},
        )


def test_another_format_is_named(saved: Path) -> None:
    edit(saved, lambda config: config.update(format=2))
    with pytest.raises(CheckpointError, match=r"format 2.*reads format 1"):
        load(saved)


def test_config_keys_are_strict(saved: Path) -> None:
    edit(saved, lambda config: config.update(clases=[]))
    with pytest.raises(CheckpointError, match=r"'clases'.*Did you mean 'classes'"):
        load(saved)


@pytest.mark.parametrize("key", ["classes", "preparation", "sha256", "tensors"])
def test_a_missing_key_is_named(saved: Path, key: str) -> None:
    edit(saved, lambda config: config.pop(key))
    with pytest.raises(CheckpointError, match=f"lacks '{key}'"):
        load(saved)


def test_tensors_that_are_missing_extra_or_misshaped_are_named(saved: Path) -> None:
    weights = dict(read_checkpoint(saved).weights)
    one = weights["output.bias"]
    for changed, message in (
        (
            {name: array for name, array in weights.items() if name != "output.bias"},
            "'output.bias' is missing",
        ),
        ({**weights, "more": one}, "'more' is not one of this network"),
        ({**weights, "output.bias": one[:-1]}, r"'output.bias' has shape \[5\] instead of \[6\]"),
    ):
        put(saved, "weights.safetensors", tensors.dump(changed))
        with pytest.raises(CheckpointError, match=message):
            load(saved)


def test_a_network_that_does_not_fit_the_config_is_named(saved: Path, fixtures: Path) -> None:
    put(saved, "network.onnx", (fixtures / "format-1-reference" / "network.onnx").read_bytes())
    with pytest.raises(CheckpointError, match="23 features"):
        load(saved)
    put(saved, "network.onnx", b"this is no network")
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        load(saved)


def test_a_preparation_of_the_future_is_refused(saved: Path) -> None:
    edit(saved, lambda config: config["preparation"].update(version=2))
    with pytest.raises(CheckpointError, match="version 2 of the preparation"):
        load(saved)


def test_garbage_instead_of_any_part_is_an_error_of_ours(saved: Path) -> None:
    random = np.random.default_rng(0)
    for part in ("config.json", "weights.safetensors", "network.onnx"):
        original = (saved / part).read_bytes()
        for _ in range(20):
            data = bytearray(original[: random.integers(1, len(original))])
            data[random.integers(len(data))] = random.integers(256)
            (saved / part).write_bytes(data)
            with pytest.raises(FirstlightError):
                load(saved)
        (saved / part).write_bytes(original)


def test_saving_replaces_a_checkpoint_and_nothing_else(saved: Path, tmp_path: Path, classifier) -> None:
    classifier.save(saved)
    assert load(saved).hash == classifier.hash
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "chapter1.tex").write_text("years of work")
    with pytest.raises(CheckpointError, match="holds no classifier"):
        classifier.save(other)
    assert (other / "chapter1.tex").exists()
    assert not list(tmp_path.glob(".*")), "nothing temporary stays"


def test_a_failed_save_leaves_the_old_checkpoint(saved: Path, monkeypatch, classifier) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="disk full"):
        classifier.save(saved)
    monkeypatch.undo()
    assert load(saved).hash == classifier.hash
    assert [path.name for path in saved.parent.iterdir()] == ["saved"]


def test_writing_needs_its_keys_and_knows_no_others(tmp_path: Path, classifier) -> None:
    config = dict(classifier.checkpoint.config)
    parts = {"weights": {}, "onnx": b"", "card": ""}
    with pytest.raises(UnknownNameError, match="Did you mean 'training'"):
        write_checkpoint(tmp_path / "x", config={**config, "trainig": {}}, **parts)
    del config["classes"]
    with pytest.raises(CheckpointError, match="lacks 'classes'"):
        write_checkpoint(tmp_path / "x", config=config, **parts)


def test_no_part_is_a_pickle(saved: Path) -> None:
    for part in saved.iterdir():
        with pytest.raises(Exception):  # noqa: B017  (pickletools raises many things)
            list(pickletools.genops(part.read_bytes()))


def test_the_weights_cannot_be_changed_in_place(classifier) -> None:
    with pytest.raises(ValueError, match="read-only"):
        classifier.checkpoint.weights["output.bias"][0] = 1.0
