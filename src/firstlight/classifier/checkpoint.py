"""A classifier as bytes: all that its answers depend on, verified whenever it is put together.

A checkpoint is a value: it travels to other processes with its bytes, and what lies on disk may change or go
meanwhile. On disk it is one directory::

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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from firstlight import files
from firstlight._types import AnyArray
from firstlight._version import __version__
from firstlight.classifier import tensors
from firstlight.errors import CheckpointError, UnknownNameError

FORMAT = 1
WEIGHTS, NETWORK, CARD, CONFIG = "weights.safetensors", "network.onnx", "README.md", "config.json"
PARTS = (WEIGHTS, NETWORK, CARD)
TRUST, REPLAY = "trust.safetensors", "replay.parquet"
EXTRAS = (TRUST, REPLAY)  # parts that a classifier may have
_GIVEN = ("name", "version", "classes", "preparation", "network")
_OPTIONAL: dict[str, Any] = {"surveys": [], "passbands": [], "calibration": {}, "training": {}}
_OWN = "own_surveys"  # facts of surveys that do not come with firstlight; only where there are any
_HASH = "hash"  # of all that the config says, so that an altered one is known; not in configs of old
_WRITTEN = ("format", "firstlight", "sha256", "tensors", _HASH)
_KEYS = ("format", "name", "version", "firstlight", "classes", "preparation", "network", *_OPTIONAL)
_KEYS = (*_KEYS, "sha256", "tensors")


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """All parts of a classifier, whole and unaltered, or a CheckpointError that names the part at fault.

    Parameters
    ----------
    config : mapping
        What ``config.json`` says.
    parts : mapping of str to bytes
        The other files by name: `PARTS`, and any of `EXTRAS`.
    path : Path or None
        The directory that it was read from, named in messages; nothing is read from there any more.
    """

    config: Mapping[str, Any]
    parts: Mapping[str, bytes]
    path: Path | None = None

    def __post_init__(self) -> None:
        _check_config(self.config, self.where(CONFIG))
        hashes = self.config["sha256"]
        for name in self.parts:
            if name not in hashes:
                raise UnknownNameError("part of a checkpoint", name, hashes, where=self.where())
        for name in (*PARTS, *(name for name in EXTRAS if name in hashes)):
            if name not in self.parts:
                raise CheckpointError(f"{name} is missing", where=self.where())
            if hashlib.sha256(self.parts[name]).hexdigest() != hashes[name]:
                raise CheckpointError(
                    f"{name} was altered: its hash is not the one in config.json",
                    where=self.where(),
                    hint="Copy the checkpoint again, or save it anew.",
                )
        _check_tensors(self.weights, self.config["tensors"], self.where(WEIGHTS))

    def __repr__(self) -> str:
        return (
            f"Checkpoint('{self.config['name']}', version {self.config['version']}, {len(self.parts)} parts)"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return Checkpoint, (self.config, self.parts, self.path)  # not the arrays of the weights beside them

    @classmethod
    def build(
        cls,
        *,
        config: Mapping[str, Any],
        weights: tensors.Tensors,
        onnx: bytes,
        card: str,
        extras: Mapping[str, bytes] | None = None,
    ) -> Checkpoint:
        """The checkpoint of a network that was just trained; hashes, shapes and versions are filled in.

        Parameters
        ----------
        config : mapping
            ``name``, ``version``, ``classes``, ``preparation``, ``network``, and optionally ``surveys``,
            ``passbands``, ``calibration``, ``training``, ``own_surveys``.
        weights : mapping of str to array
        onnx : bytes
        card : str
            Markdown.
        extras : mapping of str to bytes, optional
            Any of `EXTRAS`.

        Raises
        ------
        CheckpointError
            When the config lacks a key.
        UnknownNameError
            For a key that a config does not have, and for a part that nobody knows.
        """
        given = {key: value for key, value in config.items() if key not in _WRITTEN}
        for key in given:
            if key not in (*_KEYS, _OWN):
                raise UnknownNameError("key of a checkpoint's config", key, _KEYS)
        for key in _GIVEN:
            if key not in given:
                raise CheckpointError(f"the config lacks '{key}'", where="checkpoint")
        parts = {WEIGHTS: tensors.dump(weights), NETWORK: onnx, CARD: card.encode("utf-8")}
        for name, data in (extras or {}).items():
            if name not in EXTRAS:
                raise UnknownNameError("part of a checkpoint", name, EXTRAS)
            parts[name] = data
        full = {"format": FORMAT, "firstlight": __version__, **_OPTIONAL, **given}
        full["sha256"] = {name: hashlib.sha256(data).hexdigest() for name, data in parts.items()}
        full["tensors"] = {name: list(weights[name].shape) for name in sorted(weights)}
        ordered = {key: full[key] for key in (*_KEYS, _OWN) if key in full}
        config = json.loads(json.dumps(ordered))  # as one that was saved and read says it
        return cls({**config, _HASH: _digest(config)}, parts)

    @property
    def onnx(self) -> bytes:
        """The network as one ONNX graph."""
        return self.parts[NETWORK]

    @property
    def card(self) -> str:
        """``README.md``."""
        return self.parts[CARD].decode("utf-8")

    @property
    def extras(self) -> Mapping[str, bytes]:
        """Those of `EXTRAS` that this classifier has, by name."""
        return {name: self.parts[name] for name in EXTRAS if name in self.parts}

    @cached_property
    def weights(self) -> dict[str, AnyArray]:
        """The weights by name, read-only arrays."""
        return tensors.parse(self.parts[WEIGHTS], where=self.where(WEIGHTS))

    @property
    def hash(self) -> str:
        """SHA-256 over the configuration and all parts, by which an answer can be traced to them.

        How training went, epoch by epoch, is not in it: the same training gives the same hash.
        """
        training = {key: value for key, value in self.config["training"].items() if key != "history"}
        return _digest({**self.config, "training": training})

    def where(self, part: str = "") -> str:
        """How a message names this checkpoint, or a part of it."""
        home = str(self.path or f"checkpoint of '{self.config.get('name', '?')}'")
        return str(Path(home) / part) if part else home

    def save(self, path: str | Path) -> Path:
        """The directory into which the classifier was written, all of it or nothing; `load` reads it.

        A checkpoint that is there already is replaced in one step: whoever looks finds the one or the other.

        Raises
        ------
        CheckpointError
            When `path` is something else than a checkpoint.
        """
        path = Path(path)
        if holds_something_else(path):
            raise CheckpointError(
                "exists and holds no classifier",
                where=str(path),
                hint="Choose a directory that is new or empty.",
            )
        config = json.dumps(self.config, indent=2, ensure_ascii=False) + "\n"
        return files.write_folder(path, {**self.parts, CONFIG: config.encode("utf-8")})


def holds_something_else(path: Path) -> bool:
    """Whether there is something at `path` that is neither a checkpoint nor an empty directory."""
    return path.exists() and not (path / CONFIG).is_file() and (path.is_file() or any(path.iterdir()))


def read_checkpoint(path: str | Path) -> Checkpoint:
    """The checkpoint in a directory.

    Raises
    ------
    CheckpointError
        Naming the part that is missing, altered, or of a format that this version does not know.
    """
    path = Path(path)
    while True:
        with _held(path) as folder:
            try:
                return _read(path)
            except CheckpointError:
                # Replaced by another one while it was read: then the new one is read, not half of each.
                if _identity(path) == folder:
                    raise


@contextmanager
def _held(path: Path) -> Iterator[tuple[int, int] | None]:
    """The identity of a folder, which none that replaces it can have as long as it is held open."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except OSError:  # there is none, or the system opens no folders
        yield _identity(path)
        return
    try:
        status = os.fstat(handle)
        yield status.st_dev, status.st_ino
    finally:
        os.close(handle)


def _identity(path: Path) -> tuple[int, int] | None:
    """By which a folder is told from one that took its place; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _read(path: Path) -> Checkpoint:
    try:
        config = json.loads(_config_of(path).decode("utf-8"))
    except ValueError as error:
        raise CheckpointError(f"{CONFIG} cannot be read ({error})", where=str(path)) from error
    _check_config(config, str(path / CONFIG))
    found: dict[str, bytes] = {}
    for name in (*PARTS, *EXTRAS):
        if name in config["sha256"]:
            try:
                found[name] = (path / name).read_bytes()
            except FileNotFoundError:
                raise CheckpointError(f"{name} is missing", where=str(path)) from None
            except OSError as error:
                raise CheckpointError(f"{name} cannot be read ({error})", where=str(path)) from error
    return Checkpoint(config, found, path)


def _config_of(path: Path) -> bytes:
    try:
        return (path / CONFIG).read_bytes()
    except FileNotFoundError:
        what = f"{CONFIG} is missing" if path.is_dir() else "is no directory with a classifier"
        raise CheckpointError(what, where=str(path), hint="Give the directory that `save` wrote.") from None
    except OSError as error:
        raise CheckpointError(f"{CONFIG} cannot be read ({error})", where=str(path)) from error


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
        if key not in (*_KEYS, _OWN, _HASH):
            raise CheckpointError(str(UnknownNameError("key", key, _KEYS)), where=where)
    for name in PARTS:
        if name not in config["sha256"]:
            raise CheckpointError(f"lacks the hash of {name}", where=where)
    classes = config["classes"]
    if not classes or not all(isinstance(name, str) for name in classes) or len(set(classes)) < len(classes):
        raise CheckpointError("needs one or more different class names in 'classes'", where=where)

    if _HASH in config and config[_HASH] != _digest(config):
        raise CheckpointError(
            "was altered: its hash is not the one that it states",
            where=where,
            hint="Copy the checkpoint again, or save it anew.",
        )


def _digest(config: Mapping[str, Any]) -> str:
    """SHA-256 of all that a config says but its own hash; the hashes of the parts are among it."""
    said = {key: value for key, value in config.items() if key != _HASH}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _check_tensors(found: Mapping[str, AnyArray], stated: Mapping[str, Any], where: str) -> None:
    """Raise CheckpointError for a tensor that is missing, too many, or of another shape than stated."""
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
