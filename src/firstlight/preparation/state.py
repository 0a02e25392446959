"""What a stream remembers of one object: plain, immutable values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, nan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from firstlight.facts import Survey


@dataclass(frozen=True, slots=True)
class Observation:
    """One observation of one object.

    Attributes
    ----------
    time : float
        MJD, in the time scale of the survey.
    passband : str
        Qualified name, ``"ZTF-g"``, or another spelling of the survey of the state.
    flux, flux_err : float
        nJy; NaN where there is only a limit.
    detected : bool or None
        None: decided by the signal to noise of the survey.
    limit : float
        5 sigma upper limit, nJy; NaN where a flux was measured.
    """

    time: float
    passband: str
    flux: float = nan
    flux_err: float = nan
    detected: bool | None = None
    limit: float = nan


class Filter(NamedTuple):
    """A passband as a preparation reads it."""

    name: str
    order: int  # within its survey
    wavelength: float | None  # um; None: not read
    width: float  # um
    depth: float  # nJy
    factor: float  # that undoes the dust
    detection_snr: float


class Seen(NamedTuple):
    """An observation that is read, as a preparation reads it."""

    time: float
    band: Filter
    flux: float
    error: float
    detected: bool
    limit: bool


class Last(NamedTuple):
    """What is remembered of one row."""

    name: str
    time: float
    magnitude: float
    wavelength: float


class Band(NamedTuple):
    """What is remembered of one passband."""

    time: float
    magnitude: float
    best: float
    best_time: float
    rows: int
    detections: int


class Memory(NamedTuple):
    """What the features of the next row need to know of the rows before it."""

    last: Last | None = None
    other: Last | None = None  # the last row in another passband than that of `last`
    best: float = inf  # magnitude of the brightest
    best_time: float = 0.0
    bands: Mapping[str, Band] = {}  # never changed in place
    detections: int = 0


class State(NamedTuple):
    """Where a stream stands with one object.

    Attributes
    ----------
    survey : Survey
    filters : mapping
        The passbands of the survey by qualified name.
    context, context_mask : float32 [1, K], bool [1, K]
        Metadata as a network reads them.
    trigger : float
        MJD; NaN before it happened.
    given : bool
        Whether the trigger was given instead of found.
    season : int
        Number of triggers so far; a new one starts the network anew.
    last_detection : float
        MJD.
    place : tuple
        Time, passband, flux and limit of the latest observation: none before it may follow.
    repeated : frozenset
        Observations at the latest time, by which a repeated delivery is known.
    buffer : tuple of Seen
        Rows since the last detection that a trigger would still read.
    memory : Memory
    brightest : float
        Flux (nJy) of the brightest detection so far, of all seasons.
    detections : int
        Their number, of all seasons.
    bar : float
        Flux (nJy) that a detection of this season must reach before the season speaks; -inf once it does.
    flags : int
        `Flag` bits of what was met so far.
    """

    survey: Survey
    filters: Mapping[str, Filter]
    context: NDArray[np.float32]
    context_mask: NDArray[np.bool_]
    trigger: float
    given: bool
    season: int
    last_detection: float = -inf
    place: tuple[float, int, float, float] = (-inf, -1, -inf, -inf)
    repeated: frozenset[tuple[int, float, float]] = frozenset()
    buffer: tuple[Seen, ...] = ()
    memory: Memory = Memory()
    brightest: float = -inf
    detections: int = 0
    bar: float = -inf
    flags: int = 0
