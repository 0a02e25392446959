"""A log of pointings: the visits of any position are those whose centre lies near it.

Read from a table with the columns mjd, ra, dec, band (or filter) and, where there is one, the 5-sigma depth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from firstlight.errors import DataError, UnknownNameError, UsageError
from firstlight.facts import Survey
from firstlight.simulate.visits import YEAR, Place, Visits, check_gaps, milky_way, repeated

Floats = NDArray[np.float64]
_SPELLINGS = {
    "mjd": ("mjd", "time", "observationStartMJD", "expMidptMJD"),
    "ra": ("ra", "fieldRA", "RA"),
    "dec": ("dec", "fieldDec", "DEC"),
    "band": ("band", "filter", "passband"),
    "depth": ("m5", "maglim", "five_sigma_depth", "fiveSigmaDepth", "limit"),
}
_ZONE = 1000.0  # more than any right ascension in degrees


@dataclass(frozen=True, eq=False)
class PointingLog:
    """Visits in zones of declination, each sorted by right ascension (`zone_offsets` cut them).

    `repeat`: days after which the log begins anew (0: never). `deep_share` of the events lie in deep fields
    (positions with `deep_visits` a year), whose centres are `deep_ra`, `deep_dec`.
    """

    time: Floats
    band: NDArray[np.int8]
    limit: Floats
    ra: Floats
    dec: Floats
    zone_offsets: NDArray[np.int64]
    lowest: float
    zone: float
    radius: float
    dust_map: NDArray[np.float32]
    deep_ra: Floats
    deep_dec: Floats
    repeat: float = 0.0
    deep_share: float = 0.0
    deep_visits: float = 500.0
    dust_most: float = 0.5
    dereddened: bool = False
    least: int = 20

    @cached_property
    def _extent(self) -> tuple[float, float, float, float]:
        """Sine of the lowest and highest declination, first and last MJD."""
        sines = np.sin(np.radians([self.dec.min(), self.dec.max()]))
        return float(sines[0]), float(sines[1]), float(self.time.min()), float(self.time.max())

    @cached_property
    def _keys(self) -> Floats:
        """Zone and right ascension as one ascending number: one search finds the ranges of all zones."""
        zones = np.repeat(np.arange(len(self.zone_offsets) - 1), np.diff(self.zone_offsets))
        return np.asarray(_ZONE * zones + self.ra)

    @cached_property
    def _units(self) -> Floats:
        """Unit vectors [visit, 3] of the pointings."""
        a, d = np.radians(self.ra), np.radians(self.dec)
        return np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)], axis=-1)

    def near(self, ra: float, dec: float) -> NDArray[np.intp]:
        """Rows of the visits of a position, in time order."""
        first = max(math.floor((dec - self.radius - self.lowest) / self.zone), 0)
        last = min(math.floor((dec + self.radius - self.lowest) / self.zone), len(self.zone_offsets) - 2)
        sine = math.sin(math.radians(self.radius)) / max(math.cos(math.radians(dec)), 1e-9)
        pole = abs(dec) + self.radius >= 90.0
        half = 180.0 if pole else math.degrees(math.asin(min(sine, 1.0)))
        low, high = ra - half, ra + half
        if half >= 180.0:
            ranges = [(0.0, 360.0)]
        elif low < 0.0:
            ranges = [(0.0, high), (low + 360.0, 360.0)]
        elif high > 360.0:
            ranges = [(low, 360.0), (0.0, high - 360.0)]
        else:
            ranges = [(low, high)]
        zones = _ZONE * np.arange(first, last + 1)[:, None]
        if not len(zones):
            return np.zeros(0, dtype=np.intp)
        ends = np.searchsorted(self._keys, (zones + np.ravel(ranges)).ravel()).tolist()
        rows = np.concatenate([np.arange(a, b) for a, b in zip(ends[::2], ends[1::2], strict=True)])
        a, d = math.radians(ra), math.radians(dec)
        here = np.array([math.cos(d) * math.cos(a), math.cos(d) * math.sin(a), math.sin(d)])
        rows = rows[self._units[rows] @ here > math.cos(math.radians(self.radius))]
        return np.asarray(rows[np.argsort(self.time[rows], kind="stable")], dtype=np.intp)

    def place(self, rng: np.random.Generator) -> Place:
        """A position with visits, uniform on the survey's sky (or in a deep field), at any time."""
        deep = bool(len(self.deep_ra)) and rng.random() < self.deep_share
        low, high, first, last = self._extent
        for _ in range(2_000):
            if deep:
                centre = int(rng.integers(len(self.deep_ra)))
                angle, away = rng.uniform(0.0, 2 * math.pi), 1.2 * math.sqrt(rng.random())
                dec = float(np.clip(self.deep_dec[centre] + away * math.sin(angle), -89.9, 89.9))
                ra = float(
                    (self.deep_ra[centre] + away * math.cos(angle) / math.cos(math.radians(dec))) % 360.0
                )
            else:
                ra, dec = rng.uniform(0.0, 360.0), math.degrees(math.asin(rng.uniform(low, high)))
            ebv = milky_way(ra, dec, self.dust_map)
            if ebv >= self.dust_most:
                continue
            rows = self.near(ra, dec)
            years = max((last - first) / YEAR, 1.0)
            if len(rows) < self.least or deep != (len(rows) > self.deep_visits * years):
                continue
            span = self.repeat or last - first
            shift = rng.integers(-10, 11, 16) if self.repeat else None
            return Place(
                0,
                first + rng.uniform(0.0, span),
                ra,
                dec,
                ebv,
                float(self.limit[rows].max()),
                deep,
                rows,
                shift,
            )
        raise UsageError(
            f"no position with {self.least} visits outside thick dust was found",
            where="visits",
            hint="The log is too thin, or its radius too small.",
        )

    def visits(self, place: Place, start: float, end: float) -> Visits:
        """The visits of a position within [start, end] MJD."""
        rows = np.zeros(0, dtype=np.intp) if place.rows is None else place.rows
        own = self.time[rows], self.band[rows], self.limit[rows]
        if place.shift is not None:
            return repeated(own, self.repeat, place.shift, start, end)
        inside = (own[0] >= start) & (own[0] <= end)
        return own[0][inside], own[1][inside], own[2][inside]


def _columns(table: pa.Table, where: str) -> dict[str, str]:
    found = {}
    for role, spellings in _SPELLINGS.items():
        name = next((one for one in spellings if one in table.column_names), None)
        if name is not None:
            found[role] = name
        elif role != "depth":
            raise UnknownNameError("column of the visit log", role, table.column_names, where=where)
    return found


def pointing_log(
    table: str | Path | pa.Table,
    survey: Survey,
    bands: tuple[str, ...],
    dust_map: NDArray[np.float32],
    *,
    radius: float = 1.75,
    deep_share: float = 0.0,
) -> PointingLog:
    """The log in a table of visits (Parquet or CSV); a log of a year is repeated.

    Parameters
    ----------
    bands : tuple of str
        Qualified passbands in the order of the simulator's bands.
    radius : float
        Degrees from a visit's centre that it covers.

    Raises
    ------
    DataError, UnknownNameError, UsageError
        Columns, passbands or values that are missing, and holes in time; before anything runs.
    """
    where = "visits" if isinstance(table, pa.Table) else str(table)
    if not isinstance(table, pa.Table):
        path = Path(table)
        if not path.exists():
            raise DataError("there is no visit log", where=where)
        table = pv.read_csv(path) if path.suffix.lower() == ".csv" else pq.read_table(path)
    names = _columns(table, where)
    column = {
        role: table[name].to_numpy().astype(np.float64) for role, name in names.items() if role != "band"
    }
    given = np.asarray(table[names["band"]].cast(pa.string()).to_pylist(), dtype=object)
    if len(given) == 0:
        raise DataError("the visit log is empty", where=where)
    known = {spelling: survey.passband(spelling).name for spelling in sorted({*given} - {None})}
    band = np.array(
        [bands.index(known[one]) if known.get(one) in bands else -1 for one in given], dtype=np.int8
    )
    if "depth" not in column:
        depth = {name: survey.passband(name).depth for name in bands}
        column["depth"] = np.array([depth[bands[code]] for code in band])
    for role, values in column.items():
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise DataError(f"{len(bad)} rows have no {role}, the first is row {bad[0]}", where=where)
    if np.any(band < 0):
        raise DataError(f"row {int(np.argmax(band < 0))} has no passband", where=where)
    check_gaps(column["mjd"], where)
    time = column["mjd"]
    span = float(np.ptp(time))
    lowest, zone = float(column["dec"].min()), 1.0
    number = np.floor((column["dec"] - lowest) / zone).astype(np.int64)
    ra = column["ra"] % 360.0
    order = np.lexsort((ra, number))
    offsets = np.searchsorted(number[order], np.arange(number.max() + 2)).astype(np.int64)
    repeat = YEAR if span < 1.5 * YEAR else 0.0
    deep_ra, deep_dec = _deep_fields(ra, column["dec"], span)
    return PointingLog(
        time[order], band[order], column["depth"][order], ra[order], column["dec"][order], offsets, lowest,
        zone, radius, dust_map, deep_ra, deep_dec, repeat, deep_share,
    )  # fmt: skip


def _deep_fields(ra: Floats, dec: Floats, span: float) -> tuple[Floats, Floats]:
    """Centres of the deep drilling fields: cells of 0.25 deg with 150 pointings a year."""
    cells = np.floor(dec / 0.25).astype(np.int64) * 100_000 + np.floor(
        ra * np.cos(np.radians(dec)) / 0.25
    ).astype(np.int64)
    _, inverse, count = np.unique(cells, return_inverse=True, return_counts=True)
    busy = np.flatnonzero(count > 150 * max(span / YEAR, 1.0))
    places: list[tuple[float, float]] = []
    for cell in busy[np.argsort(-count[busy])]:
        mine = inverse == cell
        place = float(np.median(ra[mine])), float(np.median(dec[mine]))
        if all(math.hypot((place[0] - a) * math.cos(math.radians(b)), place[1] - b) > 2.0 for a, b in places):
            places.append(place)
    return np.array([one[0] for one in places]), np.array([one[1] for one in places])
