"""A checkpoint is whole, or the part that is not is named."""

import hashlib
import json
import pickletools
import sys
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest

from firstlight import files
from firstlight.classifier import Checkpoint, load, read_checkpoint, tensors
from firstlight.classifier.checkpoint import PARTS
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
    Checkpoint.build(
        config=whole.config,
        weights=whole.weights,
        onnx=whole.onnx,
        card=whole.card,
        extras={"replay.parquet": b"curves"},
    ).save(path)
    assert load(path).checkpoint.extras == {"replay.parquet": b"curves"}
    assert load(load(path).save(tmp_path / "again")).checkpoint.extras == {"replay.parquet": b"curves"}
    (path / "replay.parquet").write_bytes(b"other!")
    with pytest.raises(CheckpointError, match=r"replay\.parquet was altered"):
        load(path)


def test_a_part_that_nobody_knows_is_refused(saved: Path) -> None:
    whole = read_checkpoint(saved)
    with pytest.raises(UnknownNameError, match=r"'replay\.csv'.*'replay\.parquet'"):
        Checkpoint.build(
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


@pytest.mark.parametrize("failing", ["exchange", "rename"])
def test_a_failed_exchange_leaves_the_old_checkpoint(saved: Path, monkeypatch, classifier, failing) -> None:
    """Also where the system cannot exchange two folders at once: then they are moved one after the other."""
    monkeypatch.setattr(files, "_exchanged_at_once", lambda one, other: False)
    rename, calls = Path.rename, []

    def broken(self: Path, target: Path) -> Path:
        calls.append(self)
        if failing == "rename" and len(calls) == 2:
            raise OSError("no space left")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", broken)
    if failing == "rename":
        with pytest.raises(OSError, match="no space left"):
            classifier.save(saved)
    else:
        classifier.save(saved)
    assert load(saved).hash == classifier.hash
    assert [path.name for path in saved.parent.iterdir()] == ["saved"]


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")
def test_at_every_moment_of_a_save_there_is_the_old_one_or_the_new_one(
    saved: Path, fixtures: Path, monkeypatch
) -> None:
    """Looked at before and after every call of the system that touches the place."""
    found, parts = [], dict.fromkeys((*PARTS, "config.json"), b"new")

    def watched(call):
        def watching(*args):
            found.append(sorted(path.read_bytes() == b"new" for path in saved.iterdir()))
            value = call(*args)
            found.append(sorted(path.read_bytes() == b"new" for path in saved.iterdir()))
            return value

        return watching

    monkeypatch.setattr(files, "_exchanged_at_once", watched(files._exchanged_at_once))
    monkeypatch.setattr(Path, "write_bytes", watched(Path.write_bytes))
    files.write_folder(saved, parts)
    assert len(found) == 10
    assert all(any(moment) == all(moment) for moment in found) and found[0] != found[-1]


def test_who_reads_while_another_saves_finds_the_one_or_the_other(tmp_path: Path, fixtures: Path) -> None:
    one, other = (read_checkpoint(fixtures / name) for name in ("format-1", "format-1-reference"))
    place, stop, problems = one.save(tmp_path / "it"), Event(), []

    def keep_saving() -> None:
        while not stop.is_set():
            other.save(place)
            one.save(place)

    writer = Thread(target=keep_saving)
    writer.start()
    try:
        for _ in range(100):
            try:
                assert read_checkpoint(place).hash in (one.hash, other.hash)
            except CheckpointError as error:
                problems.append(error)
    finally:
        stop.set()
        writer.join()
    assert not problems


def test_a_link_to_a_checkpoint_stays_a_link(saved: Path, tmp_path: Path, classifier) -> None:
    link = tmp_path / "link"
    link.symlink_to(saved)
    classifier.save(link)
    assert link.is_symlink() and load(saved).hash == classifier.hash


def test_building_needs_its_keys_and_knows_no_others(classifier) -> None:
    config = dict(classifier.checkpoint.config)
    parts = {"weights": {}, "onnx": b"", "card": ""}
    with pytest.raises(UnknownNameError, match="Did you mean 'training'"):
        Checkpoint.build(config={**config, "trainig": {}}, **parts)
    del config["classes"]
    with pytest.raises(CheckpointError, match="lacks 'classes'"):
        Checkpoint.build(config=config, **parts)


def test_no_part_is_a_pickle(saved: Path) -> None:
    for part in saved.iterdir():
        with pytest.raises(Exception):  # noqa: B017  (pickletools raises many things)
            list(pickletools.genops(part.read_bytes()))


def test_the_weights_cannot_be_changed_in_place(classifier) -> None:
    with pytest.raises(ValueError, match="read-only"):
        classifier.checkpoint.weights["output.bias"][0] = 1.0
