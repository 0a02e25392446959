"""Facts: surveys, passbands, units, classes and labels, each number and name with its source."""

from firstlight.facts.bounds import bounds
from firstlight.facts.classes import ClassTree, class_tree
from firstlight.facts.extinction import extinction_at
from firstlight.facts.passband import Passband, united
from firstlight.facts.surveys import (
    Survey,
    all_passbands,
    is_packaged,
    passband,
    survey,
    surveys,
    to_plain,
)
from firstlight.facts.units import units, zero_point

__all__ = [
    "ClassTree",
    "Passband",
    "Survey",
    "all_passbands",
    "bounds",
    "class_tree",
    "extinction_at",
    "is_packaged",
    "passband",
    "survey",
    "surveys",
    "to_plain",
    "united",
    "units",
    "zero_point",
]
