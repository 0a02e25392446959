"""Forced photometry of one position: files of ZTF's service (DN, a zero point a row) and of ATLAS (uJy)."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from firstlight._types import Bools, Floats
from firstlight.lightcurves.flags import Flag
from firstlight.lightcurves.photometry import Photometry
from firstlight.notes import Notes
from firstlight.readers.alert_rows import from_rows, object_name
from firstlight.readers.content import Content
from firstlight.readers.delimited import open_text
from firstlight.readers.joining import apart
from firstlight.readers.roles import listed, unit_zero_point
from firstlight.tables.columns import numbers, texts

# Cuts of the users' guide of the service (zwicky.tf/vgt) on bad science images. Status 56 and 57 mean a noisy
# fit or no good PSF neighbour: usable.
_GOOD_STATUS = {"0", "56", "57"}
_MAX_INFOBITS = 33_554_432
_MAX_SIGMA_PIXEL = 25.0
_MAX_SEEING = 4.0
_ZTF_COLUMNS = (
    "field",
    "ccdid",
    "qid",
    "filter",
    "jd",
    "zpdiff",
    "forcediffimflux",
    "forcediffimfluxunc",
    "procstatus",
)
_MIN_BASELINE = 5
_ATLAS_COLUMNS = ("MJD", "uJy", "duJy", "F")
# The most lenient of the cuts in use: practice differs.
_MAX_ERROR_UJY = 160.0
_MAX_CHI = 100.0
_MIN_LIMIT_MAG = 17.0


def _require(needed: Sequence[str], known: Sequence[str], found: Sequence[str], notes: Notes) -> None:
    missing = [name for name in needed if name not in known]
    if missing:
        raise notes.error(f"no column {listed(missing)}. Found: {listed(found)}")


def _of_position(
    notes: Notes,
    *,
    object_id: str | int | None,
    position: tuple[float | None, float | None],
    bad: Bools,
    time: Floats,
    **columns: Any,
) -> Photometry:
    """Photometry of the one object of a file, named by its position where nobody names it."""
    ra, dec = position
    place = f"{ra:.5f}{dec:+.5f}" if ra is not None and dec is not None else None
    name = object_name(object_id, place, notes)
    return from_rows(
        notes.where,
        object_id=[name] * len(time),
        known_ids=[name],
        time=time,
        flags=np.where(bad, int(Flag.BAD_QUALITY), 0).astype(np.uint16),
        metadata={"ra": [ra], "dec": [dec]},
        **columns,
    )


def is_ztf_forced(start: str) -> bool:
    """Whether the header line of a text is that of the ZTF forced-photometry service."""
    lines = (line.strip() for line in start.splitlines())
    header = next((line for line in lines if line and not line.startswith("#")), "")
    return {"forcediffimflux", "zpdiff", "procstatus"} <= {name.strip() for name in header.split(",")}


def read_ztf_forced(
    content: Content,
    notes: Notes,
    *,
    object_id: str | int | None = None,
    baseline_before: float | None = None,
) -> Photometry:
    """Photometry of a ``forcedphotometry_req*_lc.txt`` file.

    Parameters
    ----------
    content : Content
    notes : Notes
    object_id : str, optional
        Name of the object; by default its position, as the file knows no name.
    baseline_before : float, optional
        MJD; the median flux of earlier rows is subtracted for each field, CCD, quadrant and filter, because
        the reference image may hold light of the transient. Not done by default.
    """
    comments, names, cells = _lines(content, notes)
    table = {name: [row[i] for row in cells] for i, name in enumerate(names)}
    _require(_ZTF_COLUMNS, names, names, notes)

    def column(key: str) -> Floats:
        return numbers(pa.array(table[key], type=pa.string()), key, notes)

    zero_point, flux, error = column("zpdiff"), column("forcediffimflux"), column("forcediffimfluxunc")
    bad = np.array(
        [not set(status.replace(".0", "").split(",")) <= _GOOD_STATUS for status in table["procstatus"]],
        dtype=bool,
    )
    for key, most in (
        ("infobitssci", _MAX_INFOBITS - 1),
        ("scisigpix", _MAX_SIGMA_PIXEL),
        ("sciinpseeing", _MAX_SEEING),
    ):
        if key in table:
            bad |= np.nan_to_num(column(key)) > most
    mjd = column("jd") - 2_400_000.5
    if baseline_before is not None:
        flux = _corrected(flux, table, mjd, ~bad, baseline_before, notes)
    return _of_position(
        notes,
        object_id=object_id,
        position=_alone(_stated(comments, "R.A."), _stated(comments, "Dec."), notes),
        time=mjd,
        passband=table["filter"],
        flux=flux,
        flux_err=error,
        zero_point=zero_point,
        bad=bad,
        survey="ZTF",
    )


def _lines(content: Content, notes: Notes) -> tuple[list[str], list[str], list[list[str]]]:
    """Comment lines, column names, and the cells of each row."""
    lines = [line.strip() for line in content.text().splitlines() if line.strip()]
    comments = [line for line in lines if line.startswith("#")]
    rest = [line for line in lines if not line.startswith("#")]
    if not rest:
        raise notes.error("holds no header line and no rows")
    names = [name.strip() for name in rest[0].split(",")]
    # As it is served, rows are separated by blanks; as a table library saved it again, by commas.
    cells = list(csv.reader(rest[1:])) if rest[1:] and "," in rest[1] else [line.split() for line in rest[1:]]
    for number, row in enumerate(cells, start=1):
        if len(row) != len(names):
            raise notes.error(
                f"row {number:,} has {len(row)} cells, the header {len(names)}",
                hint="The file is damaged or was not written to its end.",
            )
    return comments, names, cells


def _stated(comments: list[str], key: str) -> Floats:
    pattern = re.compile(rf"{re.escape(key)}\s*=\s*([-+0-9.eE]+)")
    return np.array([float(found.group(1)) for line in comments if (found := pattern.search(line))])


def _alone(ra: Floats, dec: Floats, notes: Notes) -> tuple[float | None, float | None]:
    """The one position of a file; None where it says none.

    Raises
    ------
    DataError
        When there are two.
    """
    known = np.isfinite(ra[: len(dec)]) & np.isfinite(dec[: len(ra)])
    ra, dec = ra[: len(dec)][known], dec[: len(ra)][known]
    if not len(ra):
        return None, None
    far = np.flatnonzero(apart(ra, dec, ra[0], dec[0]))
    if len(far):
        places = f"{ra[0]:.5f}{dec[0]:+.5f} and {ra[far[0]]:.5f}{dec[far[0]]:+.5f}"
        raise notes.error(f"holds several positions: {places}", hint="Write each into a file of its own.")
    return float(ra[0]), float(dec[0])


def _corrected(
    flux: Floats,
    table: dict[str, list[str]],
    mjd: Floats,
    good: Bools,
    before: float,
    notes: Notes,
) -> Floats:
    """Fluxes minus the median of earlier ones of the same field, CCD, quadrant and filter."""
    flux = flux.copy()
    keys: list[Any] = list(zip(table["field"], table["ccdid"], table["qid"], table["filter"], strict=True))
    with np.errstate(invalid="ignore"):
        early = good & np.isfinite(flux) & (mjd < before)
    for key in dict.fromkeys(keys):
        own = np.array([other == key for other in keys], dtype=bool)
        count = int((own & early).sum())
        if count < _MIN_BASELINE:
            notes.add(f"field, ccd, quadrant, filter {key}: {count} early rows, baseline not subtracted")
            continue
        flux[own] -= np.median(flux[own & early])
    return flux


def is_atlas_forced(start: str) -> bool:
    """Whether a text begins like a file of the ATLAS forced-photometry server."""
    line = start.lstrip("# \t").split("\n", 1)[0]
    return {"MJD", "uJy", "duJy", "F"} <= set(line.replace(",", " ").split())


def read_atlas_forced(
    content: Content, notes: Notes, *, object_id: str | int | None = None, stack_nights: bool = False
) -> Photometry:
    """Photometry of a file of the ATLAS forced-photometry server.

    Always the signed flux ``uJy``: a negative flux is printed with a negative magnitude ``m``.

    Parameters
    ----------
    content : Content
    notes : Notes
    object_id : str, optional
        Name of the object; by default its position.
    stack_nights : bool
        Combine the exposures of a night and filter by inverse variance.
    """
    file = open_text(content)
    _require(_ATLAS_COLUMNS, [name.lstrip("#") for name in file.schema.names], file.schema.names, notes)
    read = file.read(dict.fromkeys(file.schema.names, "text"), notes)
    table = read.rename_columns([name.lstrip("#") for name in read.column_names])

    def column(name: str) -> Floats:
        if name not in table.column_names:
            return np.full(table.num_rows, np.nan)
        return numbers(table.column(name), name, notes)

    time, flux, error = column("MJD"), column("uJy"), column("duJy")
    with np.errstate(invalid="ignore"):
        bad = np.nan_to_num(column("err")) != 0
        bad |= (error > _MAX_ERROR_UJY) | (column("chi/N") > _MAX_CHI) | (column("mag5sig") < _MIN_LIMIT_MAG)
    bands = texts(table.column("F")).to_pylist()
    position = _alone(column("RA"), column("Dec"), notes)
    if stack_nights:
        time, flux, error, bands, bad = _stacked(time, flux, error, bands, bad)
    return _of_position(
        notes,
        object_id=object_id,
        position=position,
        time=time,
        passband=bands,
        flux=flux,
        flux_err=error,
        zero_point=unit_zero_point("uJy", notes),
        bad=bad,
        survey="ATLAS",
    )


def _stacked(
    time: Floats, flux: Floats, error: Floats, bands: list[str], bad: Bools
) -> tuple[Floats, Floats, Floats, list[str], Bools]:
    """One row a night and filter: weighted means of the good exposures; bad ones stay as they are."""
    good = ~bad & np.isfinite(time) & np.isfinite(flux) & (np.nan_to_num(error) > 0)
    rows = np.flatnonzero(good)
    filters, band_code = np.unique(np.asarray(bands, dtype=object)[rows].astype(str), return_inverse=True)
    # ATLAS observes from three continents: a night is a day of UTC, as in its server's own stacks.
    night = np.floor(time[rows]).astype(np.int64)
    keys, group = np.unique(np.stack([night, band_code]), axis=1, return_inverse=True)
    group = group.ravel()
    weight = 1.0 / error[rows] ** 2

    def mean(values: Floats) -> Floats:
        return np.asarray(np.bincount(group, weight * values) / np.bincount(group, weight))

    rest = np.flatnonzero(~good)
    names = [str(filters[code]) for code in keys[1]] + [bands[row] for row in rest]
    return (
        np.concatenate([mean(time[rows]), time[rest]]),
        np.concatenate([mean(flux[rows]), flux[rest]]),
        np.concatenate([np.bincount(group, weight) ** -0.5, error[rest]]),
        names,
        np.concatenate([np.zeros(keys.shape[1], dtype=bool), bad[rest]]),
    )
