"""Which objects can be suggested, what is known of their classes and labels, and their order."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from firstlight._types import AnyArray, Bools, Floats, Floats32
from firstlight.classifier import Classifier, default_for, load
from firstlight.classifier.predictions import require_curves
from firstlight.classifier.readout import REST, Priors
from firstlight.errors import Arg, UnknownNameError, UsageError, whole_number
from firstlight.facts import class_tree
from firstlight.lightcurves import LightCurves
from firstlight.lightcurves.photometry import magnitude_from_flux
from firstlight.suggest.acquisition import choose
from firstlight.suggest.suggestions import Suggestions, reasons

# Days after which a transient that was not detected again can hardly be observed any more.
SEEN_WITHIN = 30


def suggest(
    classifier: Classifier | str | Path | None = None,
    curves: LightCurves | None = None,
    *,
    number: int = 20,
    labelled: LightCurves | None = None,
    magnitude_limit: float | None = None,
    seen_within: float | None = SEEN_WITHIN,
    classes: Sequence[str] | None = None,
    priors: Priors = None,
    seed: int = 0,
) -> Suggestions:
    """The objects whose spectra would teach the classifier most, best first.

    Ranked are the objects without a label. Three things count: how uncertain the answer is, how few labels
    there are of the classes to expect, and how unlike the light curve is to those labelled or higher in the
    list.

    Parameters
    ----------
    classifier : Classifier, str or Path
        The one to be taught, as far as it has come; by default the packaged one of the survey of `curves`.
    curves : LightCurves
        What could be observed. Objects that carry a ``label`` count as labelled.
    number : int
        Length of the list.
    labelled : LightCurves, optional
        Further objects with a ``label``, e.g. those of earlier nights. Without any, the labels that the
        classifier was fine-tuned on count for the balance.
    magnitude_limit : float, optional
        Leave out what was fainter at its latest detection, AB mag.
    seen_within : float, optional
        Leave out what was not detected in so many days before the latest observation of `curves`: it has
        faded, and nobody can take its spectrum any more. None leaves nothing out.
    classes : sequence of str, optional
        Coarser classes that the labels shall tell apart.
    priors : "flat" or mapping, optional
        Class shares of the probabilities, as in `Classifier.classify`: by default those that the classifier
        states, so that both say the same of an object. "flat" favours what is rare.
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
    >>> tonight = suggest("ztf", alerts, number=20, magnitude_limit=19.0)  # doctest: +SKIP
    >>> tonight.to_arrow()                                                 # doctest: +SKIP
    """
    number, seed = whole_number("number", number), whole_number("seed", seed)
    if number < 1:
        raise UsageError(f"{number} objects are too few: 1 is the least", where="suggest")
    model, table = _in_order(classifier, curves)
    for given in (table,) if labelled is None else (table, labelled):
        require_curves(given, where="suggest")
    ordered = _ordered(table, seed)
    labels = _labels(ordered)
    known, names = _labelled(ordered, labels, labelled)
    predictions = model.classify(ordered, classes=classes, priors=priors)
    magnitude, days = latest(ordered)
    silent = np.isnan(predictions.final()).any(axis=1)
    has_label = np.array([name in known for name in ordered.object_id], np.bool_)
    reasons_against: dict[str, Any] = {"with a label": has_label, "without probabilities": silent}
    if seen_within is not None:
        reasons_against[f"not detected in the last {seen_within:g} days"] = ~(days <= seen_within)
    if magnitude_limit is not None:
        reasons_against[f"fainter than {magnitude_limit:g} mag"] = ~(magnitude <= magnitude_limit)
    candidates, left_out = _candidates(reasons_against, len(ordered))
    if not candidates.any():
        told = ", ".join(f"{count} {why}" for why, count in left_out.items()) or "the table has none"
        raise UsageError(
            f"no object is left to suggest: {told}",
            where="suggest",
            hint=("Objects of any age: ", Arg("seen_within", np.inf), "."),
        )
    counts = _counts(names, predictions.classes) if names else _taught(model, predictions.classes)
    chosen, unlike = ordered[candidates], _embeddings(model, ordered, labels, labelled)
    probabilities = predictions.final()[candidates]
    choice = choose(probabilities, model.embed(chosen), number, counts=counts, labelled=unlike)
    k = choice.chosen
    return Suggestions(
        object_id=[chosen.object_id[one] for one in k],
        score=choice.score,
        uncertainty=choice.uncertainty,
        balance=choice.balance,
        diversity=choice.diversity,
        reason=reasons(choice, probabilities, predictions.classes, counts, compared=len(unlike) > 0),
        magnitude=magnitude[candidates][k],
        days_since_detection=days[candidates][k],
        right_ascension=np.asarray(chosen.column("ra"), np.float64)[k],
        declination=np.asarray(chosen.column("dec"), np.float64)[k],
        probabilities=probabilities[k],
        classes=predictions.classes,
        priors=_worded(priors),
        candidates=int(candidates.sum()),
        left_out=left_out,
        classifier=predictions.classifier,
        version=predictions.version,
        hash=predictions.hash,
    )


def _in_order(classifier: Any, curves: Any) -> tuple[Classifier, LightCurves]:
    """The classifier, loaded, and the light curves as they were given; the order of before still works."""
    if isinstance(classifier, LightCurves):
        warnings.warn(
            "suggest(curves, classifier) is now suggest(classifier, curves)", DeprecationWarning, stacklevel=3
        )
        classifier, curves = curves, classifier
    if classifier is None:
        require_curves(curves, where="suggest")
        classifier = default_for(curves).name
    return classifier if isinstance(classifier, Classifier) else load(classifier), curves


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


def _labels(curves: LightCurves) -> AnyArray:
    """The label of each object; None without one."""
    given = [None if label is None or label == "" else str(label) for label in curves.column("label")]
    labels = np.empty(len(curves), dtype=object)
    labels[:] = given
    return labels


def _given(labels: AnyArray) -> Bools:
    """Which objects have a label."""
    return np.array([label is not None for label in labels], np.bool_)


def _labelled(
    curves: LightCurves, labels: AnyArray, labelled: LightCurves | None
) -> tuple[dict[str, str], list[str]]:
    """The label by name of every labelled object of both tables, and the labels under their TNS names."""
    found = {name: label for name, label in zip(curves.object_id, labels, strict=True) if label is not None}
    if labelled is not None:
        theirs = _labels(labelled)
        if len(labelled) and not _given(theirs).any():
            raise UsageError(
                "none of the labelled light curves has a label",
                where=Arg("labelled"),
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


def _candidates(reasons_against: Mapping[str, Any], count: int) -> tuple[Bools, dict[str, int]]:
    """Which objects may be suggested, and why how many others are left out, the first reason counting."""
    left, left_out = np.ones(count, np.bool_), dict[str, int]()
    for why, fails in reasons_against.items():
        if (left & fails).any():
            left_out[why] = int((left & fails).sum())
        left &= ~fails
    return left, left_out


def _worded(priors: Priors) -> str:
    """Priors as they are typed; "" for the classifier's own."""
    if isinstance(priors, Mapping):
        return ",".join(f"{name}={share:g}" for name, share in priors.items())
    return priors or ""


def _counts(names: Sequence[str], classes: Sequence[str]) -> Floats:
    """Labels of each class [C]; what stands under none of the classes counts for the rest, or for none."""
    tree = class_tree()
    known = [name for name in classes if name != REST]
    rest = len(known) if REST in classes else -1  # the last one
    found_at = {name: tree.nearest_of(name, known) for name in set(names)}
    place = {name: rest if position < 0 else position for name, position in found_at.items()}
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
    model: Classifier, curves: LightCurves, labels: AnyArray, labelled: LightCurves | None
) -> Floats32:
    """What the network makes of the labelled light curves that it can read, float32 [m, E]."""
    parts = [model.embed(curves[_given(labels)])]
    if labelled is not None:
        parts.append(model.embed(labelled[_given(_labels(labelled))]))
    together = np.concatenate(parts)
    return together[np.isfinite(together).all(axis=1)]
