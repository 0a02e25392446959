"""A survey as the engine sees it: passbands, visit log, what it measures, and the rules of its tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from firstlight.errors import Arg, DataError, UnknownNameError, UsageError
from firstlight.facts import Survey
from firstlight.facts import survey as survey_of
from firstlight.simulate import compact
from firstlight.simulate import forced as measuring
from firstlight.simulate.donors import donor_log
from firstlight.simulate.forced import Forced, ztf_forced
from firstlight.simulate.hosts import SPECTRA, Hosts
from firstlight.simulate.library import Library
from firstlight.simulate.observing import Observing, classified_fraction, plasticc_fraction
from firstlight.simulate.passbands import passbands
from firstlight.simulate.pointings import pointing_log
from firstlight.simulate.synthesis import Band
from firstlight.simulate.visits import YEAR, Log, SequenceLog, milky_way, ztf_log

Product = Literal["alerts", "forced"]
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
        Share of the events in deep drilling fields; default 0, of donors as they are.
    """

    log: str | Path | None = None
    donors: str | Path | None = None
    radius: float = 1.75
    deep_share: float | None = None

    def __post_init__(self) -> None:
        if self.log is not None and self.donors is not None:
            raise UsageError("a log and donors were given", where="visits", hint="Choose one.")
        if self.deep_share is not None and not 0.0 <= self.deep_share <= 1.0:
            raise UsageError(f"{self.deep_share} is no share from 0 to 1", where="deep_share")
        if not 0.0 < self.radius < 30.0:
            raise UsageError(f"{self.radius} degrees are no radius of a field of view", where="radius")


@dataclass(frozen=True, eq=False)
class View:
    """What a survey brings to a simulation.

    `rules` are those of ZTF alerts, None for every other survey; `measure` those of forced photometry; `deep`
    chooses the redshift ranges; `classified` is the share of objects with a spectroscopic class by brightest
    magnitude, where one is known.
    """

    survey: Survey
    bands: tuple[Band, ...]
    log: Log
    product: Product
    measure: Forced
    rules: Observing | None = None
    hosts: Hosts = SPECTRA
    deep: bool = False
    classified: Callable[[float], NDArray[np.float64]] | None = None

    @property
    def seasonal(self) -> bool:
        """Whether the trigger is the first detection of the season of the peak (the tables of ZTF)."""
        return self.survey.name == "ZTF"


def view(
    survey: str | Path | Survey,
    library: Library,
    *,
    product: str | None = None,
    rules: Observing | Forced | None = None,
    visits: Visits | None = None,
) -> View:
    """The view of a survey; ZTF gives alerts and others forced photometry unless `product` says otherwise.

    Raises
    ------
    DataError, UnknownNameError, UsageError
        A log that is not there or has holes, passbands that nobody knows, rules of the other product.
    """
    known, visits = survey_of(survey), visits or Visits()
    chosen = _product(product, "alerts" if known.name == "ZTF" else "forced")
    own = visits.log is None and visits.donors is None
    if known.name == "ZTF" and own:
        ztf = rules if isinstance(rules, Observing) else Observing()
        if isinstance(rules, Forced):
            chosen = "forced" if product is None else chosen
        measure = rules if isinstance(rules, Forced) else ztf_forced(ztf)
        alerts = ztf if chosen == "alerts" else None
        return View(
            known, passbands(known, library, ("g", "r")), ztf_log(library), chosen, measure, alerts,
            classified=classified_fraction,
        )  # fmt: skip
    if isinstance(rules, Observing):
        raise UsageError("Observing holds the rules of ZTF alerts", where="rules", hint="Give a Forced.")
    bands = passbands(known, library)
    names = tuple(one.name for one in bands)
    deep = float(np.median([one.depth for one in known.passbands])) > _DEEP_SURVEY
    hosts = Hosts() if deep else SPECTRA
    if visits.donors is not None:
        log: Log = donor_log(visits.donors, known, names, deep_share=visits.deep_share)
        default = measuring.PLASTICC
    elif visits.log is not None:
        log = pointing_log(visits.log, known, names, library.dust_map(), radius=visits.radius,
                           deep_share=visits.deep_share or 0.0)  # fmt: skip
        default = measuring.LSST if known.name == "LSST" else Forced(detection_snr=known.detection_snr)
    elif known.name == "LSST":
        log, default = _lsst_log(known, names, library, visits), measuring.LSST
    else:
        raise DataError(
            f"no visit log of {known.name} is here", where="simulate",
            hint=("Give one as ", Arg("visits", "FILE"), ": mjd, ra, dec, band and depth."),
        )  # fmt: skip
    spectra = plasticc_fraction if known.name == "LSST" else None
    return View(known, bands, log, chosen, rules or default, None, hosts, deep, spectra)


def _product(given: str | None, default: Product) -> Product:
    if given is None:
        return default
    for name in get_args(Product):
        if given == name:
            return name  # type: ignore[no-any-return]
    raise UnknownNameError("product", given, get_args(Product), where="simulate")


def _lsst_log(survey: Survey, names: tuple[str, ...], library: Library, visits: Visits) -> Log:
    share = visits.deep_share or 0.0
    if library.root is not None:
        path = library.path("visits/lsst_baseline_v2.0_1yr.parquet")
        return pointing_log(path, survey, names, library.dust_map(), radius=visits.radius, deep_share=share)
    own, dust = compact.visits("lsst"), library.dust_map()
    spelt, inverse = np.unique(own.band, return_inverse=True)
    band = np.array([names.index(survey.passband(one).name) for one in spelt], dtype=np.int8)[inverse]
    ebv = np.array([milky_way(float(a), float(d), dust) for a, d in zip(own.ra, own.dec, strict=True)])
    deep = np.diff(own.offsets) > 500
    return SequenceLog(own.time, band, own.limit, own.offsets, own.ra, own.dec, ebv, deep, YEAR, False, share)
