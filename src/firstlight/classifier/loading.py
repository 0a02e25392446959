"""Classifiers by name or by path."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from firstlight.classifier.checkpoint import read_checkpoint
from firstlight.classifier.classifier import Classifier
from firstlight.classifier.predictions import Predictions
from firstlight.errors import UnknownNameError, UsageError
from firstlight.lightcurves import LightCurves

_HOME = Path(__file__).parent / "packaged"


def classifiers() -> tuple[str, ...]:
    """The names of the classifiers that come with firstlight."""
    return tuple(sorted(path.parent.name for path in _HOME.glob("*/config.json")))


def load(name_or_path: str | Path = "ztf", *, threads: int = 1) -> Classifier:
    """A classifier, by the name of a packaged one or by the path of a saved one.

    Parameters
    ----------
    name_or_path : str or Path
    threads : int
        Threads of one call.

    Raises
    ------
    UnknownNameError, UsageError
        When it is neither, with the nearest name.
    CheckpointError
        When a part of the checkpoint is missing, altered, or of another version.
    """
    if not isinstance(name_or_path, (str, Path)):
        raise UsageError(
            f"a {type(name_or_path).__name__} names no classifier", hint="Give a name or the path of one."
        )
    if isinstance(name_or_path, str) and name_or_path in classifiers():
        return Classifier(read_checkpoint(_HOME / name_or_path), threads=threads)
    path = Path(name_or_path).expanduser()
    if not path.exists():
        beside = path.parent.glob("*/config.json") if path.parent.is_dir() else ()
        saved = sorted(str(found.parent) for found in beside)
        raise UnknownNameError(
            "classifier",
            name_or_path,
            (*classifiers(), *saved),
            hint="Or give the path of a directory that a classifier was saved in.",
        )
    return Classifier(read_checkpoint(path), threads=threads)


def classify(curves: LightCurves, classifier: str | Path | Classifier = "ztf", **options: Any) -> Predictions:
    """Class probabilities at every observation, by a classifier or the name or path of one.

    `options` are those of `Classifier.classify`: ``classes``, ``priors``, ``novelty``, ``batch_size``.
    """
    if not isinstance(classifier, Classifier):
        known = isinstance(classifier, str) and classifier in classifiers()
        # Read once: what comes with firstlight never changes, and reading takes longer than to answer for one
        # object. Nobody else holds this classifier, so that what it answers depends on its name alone.
        classifier = _packaged(str(classifier)) if known else load(classifier)
    return classifier.classify(curves, **options)


@cache
def _packaged(name: str) -> Classifier:
    return load(name)
