"""Classifiers by name or by path, and which packaged one answers where none is named."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from firstlight import facts
from firstlight.classifier.checkpoint import CONFIG, read_checkpoint
from firstlight.classifier.classifier import Classifier
from firstlight.classifier.predictions import Predictions, require_curves
from firstlight.errors import Arg, UnknownNameError, UsageError
from firstlight.lightcurves import LightCurves
from firstlight.preparation import Preparation

_HOME = Path(__file__).parent / "packaged"


def classifiers() -> tuple[str, ...]:
    """The names of the classifiers that come with firstlight."""
    return tuple(sorted(path.parent.name for path in _HOME.glob("*/config.json")))


class Purpose(NamedTuple):
    """What a packaged classifier is for, as its config says.

    Attributes
    ----------
    name : str
    surveys : tuple of str
        Whose light curves it was trained on.
    preparation : Preparation
        Which passbands it reads, among other things.
    labelled : bool
        Whether labels taught it, beyond a simulation.
    """

    name: str
    surveys: tuple[str, ...]
    preparation: Preparation
    labelled: bool

    @property
    def default(self) -> str:
        """Whose light curves it answers for where none is named, in words; "" for none."""
        if len(self.surveys) > 1:
            return "every other survey of which it reads a passband"
        return self.surveys[0] if self.labelled else ""

    def reads_any(self, bands: Iterable[facts.Passband]) -> bool:
        """Whether it reads one of these passbands."""
        return any(self.preparation.reads(band) is not None for band in bands)


@cache
def purpose_of(name: str) -> Purpose:
    """What the packaged classifier of this name is for; its network is not read."""
    config = json.loads((_HOME / name / CONFIG).read_text(encoding="utf-8"))
    labelled = config["training"].get("kind") == "fine-tuning"
    return Purpose(name, tuple(config["surveys"]), Preparation.from_dict(config["preparation"]), labelled)


class Default(NamedTuple):
    """The classifier that answers where none is named, and why it does."""

    name: str
    why: str


def default_for(curves: LightCurves) -> Default:
    """The packaged classifier of the survey of these light curves, or the one of several surveys.

    Only the surveys of the passbands count in which there are observations. Of several surveys in one table
    all objects are answered for by one classifier, so that all answers speak of the same classes.

    Raises
    ------
    UsageError
        When none reads a passband of theirs, with those that there are.
    """
    require_curves(curves, where="classify")
    seen = sorted(set(curves.passband[curves.passband >= 0].tolist())) or range(len(curves.bands))
    return default_of([curves.bands[code] for code in seen])


def default_of(bands: Iterable[facts.Passband]) -> Default:
    """As `default_for`, from the passbands."""
    bands = list(bands)
    names = tuple(dict.fromkeys(band.survey for band in bands))
    # Any passband of a packaged survey may come in the next file of it.
    known = [facts.survey(name) for name in names if name in facts.surveys()]
    bands += [band for one in known for band in one.passbands]
    all_of_them = [purpose_of(name) for name in classifiers()]
    for one in all_of_them:
        if one.labelled and one.surveys == names:
            return Default(one.name, f"the packaged classifier of {names[0]}")
    together = " and ".join(names)
    for one in all_of_them:
        if len(one.surveys) > 1 and (one.reads_any(bands) or not names):
            why = f"no packaged classifier is of {together} alone"
            if len(names) > 1:
                why = f"the light curves are of {together}, and one classifier answers for all"
            return Default(one.name, why)
    listed = "; ".join(f"{one.name} reads {_bands(one)}" for one in all_of_them)
    reading = [one.name for one in all_of_them if one.reads_any(bands)]
    raise UsageError(
        f"no packaged classifier is for light curves of {together}",
        where=Arg("classifier"),
        hint=(
            f"There are: {listed}. Of these {', '.join(reading) or 'none'} can read some of these passbands. "
            "Say ",
            Arg("classifier", "NAME"),
            ", or fine-tune one on labels of your own.",
        ),
    )


def _bands(one: Purpose) -> str:
    bands = one.preparation.passbands
    return "any passband" if bands is None else ", ".join(band.name for band in bands)


def who_reads(band: facts.Passband) -> tuple[str, ...]:
    """The packaged classifiers that read a passband."""
    return tuple(name for name in classifiers() if purpose_of(name).reads_any([band]))


def load(
    name_or_path: str | Path | None = None,
    *,
    survey: str | facts.Survey | None = None,
    threads: int = 1,
) -> Classifier:
    """A classifier, by the name of a packaged one or by the path of a saved one.

    Parameters
    ----------
    name_or_path : str or Path, optional
    survey : str or Survey, optional
        Instead of a name: the packaged classifier that answers for its light curves (`default_for`).
    threads : int
        Threads of one call.

    Raises
    ------
    UnknownNameError, UsageError
        When it is neither, with the nearest name.
    CheckpointError
        When a part of the checkpoint is missing, altered, or of another version.
    """
    if name_or_path is None and survey is not None:
        name_or_path = default_of(facts.survey(survey).passbands).name
    elif survey is not None:
        raise UsageError("a classifier and a survey are named", where="load", hint="Give one of the two.")
    if name_or_path is None:
        raise UsageError(
            "no classifier is named",
            where="load",
            hint=("One of ", ", ".join(classifiers()), "; or say ", Arg("survey", "ZTF"), "."),
        )
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


def classify(
    curves: LightCurves, classifier: str | Path | Classifier | None = None, **options: Any
) -> Predictions:
    """Class probabilities at every observation, by a classifier or the name or path of one.

    Without one the packaged classifier of the survey of the light curves answers (`default_for`), and
    `Predictions.chosen` says why. `options` are those of `Classifier.classify`: ``classes``, ``priors``,
    ``novelty``, ``renormalise``, ``batch_size``.
    """
    chosen = ""
    if classifier is None:
        classifier, chosen = default_for(curves)
    if not isinstance(classifier, Classifier):
        known = isinstance(classifier, str) and classifier in classifiers()
        # Read once: what comes with firstlight never changes, and reading takes longer than to answer for one
        # object. Nobody else holds this classifier, so that what it answers depends on its name alone.
        classifier = _read_once(str(classifier)) if known else load(classifier)
    return replace(classifier.classify(curves, **options), chosen=chosen)


@cache
def _read_once(name: str) -> Classifier:
    return load(name)
