"""ALeRCE: detections, non-detections and forced photometry of ZTF and LSST, as JSON or CSV."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from firstlight.errors import DataError
from firstlight.readers.answers import Row, is_json, load_json, lsst_photometry, object_name, ztf_photometry
from firstlight.readers.photometry import Photometry
from firstlight.readers.source import open_source

# The LSST database of ALeRCE numbers the passbands otherwise than everyone (band_map of its own answers).
_LSST_BANDS = {"1": "g", "2": "r", "3": "i", "4": "z", "5": "y", "6": "u"}
_LISTS = ("detections", "non_detections", "forced_photometry")


def is_alerce(data: Any) -> bool:
    """Whether JSON content is an answer of ALeRCE."""
    if isinstance(data, Mapping):
        return "detections" in data
    rows = data if isinstance(data, list) else []
    first = rows[0] if rows and isinstance(rows[0], Mapping) else {}
    ztf = "fid" in first and "mjd" in first and ("magpsf" in first or "diffmaglim" in first)
    return ztf or ("band_map" in first and "psfFlux" in first)


def read_alerce(path: Path, *, object_id: str | int | None = None, report: list[str]) -> Photometry:
    """Photometry of the objects of an answer of ALeRCE or of a CSV download.

    For ZTF the difference magnitude ``magpsf`` is read with its sign; ``magpsf_corr`` includes the reference
    star and is not.

    Parameters
    ----------
    path : Path
        JSON (a list of detections, or ``detections``, ``non_detections``, ``forced_photometry``) or CSV.
    object_id : str, optional
        Name of the object, where the rows have no ``oid``.
    """
    where = path.name
    lists = _json(path) if is_json(path) else _csv(path, report)
    rows = [row for part in lists.values() for row in part]
    names = dict.fromkeys(str(row["oid"]) for row in rows if row.get("oid") is not None)
    if object_id is not None or not names:
        names = {object_name(object_id, None, path, where=where, report=report): None}
    only = len(names) == 1
    groups = []
    for name in names:
        own = {
            key: [row for row in part if only or str(row.get("oid")) == name] for key, part in lists.items()
        }
        groups.append((name, own))
    metadata = _positions([own for _, own in groups])
    if any("psfFlux" in row for row in rows):
        bands = {str(code): band for row in rows[:1] for code, band in (row.get("band_map") or {}).items()}
        lsst = [(name, own["detections"], own["forced_photometry"]) for name, own in groups]
        return lsst_photometry(where, lsst, bands=bands or _LSST_BANDS, metadata=metadata)
    ztf = [(name, [_forced(row) for part in own.values() for row in part]) for name, own in groups]
    return ztf_photometry(where, ztf, metadata=metadata)


def _json(path: Path) -> dict[str, list[Row]]:
    data = load_json(path)
    if isinstance(data, list):
        data = {"detections": data}
    if not isinstance(data, Mapping) or not is_alerce(data):
        raise DataError(
            "is no light curve of ALeRCE", where=path.name, hint="Expected detections and non_detections."
        )
    return {key: [row for row in data.get(key) or [] if isinstance(row, Mapping)] for key in _LISTS}


def _csv(path: Path, report: list[str]) -> dict[str, list[Row]]:
    source = open_source(path)
    # Ids and signs are text: candid and oid of LSST exceed 2**53.
    wanted: dict[str, Any] = dict.fromkeys(source.schema.names, "text")
    rows: list[Row] = [
        {key: value or None for key, value in row.items()} for row in source.read(wanted, report).to_pylist()
    ]
    return {"detections": rows, "non_detections": [], "forced_photometry": []}


def _forced(row: Row) -> Row:
    """A row of forced photometry in the names of a detection; its flux is given as a magnitude with sign."""
    if "magpsf" in row or "mag" not in row:
        return row
    return {**row, "magpsf": row["mag"], "sigmapsf": row.get("e_mag")}


def _positions(owned: list[dict[str, list[Row]]]) -> dict[str, list[object]]:
    """The position of the first detection of each object."""
    first = [next((row for row in own["detections"] if row.get("ra") is not None), {}) for own in owned]
    return {key: [_float(row.get(key)) for row in first] for key in ("ra", "dec")}


def _float(value: Any) -> float | None:
    return None if value is None else float(value)
