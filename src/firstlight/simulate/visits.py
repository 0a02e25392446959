"""Where and when a survey looks: the places of events, and the visits that each of them gets."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from firstlight.errors import DataError
from firstlight.simulate import compact
from firstlight.simulate.dust import galactic
from firstlight.simulate.library import Library

Floats = NDArray[np.float64]
Visits = tuple[Floats, NDArray[np.int8], Floats]  # MJD, band index, 5-sigma AB magnitude
_SFD_TO_TRUE = 0.86  # Schlafly & Finkbeiner 2011
YEAR = 365.25
LONGEST_GAP = 200.0  # days without any visit of the survey that are taken for a hole in the log


@dataclass(frozen=True, eq=False)
class Place:
    """Where and when an event happens.

    `index` says where in the log, `time` is MJD, `ebv` the Milky Way's E(B-V); nothing fainter than
    `faintest` at its brightest can be detected here; `deep`: a deep drilling field; `rows` and `shift` are
    the log's own.
    """

    index: int
    time: float
    ra: float
    dec: float
    ebv: float
    faintest: float = math.inf
    deep: bool = False
    rows: NDArray[np.intp] | None = None
    shift: NDArray[np.int64] | None = None


class Log(Protocol):
    """What a simulator asks of a visit log; `dereddened`: fluxes are given free of Milky Way dust."""

    @property
    def dereddened(self) -> bool:
        """Whether Milky Way dust is taken out of the fluxes."""
        ...

    def place(self, rng: np.random.Generator) -> Place:
        """Where and when an event happens."""
        ...

    def visits(self, place: Place, start: float, end: float) -> Visits:
        """The visits of a place within [start, end] MJD, in time order."""
        ...


def milky_way(ra: float, dec: float, dust_map: NDArray[np.float32]) -> float:
    """E(B-V) on the scale of Schlafly & Finkbeiner 2011 at a position in degrees."""
    longitude, latitude = galactic(ra, dec)
    return _SFD_TO_TRUE * float(dust_map[min(int(latitude + 90.0), 179), int(longitude) % 360])


@dataclass(frozen=True, eq=False)
class FieldLog:
    """The exposures of a survey of fixed fields, sorted by field and time.

    `offsets` [fields + 1] cut `time` (MJD), `band` (index) and `limit` (5-sigma AB magnitude); `ra`, `dec`,
    a field's centre; `half_width` degrees.
    """

    time: Floats
    band: NDArray[np.int8]
    limit: Floats
    offsets: NDArray[np.int64]
    ra: Floats
    dec: Floats
    half_width: float
    dust_map: NDArray[np.float32]
    dust_most: float = 0.5
    dereddened: bool = False

    def place(self, rng: np.random.Generator) -> Place:
        """A place in a field near one of its exposures in time, outside thick dust."""
        while True:
            row = int(rng.integers(len(self.time)))
            index = int(np.searchsorted(self.offsets, row, side="right")) - 1
            x, y = rng.uniform(-self.half_width, self.half_width, 2)
            dec = float(np.clip(self.dec[index] + y, -90.0, 90.0))
            ra = float((self.ra[index] + x / max(math.cos(math.radians(dec)), 0.05)) % 360.0)
            ebv = milky_way(ra, dec, self.dust_map)
            if ebv < self.dust_most:
                return Place(index, float(self.time[row] + rng.uniform(-40.0, 40.0)), ra, dec, ebv)

    def visits(self, place: Place, start: float, end: float) -> Visits:
        """The exposures of a field within [start, end] MJD."""
        a, b = self.offsets[place.index], self.offsets[place.index + 1]
        first, last = np.searchsorted(self.time[a:b], [start, end])
        rows = slice(int(a + first), int(a + last))
        return self.time[rows], self.band[rows], self.limit[rows]


@dataclass(frozen=True, eq=False)
class SequenceLog:
    """The visits of single positions: donors, or the package's own sample.

    `repeat` is the number of days after which they begin anew (0: never). `deep_share` is the share of events
    in deep fields; None: as frequent as the deep positions.
    """

    time: Floats
    band: NDArray[np.int8]
    limit: Floats
    offsets: NDArray[np.int64]
    ra: Floats
    dec: Floats
    ebv: Floats
    deep: NDArray[np.bool_]
    repeat: float = 0.0
    dereddened: bool = False
    deep_share: float | None = None

    def place(self, rng: np.random.Generator) -> Place:
        """One of the positions, at any time of its visits."""
        choice = np.arange(len(self.ra))
        if self.deep_share is not None:
            choice = np.flatnonzero(self.deep == (rng.random() < self.deep_share))
        index = int(choice[rng.integers(len(choice))])
        a, b = self.offsets[index], self.offsets[index + 1]
        start = float(self.time[a])
        span = self.repeat or float(self.time[b - 1]) - start
        time = start + rng.uniform(0.0, span)
        shift = rng.integers(-10, 11, 16) if self.repeat else None
        return Place(
            index, time, float(self.ra[index]), float(self.dec[index]), float(self.ebv[index]),
            float(self.limit[a:b].max()), bool(self.deep[index]), None, shift,
        )  # fmt: skip

    def visits(self, place: Place, start: float, end: float) -> Visits:
        """The visits of a position within [start, end] MJD."""
        rows = slice(int(self.offsets[place.index]), int(self.offsets[place.index + 1]))
        own = self.time[rows], self.band[rows], self.limit[rows]
        if place.shift is not None:
            return repeated(own, self.repeat, place.shift, start, end)
        inside = (own[0] >= start) & (own[0] <= end)
        return own[0][inside], own[1][inside], own[2][inside]


def repeated(own: Visits, period: float, shift: NDArray[np.int64], start: float, end: float) -> Visits:
    """Visits that begin anew after `period` days, each round moved by some nights; within [start, end]."""
    time, band, limit = own
    if not len(time):
        return own
    first = math.floor((start - float(time[0])) / period) - 1
    rounds = np.arange(first, math.floor((end - float(time[0])) / period) + 2)
    moved = time + (rounds * period + shift[rounds % len(shift)] * (rounds != 0))[:, None]
    inside = (moved >= start) & (moved <= end)
    which = np.nonzero(inside)[1]
    order = np.argsort(moved[inside], kind="stable")
    return moved[inside][order], band[which][order], limit[which][order]


def check_gaps(time: Floats, where: str) -> None:
    """Nothing, or DataError for a log that has no visit at all for `LONGEST_GAP` days."""
    ordered = np.sort(time)
    gaps = np.diff(ordered)
    if len(gaps) and gaps.max() > LONGEST_GAP:
        first = int(gaps.argmax())
        raise DataError(
            f"the visit log has a hole of {gaps[first]:.0f} d, MJD {ordered[first]:.1f} to "
            f"{ordered[first + 1]:.1f}",
            where=where,
            hint="Fill it, or give the parts as two logs: light curves would break off there.",
        )


def ztf_log(library: Library, *, infill: bool = False) -> FieldLog:
    """The ZTF log of a data folder: public g and r exposures 2018-2025 by field; the package's own without.

    Parameters
    ----------
    infill : bool
        Keep the nights borrowed from neighbouring fields too.
    """
    if library.root is None:
        own = compact.visits("ztf")
        return FieldLog(
            own.time, (own.band == "r").astype(np.int8), own.limit, own.offsets, own.ra, own.dec, 3.4,
            library.dust_map(),
        )  # fmt: skip
    table = pq.read_table(library.path("visits/ztf_visits.parquet"))
    field = table["field"].to_numpy().astype(np.int64)
    time, limit = table["mjd"].to_numpy(), table["maglim"].to_numpy().astype(np.float64)
    band = (np.asarray(table["band"].cast("string").to_pylist()) == "r").astype(np.int8)
    if not infill:
        keep = ~table["infill"].to_numpy(zero_copy_only=False)
        field, time, limit, band = field[keep], time[keep], limit[keep], band[keep]
    if np.any(np.diff(field) < 0) or np.any((np.diff(field) == 0) & (np.diff(time) < 0)):
        raise DataError("the visit log is not sorted by field and time", where="visits/ztf_visits.parquet")
    check_gaps(time, "visits/ztf_visits.parquet")
    unique, start = np.unique(field, return_index=True)
    with library.path("visits/ztf_fields.csv").open(newline="", encoding="utf-8") as stream:
        centres = {int(row["field"]): (float(row["ra"]), float(row["dec"])) for row in csv.DictReader(stream)}
    places = np.array([centres[int(name)] for name in unique])
    return FieldLog(
        time, band, limit, np.append(start, len(time)).astype(np.int64), places[:, 0], places[:, 1], 3.4,
        library.dust_map(),
    )  # fmt: skip
