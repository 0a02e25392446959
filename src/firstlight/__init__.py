"""Class probabilities for astronomical transients at every observation."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from firstlight._version import __version__

if TYPE_CHECKING:
    from firstlight.classifier import Classifier, Predictions, classifiers, classify, load
    from firstlight.errors import FirstlightError
    from firstlight.evaluate import evaluate
    from firstlight.facts import class_tree, survey, surveys
    from firstlight.figures import plot
    from firstlight.learn import fine_tune, pretrain
    from firstlight.lightcurves import Flag, LightCurves
    from firstlight.preparation import Observation, Preparation, deredden
    from firstlight.readers import convert, read, read_batches, read_table, sample
    from firstlight.simulate import simulate
    from firstlight.study import study
    from firstlight.suggest import suggest

# The face: the room of each name, from which it is imported when it is asked for. A verb that is the name of
# a room is that room, which is called (`firstlight._rooms`).
_ROOM_OF = {
    # verbs, the commands of the command line among them
    "read": "readers",
    "read_table": "readers",
    "read_batches": "readers",
    "convert": "readers",
    "sample": "readers",
    "load": "classifier",
    "classifiers": "classifier",
    "classify": "classifier",
    "suggest": "suggest",
    "pretrain": "learn",
    "fine_tune": "learn",
    "evaluate": "evaluate",
    "study": "study",
    "simulate": "simulate",
    "plot": "figures",
    "deredden": "preparation",
    "survey": "facts",
    "surveys": "facts",
    "class_tree": "facts",
    # values
    "LightCurves": "lightcurves",
    "Flag": "lightcurves",
    "Observation": "preparation",
    "Preparation": "preparation",
    "Classifier": "classifier",
    "Predictions": "classifier",
    "FirstlightError": "errors",
    # a former name, which says the new one when it is called
    "label_efficiency": "study",
}
_ROOMS = ("figures", "learn", "classifier", "preparation", "readers", "lightcurves", "facts", "errors")
_FORMER = {"packaged": "firstlight.classifier.classifiers"}

__all__ = [
    "Classifier",
    "FirstlightError",
    "Flag",
    "LightCurves",
    "Observation",
    "Predictions",
    "Preparation",
    "__version__",
    "class_tree",
    "classifiers",
    "classify",
    "convert",
    "deredden",
    "evaluate",
    "fine_tune",
    "load",
    "plot",
    "pretrain",
    "read",
    "read_batches",
    "read_table",
    "sample",
    "simulate",
    "study",
    "suggest",
    "survey",
    "surveys",
]


def __getattr__(name: str) -> Any:
    room = _ROOM_OF.get(name, name if name in _ROOMS else "")
    if room:
        module = import_module(f"firstlight.{room}")
        value = module if name == room else getattr(module, name)
        globals()[name] = value
        return value
    if name in _FORMER:
        from firstlight._rooms import moved

        return moved(__name__, _FORMER, depth=3)(name)
    from firstlight.errors import nearest

    near = nearest(name, __all__)
    hint = f" Did you mean '{near}'?" if near else ""
    raise AttributeError(f"module 'firstlight' has no attribute '{name}'.{hint}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_ROOMS})
