"""Preparation: how light curves become the numbers that a network reads, for tables and for streams."""

from firstlight.preparation.dust import deredden
from firstlight.preparation.preparation import Preparation
from firstlight.preparation.sequences import Sequences, Steps
from firstlight.preparation.states import Observation, State, States

__all__ = ["Observation", "Preparation", "Sequences", "State", "States", "Steps", "deredden"]
