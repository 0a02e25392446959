"""Answers and downloads of ALeRCE and ANTARES, of ZTF and LSST, as JSON or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from firstlight.errors import DataError
from firstlight.facts import zero_point
from firstlight.lightcurves.photometry import (
    Photometry,
    flux_error_from_magnitude,
    flux_from_magnitude,
    limit_flux,
)
from firstlight.notes import Notes
from firstlight.readers.alert_rows import (
    Row,
    floats,
    from_rows,
    is_known,
    lsst_photometry,
    object_name,
    ztf_photometry,
)
from firstlight.readers.content import Content
from firstlight.readers.table_files import source_of
from firstlight.tables.columns import signs, words

# The LSST database of ALeRCE numbers the passbands otherwise than everyone (band_map of its own answers).
_LSST_BANDS = {"1": "g", "2": "r", "3": "i", "4": "z", "5": "y", "6": "u"}
ALERCE_CSV = {"mjd", "fid", "magpsf", "sigmapsf", "isdiffpos"}
"""Columns of ALeRCE's CSV."""
ANTARES_CSV = {"ant_mjd", "ant_passband"}
"""Columns of ANTARES' CSV."""
_LISTS = ("detections", "non_detections", "forced_photometry")


def is_alerce(data: Any) -> bool:
    """Whether JSON content is an answer of ALeRCE."""
    if isinstance(data, Mapping):
        return "detections" in data
    rows = data if isinstance(data, list) else []
    first = rows[0] if rows and isinstance(rows[0], Mapping) else {}
    ztf = "fid" in first and "mjd" in first and ("magpsf" in first or "diffmaglim" in first)
    return ztf or ("band_map" in first and "psfFlux" in first)


def read_alerce(content: Content, notes: Notes, *, object_id: str | int | None = None) -> Photometry:
    """Photometry of the objects of an answer of ALeRCE or of a CSV download.

    For ZTF the difference magnitude ``magpsf`` is read with its sign; ``magpsf_corr`` includes the reference
    star and is not.

    Parameters
    ----------
    content : Content
        JSON (a list of detections, or ``detections``, ``non_detections``, ``forced_photometry``) or CSV.
    notes : Notes
    object_id : str, optional
        Name of the object, where the rows have no ``oid``.
    """
    where = notes.where
    lists = _alerce_json(content) if content.is_json else _alerce_csv(content, notes)
    rows = [row for part in lists.values() for row in part]
    names = dict.fromkeys(str(row["oid"]) for row in rows if row.get("oid") is not None)
    if object_id is not None or not names:
        names = {object_name(object_id, None, notes): None}
    only = len(names) == 1
    groups = []
    for name in names:
        own = {
            key: [row for row in part if only or str(row.get("oid")) == name] for key, part in lists.items()
        }
        groups.append((name, own))
    metadata = _first_positions([own for _, own in groups])
    if any("psfFlux" in row for row in rows):
        bands = {str(code): band for row in rows[:1] for code, band in (row.get("band_map") or {}).items()}
        lsst = [(name, own["detections"], own["forced_photometry"]) for name, own in groups]
        return lsst_photometry(where, lsst, bands=bands or _LSST_BANDS, metadata=metadata)
    ztf = [(name, [_forced(row) for part in own.values() for row in part]) for name, own in groups]
    return ztf_photometry(where, ztf, metadata=metadata)


def _alerce_json(content: Content) -> dict[str, list[Row]]:
    data = content.json
    if isinstance(data, list):
        data = {"detections": data}
    if not isinstance(data, Mapping) or not is_alerce(data):
        raise DataError(
            "is no light curve of ALeRCE", where=content.name, hint="Expected detections and non_detections."
        )
    return {key: [row for row in data.get(key) or [] if isinstance(row, Mapping)] for key in _LISTS}


def _alerce_csv(content: Content, notes: Notes) -> dict[str, list[Row]]:
    source = source_of(content)
    # Ids and signs are text: candid and oid of LSST exceed 2**53.
    table = source.read(dict.fromkeys(source.schema.names, "text"), notes)
    rows: list[Row] = [{key: value or None for key, value in row.items()} for row in table.to_pylist()]
    return {"detections": rows, "non_detections": [], "forced_photometry": []}


def _forced(row: Row) -> Row:
    """A row of forced photometry in the names of a detection; its flux is given as a magnitude with sign."""
    if "magpsf" in row or "mag" not in row:
        return row
    return {**row, "magpsf": row["mag"], "sigmapsf": row.get("e_mag")}


def _first_positions(owned: list[dict[str, list[Row]]]) -> dict[str, list[object]]:
    """The position of the first detection of each object."""
    first = [next((row for row in own["detections"] if row.get("ra") is not None), {}) for own in owned]
    return {key: [_float(row.get(key)) for row in first] for key in ("ra", "dec")}


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


_LSST = "lsst_diaSource_"


def is_antares(data: Any) -> bool:
    """Whether JSON content is a locus or a list of alerts of ANTARES."""
    if not isinstance(data, Mapping):
        return False
    if "locus_id" in data:
        return True
    first = _first_entry(data)
    return first.get("type") in ("alert", "locus", "locus_listing")


def _first_entry(data: Row) -> Row:
    entries = data.get("data")
    entry = entries[0] if isinstance(entries, list) and entries else entries
    return entry if isinstance(entry, Mapping) else {}


def read_antares(content: Content, notes: Notes, *, object_id: str | int | None = None) -> Photometry:
    """Photometry of a locus of ANTARES: magnitudes of ZTF with their limits, fluxes of LSST.

    Parameters
    ----------
    content : Content
        JSON of ``/v1/loci/{id}/alerts``, of a locus, or the CSV of its light curve.
    notes : Notes
    object_id : str, optional
        Name of the object; by default the locus, else the survey's own name, else the file's name.
    """
    if not content.is_json:
        rows = _csv_rows(content.text().removeprefix("\ufeff"), notes)
        return _antares_photometry(rows, object_id, {}, notes)
    data = content.json
    if not is_antares(data):
        raise notes.error("is no locus or list of alerts of ANTARES")
    locus = _locus(data)
    return _antares_photometry(_alerts(data, locus, notes), object_id, locus, notes)


def _locus(data: Row) -> Row:
    if "locus_id" in data:
        return data
    entry = _first_entry(data)
    if entry.get("type") in ("locus", "locus_listing"):
        return {"locus_id": entry.get("id"), **(entry.get("attributes") or {})}
    return {}


def _alerts(data: Row, locus: Row, notes: Notes) -> list[Row]:
    if isinstance(locus.get("lightcurve"), str):
        return _csv_rows(locus["lightcurve"], notes)
    if isinstance(locus.get("alerts"), list):
        return [row.get("properties", row) for row in locus["alerts"]]
    entries = data.get("data")
    if isinstance(entries, list) and entries and entries[0].get("type") == "alert":
        return [(entry.get("attributes") or {}).get("properties") or {} for entry in entries]
    raise notes.error("the locus comes without its alerts", hint="Fetch /v1/loci/{id}/alerts.")


def _csv_rows(text: str, notes: Notes) -> list[Row]:
    rows: list[Row] = [
        {key: value or None for key, value in row.items()} for row in csv.DictReader(io.StringIO(text))
    ]
    if rows and not rows[0].keys() >= ANTARES_CSV:
        raise notes.error(f"no column {' or '.join(sorted(ANTARES_CSV))}. Found: {', '.join(rows[0])}")
    return rows


def _antares_photometry(rows: list[Row], object_id: str | int | None, locus: Row, notes: Notes) -> Photometry:
    fallback = next((row.get("ztf_object_id") or row.get(f"{_LSST}diaObjectId") for row in rows), None)
    name = object_name(object_id, locus.get("locus_id") or fallback, notes)
    lsst = [is_known(row.get(f"{_LSST}psfFlux")) for row in rows]
    magnitudes = [row for row, is_lsst in zip(rows, lsst, strict=True) if not is_lsst]
    if any(is_known(row.get("ant_mag")) and not is_known(row.get("ztf_isdiffpos")) for row in magnitudes):
        notes.add("magnitudes without ztf_isdiffpos are taken as positive differences")
    sign = pa.array([_sign(row) for row in rows], type=pa.string())
    mag, error, limit = (
        floats([row.get(f"ant_{key}") for row in rows]) for key in ("mag", "magerr", "maglim")
    )
    flux, flux_err = (floats([row.get(f"{_LSST}{key}") for row in rows]) for key in ("psfFlux", "psfFluxErr"))
    photometry = from_rows(
        notes.where,
        object_id=[name] * len(rows),
        known_ids=[name],
        time=[row.get(f"{_LSST}midpointMjdTai", row.get("ant_mjd")) for row in rows],
        passband=[row.get(f"{_LSST}band", row.get("ant_passband")) for row in rows],
        metadata={key: [_position(key, locus, rows)] for key in ("ra", "dec")},
    )
    if not any(lsst):
        return replace(photometry, mag=mag, mag_err=error, sign=sign, limit=limit, survey="ZTF")
    if all(lsst):
        return replace(photometry, flux=flux, flux_err=flux_err, flux_unit="nJy", survey="LSST")
    # Rows of two surveys: all as fluxes in nJy.
    ztf_flux = signs(sign, "ztf_isdiffpos") * flux_from_magnitude(mag)
    flux = np.where(lsst, flux, ztf_flux)
    flux_err = np.where(lsst, flux_err, flux_error_from_magnitude(flux, error))
    surveys = words(pa.array(np.where(lsst, "LSST", "ZTF").tolist(), type=pa.string()))
    limit = limit_flux(limit, zero_point("nJy"))
    return replace(photometry, flux=flux, flux_err=flux_err, limit=limit, flux_unit="nJy", survey=surveys)


def _sign(row: Row) -> str | None:
    value = row.get("ztf_isdiffpos")
    if is_known(value):
        return str(value)
    return "t" if is_known(row.get("ant_mag")) else None


def _position(key: str, locus: Row, rows: list[Row]) -> float | None:
    names = (f"ant_{key}", f"{_LSST}{key}", f"ztf_{key}")
    values = [locus.get(key), *(row.get(name) for row in rows for name in names)]
    return next((float(value) for value in values if value is not None and is_known(value)), None)
