"""Where and when a survey looks: the visit log by field, and the place and time of an event."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from firstlight.errors import DataError
from firstlight.simulate.dust import galactic
from firstlight.simulate.library import Library

Floats = NDArray[np.float64]
_SFD_TO_TRUE = 0.86  # Schlafly & Finkbeiner 2011


@dataclass(frozen=True, eq=False)
class VisitLog:
    """The exposures of a survey, sorted by field and time.

    `offsets` [fields + 1] cut `time` (MJD), `band` (index) and `limit` (5-sigma AB magnitude); `ra`, `dec`,
    a field's centre; `half_width` degrees.
    """

    time: Floats
    band: NDArray[np.int8]
    limit: Floats
    offsets: NDArray[np.int64]
    field: NDArray[np.int64]
    ra: Floats
    dec: Floats
    half_width: float
    dust_map: NDArray[np.float32]
    dust_most: float = 0.5

    def place(self, rng: np.random.Generator) -> tuple[int, float, float, float, float]:
        """Field, time (MJD) near one of its exposures, ra, dec and E(B-V) of an event, outside thick dust."""
        while True:
            row = int(rng.integers(len(self.time)))
            index = int(np.searchsorted(self.offsets, row, side="right")) - 1
            x, y = rng.uniform(-self.half_width, self.half_width, 2)
            dec = float(np.clip(self.dec[index] + y, -90.0, 90.0))
            ra = float((self.ra[index] + x / max(math.cos(math.radians(dec)), 0.05)) % 360.0)
            longitude, latitude = galactic(ra, dec)
            ebv = _SFD_TO_TRUE * float(self.dust_map[min(int(latitude + 90.0), 179), int(longitude) % 360])
            if ebv < self.dust_most:
                return index, float(self.time[row] + rng.uniform(-40.0, 40.0)), ra, dec, ebv

    def visits(self, index: int, start: float, end: float) -> slice:
        """Rows of a field's exposures within [start, end] MJD."""
        a, b = self.offsets[index], self.offsets[index + 1]
        first, last = np.searchsorted(self.time[a:b], [start, end])
        return slice(int(a + first), int(a + last))


def ztf_log(library: Library, *, infill: bool = False) -> VisitLog:
    """The ZTF log of a data folder: public g and r exposures 2018-2025 by field.

    Parameters
    ----------
    infill : bool
        Keep the nights borrowed from neighbouring fields too.
    """
    table = pq.read_table(library.path("visits/ztf_visits.parquet"))
    field = table["field"].to_numpy().astype(np.int64)
    time, limit = table["mjd"].to_numpy(), table["maglim"].to_numpy().astype(np.float64)
    band = (np.asarray(table["band"].cast("string").to_pylist()) == "r").astype(np.int8)
    if not infill:
        keep = ~table["infill"].to_numpy(zero_copy_only=False)
        field, time, limit, band = field[keep], time[keep], limit[keep], band[keep]
    if np.any(np.diff(field) < 0) or np.any((np.diff(field) == 0) & (np.diff(time) < 0)):
        raise DataError("the visit log is not sorted by field and time", where="visits/ztf_visits.parquet")
    unique, start = np.unique(field, return_index=True)
    with library.path("visits/ztf_fields.csv").open(newline="", encoding="utf-8") as stream:
        centres = {int(row["field"]): (float(row["ra"]), float(row["dec"])) for row in csv.DictReader(stream)}
    places = np.array([centres[int(name)] for name in unique])
    return VisitLog(
        time, band, limit, np.append(start, len(time)).astype(np.int64), unique,
        places[:, 0], places[:, 1], 3.4, library.dust_map(),
    )  # fmt: skip
