"""What a room does beside holding names: it is called as the verb it is named by, and knows what moved.

``firstlight.evaluate`` is a package, with ``firstlight.evaluate.metrics`` in it, and the verb that it is for:
``fl.evaluate(classifier, curves)`` is ``fl.evaluate.evaluate(classifier, curves)``, whatever was imported
before. A module is called by the ``__call__`` of its class, and Python lets a module choose its class.
"""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any


class VerbRoom(ModuleType):
    """A room that is called as the function in it that has its name."""

    @property
    def _verb(self) -> Callable[..., Any]:
        verb: Callable[..., Any] = vars(self)[self.__name__.rpartition(".")[2]]
        return verb

    def __call__(self, /, *arguments: Any, **options: Any) -> Any:
        """What the verb gives."""
        return self._verb(*arguments, **options)

    @property
    def __signature__(self) -> inspect.Signature:
        """The signature of the verb, for whoever asks the room for help."""
        return inspect.signature(self._verb)

    def __reduce__(self) -> tuple[Any, ...]:
        return import_module, (self.__name__,)


def called_as_its_verb(room: str) -> None:
    """Let the module `room` be called as the function in it that has its name."""
    sys.modules[room].__class__ = VerbRoom


def verb(room: str, name: str) -> Callable[..., Any]:
    """A function of a room for a method that is spelled like it: ``curves.plot()`` is of `figures`.

    Values stand on lower floors than what is done with them. A method that only hands its value to such a
    function names it here, when it is called, so that the floor below needs nothing of the one above.
    """
    found: Callable[..., Any] = getattr(import_module(f"firstlight.{room}"), name)
    return found


def moved(room: str, names: Mapping[str, str], *, depth: int = 2) -> Callable[[str], Any]:
    """The ``__getattr__`` of a module from which `names` moved: each still works, and says where it is now.

    Parameters
    ----------
    room : str
        The module, ``__name__``.
    names : mapping
        Where each former name is now: ``{"suggest": "firstlight.suggest.suggest"}``.
    depth : int
        Calls from the line that is warned about: 2 where this is the ``__getattr__``, 3 where it calls this.
    """

    def former(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module '{room}' has no attribute '{name}'")
        warnings.warn(f"{room}.{name} is now {names[name]}", DeprecationWarning, stacklevel=depth)
        home, _, now = names[name].rpartition(".")
        return getattr(import_module(home), now)

    return former
