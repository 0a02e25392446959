"""Which spectra to take next: unlabelled objects, ranked by what their label would teach a classifier."""

from firstlight._rooms import called_as_its_verb
from firstlight.suggest.acquisition import Choice, choose
from firstlight.suggest.ranking import suggest
from firstlight.suggest.suggestions import Suggestions

__all__ = ["Choice", "Suggestions", "choose", "suggest"]

called_as_its_verb(__name__)
