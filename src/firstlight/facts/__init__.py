"""Facts: surveys, passbands, units, classes and labels, each number and name with its source."""

from firstlight.facts.classes import ClassTree, class_tree
from firstlight.facts.extinction import extinction_at
from firstlight.facts.surveys import Passband, Survey, all_passbands, passband, survey, surveys
from firstlight.facts.units import units, zero_point

__all__ = [
    "ClassTree",
    "Passband",
    "Survey",
    "all_passbands",
    "class_tree",
    "extinction_at",
    "passband",
    "survey",
    "surveys",
    "units",
    "zero_point",
]
