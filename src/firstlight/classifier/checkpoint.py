"""A classifier on disk: one directory that holds all that its answers depend on, verified when read.

::

    config.json           format, name, version, classes, preparation, network, calibration, training, hashes
    weights.safetensors   the weights, to train on from
    network.onnx          the same network, to answer with
    README.md             the card: data, classes, measures, limits
    trust.safetensors     where there is one: what conformal sets and novelty are computed from
    replay.parquet        where there is one: some of the simulated light curves it learnt from

Nothing in it is a pickle, and nothing in it runs when it is read.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from firstlight.classifier import tensors
from firstlight.errors import CheckpointError, UnknownNameError

FORMAT = 1
PARTS = ("weights.safetensors", "network.onnx", "README.md")
EXTRAS = ("trust.safetensors", "replay.parquet")  # parts that a classifier may have
_GIVEN = ("name", "version", "classes", "preparation", "network")
_OPTIONAL: dict[str, Any] = {"surveys": [], "passbands": [], "calibration": {}, "training": {}}
_OWN = "own_surveys"  # facts of surveys that do not come with firstlight; only where there are any
_WRITTEN = ("format", "firstlight", "sha256", "tensors")
_KEYS = ("format", "name", "version", "firstlight", "classes", "preparation", "network", *_OPTIONAL)
_KEYS = (*_KEYS, "sha256", "tensors")


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The parts of a saved classifier.

    Attributes
    ----------
    path : Path
        The directory.
    config : mapping
        What ``config.json`` says.
    onnx : bytes
        The network as one ONNX graph.
    card : str
        ``README.md``.
    """

    path: Path
    config: Mapping[str, Any]
    onnx: bytes
    card: str

    @cached_property
    def extras(self) -> Mapping[str, bytes]:
        """Those of `EXTRAS` that this classifier has, by name."""
        known = self.config["sha256"]
        return {name: _part(self.path, name, known) for name in EXTRAS if name in known}

    @cached_property
    def weights(self) -> dict[str, NDArray[Any]]:
        """The weights by name, read-only arrays.

        Raises
        ------
        CheckpointError
            When a tensor is missing, too many, or of another shape than the checkpoint states.
        """
        where = str(self.path / "weights.safetensors")
        found = tensors.parse(_part(self.path, "weights.safetensors", self.config["sha256"]), where=where)
        stated = self.config["tensors"]
        for name in stated:
            if name not in found:
                raise CheckpointError(f"tensor '{name}' is missing", where=where)
        for name, array in found.items():
            if name not in stated:
                raise CheckpointError(f"tensor '{name}' is not one of this network", where=where)
            if list(array.shape) != list(stated[name]):
                raise CheckpointError(
                    f"tensor '{name}' has shape {list(array.shape)} instead of {stated[name]}", where=where
                )
        return found

    @property
    def hash(self) -> str:
        """SHA-256 of the weights, by which an answer can be traced to them."""
        return str(self.config["sha256"]["weights.safetensors"])


def read_checkpoint(path: str | Path) -> Checkpoint:
    """The checkpoint in a directory, every part verified.

    Raises
    ------
    CheckpointError
        Naming the part that is missing, altered, or of a format that this version does not know.
    """
    path = Path(path)
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        what = "config.json is missing" if path.is_dir() else "is no directory with a classifier"
        raise CheckpointError(what, where=str(path), hint="Give the directory that `save` wrote.") from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"config.json cannot be read ({error})", where=str(path)) from error
    _check_config(config, str(path / "config.json"))
    checkpoint = Checkpoint(
        path,
        config,
        _part(path, "network.onnx", config["sha256"]),
        _part(path, "README.md", config["sha256"]).decode("utf-8"),
    )
    # So that a broken checkpoint fails now and not when it is trained on.
    _ = checkpoint.weights, checkpoint.extras
    return checkpoint


def write_checkpoint(
    path: str | Path,
    *,
    config: Mapping[str, Any],
    weights: tensors.Tensors,
    onnx: bytes,
    card: str,
    extras: Mapping[str, bytes] | None = None,
) -> Path:
    """The path of the directory into which a classifier was written, all of it or nothing.

    Parameters
    ----------
    path : path
        A new directory, or a checkpoint to be replaced.
    config : mapping
        ``name``, ``version``, ``classes``, ``preparation``, ``network``, and optionally ``surveys``,
        ``passbands``, ``calibration``, ``training``, ``own_surveys``. The rest is filled in here.
    weights : mapping of str to array
    onnx : bytes
    card : str
        Markdown.
    extras : mapping of str to bytes, optional
        Any of `EXTRAS`.

    Raises
    ------
    CheckpointError
        When `path` is something else than a checkpoint, or the config lacks a key.
    UnknownNameError
        For a key that a config does not have.
    """
    from firstlight import __version__

    path = Path(path)
    given = {key: value for key, value in config.items() if key not in _WRITTEN}
    for key in given:
        if key not in (*_KEYS, _OWN):
            raise UnknownNameError("key of a checkpoint's config", key, _KEYS)
    for key in _GIVEN:
        if key not in given:
            raise CheckpointError(f"the config lacks '{key}'", where=str(path))
    parts = {
        "weights.safetensors": tensors.dump(weights),
        "network.onnx": onnx,
        "README.md": card.encode("utf-8"),
    }
    for name, data in (extras or {}).items():
        if name not in EXTRAS:
            raise UnknownNameError("part of a checkpoint", name, EXTRAS)
        parts[name] = data
    full = {"format": FORMAT, "firstlight": __version__, **_OPTIONAL, **given}
    full["sha256"] = {name: hashlib.sha256(data).hexdigest() for name, data in parts.items()}
    full["tensors"] = {name: list(weights[name].shape) for name in sorted(weights)}
    ordered = {key: full[key] for key in (*_KEYS, _OWN) if key in full}
    parts["config.json"] = (json.dumps(ordered, indent=2, ensure_ascii=False) + "\n").encode("utf-8")
    _replace(path, parts)
    return path


def _replace(path: Path, parts: Mapping[str, bytes]) -> None:
    """Put a directory with `parts` at `path`: written beside it first, then renamed."""
    if path.exists() and not (path / "config.json").is_file() and (path.is_file() or any(path.iterdir())):
        raise CheckpointError(
            "exists and holds no classifier", where=str(path), hint="Choose a directory that is new or empty."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        for name, data in parts.items():
            (fresh / name).write_bytes(data)
        fresh.chmod(0o777 & ~_umask())
        if path.exists():
            old = fresh.with_name(f"{fresh.name}-old")
            path.rename(old)
            fresh.rename(path)
            shutil.rmtree(old)
        else:
            fresh.rename(path)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _part(path: Path, name: str, hashes: Mapping[str, str]) -> bytes:
    try:
        data = (path / name).read_bytes()
    except FileNotFoundError:
        raise CheckpointError(f"{name} is missing", where=str(path)) from None
    except OSError as error:
        raise CheckpointError(f"{name} cannot be read ({error})", where=str(path)) from error
    if hashlib.sha256(data).hexdigest() != hashes[name]:
        raise CheckpointError(
            f"{name} was altered: its hash is not the one in config.json",
            where=str(path),
            hint="Copy the checkpoint again, or save it anew.",
        )
    return data


def _check_config(config: Any, where: str) -> None:
    if not isinstance(config, dict) or "format" not in config:
        raise CheckpointError("is no config of a firstlight classifier", where=where)
    if config["format"] != FORMAT:
        raise CheckpointError(
            f"has format {config['format']!r}; this version of firstlight reads format {FORMAT}",
            where=where,
            hint="Update firstlight, or save the classifier with this version.",
        )
    for key in _KEYS:
        if key not in config:
            raise CheckpointError(f"lacks '{key}'", where=where)
    for key in config:
        if key not in (*_KEYS, _OWN):
            raise CheckpointError(str(UnknownNameError("key", key, _KEYS)), where=where)
    for name in PARTS:
        if name not in config["sha256"]:
            raise CheckpointError(f"lacks the hash of {name}", where=where)
    classes = config["classes"]
    if not classes or not all(isinstance(name, str) for name in classes) or len(set(classes)) < len(classes):
        raise CheckpointError("needs one or more different class names in 'classes'", where=where)
