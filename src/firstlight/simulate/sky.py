"""Where and when a survey looks: the places of events on the sky, and the visits that each of them gets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from firstlight._types import Bools, Floats, Floats32, Ints
from firstlight.errors import Arg, UsageError
from firstlight.simulate.synthesis import BandCodes

Exposures = tuple[Floats, BandCodes, Floats]  # MJD, band index, 5-sigma AB magnitude

YEAR = 365.25
_DUST_MOST = 0.5  # E(B-V) from which on a place is left out
_SFD_TO_TRUE = 0.86  # Schlafly & Finkbeiner 2011
# Galactic north pole and the longitude of the node (Hipparcos catalogue, ESA SP-1200, section 1.5.3).
_POLE_RA, _POLE_DEC, _NODE = math.radians(192.85948), math.radians(27.12825), math.radians(122.93192)


def galactic(ra: float, dec: float) -> tuple[float, float]:
    """Galactic longitude and latitude in degrees of an ICRS position in degrees."""
    a, d = math.radians(ra) - _POLE_RA, math.radians(dec)
    sin_b = math.sin(_POLE_DEC) * math.sin(d) + math.cos(_POLE_DEC) * math.cos(d) * math.cos(a)
    y = math.cos(d) * math.sin(a)
    x = math.cos(_POLE_DEC) * math.sin(d) - math.sin(_POLE_DEC) * math.cos(d) * math.cos(a)
    longitude = math.degrees(_NODE - math.atan2(y, x)) % 360.0
    return longitude, math.degrees(math.asin(min(max(sin_b, -1.0), 1.0)))


def milky_way(ra: float, dec: float, dust_map: Floats32) -> float:
    """E(B-V) on the scale of Schlafly & Finkbeiner 2011 at a position in degrees."""
    longitude, latitude = galactic(ra, dec)
    return _SFD_TO_TRUE * float(dust_map[min(int(latitude + 90.0), 179), int(longitude) % 360])


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
    shift: Ints | None = None


class VisitLog(Protocol):
    """What a simulator asks of a visit log; `dereddened`: fluxes are given free of Milky Way dust."""

    @property
    def dereddened(self) -> bool:
        """Whether Milky Way dust is taken out of the fluxes."""
        ...

    def place(self, rng: np.random.Generator) -> Place:
        """Where and when an event happens."""
        ...

    def visits(self, place: Place, start: float, end: float) -> Exposures:
        """The visits of a place within [start, end] MJD, in time order."""
        ...


@dataclass(frozen=True, eq=False)
class FieldLog:
    """The exposures of a survey of fixed fields, sorted by field and time.

    `offsets` [fields + 1] cut `time` (MJD), `band` (index) and `limit` (5-sigma AB magnitude); `ra`, `dec`,
    a field's centre; `half_width` degrees.
    """

    time: Floats
    band: BandCodes
    limit: Floats
    offsets: Ints
    ra: Floats
    dec: Floats
    half_width: float
    dust_map: Floats32
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
            if ebv < _DUST_MOST:
                return Place(index, float(self.time[row] + rng.uniform(-40.0, 40.0)), ra, dec, ebv)

    def visits(self, place: Place, start: float, end: float) -> Exposures:
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
    band: BandCodes
    limit: Floats
    offsets: Ints
    ra: Floats
    dec: Floats
    ebv: Floats
    deep: Bools
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

    def visits(self, place: Place, start: float, end: float) -> Exposures:
        """The visits of a position within [start, end] MJD."""
        rows = slice(int(self.offsets[place.index]), int(self.offsets[place.index + 1]))
        own = self.time[rows], self.band[rows], self.limit[rows]
        return _within(own, self.repeat, place.shift, start, end)


_ZONE = 1000.0  # more than any right ascension in degrees
_LEAST_VISITS = 20  # of a position in a log of pointings
_DEEP_VISITS = 500.0  # a year, from which on a position lies in a deep field


@dataclass(frozen=True, eq=False)
class PointingLog:
    """Visits in zones of declination, each sorted by right ascension: those near a position are its own.

    `zone_offsets` cut the zones, the first of which begins at `lowest` degrees, each `zone` degrees high;
    `repeat`: days after which the log begins anew (0: never). `deep_share` of the events lie in deep fields,
    whose centres are `deep_ra`, `deep_dec`; None: they lie wherever there are visits, however many.
    """

    time: Floats
    band: BandCodes
    limit: Floats
    ra: Floats
    dec: Floats
    zone_offsets: Ints
    lowest: float
    zone: float
    radius: float
    dust_map: Floats32
    deep_ra: Floats
    deep_dec: Floats
    repeat: float = 0.0
    deep_share: float | None = None
    dereddened: bool = False

    @cached_property
    def _covered(self) -> tuple[Floats, Floats]:
        """Where the ranges of right ascension within reach of a visit begin, and their running widths."""
        reach = self._reach(max(float(np.abs(self.dec).max()), 0.0))
        if reach >= 180.0:
            return np.zeros(1), np.array([0.0, 360.0])
        ra = np.unique(self.ra)
        gaps = np.append(np.diff(ra), ra[0] + 360.0 - ra[-1]) > 2.0 * reach
        if not gaps.any():
            return np.zeros(1), np.array([0.0, 360.0])
        ends, begins = ra[gaps] + reach, np.roll(ra, -1)[gaps] - reach
        begins = np.roll(begins, 1)
        return begins, np.concatenate([[0.0], np.cumsum((ends - begins) % 360.0)])

    def _reach(self, dec: float) -> float:
        """Degrees of right ascension within `radius` of a position; 180 where that holds a pole."""
        sine = math.sin(math.radians(self.radius)) / max(math.cos(math.radians(dec)), 1e-9)
        pole = abs(dec) + self.radius >= 90.0
        return 180.0 if pole else math.degrees(math.asin(min(sine, 1.0)))

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
        zones = _ZONE * np.arange(first, last + 1)[:, None]
        if not len(zones):
            return np.zeros(0, dtype=np.intp)
        ranges = np.ravel(self._right_ascensions(ra, dec))
        ends = np.searchsorted(self._keys, (zones + ranges).ravel()).tolist()
        rows = np.concatenate([np.arange(a, b) for a, b in zip(ends[::2], ends[1::2], strict=True)])
        a, d = math.radians(ra), math.radians(dec)
        here = np.array([math.cos(d) * math.cos(a), math.cos(d) * math.sin(a), math.sin(d)])
        rows = rows[self._units[rows] @ here > math.cos(math.radians(self.radius))]
        return np.asarray(rows[np.argsort(self.time[rows], kind="stable")], dtype=np.intp)

    def _right_ascensions(self, ra: float, dec: float) -> list[tuple[float, float]]:
        """Ranges of right ascension within `radius` of a position: two where they pass 0 degrees."""
        half = self._reach(dec)
        low, high = ra - half, ra + half
        if half >= 180.0:
            return [(0.0, 360.0)]
        if low < 0.0:
            return [(0.0, high), (low + 360.0, 360.0)]
        if high > 360.0:
            return [(low, 360.0), (0.0, high - 360.0)]
        return [(low, high)]

    def place(self, rng: np.random.Generator) -> Place:
        """A position with visits, uniform on the survey's sky (or in a deep field), at any time."""
        share = self.deep_share
        deep = share is not None and bool(len(self.deep_ra)) and rng.random() < share
        _, _, first, last = self._extent
        years = max((last - first) / YEAR, 1.0)
        for _ in range(2_000):
            ra, dec = self._position(rng, deep)
            ebv = milky_way(ra, dec, self.dust_map)
            if ebv >= _DUST_MOST:
                continue
            rows = self.near(ra, dec)
            if len(rows) < _LEAST_VISITS:
                continue
            if share is not None and deep != (len(rows) > _DEEP_VISITS * years):
                continue
            shift = rng.integers(-10, 11, 16) if self.repeat else None
            time = first + rng.uniform(0.0, self.repeat or last - first)
            return Place(0, time, ra, dec, ebv, float(self.limit[rows].max()), deep, rows, shift)
        raise UsageError(
            f"no position with {_LEAST_VISITS} visits outside thick dust was found among "
            f"{len(self.time):,} visits{'' if share is None else f', a share of {share:g} of them deep'}",
            where="visits",
            hint=(
                "The log is too thin, its ",
                Arg("radius"),
                " too small, or all of it is deep or none: leave ",
                Arg("deep_share"),
                " out.",
            ),
        )

    def _position(self, rng: np.random.Generator, deep: bool) -> tuple[float, float]:
        if not deep:
            low, high, _, _ = self._extent
            begins, widths = self._covered
            along = rng.uniform(0.0, widths[-1])
            part = min(int(np.searchsorted(widths, along, side="right")) - 1, len(begins) - 1)
            ra = float((begins[part] + along - widths[part]) % 360.0)
            return ra, math.degrees(math.asin(rng.uniform(low, high)))
        centre = int(rng.integers(len(self.deep_ra)))
        angle, away = rng.uniform(0.0, 2 * math.pi), 1.2 * math.sqrt(rng.random())
        dec = float(np.clip(self.deep_dec[centre] + away * math.sin(angle), -89.9, 89.9))
        east = away * math.cos(angle) / math.cos(math.radians(dec))
        return float((self.deep_ra[centre] + east) % 360.0), dec

    def visits(self, place: Place, start: float, end: float) -> Exposures:
        """The visits of a position within [start, end] MJD."""
        rows = np.zeros(0, dtype=np.intp) if place.rows is None else place.rows
        own = self.time[rows], self.band[rows], self.limit[rows]
        return _within(own, self.repeat, place.shift, start, end)


def _within(own: Exposures, period: float, shift: Ints | None, start: float, end: float) -> Exposures:
    """The visits within [start, end] MJD of a position whose visits begin anew where there is a `shift`."""
    if shift is not None:
        return repeated(own, period, shift, start, end)
    inside = (own[0] >= start) & (own[0] <= end)
    return own[0][inside], own[1][inside], own[2][inside]


def repeated(own: Exposures, period: float, shift: Ints, start: float, end: float) -> Exposures:
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
