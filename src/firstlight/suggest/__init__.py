"""Which spectra to take next: unlabelled objects, ranked by what their label would teach a classifier."""

import sys
from types import ModuleType
from typing import Any

from firstlight.suggest.acquisition import Choice, choose
from firstlight.suggest.ranking import suggest
from firstlight.suggest.suggestions import Suggestions

__all__ = ["Choice", "Suggestions", "choose", "suggest"]


class _Room(ModuleType):
    """A module that can be called: ``fl.suggest(...)`` whatever was imported before."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return suggest(*arguments, **options)


sys.modules[__name__].__class__ = _Room
