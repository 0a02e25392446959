"""The measures of a classification: AUROC, AUPRC, F1, balanced accuracy, log loss, calibration error.

Everything is computed for many weightings of the objects at once (``weights[B, n]``): a bootstrap of a
thousand resamples is one call, and a plain score is the same arithmetic with one row of ones.
Labels are indices into the columns of ``probabilities``. An object without an answer (a row of NaN) is
ranked as if all classes were equally likely, and its decision counts as an error: abstaining is never
rewarded.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from firstlight._types import Bools, Floats, Ints
from firstlight.errors import DataError, UnknownNameError

BINS = 15  # equal-mass bins of the calibration error (protocols ztf-5 and plasticc-8)
CLIP = 1e-6  # probabilities below this cost as much as this in the log loss
NO_DECISION = -1

#: The measures in the order of a table; the first ones are of all classes, the last ones of one class each.
OVERALL = (
    "macro_auroc",
    "macro_f1",
    "balanced_accuracy",
    "accuracy",
    "macro_auprc",
    "log_loss",
    "ece",
    "class_ece",
)
BY_CLASS = ("auroc", "auprc", "f1", "recall", "precision", "ece")


def encode(labels: Sequence[str | None], classes: Sequence[str]) -> Ints:
    """Indices of `labels` in `classes`, int64 [n].

    Raises
    ------
    UnknownNameError
        When a label (or a missing one) is none of the classes.
    """
    position = {name: index for index, name in enumerate(classes)}
    try:
        return np.array([position[label] for label in labels], dtype=np.int64)  # type: ignore[index]
    except KeyError as error:
        raise UnknownNameError("class", error.args[0], classes, where="labels") from None


def fill_unanswered(probabilities: ArrayLike) -> Floats:
    """`probabilities` as float64 [n, C] with every row that holds NaN made uniform."""
    values = np.array(probabilities, dtype=np.float64)
    values[~np.isfinite(values).all(axis=-1)] = 1.0 / values.shape[-1]
    return values


def decide(probabilities: ArrayLike, counts: ArrayLike | None = None, power: float = 0.5) -> Ints:
    """The decided class of every object, int64 [n]; -1 where there is no answer.

    Parameters
    ----------
    probabilities : array [n, C]
    counts : array [C], optional
        Objects of each class in the training labels. Given, the decision is the balanced one of the
        protocols, ``argmax(q / counts ** power)``; else the plain arg max.
    """
    values = np.asarray(probabilities, dtype=np.float64)
    decided: Ints = np.argmax(fill_unanswered(rebalance(values, counts, power)), axis=-1).astype(np.int64)
    decided[~np.isfinite(values).all(axis=-1)] = NO_DECISION
    return decided


def rebalance(probabilities: ArrayLike, counts: ArrayLike | None, power: float = 0.5) -> Floats:
    """`probabilities` divided by ``counts ** power`` and normalised again, float64 [n, C]."""
    values = np.asarray(probabilities, dtype=np.float64)
    if counts is None:
        return values
    scaled = values / np.maximum(np.asarray(counts, dtype=np.float64), 1.0) ** power
    return np.asarray(scaled / scaled.sum(axis=-1, keepdims=True))


# --- for many weightings at once --------------------------------------------------------------------------


def _ranked(positive: Bools, score: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Weight of positives and negatives at each distinct score, ascending; both [B, number of scores]."""
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    sorted_weights = weights[:, order]
    positives = sorted_weights * positive[order]
    negatives = sorted_weights - positives
    if starts.size < ordered.size:
        positives = np.add.reduceat(positives, starts, axis=1)
        negatives = np.add.reduceat(negatives, starts, axis=1)
    return positives, negatives


def _ratio(above: Floats, below: Floats) -> Floats:
    """``above / below`` with NaN where the denominator is zero."""
    empty = np.full(np.broadcast(above, below).shape, np.nan)
    return np.asarray(np.divide(above, below, out=empty, where=below != 0))


def _areas(positive: Bools, score: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Area under the ROC curve and average precision, each [B]; NaN without positives or negatives."""
    positives, negatives = _ranked(positive, score, weights)
    beaten = np.cumsum(negatives, axis=1) - negatives / 2  # a tie counts half
    auroc = _ratio((positives * beaten).sum(axis=1), positives.sum(axis=1) * negatives.sum(axis=1))
    hits = np.cumsum(positives[:, ::-1], axis=1)
    chosen = hits + np.cumsum(negatives[:, ::-1], axis=1)
    precision = np.nan_to_num(_ratio(hits, chosen))
    auprc = _ratio((positives[:, ::-1] * precision).sum(axis=1), positives.sum(axis=1))
    return auroc, auprc


def _confusion(labels: Ints, decided: Ints, weights: Floats, n_classes: int) -> Floats:
    """Weight of each (true, decided) pair [B, C, C + 1]; the last column holds what was not decided."""
    decided = np.where(decided == NO_DECISION, n_classes, decided)
    cells = np.zeros((labels.size, n_classes * (n_classes + 1)))
    cells[np.arange(labels.size), labels * (n_classes + 1) + decided] = 1.0
    return np.asarray(weights @ cells).reshape(-1, n_classes, n_classes + 1)


def _bin_of(score: Floats, bins: int) -> Ints:
    """Equal-mass bin of every score; equal scores share a bin."""
    edges = np.quantile(score, np.arange(1, bins) / bins, method="lower")
    return np.searchsorted(np.unique(edges), score, side="right").astype(np.int64)


def _calibration_error(score: Floats, correct: Bools, weights: Floats, bins: int) -> Floats:
    """Mean over bins of |share correct - mean score|, weighted by the bin, [B]."""
    which = _bin_of(score, bins)
    members = np.zeros((score.size, int(which.max()) + 1))
    members[np.arange(score.size), which] = correct - score
    return np.asarray(np.abs(weights @ members).sum(axis=1) / weights.sum(axis=1))


def measure(
    labels: Ints, probabilities: ArrayLike, weights: Floats | None = None, *, counts: ArrayLike | None = None
) -> dict[tuple[str, int], Floats]:
    """Every measure for every weighting: ``{(measure, class index or -1): float64 [B]}``.

    Parameters
    ----------
    labels : int64 [n]
        Index of the true class.
    probabilities : array [n, C]
    weights : float64 [B, n], optional
        How often each object counts; one row of ones by default.
    counts : array [C], optional
        Training labels by class: adds ``macro_f1_balanced`` and ``balanced_accuracy_balanced``, the measures
        of the balanced decision (`decide`).

    Notes
    -----
    Macro measures are plain means over the classes that have objects.
    """
    truth, values, weights = _checked(labels, probabilities, weights)
    n_classes = values.shape[1]
    present = np.flatnonzero(np.bincount(truth, minlength=n_classes))
    filled = fill_unanswered(values)
    result: dict[tuple[str, int], Floats] = {}

    areas = [_areas(truth == index, filled[:, index], weights) for index in range(n_classes)]
    auroc, auprc = (np.stack([pair[which] for pair in areas], axis=1) for which in (0, 1))
    decided = decide(values)
    recall, precision, f1 = _decision_measures(truth, decided, weights, n_classes)
    errors = [
        _calibration_error(filled[:, index], truth == index, weights, BINS) for index in range(n_classes)
    ]
    by_class = (auroc, auprc, f1, recall, precision, np.stack(errors, axis=1))
    for name, table in zip(BY_CLASS, by_class, strict=True):
        result.update({(name, int(index)): table[:, index] for index in present})

    total = weights.sum(axis=1)
    chosen = filled[np.arange(truth.size), truth]
    top = filled.max(axis=1)
    overall = (
        auroc[:, present].mean(axis=1),
        f1[:, present].mean(axis=1),
        recall[:, present].mean(axis=1),
        weights @ (decided == truth) / total,
        auprc[:, present].mean(axis=1),
        weights @ -np.log(np.clip(chosen, CLIP, 1.0)) / total,
        _calibration_error(top, decided == truth, weights, BINS),
        np.mean(errors, axis=0),
    )
    result.update({(name, -1): value for name, value in zip(OVERALL, overall, strict=True)})
    if counts is not None:
        recall, _, f1 = _decision_measures(truth, decide(values, counts), weights, n_classes)
        result["macro_f1_balanced", -1] = f1[:, present].mean(axis=1)
        result["balanced_accuracy_balanced", -1] = recall[:, present].mean(axis=1)
    return result


def _decision_measures(truth: Ints, decided: Ints, weights: Floats, n_classes: int) -> tuple[Floats, ...]:
    """Recall, precision and F1 of every class, each [B, C]; F1 is 0 for a class that is never found."""
    cells = _confusion(truth, decided, weights, n_classes)
    hits = np.einsum("bii->bi", cells[:, :, :n_classes])
    true, called = cells.sum(axis=2), cells[:, :, :n_classes].sum(axis=1)
    return _ratio(hits, true), _ratio(hits, called), _ratio(2 * hits, true + called)


def _checked(
    labels: ArrayLike, probabilities: ArrayLike, weights: Floats | None
) -> tuple[Ints, Floats, Floats]:
    truth, values = np.asarray(labels, dtype=np.int64), np.asarray(probabilities, dtype=np.float64)
    if values.ndim != 2 or truth.shape != values.shape[:1]:
        raise DataError(f"labels {truth.shape} and probabilities {values.shape} do not belong together")
    if truth.size == 0:
        raise DataError("no object to score")
    if truth.min() < 0 or truth.max() >= values.shape[1]:
        raise DataError(f"labels must be indices of the {values.shape[1]} columns of the probabilities")
    return truth, values, np.ones((1, truth.size)) if weights is None else np.atleast_2d(weights)


# --- one number -------------------------------------------------------------------------------------------


def class_auroc(labels: ArrayLike, probabilities: ArrayLike) -> Floats:
    """Area under the one-against-rest ROC curve of every class, [C]; NaN for a class without objects."""
    truth, values, ones = _checked(labels, probabilities, None)
    filled = fill_unanswered(values)
    return np.array([_areas(truth == c, filled[:, c], ones)[0][0] for c in range(values.shape[1])])


def macro_auroc(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean over the classes that have objects of the one-against-rest AUROC.

    Examples
    --------
    >>> macro_auroc([0, 0, 1], [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
    1.0
    """
    return _one(labels, probabilities, "macro_auroc")


def class_auprc(labels: ArrayLike, probabilities: ArrayLike) -> Floats:
    """Average precision of every class against the rest, [C]; its chance level is `base_rate`."""
    truth, values, ones = _checked(labels, probabilities, None)
    filled = fill_unanswered(values)
    return np.array([_areas(truth == c, filled[:, c], ones)[1][0] for c in range(values.shape[1])])


def macro_auprc(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean over the classes that have objects of the average precision."""
    return _one(labels, probabilities, "macro_auprc")


def base_rate(labels: ArrayLike, n_classes: int) -> Floats:
    """Share of every class among `labels`, [C]: the AUPRC of a guess."""
    return np.bincount(np.asarray(labels, dtype=np.int64), minlength=n_classes) / np.size(labels)


def macro_f1(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean over the classes that have objects of the F1 of the arg max."""
    return _one(labels, probabilities, "macro_f1")


def balanced_accuracy(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean over the classes that have objects of the recall of the arg max."""
    return _one(labels, probabilities, "balanced_accuracy")


def log_loss(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean of -ln(probability of the true class), probabilities clipped at 1e-6."""
    return _one(labels, probabilities, "log_loss")


def ece(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Expected calibration error of the top probability in 15 equal-mass bins."""
    return _one(labels, probabilities, "ece")


def class_ece(labels: ArrayLike, probabilities: ArrayLike, bins: int = BINS) -> Floats:
    """Expected calibration error of every class's probability in equal-mass bins, [C]."""
    truth, values, ones = _checked(labels, probabilities, None)
    filled = fill_unanswered(values)
    return np.array(
        [_calibration_error(filled[:, c], truth == c, ones, bins)[0] for c in range(values.shape[1])]
    )


def confusion(labels: ArrayLike, decided: ArrayLike, n_classes: int) -> Ints:
    """Numbers of objects by true (row) and decided (column) class, int64 [C, C].

    Objects without a decision (-1) appear in no column: the row sums then fall short of the class sizes.
    """
    truth, choice = np.asarray(labels, dtype=np.int64), np.asarray(decided, dtype=np.int64)
    cells = _confusion(truth, choice, np.ones((1, truth.size)), n_classes)
    return cells[0, :, :n_classes].astype(np.int64)


def _one(labels: ArrayLike, probabilities: ArrayLike, name: str) -> float:
    return float(measure(np.asarray(labels, dtype=np.int64), probabilities)[name, -1][0])
