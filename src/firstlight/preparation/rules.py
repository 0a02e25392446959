"""The rules by which observations are read: one function each, for whole tables and for streams alike.

Each takes columns as well as plain numbers of one observation.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from firstlight._arithmetic import Arithmetic
from firstlight.preparation import features

# Fewer detections than these may be spurious: what comes after them need not be brighter.
ENOUGH = 3


class Rules(NamedTuple):
    """When an observation counts, and when a season opens and speaks.

    Attributes
    ----------
    rows : {"detections", "measured", "all"}
    before, after : float
        Days around the trigger.
    season_gap : float
        Days without a detection after which the next one is a new trigger.
    closed : bool
        Whether the ends of the window belong to it.
    features : {"default", "reference"}
    deredden : bool
    """

    rows: str
    before: float
    after: float
    season_gap: float
    closed: bool
    features: str
    deredden: bool

    def counts(self, measured: Any, limited: Any, detected: Any) -> Any:
        """Whether an observation is read: one that is usable, in a passband that is read, and this."""
        if self.rows == "detections":
            return detected
        return measured if self.rows == "measured" else measured | limited

    def opens(self, days_since_detection: Any) -> Any:
        """Whether a detection that comes so long after the last one (inf: the first) is a new trigger."""
        return days_since_detection > self.season_gap

    def late(self, days_since_trigger: Any) -> Any:
        """Whether a row comes after the window."""
        return days_since_trigger > self.after if self.closed else days_since_trigger >= self.after

    def inside(self, days_since_trigger: Any) -> Any:
        """Whether a row lies in the window around the trigger; not where there is none (NaN)."""
        time = days_since_trigger
        if self.closed:
            return (time >= -self.before) & (time <= self.after)
        return ((time > -self.before) | (time >= 0.0)) & (time < self.after)


def bar(brightest: Any, detections: Any, a: Arithmetic) -> Any:
    """Flux (nJy) that a detection must reach before a season speaks that opens now; -inf: any will do.

    A later season speaks from the moment on at which a detection of it is as bright as the brightest of all
    seasons before, or at once where these have fewer detections than `ENOUGH`: faint ones that follow a
    transient for years are seldom news of it.
    """
    return a.where(detections >= ENOUGH, brightest, -np.inf)


def reaches(detected: Any, flux: Any, bar: Any) -> Any:
    """Whether a row is a detection from which on its season speaks."""
    return detected & (flux >= bar)


def issues(spoken: Any, days_since_trigger: Any) -> Any:
    """Whether a probability is given at a row; `spoken`: its season spoke there or before."""
    return spoken & (days_since_trigger >= 0.0)


class Filters(NamedTuple):
    """Passbands as a preparation reads them: B + 1 entries each, the last one for an unknown passband."""

    wavelength: Any  # um, as the network knows it
    width: Any  # um
    depth: Any  # nJy
    extinction: Any  # A / E(B-V); 0 for the unknown one
    reads: Any  # whether the passband is read at all

    @property
    def plain(self) -> Filters:
        """The same as lists of plain numbers."""
        return Filters(*(column.tolist() for column in self))


def filters(bands: Any, wavelengths: list[float | None]) -> Filters:
    """The table of `bands`, read as `wavelengths` (None: not read)."""
    return Filters(
        np.array([*(um or 0.0 for um in wavelengths), 0.0]),
        np.array([*(band.width_um for band in bands), 1.0]),
        np.array([*(features.depth_flux(band.depth) for band in bands), 1.0]),
        np.array([*(band.extinction for band in bands), 0.0]),
        np.array([*(um is not None for um in wavelengths), False]),
    )
