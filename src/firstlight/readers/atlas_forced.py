"""ATLAS forced photometry: fluxes in uJy of one position, four exposures a night."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firstlight.errors import DataError
from firstlight.lightcurves import Flag
from firstlight.readers.answers import object_name
from firstlight.readers.cells import Floats, numbers, texts
from firstlight.readers.columns import listed
from firstlight.readers.photometry import Photometry, from_rows
from firstlight.readers.text import open_text
from firstlight.readers.units import unit_zero_point

_NEEDED = ("MJD", "uJy", "duJy", "F")
# The most lenient of the cuts in use: practice differs.
_MAX_ERROR_UJY = 160.0
_MAX_CHI = 100.0
_MIN_LIMIT_MAG = 17.0


def is_atlas_forced(start: str) -> bool:
    """Whether a text begins like a file of the ATLAS forced-photometry server."""
    line = start.lstrip("# \t").split("\n", 1)[0]
    return {"MJD", "uJy", "duJy", "F"} <= set(line.replace(",", " ").split())


def read_atlas_forced(
    path: Path, *, object_id: str | int | None = None, stack_nights: bool = False, report: list[str]
) -> Photometry:
    """Photometry of a file of the ATLAS forced-photometry server.

    Always the signed flux ``uJy``: a negative flux is printed with a negative magnitude ``m``.

    Parameters
    ----------
    path : Path
    object_id : str, optional
        Name of the object; by default its position.
    stack_nights : bool
        Combine the exposures of a night and filter by inverse variance.
    """
    where = path.name
    file = open_text(path)
    missing = [name for name in _NEEDED if name.lstrip("#") not in [own.lstrip("#") for own in file.names]]
    if missing:
        raise DataError(f"no column {listed(missing)}. Found: {listed(file.names)}", where=where)
    read = file.read(dict.fromkeys(file.names, "text"), report)
    table = read.rename_columns([name.lstrip("#") for name in read.column_names])

    def column(name: str) -> Floats:
        if name not in table.column_names:
            return np.full(table.num_rows, np.nan)
        return numbers(table.column(name), name=name, where=where, report=report)

    time, flux, error = column("MJD"), column("uJy"), column("duJy")
    with np.errstate(invalid="ignore"):
        bad = np.nan_to_num(column("err")) != 0
        bad |= (error > _MAX_ERROR_UJY) | (column("chi/N") > _MAX_CHI) | (column("mag5sig") < _MIN_LIMIT_MAG)
    bands = texts(table.column("F")).to_pylist()
    ra, dec = _first(column("RA")), _first(column("Dec"))
    place = f"{ra:.5f}{dec:+.5f}" if ra is not None and dec is not None else None
    name = object_name(object_id, place, path, where=where, report=report)
    if stack_nights:
        time, flux, error, bands, bad = _stacked(time, flux, error, bands, bad)
    return from_rows(
        where,
        object_id=[name] * len(time),
        known_ids=[name],
        time=time.tolist(),
        passband=bands,
        flux=flux,
        flux_err=error,
        zero_point=unit_zero_point("uJy", where=where),
        flags=np.where(bad, int(Flag.BAD_QUALITY), 0).astype(np.uint16),
        survey="ATLAS",
        metadata={"ra": [ra], "dec": [dec]},
    )


def _first(values: Floats) -> float | None:
    known = values[np.isfinite(values)]
    return float(known[0]) if len(known) else None


def _stacked(
    time: Floats, flux: Floats, error: Floats, bands: list[str], bad: NDArray[np.bool_]
) -> tuple[Floats, Floats, Floats, list[str], NDArray[np.bool_]]:
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
