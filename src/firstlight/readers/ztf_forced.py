"""ZTF forced-photometry service: the file of one position, fluxes in DN with a zero point a row."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from firstlight.errors import DataError
from firstlight.lightcurves import Flag
from firstlight.readers.answers import object_name
from firstlight.readers.cells import Floats, numbers
from firstlight.readers.columns import listed
from firstlight.readers.photometry import Photometry, from_rows
from firstlight.readers.text import content

# Cuts of the users' guide of the service (zwicky.tf/vgt) on bad science images. Status 56 and 57 mean a noisy
# fit or no good PSF neighbour: usable.
_GOOD_STATUS = {"0", "56", "57"}
_MAX_INFOBITS = 33_554_432
_MAX_SIGMA_PIXEL = 25.0
_MAX_SEEING = 4.0
_NEEDED = (
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


def is_ztf_forced(start: str) -> bool:
    """Whether a text begins like a file of the ZTF forced-photometry service."""
    return "forcediffimflux" in start


def read_ztf_forced(
    path: Path,
    *,
    object_id: str | int | None = None,
    baseline_before: float | None = None,
    report: list[str],
) -> Photometry:
    """Photometry of a ``forcedphotometry_req*_lc.txt`` file.

    Parameters
    ----------
    path : Path
    object_id : str, optional
        Name of the object; by default its position, as the file knows no name.
    baseline_before : float, optional
        MJD; the median flux of earlier rows is subtracted for each field, CCD, quadrant and filter, because
        the reference image may hold light of the transient. Not done by default.
    """
    where = path.name
    comments, names, cells = _lines(path)
    table = {name: [row[i] for row in cells] for i, name in enumerate(names)}
    missing = [name for name in _NEEDED if name not in table]
    if missing:
        raise DataError(f"no column {listed(missing)}. Found: {listed(names)}", where=where)
    ra, dec = _position(comments, "R.A."), _position(comments, "Dec.")
    place = f"{ra:.5f}{dec:+.5f}" if ra is not None and dec is not None else None
    name = object_name(object_id, place, path, where=where, report=report)

    def column(key: str) -> Floats:
        return numbers(pa.array(table[key], type=pa.string()), name=key, where=where, report=report)

    zero_point, flux, error = column("zpdiff"), column("forcediffimflux"), column("forcediffimfluxunc")
    bad = np.array([not set(status.split(",")) <= _GOOD_STATUS for status in table["procstatus"]], dtype=bool)
    for key, most in (
        ("infobitssci", _MAX_INFOBITS - 1),
        ("scisigpix", _MAX_SIGMA_PIXEL),
        ("sciinpseeing", _MAX_SEEING),
    ):
        if key in table:
            bad |= np.nan_to_num(column(key)) > most
    mjd = column("jd") - 2_400_000.5
    if baseline_before is not None:
        flux = _corrected(flux, table, mjd, ~bad, baseline_before, where=where, report=report)
    return from_rows(
        where,
        object_id=[name] * len(cells),
        known_ids=[name],
        time=mjd.tolist(),
        passband=table["filter"],
        flux=flux,
        flux_err=error,
        zero_point=zero_point,
        flags=np.where(bad, int(Flag.BAD_QUALITY), 0).astype(np.uint16),
        survey="ZTF",
        metadata={"ra": [ra], "dec": [dec]},
    )


def _lines(path: Path) -> tuple[list[str], list[str], list[list[str]]]:
    """Comment lines, column names, and the cells of each row."""
    text = content(path).decode("utf-8", "replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    comments = [line for line in lines if line.startswith("#")]
    rest = [line for line in lines if not line.startswith("#")]
    if not rest:
        raise DataError("holds no header line and no rows", where=path.name)
    names = [name.strip() for name in rest[0].split(",")]
    cells = [line.split() for line in rest[1:]]
    for number, row in enumerate(cells, start=1):
        if len(row) != len(names):
            raise DataError(
                f"row {number:,} has {len(row)} cells, the header {len(names)}",
                where=path.name,
                hint="The file is damaged or was not written to its end.",
            )
    return comments, names, cells


def _position(comments: list[str], key: str) -> float | None:
    pattern = re.compile(rf"{re.escape(key)}\s*=\s*([-+0-9.eE]+)")
    return next((float(match.group(1)) for line in comments if (match := pattern.search(line))), None)


def _corrected(
    flux: Floats,
    table: dict[str, list[str]],
    mjd: Floats,
    good: NDArray[np.bool_],
    before: float,
    *,
    where: str,
    report: list[str],
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
            report.append(
                f"{where}: field, ccd, quadrant, filter {key}: {count} early rows, baseline not subtracted"
            )
            continue
        flux[own] -= np.median(flux[own & early])
    return flux
