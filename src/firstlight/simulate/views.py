"""A survey as a simulation sees it: passbands, visits, what it measures, and what it knows of hosts."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from firstlight._types import Floats
from firstlight.errors import Arg, DataError, UnknownNameError, UsageError
from firstlight.facts import Survey
from firstlight.facts import survey as survey_of
from firstlight.simulate.library import Library
from firstlight.simulate.observing import LSST, PLASTICC, Forced, Observing, ztf_forced
from firstlight.simulate.populations import Population
from firstlight.simulate.sky import SequenceLog, VisitLog
from firstlight.simulate.synthesis import Bandpasses, bandpasses
from firstlight.simulate.visit_logs import donor_log, lsst_log, pointing_log, ztf_log

_PRODUCTS = ("alerts", "forced")
_DEEP_SURVEY = 22.0  # typical depth of a visit from which redshift ranges are those of LSST


@dataclass(frozen=True)
class Visits:
    """Where the visits come from, other than the survey's own log.

    Parameters
    ----------
    log : path, optional
        Table of pointings: mjd, ra, dec, band and, if known, the 5-sigma depth.
    donors : path, optional
        Folder in the layout of PLAsTiCC whose objects lend their visits.
    radius : float
        Degrees around a pointing that it covers.
    deep_share : float, optional
        Share of the events in deep drilling fields. Default: 0 for LSST's own log, else wherever there are
        visits.
    """

    log: str | Path | None = None
    donors: str | Path | None = None
    radius: float = 1.75
    deep_share: float | None = None

    def __post_init__(self) -> None:
        if self.log is not None and self.donors is not None:
            raise UsageError("a log and donors were given", where=Arg("visits"), hint="Choose one.")
        if self.deep_share is not None and not 0.0 <= self.deep_share <= 1.0:
            raise UsageError(f"{self.deep_share} is no share from 0 to 1", where=Arg("deep_share"))
        if not 0.0 < self.radius < 30.0:
            raise UsageError(f"{self.radius} degrees are no radius of a field of view", where=Arg("radius"))

    @classmethod
    def of(cls, given: Visits | str | Path | None) -> Visits:
        """What a user gave as visits: a path alone is a log."""
        return given if isinstance(given, Visits) else cls(log=given)


@dataclass(frozen=True)
class Hosts:
    """Redshifts as surveys have them.

    Photometric (measured on 4,862 extragalactic objects of PLAsTiCC): a share 1 - `outliers` is
    N(`bias`, `spread`) x (1 + z), the rest is redrawn from redshifts of galaxies; the stated error is
    `stated` x (1 + z) with log-normal scatter, `stated_bad` of outliers. No host at all: `hostless` by
    redshift. A spectrum of the host: `spectroscopic` by redshift (PLAsTiCC SEARCHEFF_zHOST, wide survey),
    with `spectroscopic_error`; None: the event itself has a spectrum, so that every redshift is known.
    """

    spectroscopic: tuple[tuple[float, float], ...] | None = (
        (0.02, 1.0), (0.03, 0.9), (0.04, 0.7), (0.06, 0.4), (0.08, 0.25), (0.09, 0.15), (0.10, 0.072),
        (0.2, 0.067), (0.3, 0.058), (0.4, 0.044), (0.5, 0.024), (0.6, 0.008), (0.75, 0.0011), (0.9, 0.0),
    )  # fmt: skip
    spectroscopic_error: float = 0.001
    bias: float = 0.005
    spread: float = 0.027
    outliers: float = 0.12
    stated: float = 0.021
    stated_bad: tuple[float, float] = (0.4, 0.9)
    hostless: tuple[tuple[float, float], ...] = ((0.3, 0.0), (0.5, 0.05), (1.0, 0.3))

    def values(self, rng: np.random.Generator, z: float) -> dict[str, float]:
        """``redshift``, ``photoz`` and ``photoz_err`` of an event at `z`; NaN where the survey has none."""
        chance, pull, bad, scatter = rng.random(), rng.standard_normal(), rng.random(), rng.standard_normal()
        elsewhere, stated_bad, lost = rng.gamma(3.0, 0.2), rng.uniform(*self.stated_bad), rng.random()
        if self.spectroscopic is None:
            redshift = z
        else:
            at, share = np.array(self.spectroscopic).T
            known = chance < np.interp(z, at, share)
            redshift = z + self.spectroscopic_error * rng.standard_normal() if known else math.nan
        at, share = np.array(self.hostless).T
        if lost < np.interp(z, at, share):
            return {"redshift": redshift if self.spectroscopic is None else math.nan,
                    "photoz": math.nan, "photoz_err": math.nan}  # fmt: skip
        if bad < self.outliers:
            photoz, error = elsewhere, stated_bad * (1.0 + elsewhere)
        else:
            photoz = z + (self.bias + self.spread * pull) * (1.0 + z)
            error = self.stated * (1.0 + z) * 10.0 ** (0.2 * scatter)
        return {"redshift": redshift, "photoz": max(float(photoz), 0.001), "photoz_err": float(error)}


SPECTRA = Hosts(spectroscopic=None)


# Fraction with a spectroscopic class against the brightest magnitude: measured on the ZTF Bright Transient
# Survey table down to 18.9, the tail below fitted to the magnitudes of classified objects.
_BTS_MAGNITUDE = (17.0, 17.75, 18.1, 18.4, 18.6, 18.9, 19.3, 20.0)
_BTS_FRACTION = (0.995, 0.981, 0.947, 0.943, 0.706, 0.35, 0.02, 0.0)


def classified_fraction(magnitude: Floats | float) -> Floats:
    """Probability that an object of this brightest magnitude has a class in a survey like BTS."""
    return np.asarray(np.interp(magnitude, _BTS_MAGNITUDE, _BTS_FRACTION))


# A logistic curve (magnitude of one half, width) that brings volume-weighted simulated objects to the peak
# magnitudes of PLAsTiCC's training set, fitted to seven classes together (mean Kolmogorov distance 0.13).
_PLASTICC_HALF, _PLASTICC_WIDTH = 21.75, 0.45


def plasticc_fraction(magnitude: Floats | float) -> Floats:
    """Probability that an object of this brightest magnitude is in a training set like PLAsTiCC's."""
    return np.asarray(1.0 / (1.0 + np.exp((np.asarray(magnitude) - _PLASTICC_HALF) / _PLASTICC_WIDTH)))


@dataclass(frozen=True, eq=False)
class View:
    """What a survey brings to a simulation.

    `product` is "alerts" or "forced"; `rules` are those of ZTF alerts, None for every other survey; `measure`
    those of forced photometry; `deep` chooses the redshift ranges; `classified` is the share of objects with
    a spectroscopic class by brightest magnitude, where one is known.
    """

    survey: Survey
    bands: Bandpasses
    log: VisitLog
    product: str
    measure: Forced
    rules: Observing | None = None
    hosts: Hosts = SPECTRA
    deep: bool = False
    classified: Callable[[float], Floats] | None = None

    @property
    def seasonal(self) -> bool:
        """Whether the trigger is the first detection of the season of the peak (the tables of ZTF)."""
        return self.survey.name == "ZTF"

    def for_class(self, population: Population) -> View:
        """The view with donors in deep fields as often as the class has them, if no share was asked for."""
        log, share = self.log, population.number_of("donor_deep_share", -1.0)
        if share >= 0.0 and isinstance(log, SequenceLog) and log.dereddened and log.deep_share is None:
            return replace(self, log=replace(log, deep_share=share))
        return self


def view(
    survey: str | Path | Survey,
    library: Library,
    *,
    product: str | None = None,
    rules: Observing | Forced | None = None,
    visits: Visits | str | Path | None = None,
) -> View:
    """The view of a survey; ZTF gives alerts and others forced photometry unless `product` says otherwise.

    Raises
    ------
    DataError, UnknownNameError, UsageError
        A log that is not there or has holes, passbands that nobody knows, rules of the other product.
    """
    known, visits = survey_of(survey), Visits.of(visits)
    if product not in (None, *_PRODUCTS):
        raise UnknownNameError("product", product, _PRODUCTS, where="simulate")
    if known.name == "ZTF" and visits.log is None and visits.donors is None:
        return _view_of_ztf(known, library, product, rules)
    if isinstance(rules, Observing):
        raise UsageError("Observing holds the rules of ZTF alerts", where="rules", hint="Give a Forced.")
    bands = bandpasses(known, library)
    deep = float(np.median([one.depth for one in known.passbands])) > _DEEP_SURVEY
    log, default = _log_and_rules(known, bands.names, library, visits)
    product = product or ("alerts" if known.name == "ZTF" else "forced")
    return View(
        known, bands, log, product, rules or default, None, Hosts() if deep else SPECTRA, deep,
        plasticc_fraction if known.name == "LSST" else None,
    )  # fmt: skip


def _view_of_ztf(
    known: Survey, library: Library, product: str | None, rules: Observing | Forced | None
) -> View:
    """ZTF under its own log: alerts as measured, or forced photometry with their noise."""
    ztf = rules if isinstance(rules, Observing) else Observing()
    measure = rules if isinstance(rules, Forced) else ztf_forced(ztf)
    chosen = product or ("forced" if isinstance(rules, Forced) else "alerts")
    return View(
        known, bandpasses(known, library, ("g", "r")), ztf_log(library), chosen, measure,
        ztf if chosen == "alerts" else None, classified=classified_fraction,
    )  # fmt: skip


def _log_and_rules(
    known: Survey, bands: tuple[str, ...], library: Library, visits: Visits
) -> tuple[VisitLog, Forced]:
    """The visit log that was asked for, else the survey's own; and how it is measured by default."""
    own = LSST if known.name == "LSST" else Forced(detection_snr=known.detection_snr)
    share = visits.deep_share or 0.0
    if visits.donors is not None:
        return donor_log(visits.donors, known, bands, deep_share=visits.deep_share), PLASTICC
    if visits.log is not None:
        dust = library.dust_map()
        # Of an own log nobody knows which fields are meant to be deep.
        radius, deep = visits.radius, visits.deep_share
        return pointing_log(visits.log, known, bands, dust, radius=radius, deep_share=deep), own
    if known.name == "LSST":
        return lsst_log(known, bands, library, visits.radius, share), own
    raise DataError(
        f"no visit log of {known.name} is here", where="simulate",
        hint=("Give one as ", Arg("visits", "FILE"), ": mjd, ra, dec, band and depth."),
    )  # fmt: skip
