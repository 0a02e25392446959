"""Simulated transient surveys: populations, sources, observing, products, and how real they look.

>>> import firstlight as fl
>>> curves = fl.simulate("ZTF", {"SN Ia": 100, "TDE": 20}, seed=1, data="simulation-data")  # doctest: +SKIP

From a shell: ``firstlight simulate "SN Ia=100" "TDE=20" --survey ZTF --data simulation-data --out FOLDER``.
"""

from firstlight._rooms import called_as_its_verb
from firstlight.simulate.check import PARTS, RealismReport, check, half, real_light_curves
from firstlight.simulate.library import Library
from firstlight.simulate.observing import Forced, Noise, Observing
from firstlight.simulate.populations import Population, PopulationTable, population_table, populations
from firstlight.simulate.product import join, simulate, write_survey
from firstlight.simulate.realism import FEATURES, TwoSample, features, two_sample
from firstlight.simulate.simulator import Selection, Simulator, simulators
from firstlight.simulate.views import Hosts, Visits

__all__ = [
    "FEATURES",
    "PARTS",
    "Forced",
    "Hosts",
    "Library",
    "Noise",
    "Observing",
    "Population",
    "PopulationTable",
    "RealismReport",
    "Selection",
    "Simulator",
    "TwoSample",
    "Visits",
    "check",
    "features",
    "half",
    "join",
    "population_table",
    "populations",
    "real_light_curves",
    "simulate",
    "simulators",
    "two_sample",
    "write_survey",
]

called_as_its_verb(__name__)
