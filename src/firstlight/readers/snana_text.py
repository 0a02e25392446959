"""SNANA text files: ``KEY: value`` lines, then ``VARLIST:`` and one ``OBS:`` line an observation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from firstlight import facts
from firstlight.errors import DataError
from firstlight.readers.columns import listed
from firstlight.readers.photometry import Photometry, floats, from_rows
from firstlight.readers.snana_objects import DETECTION_BIT, Columns, metadata, survey_of
from firstlight.readers.text import content

_KEY = re.compile(r"^\s*([A-Za-z][\w-]*):\s*(.*)$")
# The older text files spell the host's columns otherwise.
_HOST = {
    "HOST_GALAXY_PHOTO-Z": "HOSTGAL_PHOTOZ",
    "HOST_GALAXY_SPEC-Z": "HOSTGAL_SPECZ",
    "REDSHIFT_SPEC": "HOSTGAL_SPECZ",
}
_SN_TYPE = re.compile(r"SN Type\s*=\s*([^,]+)")
_GOOD_LINES = ("VARLIST", "OBS", "END")


def is_snana_text(start: str) -> bool:
    """Whether a text begins like a SNANA file of one object."""
    return bool(re.search(r"^\s*(SNID|SURVEY):", start, re.MULTILINE))


def read_snana_text(path: Path, *, label: str | None, survey: Any, report: list[str]) -> Photometry:
    """Photometry of one text file or of all those in a folder.

    Parameters
    ----------
    path : Path
    label : str or None
        Key of the class, e.g. ``SNTYPE``; of ``SIM_COMMENT`` the type named in it.
    survey : optional
        Where the files name none that is known.
    """
    files = sorted({*path.glob("*.DAT"), *path.glob("*.dat")}) if path.is_dir() else [path]
    if not files:
        raise DataError("the folder holds no HEAD files and no .DAT files", where=str(path))
    where = path.name
    objects = [_parse(file) for file in files]
    surveys = {str(keys.get("SURVEY", "")).split()[0] if keys.get("SURVEY") else "" for keys, _ in objects}
    if survey is None and len(surveys) > 1:
        raise DataError(
            f"files of several surveys: {listed(sorted(surveys))}", where=where, hint="Read them apart."
        )
    corrected = {int(float((keys.get("MWEBV_APPLYFLAG") or "0").split()[0])) > 0 for keys, _ in objects}
    if len(corrected) > 1:
        raise DataError("some files are corrected for extinction, some are not", where=where)
    keys = [keys for keys, _ in objects]
    rows = [(name, row) for (own, part) in objects for name in [own["SNID"].split()[0]] for row in part]
    flag = np.nan_to_num(floats([row.get("PHOTFLAG") for _, row in rows])).astype(np.int64)
    known = {name: values.tolist() for name, values in metadata(_table(keys)).items()}
    if label is not None:
        known["label"] = [_label(own, label, where) for own in keys]
    return from_rows(
        where,
        object_id=[name for name, _ in rows],
        known_ids=[own["SNID"].split()[0] for own in keys],
        time=[row.get("MJD") for _, row in rows],  # type: ignore[misc]
        passband=[row.get("BAND", row.get("FLT")) for _, row in rows],
        flux=floats([row.get("FLUXCAL") for _, row in rows]),
        flux_err=floats([row.get("FLUXCALERR") for _, row in rows]),
        detected=pa.array((flag & DETECTION_BIT) > 0) if (flag & DETECTION_BIT).any() else None,
        zero_point=facts.zero_point("FLUXCAL"),
        survey=survey_of(next(iter(surveys)), survey, where=where),
        dereddened=corrected == {True},
        metadata=known,
    )


def _parse(path: Path) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Keys and rows of one file."""
    keys: dict[str, str] = {}
    rows: list[dict[str, str]] = []
    names: list[str] = []
    for number, line in enumerate(content(path).decode("utf-8", "replace").splitlines(), start=1):
        match = _KEY.match(line)
        if not match:
            continue
        key, value = match.groups()
        if key == "VARLIST":
            names = value.split()
        elif key == "OBS":
            cells = value.split()
            if len(cells) != len(names):
                raise DataError(
                    f"line {number:,} has {len(cells)} cells, VARLIST {len(names)}",
                    where=path.name,
                    hint="The file is damaged or was not written to its end.",
                )
            rows.append(dict(zip(names, cells, strict=True)))
        elif key not in _GOOD_LINES:
            keys.setdefault(key, value.strip())
    if "SNID" not in keys or not keys["SNID"].split():
        raise DataError("no SNID: line", where=path.name, hint="Is it a SNANA text file?")
    if not names:
        raise DataError("no VARLIST: line", where=path.name, hint="The file is not complete.")
    for needed in ("MJD", "FLUXCAL", "FLUXCALERR"):
        if needed not in names:
            raise DataError(f"no column {needed}. Found: {listed(names)}", where=path.name)
    expected = keys.get("NOBS", "").split()
    if expected and expected[0].isdigit() and int(expected[0]) > len(rows):
        raise DataError(
            f"{len(rows)} OBS: lines, NOBS says {expected[0]}", where=path.name, hint="The file is truncated."
        )
    return keys, rows


def _table(keys: list[dict[str, str]]) -> Columns:
    """Numbers of the keys that metadata are made of; ``0.951 +- 0.017`` gives a value and an error."""
    table: dict[str, list[float]] = {}
    wanted = (
        "REDSHIFT_HELIO",
        "REDSHIFT_FINAL",
        "MWEBV",
        "RA",
        "DEC",
        "DECL",
        "HOSTGAL_PHOTOZ",
        "HOSTGAL_SPECZ",
    )
    for position, own in enumerate(keys):
        named = {**own, **{_HOST[key]: value for key, value in own.items() if key in _HOST}}
        for name in wanted:
            value, _, error = named.get(name, "").partition("+-")
            for key, text in ((name, value), (f"{name}_ERR", error)):
                column = table.setdefault(key, [np.nan] * len(keys))
                column[position] = floats(text.split()[:1])[0] if text.split() else np.nan
    return {name: np.array(values) for name, values in table.items() if np.isfinite(values).any()} or {
        "RA": np.full(len(keys), np.nan)
    }


def _label(keys: dict[str, str], label: str, where: str) -> str | None:
    if label not in keys:
        raise DataError(f"no key '{label}'. Found: {listed(keys)}", where=where)
    match = _SN_TYPE.search(keys[label])
    return match.group(1).strip() if match else next(iter(keys[label].split()), None)
