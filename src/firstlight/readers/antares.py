"""ANTARES: alerts of a locus (JSON:API), a locus with its alerts or light curve, and the light-curve CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from firstlight.errors import DataError
from firstlight.lightcurves import flux_error_from_magnitude, flux_from_magnitude
from firstlight.lightcurves.arrays import signs
from firstlight.readers.answers import Row, is_json, is_known, load_json, object_name
from firstlight.readers.cells import passbands
from firstlight.readers.photometry import Photometry, floats, from_rows

_LSST = "lsst_diaSource_"
_COLUMNS = ("ant_mjd", "ant_passband")


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


def read_antares(path: Path, *, object_id: str | int | None = None, report: list[str]) -> Photometry:
    """Photometry of a locus of ANTARES: magnitudes of ZTF with their limits, fluxes of LSST.

    Parameters
    ----------
    path : Path
        JSON of ``/v1/loci/{id}/alerts``, of a locus, or the CSV of its light curve.
    object_id : str, optional
        Name of the object; by default the locus, else the survey's own name, else the file's name.
    """
    where = path.name
    if not is_json(path):
        return _photometry(
            _csv_rows(path.read_text(encoding="utf-8-sig"), where), object_id, {}, path, report
        )
    data = load_json(path)
    if not is_antares(data):
        raise DataError("is no locus or list of alerts of ANTARES", where=where)
    locus = _locus(data)
    return _photometry(_rows(data, locus, where), object_id, locus, path, report)


def _locus(data: Row) -> Row:
    if "locus_id" in data:
        return data
    entry = _first_entry(data)
    if entry.get("type") in ("locus", "locus_listing"):
        return {"locus_id": entry.get("id"), **(entry.get("attributes") or {})}
    return {}


def _rows(data: Row, locus: Row, where: str) -> list[Row]:
    if isinstance(locus.get("lightcurve"), str):
        return _csv_rows(locus["lightcurve"], where)
    if isinstance(locus.get("alerts"), list):
        return [row.get("properties", row) for row in locus["alerts"]]
    entries = data.get("data")
    if isinstance(entries, list) and entries and entries[0].get("type") == "alert":
        return [(entry.get("attributes") or {}).get("properties") or {} for entry in entries]
    raise DataError("the locus comes without its alerts", where=where, hint="Fetch /v1/loci/{id}/alerts.")


def _csv_rows(text: str, where: str) -> list[Row]:
    rows: list[Row] = [
        {key: value or None for key, value in row.items()} for row in csv.DictReader(io.StringIO(text))
    ]
    if rows and any(name not in rows[0] for name in _COLUMNS):
        raise DataError(f"no column {' or '.join(_COLUMNS)}. Found: {', '.join(rows[0])}", where=where)
    return rows


def _photometry(
    rows: list[Row], object_id: str | int | None, locus: Row, path: Path, report: list[str]
) -> Photometry:
    where = path.name
    fallback = next((row.get("ztf_object_id") or row.get(f"{_LSST}diaObjectId") for row in rows), None)
    name = object_name(object_id, locus.get("locus_id") or fallback, path, where=where, report=report)
    lsst = [is_known(row.get(f"{_LSST}psfFlux")) for row in rows]
    magnitudes = [row for row, is_lsst in zip(rows, lsst, strict=True) if not is_lsst]
    if any(is_known(row.get("ant_mag")) and not is_known(row.get("ztf_isdiffpos")) for row in magnitudes):
        report.append(f"{where}: magnitudes without ztf_isdiffpos are taken as positive differences")
    sign = [_sign(row) for row in rows]
    mag, error = (floats([row.get(key) for row in rows]) for key in ("ant_mag", "ant_magerr"))
    photometry = from_rows(
        where,
        object_id=[name] * len(rows),
        known_ids=[name],
        time=[row.get(f"{_LSST}midpointMjdTai", row.get("ant_mjd")) for row in rows],
        passband=[row.get(f"{_LSST}band", row.get("ant_passband")) for row in rows],
        limit_mag=floats([row.get("ant_maglim") for row in rows]),
        metadata={key: [_position(key, locus, rows)] for key in ("ra", "dec")},
    )
    if not any(lsst):
        return replace(
            photometry, mag=mag, mag_err=error, sign=pa.array(sign, type=pa.string()), survey="ZTF"
        )
    if all(lsst):
        flux, flux_err = (
            floats([row.get(f"{_LSST}{key}") for row in rows]) for key in ("psfFlux", "psfFluxErr")
        )
        return replace(photometry, flux=flux, flux_err=flux_err, limit_mag=None, survey="LSST")
    return _both(photometry, rows, np.asarray(lsst), mag, error, sign)


def _both(
    photometry: Photometry, rows: list[Row], lsst: Any, mag: Any, error: Any, sign: list[str | None]
) -> Photometry:
    """Rows of two surveys: all as fluxes in nJy."""
    ztf_flux = signs(pa.array(sign, type=pa.string()), "ztf_isdiffpos") * flux_from_magnitude(mag)
    flux = np.where(lsst, floats([row.get(f"{_LSST}psfFlux") for row in rows]), ztf_flux)
    flux_err = np.where(
        lsst, floats([row.get(f"{_LSST}psfFluxErr") for row in rows]), flux_error_from_magnitude(flux, error)
    )
    surveys = passbands(pa.array(np.where(lsst, "LSST", "ZTF").tolist(), type=pa.string()))
    return replace(photometry, flux=flux, flux_err=flux_err, surveys=surveys)


def _sign(row: Row) -> str | None:
    value = row.get("ztf_isdiffpos")
    if is_known(value):
        return str(value)
    return "t" if is_known(row.get("ant_mag")) else None


def _position(key: str, locus: Row, rows: list[Row]) -> float | None:
    names = (f"ant_{key}", f"{_LSST}{key}", f"ztf_{key}")
    values = [locus.get(key), *(row.get(name) for row in rows for name in names)]
    return next((float(value) for value in values if value is not None and is_known(value)), None)
