"""The verdicts in plain words, one sentence a finding."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

from firstlight.study.results import Results
from firstlight.study.verdicts import BEST, Converged, Difference, Estimate, Kept, Saved, Verdicts

NAMES = {
    "macro_auroc": "macro AUROC",
    "macro_f1": "macro-F1",
    "macro_f1_balanced": "macro-F1 (balanced decision)",
    "balanced_accuracy": "balanced accuracy",
    "balanced_accuracy_balanced": "balanced accuracy (balanced decision)",
    "ece": "ECE",
    "log_loss": "log loss",
}


def sentences(findings: Results, found: Verdicts) -> dict[str, list[str]]:
    """Sentences by arm; each arm that starts from a base, in the order of the study."""
    told: dict[str, list[str]] = {}
    networks = [arm.name for arm in findings.arms if arm.kind == "scratch"]
    for arm in findings.arms:
        lines = [
            *_saved(found, arm.name, [BEST, *networks]),
            *_lost(found, arm.name),
            *_kept(found, arm.name),
            *(_converged(one) for one in found.converged if one.arm == arm.name),
        ]
        if lines and not findings.study.from_scratch(arm):
            told[arm.name] = lines
    return told


def _saved(found: Verdicts, arm: str, against: Collection[str]) -> Iterator[str]:
    """Labels saved at the full pool, in every measure, against some other arms."""
    own = [one for one in found.saved if one.arm == arm and one.against in against]
    for metric in dict.fromkeys(one.metric for one in own):
        for name in against:
            rows = [one for one in own if one.metric == metric and one.against == name]
            if rows:
                yield saved_words(max(rows, key=lambda one: one.labels))


def saved_words(one: Saved) -> str:
    """What an arm needs to equal another one, and what it saves."""
    name = BEST if one.against == BEST else f"'{one.against}'"
    goal = f"the {NAMES.get(one.metric, one.metric)} that {name} has with {one.labels:,} labels"
    if math.isinf(one.needed.value):
        chance = (
            "" if math.isinf(one.needed.lo) else f" (it may with {one.needed.lo:,.0f}, at the edge of 95 %)"
        )
        return f"It does not reach {goal}{chance}: no labels are saved."
    if one.needed.value == 0:
        sure = one.saved.lo == one.saved.hi == 1
        range_ = "" if sure else f" ({interval(one.saved, percent=True)})"
        return f"It has {goal} without any label: all are saved{range_}."
    few = "at most " if one.at_most else ""
    more = "at least " if one.at_most else ""
    return (
        f"It needs {few}{one.needed.value:,.0f} labels for {goal}: "
        f"{more}{one.saved.value:.1%} are saved ({interval(one.saved, percent=True)})."
    )


def _lost(found: Verdicts, arm: str) -> Iterator[str]:
    """Negative transfer: against from scratch, and against no labels."""
    for metric in dict.fromkeys(one.metric for one in found.differences if one.arm == arm):
        rows = sorted(
            (one for one in found.differences if one.arm == arm and one.metric == metric),
            key=lambda one: one.labels,
        )
        yield beyond(rows)
    for metric in dict.fromkeys(one.metric for one in found.without if one.arm == arm):
        worse = [one for one in found.without if one.arm == arm and one.metric == metric and one.is_loss]
        for one in worse:
            yield (
                f"With {one.labels:,} labels its {NAMES[metric]} falls below that of its base without "
                f"labels, by {-one.difference.value:.3f} ({_signed(one.difference)})."
            )


def beyond(rows: list[Difference]) -> str:
    """Whether, and from how many labels on, from scratch is better; `rows` of one arm and measure."""
    metric = NAMES.get(rows[0].metric, rows[0].metric)
    behind: list[Difference] = []
    for one in reversed(rows):
        if one.difference.value >= 0:
            break
        behind.insert(0, one)
    worst = min(rows, key=lambda one: one.difference.value)
    if behind and any(one.is_loss for one in behind):
        before = len(rows) - len(behind)
        last = rows[before - 1].labels if before else 0
        sure = next(one for one in behind if one.is_loss)
        start = f"beyond {last:,} labels" if before else "with every number of labels tried"
        return (
            f"Negative transfer in {metric}: from scratch is better {start}; beyond the interval at "
            f"{sure.labels:,}, where '{sure.against}' is ahead by {-sure.difference.value:.3f} "
            f"({_signed(sure.difference)})."
        )
    if worst.difference.value >= 0:
        return (
            f"In {metric} it is never behind the best arm from scratch; it is closest at "
            f"{worst.labels:,} labels: {worst.difference.value:+.3f} ({_signed(worst.difference)})."
        )
    sure_losses = [one for one in rows if one.is_loss]
    if sure_losses:
        listed = ", ".join(f"{one.labels:,}" for one in sure_losses)
        return f"In {metric} it is behind the best arm from scratch at {listed} labels, ahead at more."
    return (
        f"In {metric} it is level with the best one from scratch within the interval, where it is behind at "
        f"all: at {worst.labels:,} labels {worst.difference.value:+.3f} ({_signed(worst.difference)})."
    )


def _kept(found: Verdicts, arm: str) -> Iterator[str]:
    own = [one for one in found.kept if one.arm == arm and one.metric == "macro_auroc"]
    if own:
        yield (
            f"Of its {NAMES['macro_auroc']} with all labels it keeps " + "; ".join(map(kept_words, own)) + "."
        )


def kept_words(one: Kept) -> str:
    """The share kept with a share of the labels, plain and above chance."""
    text = f"{one.plain.value:.1%} ({interval(one.plain, percent=True)}) with {one.share:.0%} of them"
    if one.above_chance is not None:
        text += f", {one.above_chance.value:.1%} above chance"
    return text


def _converged(one: Converged) -> str:
    what = (
        f"the best score of '{one.against}' on held-out labels (macro AUROC {one.score:.3f}, budget "
        f"{one.budget})"
    )
    if math.isinf(one.steps):
        return f"It reaches {what} in {one.reached} of {one.draws} draws only."
    if one.steps == 0:
        return f"It has {what} before its first gradient step."
    saved = ", ".join(f"{one.saved(name):.0%} fewer {name}" for name in ("epochs", "steps", "seconds"))
    return (
        f"It reaches {what} after {one.epochs:.0f} epochs, {one.steps:,.0f} gradient steps and "
        f"{one.seconds:.0f} s: {saved} ({one.reached} of {one.draws} draws)."
    )


def interval(one: Estimate, *, percent: bool = False) -> str:
    """``95 %: lo to hi``."""

    def text(value: float) -> str:
        if math.isinf(value):
            return "none"
        return f"{value:.1%}" if percent else f"{value:.3f}"

    return f"95 %: {text(one.lo)} to {text(one.hi)}"


def _signed(one: Estimate) -> str:
    return f"95 %: {one.lo:+.3f} to {one.hi:+.3f}"
