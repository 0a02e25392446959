"""The verdicts of a study as numbers with intervals: labels saved, shares kept, convergence, losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from firstlight._types import Floats
from firstlight.study.label_curves import (
    LabelCurve,
    at_share,
    best_from_scratch,
    curve,
    labels_needed,
    without_labels,
)
from firstlight.study.plan import NO_LABELS, Arm
from firstlight.study.results import Median, Results, summarise

METRICS = ("macro_auroc", "macro_f1")
CHANCE = {"macro_auroc": 0.5}
SHARES = (0.1, 0.3)
BEST = "the best arm from scratch"

Followed = Sequence[Mapping[str, float]]  # epoch, step, seconds and score of a training, row by row


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval."""

    value: float
    lo: float
    hi: float


@dataclass(frozen=True)
class Saved:
    """Labels that an arm saves against another one, of the ``labels`` that this one was given.

    ``saved`` is 1 - ``needed`` / ``labels``, negative infinity where the score is never reached.
    ``at_most`` says that the fewest labels tried were enough, so that more may be saved.
    """

    arm: str
    against: str
    metric: str
    labels: int
    needed: Estimate
    saved: Estimate
    at_most: bool


@dataclass(frozen=True)
class Kept:
    """Share of its own score with all labels that an arm has with ``share`` of them."""

    arm: str
    metric: str
    share: float
    plain: Estimate
    above_chance: Estimate | None


@dataclass(frozen=True)
class Difference:
    """Score of an arm minus that of another one at a budget, paired by draw and test object."""

    arm: str
    against: str
    metric: str
    labels: int
    difference: Estimate

    @property
    def is_loss(self) -> bool:
        """Whether the arm is worse, beyond the interval."""
        return self.difference.hi < 0


@dataclass(frozen=True)
class Converged:
    """What a training needs to reach the best score that one from scratch ever has on held-out labels.

    Medians over draws; ``reached`` counts the draws in which it does. The others are the cost of the training
    from scratch until its own best score.
    """

    arm: str
    against: str
    budget: str
    draws: int
    reached: int
    epochs: float
    steps: float
    seconds: float
    scratch_epochs: float
    scratch_steps: float
    scratch_seconds: float
    score: float

    def saved(self, what: str) -> float:
        """Share of the epochs, steps or seconds that is saved."""
        below = float(getattr(self, f"scratch_{what}"))
        return 1 - float(getattr(self, what)) / below if below else np.nan


@dataclass(frozen=True)
class Verdicts:
    """All verdicts of a study."""

    saved: tuple[Saved, ...]
    kept: tuple[Kept, ...]
    differences: tuple[Difference, ...]
    without: tuple[Difference, ...]  # against the same base without labels
    converged: tuple[Converged, ...]


def verdicts(findings: Results, metrics: Sequence[str] = METRICS) -> Verdicts:
    """The verdicts on every arm that starts from a base, against each arm that does not and the best of them.

    Labels saved are given at every budget of the arm from scratch, the full pool last.
    """
    study = findings.study
    scratch = [arm for arm in findings.arms if study.from_scratch(arm)]
    transfer = [arm for arm in findings.arms if not study.from_scratch(arm) and arm.kind != "zero-shot"]
    saved: list[Saved] = []
    kept: list[Kept] = []
    for metric in metrics:
        rivals = {arm.name: curve(findings, arm, metric) for arm in scratch}
        rivals[BEST] = best_from_scratch(findings, metric)
        for arm in findings.arms:
            own = curve(findings, arm, metric)
            if own is None:
                continue
            kept += [one for share in SHARES if (one := _kept(arm, own, metric, share)) is not None]
            if arm in transfer:
                for name, rival in rivals.items():
                    saved += _saved(arm.name, own, name, rival, metric)
    pairs = [(arm, metric) for metric in metrics for arm in transfer]
    return Verdicts(
        saved=tuple(saved),
        kept=tuple(kept),
        differences=tuple(one for arm, metric in pairs for one in _against_best(findings, arm, metric)),
        without=tuple(one for arm, metric in pairs for one in _against_none(findings, arm, metric)),
        converged=tuple(_converged(findings)),
    )


def _saved(name: str, own: LabelCurve, against: str, rival: LabelCurve | None, metric: str) -> list[Saved]:
    if rival is None:
        return []
    found = []
    for place, labels in enumerate(rival.labels):
        if labels > 0:
            needed = labels_needed(own, rival.values[place])
            first = own.labels[own.labels > 0].min(initial=np.inf)
            found.append(
                Saved(
                    arm=name,
                    against=against,
                    metric=metric,
                    labels=int(labels),
                    needed=_estimate(needed),
                    saved=_estimate(1 - needed / labels),
                    at_most=bool(needed[0] == first),
                )
            )
    return found


def _kept(arm: Arm, own: LabelCurve, metric: str, share: float) -> Kept | None:
    part = at_share(own, share)
    if part is None or not (own.labels > 0).any():
        return None
    whole = own.values[-1]
    chance = CHANCE.get(metric)
    above = None if chance is None else _estimate(_ratio(part - chance, whole - chance))
    return Kept(arm.name, metric, share, _estimate(_ratio(part, whole)), above)


def _against_best(findings: Results, arm: Arm, metric: str) -> list[Difference]:
    """Differences to the best arm from scratch of each budget."""
    best = best_from_scratch(findings, metric)
    found = []
    for budget in findings.budgets(arm.name):
        names = [] if best is None else list(best.names)
        places = [] if best is None else np.flatnonzero(best.labels == findings.number(budget)).tolist()
        for place in places:
            rival = findings.values(names[place], budget, metric)
            found += _difference(findings, arm, budget, metric, names[place], rival)
    return found


def _against_none(findings: Results, arm: Arm, metric: str) -> list[Difference]:
    """Differences to the same base without labels."""
    start = without_labels(findings, arm)
    if start is None:
        return []
    rival = findings.values(start.name, NO_LABELS, metric)
    return [
        one
        for budget in findings.budgets(arm.name)
        for one in _difference(findings, arm, budget, metric, start.name, rival)
    ]


def _difference(
    findings: Results, arm: Arm, budget: str, metric: str, against: str, rival: Floats | None
) -> list[Difference]:
    own = findings.values(arm.name, budget, metric)
    if own is None or rival is None:
        return []
    if len(rival) == 1:
        rival = np.broadcast_to(rival, own.shape)
    common = min(len(own), len(rival))
    gap = summarise(own[:common] - rival[:common], np.mean)
    return [Difference(arm.name, against, metric, findings.number(budget), _bounds(gap))]


def _converged(findings: Results) -> list[Converged]:
    """Every training from a base against the best network from scratch, where both were followed."""
    histories: dict[tuple[str, str], dict[int, Followed]] = {}
    for cell, (answer, _) in findings.results.items():
        if cell.followed and answer.record.get("history"):
            own = histories.setdefault((cell.arm.name, cell.budget), {})
            own[cell.draw] = answer.record["history"]
    found = []
    for (name, budget), own in histories.items():
        rivals = [
            (other, runs)
            for (other, there), runs in histories.items()
            if there == budget and findings.study.arm(other).kind == "scratch" and other != name
        ]
        if findings.study.arm(name).kind == "scratch" or not rivals:
            continue
        against, rival = max(
            rivals,
            key=lambda item: float(np.median([max(row["score"] for row in run) for run in item[1].values()])),
        )
        found.append(_compare(name, against, budget, own, rival))
    return found


def _compare(
    name: str,
    against: str,
    budget: str,
    own: Mapping[int, Followed],
    rival: Mapping[int, Followed],
) -> Converged:
    costs, bests, reached = [], [], 0
    draws = sorted(set(own) & set(rival))
    for draw in draws:
        best = max(rival[draw], key=lambda row: row["score"])
        bests.append(best)
        hits = [row for row in own[draw] if row["score"] >= best["score"]]
        reached += bool(hits)
        costs.append(hits[0] if hits else dict.fromkeys(("epoch", "step", "seconds"), np.inf))

    def middle(rows: Sequence[Mapping[str, float]], what: str) -> float:
        # The middle one of an even number may be infinite: a mean with it would be too.
        return float(np.quantile([row[what] for row in rows], 0.5, method="higher")) if rows else np.nan

    return Converged(
        arm=name,
        against=against,
        budget=budget,
        draws=len(draws),
        reached=reached,
        epochs=middle(costs, "epoch"),
        steps=middle(costs, "step"),
        seconds=middle(costs, "seconds"),
        scratch_epochs=middle(bests, "epoch"),
        scratch_steps=middle(bests, "step"),
        scratch_seconds=middle(bests, "seconds"),
        score=middle(bests, "score"),
    )


def _estimate(values: Floats) -> Estimate:
    """The first value, and 95 % of the others; infinite ones count."""
    if len(values) < 2:
        return Estimate(float(values[0]), np.nan, np.nan)
    known = values[1:][~np.isnan(values[1:])]
    lo, hi = np.quantile(known, (0.025, 0.975), method="nearest") if known.size else (np.nan, np.nan)
    return Estimate(float(values[0]), float(lo), float(hi))


def _ratio(above: Floats, below: Floats) -> Floats:
    """The ratio; NaN where an arm with all labels is no better than a guess."""
    return np.asarray(np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0))


def _bounds(median: Median) -> Estimate:
    return Estimate(median.value, median.lo, median.hi)
