"""Curves of score against labels: monotone fits, and the number of labels at which a score is reached."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firstlight._types import Floats
from firstlight.study.plan import NO_LABELS, Arm
from firstlight.study.results import Results, resampled


@dataclass(frozen=True, eq=False)
class LabelCurve:
    """Medians of an arm against the number of labels.

    Attributes
    ----------
    labels : float64 [K]
        Ascending; 0 for the base of the arm without labels, where the study has it.
    values : float64 [K, 1 + B]
        The median over draws, and that of every resample of draws and test objects.
    names : tuple of str
        Of the arm that each point comes from.
    """

    labels: Floats
    values: Floats
    names: tuple[str, ...]


def curve(findings: Results, arm: Arm, metric: str, split: str = "") -> LabelCurve | None:
    """The curve of an arm at the full light curve; None without findings."""
    labels: list[float] = []
    values: list[Floats] = []
    names: list[str] = []
    start = without_labels(findings, arm) if arm.kind == "fine-tune" else None
    points = [(start.name, NO_LABELS)] if start is not None else []
    points += [(arm.name, budget) for budget in findings.budgets(arm.name) if budget != NO_LABELS]
    for name, budget in points:
        own = findings.values(name, budget, metric, split=split)
        if own is not None:
            labels.append(float(findings.number(budget)))
            values.append(_medians(own))
            names.append(name)
    return LabelCurve(np.array(labels), np.array(values), tuple(names)) if labels else None


def without_labels(findings: Results, arm: Arm) -> Arm | None:
    """The arm that uses the same base without labels; the one with the pool's class shares first.

    Of an average: the base of the first of its arms that has one.
    """
    bases = [arm.base, *(findings.study.arm(name).base for name in arm.of)]
    base = next((name for name in bases if name), None)
    own = [
        other
        for other in findings.arms
        if other.kind == "zero-shot" and other.base == base and other.metadata == arm.metadata
    ]
    return max(own, key=lambda other: other.prior == "shares", default=None)


def best_from_scratch(findings: Results, metric: str, split: str = "") -> LabelCurve | None:
    """The best arm at each budget of those that know nothing but the labels.

    The best one is chosen in every resample anew: the choice favours from scratch, never transfer.
    """
    arms = [arm for arm in findings.arms if findings.study.from_scratch(arm)]
    curves = [found for arm in arms if (found := curve(findings, arm, metric, split)) is not None]
    if not curves:
        return None
    labels = np.unique(np.concatenate([one.labels for one in curves]))
    values, names = [], []
    for number in labels:
        here = [(one, int(np.flatnonzero(one.labels == number)[0])) for one in curves if number in one.labels]
        stacked = np.stack([one.values[place] for one, place in here])
        values.append(np.nanmax(stacked, axis=0))
        best = int(np.nanargmax(stacked[:, 0]))
        names.append(here[best][0].names[here[best][1]])
    return LabelCurve(labels, np.array(values), tuple(names))


def monotone(values: Floats) -> Floats:
    """The non-decreasing fit along the first axis of [K, ...] (isotonic regression, equal weights)."""
    K = len(values)
    sums = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
    fitted = np.empty_like(values)
    for place in range(K):
        # max over starts of min over ends of the mean between them
        means = [
            np.min([(sums[end + 1] - sums[start]) / (end + 1 - start) for end in range(place, K)], axis=0)
            for start in range(place + 1)
        ]
        fitted[place] = np.max(means, axis=0)
    return fitted


def labels_needed(found: LabelCurve, wanted: Floats) -> Floats:
    """Labels at which the monotone fit reaches the scores `wanted` [1 + B]; infinite where it never does.

    Between budgets the fit runs straight in log(labels). What is reached at the first labelled budget counts
    as that many labels, unless it is reached without any: then 0.
    """
    fitted = monotone(found.values)
    needed = np.full(wanted.shape, np.inf)
    for place in range(len(found.labels) - 1, -1, -1):
        number = found.labels[place]
        reached = fitted[place] >= wanted
        needed[reached] = number
        if place and found.labels[place - 1] > 0:
            below, above = fitted[place - 1], fitted[place]
            inside = reached & (below < wanted)
            step = np.divide(wanted - below, above - below, out=np.ones_like(wanted), where=above > below)
            low = np.log(found.labels[place - 1])
            exact = np.exp(low + np.clip(step, 0, 1) * (np.log(number) - low))
            needed[inside] = exact[inside]
    return needed


def at_share(found: LabelCurve, share: float) -> Floats | None:
    """The score [1 + B] with a share of the labels of the last budget, straight in log(labels) between two.

    None where the share lies outside the labelled budgets.
    """
    kept = found.labels > 0
    labels, values = found.labels[kept], found.values[kept]
    if not labels.size:
        return None
    wanted = share * labels[-1]
    # Budgets are rounded: 34 of 3,416 labels are 1 %.
    close = np.flatnonzero(np.abs(np.log(labels / wanted)) < 0.02)
    if close.size:
        return np.asarray(values[close[0]])
    if wanted < labels[0]:
        return None
    right = int(np.searchsorted(labels, wanted))
    low, high = np.log(labels[right - 1]), np.log(labels[right])
    step = (np.log(wanted) - low) / (high - low)
    return np.asarray(values[right - 1] + step * (values[right] - values[right - 1]))


def _medians(values: Floats) -> Floats:
    return np.concatenate([[np.median(values[:, 0])], resampled(values)])
