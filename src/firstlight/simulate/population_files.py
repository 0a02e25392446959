"""Population tables as files: the packaged ones by name, and a table that holds only what it changes."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from firstlight.errors import DataError, UnknownNameError

# Names that stand for tables in the package; None is the first.
PACKAGED = {"populations": "populations.toml", "literature": "literature.toml"}

Tables = dict[str, dict[str, Any]]


def _source(path: str | Path | None) -> tuple[str, str]:
    """Where a table lies, as errors name it, and its text."""
    name = "populations" if path is None else str(path)
    if name in PACKAGED:
        file = PACKAGED[name]
        return file, resources.files("firstlight.simulate").joinpath(file).read_text(encoding="utf-8")
    if not Path(name).is_file():
        raise DataError(
            "there is no population table", where=name,
            hint=f"Give a TOML file, or one of the packaged tables: {', '.join(PACKAGED)}.",
        )  # fmt: skip
    return name, Path(name).read_text(encoding="utf-8")


def _parsed(path: str | Path | None) -> tuple[str, str, dict[str, Any], str | Path | None]:
    """Where a table lies, its text, what it says, and the table that it extends (None: no other)."""
    where, text = _source(path)
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"not TOML: {error}", where=where) from None
    base = said.pop("extends", None)
    if base is None:
        return where, text, said, None
    if not isinstance(base, str):
        raise DataError(f"`extends` names one table, not {base!r}", where=where)
    if base in PACKAGED:
        return where, text, said, base
    packaged = path is None or str(path) in PACKAGED
    return where, text, said, base if packaged else Path(where).parent / base


def read(path: str | Path | None = None) -> tuple[str, Tables, str]:
    """Where a population table lies, its classes with those of the table that it extends, and its SHA-256.

    A table with ``extends = "populations"`` (a packaged table, or a file beside it) holds only differences:
    a parameter that it names replaces that of the other table, as a whole (also `deep`), and a class that the
    other table lacks is added.

    Parameters
    ----------
    path : path or str, optional
        A TOML file, or the name of a packaged table (``"populations"``, ``"literature"``); the first of them
        when not given.

    Raises
    ------
    DataError
        No such file, not TOML, or tables that extend each other in a circle.
    UnknownNameError
        A value at the top that is no class.
    """
    first, texts, layers, seen = "", "", [], set[str]()
    at: str | Path | None = path
    while True:
        where, text, said, base = _parsed(at)
        if where in seen:
            raise DataError("the table extends itself", where=first)
        seen.add(where)
        first, texts = first or where, texts + text
        for key, value in said.items():
            if not isinstance(value, Mapping):
                raise UnknownNameError("setting", key, ["extends"], where=where)
        layers.append(said)
        if base is None:
            break
        at = base
    tables: Tables = {}
    for layer in reversed(layers):
        for name, table in layer.items():
            tables[name] = {**tables.get(name, {}), **table}
    return first, tables, hashlib.sha256(texts.encode()).hexdigest()
