"""Which spectra to take next: unlabelled objects, ranked by what their label would teach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from firstlight.classifier.acquisition import choose
from firstlight.classifier.answers import Priors
from firstlight.classifier.classifier import Classifier
from firstlight.classifier.loading import load
from firstlight.classifier.predictions import Predictions
from firstlight.classifier.wording import reasons
from firstlight.errors import Arg, MissingExtraError, UnknownNameError, UsageError
from firstlight.facts import class_tree
from firstlight.lightcurves import LightCurves
from firstlight.lightcurves.photometry import magnitude_from_flux

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Suggestions:
    """k objects whose spectra would teach most, best first.

    Attributes
    ----------
    object_id : list of str, length k
    score, uncertainty, balance, diversity : float64 [k]
        Between 0 and 1: the score, and its parts (`firstlight.classifier.acquisition.Choice`).
    reason : list of str
        The parts in words.
    magnitude : float64 [k]
        AB magnitude of the latest detection.
    days_since_detection : float64 [k]
        From there to the latest observation of the whole table.
    probabilities : float32 [k, C]
        Under the priors that the ranking used.
    classes : tuple of str
    candidates : int
        Objects that were ranked.
    left_out : mapping of str to int
        Why how many other objects were not.
    classifier, version, hash : str
        Who answered: name, version, SHA-256 of the weights.
    """

    object_id: list[str]
    score: Floats
    uncertainty: Floats
    balance: Floats
    diversity: Floats
    reason: list[str]
    magnitude: Floats
    days_since_detection: Floats
    probabilities: NDArray[np.float32]
    classes: tuple[str, ...]
    candidates: int
    left_out: Mapping[str, int]
    classifier: str
    version: str
    hash: str

    def __len__(self) -> int:
        return len(self.object_id)

    def __repr__(self) -> str:
        return f"Suggestions({len(self)} of {self.candidates} objects; {self.classifier} {self.version})"

    def to_arrow(self) -> pa.Table:
        """One row an object, best first.

        Columns ``rank``, ``object_id``, ``score``, ``reason``, ``magnitude``, ``days_since_detection``,
        ``uncertainty``, ``balance``, ``diversity``, and the probability of each class under its name.
        """
        columns = {
            "rank": pa.array(np.arange(1, len(self) + 1)),
            "object_id": pa.array(self.object_id, pa.string()),
            "score": pa.array(self.score.round(3)),
            "reason": pa.array(self.reason, pa.string()),
            "magnitude": pa.array(self.magnitude.round(2), from_pandas=True),
            "days_since_detection": pa.array(self.days_since_detection.round(2), from_pandas=True),
            "uncertainty": pa.array(self.uncertainty.round(3)),
            "balance": pa.array(self.balance.round(3)),
            "diversity": pa.array(self.diversity.round(3)),
        }
        for k, name in enumerate(self.classes):
            columns[name] = pa.array(np.ascontiguousarray(self.probabilities[:, k]))
        about = {
            "firstlight.classifier": self.classifier,
            "firstlight.version": self.version,
            "firstlight.weights": self.hash,
        }
        return pa.table(columns).replace_schema_metadata(about)

    def to_pandas(self) -> Any:
        """As `to_arrow`, as a pandas DataFrame."""
        try:
            import pandas  # noqa: F401
        except ImportError:
            raise MissingExtraError("pandas", "frames") from None
        return self.to_arrow().to_pandas()


def suggest(
    curves: LightCurves,
    classifier: str | Path | Classifier = "ztf",
    *,
    number: int = 20,
    labelled: LightCurves | None = None,
    magnitude_limit: float | None = None,
    seen_within: float | None = None,
    classes: Sequence[str] | None = None,
    priors: Priors = "flat",
    seed: int = 0,
) -> Suggestions:
    """The objects whose spectra would teach the classifier most, best first.

    Ranked are the objects without a label. Three things count: how uncertain the answer is, how few labels
    there are of the classes to expect, and how unlike the light curve is to those labelled or higher in the
    list.

    Parameters
    ----------
    curves : LightCurves
        What could be observed. Objects that carry a ``label`` count as labelled.
    classifier : str, Path or Classifier
        The one to be taught, as far as it has come.
    number : int
        Length of the list.
    labelled : LightCurves, optional
        Further objects with a ``label``, e.g. those of earlier nights. Without any, the labels that the
        classifier was fine-tuned on count for the balance.
    magnitude_limit : float, optional
        Leave out what was fainter at its latest detection, AB mag.
    seen_within : float, optional
        Leave out what was not detected in so many days before the latest observation of `curves`.
    classes : sequence of str, optional
        Coarser classes that the labels shall tell apart.
    priors : "flat" or mapping, optional
        Class shares of the probabilities. Every class alike by default: what is rare is to be found. None
        takes those that the classifier states.
    seed : int
        Which of two equal objects comes first; the order of the table has no say in it.

    Raises
    ------
    UsageError
        When no object is left to suggest, with the reasons.
    UnknownNameError
        For a label that is no class.

    Examples
    --------
    >>> tonight = suggest(alerts, "ztf", number=20, magnitude_limit=19.0)  # doctest: +SKIP
    >>> tonight.to_arrow()                                                 # doctest: +SKIP
    """
    if number < 1:
        raise UsageError(f"{number} objects are too few: 1 is the least", where="suggest")
    for table in (curves, labelled):
        if table is not None and not isinstance(table, LightCurves):
            raise UsageError(
                f"light curves are needed, not a {type(table).__name__}",
                where="suggest",
                hint="Read it first: firstlight.read_table(table, survey='ZTF', flux_unit='uJy').",
            )
    model = classifier if isinstance(classifier, Classifier) else load(classifier)
    ordered = _ordered(curves, seed)
    own = _labels(ordered)
    known, names = _labelled(ordered, own, labelled)
    predictions = model.classify(ordered, classes=classes, priors=priors)
    magnitude, days = latest(ordered)
    candidates, left_out = _candidates(
        predictions, own, set(known), magnitude, days, magnitude_limit, seen_within
    )
    if not candidates.any():
        told = ", ".join(f"{count} {why}" for why, count in left_out.items()) or "the table has none"
        raise UsageError(f"no object is left to suggest: {told}", where="suggest")
    counts = _counts(names, predictions.classes) if names else _taught(model, predictions.classes)
    chosen, unlike = ordered[candidates], _embeddings(model, ordered, own, labelled)
    probabilities = predictions.final()[candidates]
    choice = choose(probabilities, model.embed(chosen), number, counts=counts, labelled=unlike)
    k = choice.chosen
    return Suggestions(
        [chosen.object_id[one] for one in k],
        *choice[1:],
        reasons(choice, probabilities, predictions.classes, counts, compared=len(unlike) > 0),
        magnitude[candidates][k],
        days[candidates][k],
        probabilities[k],
        predictions.classes,
        int(candidates.sum()),
        left_out,
        predictions.classifier,
        predictions.version,
        predictions.hash,
    )


def latest(curves: LightCurves) -> tuple[Floats, Floats]:
    """AB magnitude of each object's latest detection, and days from there to the latest observation of all.

    Both float64 [n]; NaN without a detection of positive flux.
    """
    rows = np.flatnonzero(curves.detected & curves.usable & (curves.flux > 0.0))
    magnitude, time = np.full(len(curves), np.nan), np.full(len(curves), np.nan)
    owner = curves.owner[rows]
    # Rows are in order of time, and of several the last one stays.
    magnitude[owner], time[owner] = magnitude_from_flux(curves.flux[rows])[0], curves.time[rows]
    now = np.max(curves.time, where=np.isfinite(curves.time), initial=-np.inf)
    return magnitude, now - time


def _ordered(curves: LightCurves, seed: int) -> LightCurves:
    """The objects in an order that depends on their names and the seed alone."""
    by_name = np.argsort(np.array(curves.object_id, dtype=object), kind="stable")
    return curves.take(by_name[np.random.default_rng(seed).permutation(len(curves))])


def _labels(curves: LightCurves) -> NDArray[Any]:
    """The label of each object; None without one."""
    given = [None if label is None or label == "" else str(label) for label in curves.column("label")]
    labels = np.empty(len(curves), dtype=object)
    labels[:] = given
    return labels


def _labelled(
    curves: LightCurves, own: NDArray[Any], labelled: LightCurves | None
) -> tuple[dict[str, str], list[str]]:
    """The label by name of every labelled object of both tables, and the labels under their TNS names."""
    found = {name: label for name, label in zip(curves.object_id, own, strict=True) if label is not None}
    if labelled is not None:
        theirs = _labels(labelled)
        if len(labelled) and not (theirs != None).any():  # noqa: E711  # of each entry
            raise UsageError(
                "none of the labelled light curves has a label",
                where="labelled",
                hint=(
                    "Say which column holds it when reading, ",
                    Arg("label", "NAME"),
                    ", or join a table of objects.",
                ),
            )
        found |= {name: one for name, one in zip(labelled.object_id, theirs, strict=True) if one is not None}
    tree = class_tree()
    known: dict[str, str] = {}
    for label in set(found.values()):
        try:
            known[label] = tree.canonical(label)
        except UnknownNameError as error:
            error.where = f"Label '{label}'"
            raise
    return found, [known[label] for label in found.values()]


def _candidates(
    predictions: Predictions,
    own: NDArray[Any],
    known: set[str],
    magnitude: Floats,
    days: Floats,
    limit: float | None,
    within: float | None,
) -> tuple[Bools, dict[str, int]]:
    """Which objects may be suggested, and why how many others are left out, the first reason counting."""
    has_label = np.array([name in known for name in predictions.object_id], dtype=np.bool_)
    tests: list[tuple[str, Any]] = [
        ("with a label", has_label),
        ("without probabilities", np.isnan(predictions.final()).any(axis=1)),
    ]
    if within is not None:
        tests.append((f"not detected in the last {within:g} days", ~(days <= within)))
    if limit is not None:
        tests.append((f"fainter than {limit:g} mag", ~(magnitude <= limit)))
    open_, left_out = np.ones(len(own), np.bool_), dict[str, int]()
    for why, fails in tests:
        if (open_ & fails).any():
            left_out[why] = int((open_ & fails).sum())
        open_ &= ~fails
    return open_, left_out


def _counts(names: Sequence[str], classes: Sequence[str]) -> Floats:
    """Labels of each class [C]; what stands under none of the classes counts for none."""
    tree = class_tree()
    place = {name: tree.nearest_of(name, classes) for name in set(names)}
    found = np.array([place[name] for name in names], np.int64)
    return np.bincount(found[found >= 0], minlength=len(classes)).astype(np.float64)


def _taught(model: Classifier, classes: Sequence[str]) -> Floats:
    """Real labels of each class [C] that the classifier was fine-tuned on; of a simulation none is one."""
    training = model.checkpoint.config.get("training") or {}
    if training.get("kind") != "fine-tuning":
        return np.zeros(len(classes))
    return sum(
        (_counts([name], classes) * count for name, count in training["labels"].items()),
        np.zeros(len(classes)),
    )


def _embeddings(
    model: Classifier, curves: LightCurves, own: NDArray[Any], labelled: LightCurves | None
) -> NDArray[np.float32]:
    """What the network makes of the labelled light curves that it can read, float32 [m, E]."""
    parts = [model.embed(curves[np.array([label is not None for label in own], dtype=np.bool_)])]
    if labelled is not None:
        parts.append(
            model.embed(labelled[np.array([one is not None for one in _labels(labelled)], dtype=np.bool_)])
        )
    together = np.concatenate(parts)
    return together[np.isfinite(together).all(axis=1)]
