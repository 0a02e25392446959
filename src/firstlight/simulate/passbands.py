"""The passbands of a survey: throughput curves of the data folder, else boxes of the stated width."""

from __future__ import annotations

import numpy as np

from firstlight.facts import Passband, Survey
from firstlight.facts import passband as fact
from firstlight.facts import survey as survey_of
from firstlight.simulate.library import Library
from firstlight.simulate.synthesis import Band, band


def reference(name: str, bands: tuple[Band, ...], library: Library) -> Band:
    """The passband of a qualified name: of `bands`, else a packaged one; for ``""`` the last of `bands`."""
    if not name:
        return bands[-1]
    for one in bands:
        if one.name == name:
            return one
    known = fact(name)
    return _band(known, survey_of(known.survey), library)


def passbands(survey: Survey, library: Library, only: tuple[str, ...] = ()) -> tuple[Band, ...]:
    """The passbands of a survey, or `only` those (short names), in the survey's order."""
    chosen = (one for one in survey.passbands if not only or one.short in only)
    return tuple(_band(one, survey, library) for one in chosen)


def _band(known: Passband, survey: Survey, library: Library) -> Band:
    for prefix in (survey.name, *survey.aliases):
        file = f"{prefix.lower()}_{known.short}"
        if library.has(f"filters/{file}.dat"):
            return band(known.name, *library.passband(file))
    middle, width = 1e4 * known.wavelength_um, 1e4 * known.width_um
    wave = middle + width * np.array([-0.5 - 1e-6, -0.5, 0.5, 0.5 + 1e-6])
    return band(known.name, wave, np.array([0.0, 1.0, 1.0, 0.0]))
