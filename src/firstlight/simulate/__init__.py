"""Simulated transient surveys: populations, sources, observing, products, and how real they look.

>>> from firstlight.simulate import simulate
>>> curves = simulate("ZTF", {"SN Ia": 100, "TDE": 20}, seed=1, data="simulation-data")  # doctest: +SKIP

From a shell: ``python -m firstlight.simulate FOLDER "SN Ia=100" "TDE=20" --data simulation-data``.
"""

from __future__ import annotations

from firstlight.simulate.engine import Selection, Simulator, simulate, simulators
from firstlight.simulate.library import Library
from firstlight.simulate.observing import Observing
from firstlight.simulate.populations import Population, populations
from firstlight.simulate.product import join, write_survey
from firstlight.simulate.realism import FEATURES, TwoSample, features, two_sample

__all__ = [
    "FEATURES",
    "Library",
    "Observing",
    "Population",
    "Selection",
    "Simulator",
    "TwoSample",
    "features",
    "join",
    "populations",
    "simulate",
    "simulators",
    "two_sample",
    "write_survey",
]
