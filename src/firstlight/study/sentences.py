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
    """What an arm needs to match another one, and what it saves."""
    metric = NAMES.get(one.metric, one.metric)
    whose = f"the best from-scratch {metric}" if one.against == BEST else f"the {metric} of '{one.against}'"
    goal = f"{whose} at {one.labels:,} labels"
    needed = one.needed
    if math.isinf(needed.value):
        best = (
            "" if math.isinf(needed.lo) else f" At best (95 % interval) {needed.lo:,.0f} labels are enough."
        )
        return f"It does not match {goal}: it saves no labels.{best}"
    if needed.value == 0:
        return f"With no labels it matches {goal}{_labels(needed)}."
    count = f"With {needed.value:,.0f} labels"
    if one.at_most:
        share = f"it saves at least {one.saved.value:.1%} of them"
        return f"{count}, the fewest tried, it already matches {goal}: {share}{_labels(needed)}."
    return f"{count} it matches {goal}: it saves {one.saved.value:.1%} of them{_labels(needed)}."


def _labels(needed: Estimate) -> str:
    """The interval of the labels that are needed; nothing where it is one number."""
    if needed.lo == needed.hi:
        return ""
    if math.isinf(needed.hi):
        return f" (95 % interval: {needed.lo:,.0f} labels to more than were tried)"
    return f" (95 % interval: {needed.lo:,.0f} to {needed.hi:,.0f} labels)"


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
                f"With {one.labels:,} labels its {NAMES[metric]} is {-one.difference.value:.3f} lower than "
                f"that of its base without labels ({_lead(one.difference)})."
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
        start = f"with more than {last:,} labels" if before else "with every number of labels tried"
        return (
            f"Negative transfer: {start} the best arm from scratch has the higher {metric}. "
            f"At {sure.labels:,} labels '{sure.against}' leads by {-sure.difference.value:.3f} "
            f"({_lead(sure.difference)})."
        )
    at = f"{worst.difference.value:+.3f}, at {worst.labels:,} labels ({_signed(worst.difference)})"
    if worst.difference.value >= 0:
        return f"In {metric} it is never behind the best arm from scratch. Its smallest lead is {at}."
    sure_losses = [one for one in rows if one.is_loss]
    if sure_losses:
        listed = ", ".join(f"{one.labels:,}" for one in sure_losses)
        return (
            f"In {metric} it is behind the best arm from scratch at {listed} labels. "
            "At no other number of labels does the 95 % interval exclude a tie or a lead."
        )
    return (
        f"In {metric} it is level with the best arm from scratch: "
        f"no difference lies beyond its 95 % interval. The worst is {at}."
    )


def _kept(found: Verdicts, arm: str) -> Iterator[str]:
    own = [one for one in found.kept if one.arm == arm and one.metric == "macro_auroc"]
    yield from map(kept_words, own)


def kept_words(one: Kept) -> str:
    """The share kept with a share of the labels, plain and above chance."""
    metric = NAMES.get(one.metric, one.metric)
    text = f"With {one.share:.0%} of the labels it has {one.plain.value:.1%} of its {metric} with all labels"
    if one.above_chance is not None:
        text += f", and {one.above_chance.value:.1%} of what lies above chance"
    return f"{text} ({interval(one.plain, percent=True)})."


def _converged(one: Converged) -> str:
    score = f"the best held-out macro AUROC of '{one.against}' ({one.score:.3f}, budget {one.budget})"
    if math.isinf(one.steps):
        return f"It reaches {score} in {one.reached} of {one.draws} draws only."
    if one.steps == 0:
        return f"Before its first gradient step it has {score}."
    saved = ", ".join(f"{one.saved(name):.0%} fewer {name}" for name in ("epochs", "steps", "seconds"))
    return (
        f"It reaches {score} after {one.epochs:.0f} epochs, {one.steps:,.0f} gradient steps and "
        f"{one.seconds:.0f} s. These are {saved} ({one.reached} of {one.draws} draws)."
    )


def interval(one: Estimate, *, percent: bool = False) -> str:
    """``95 % interval: lo to hi``."""

    def text(value: float) -> str:
        if math.isinf(value):
            return "none"
        return f"{value:.1%}" if percent else f"{value:.3f}"

    return f"95 % interval: {text(one.lo)} to {text(one.hi)}"


def _signed(one: Estimate) -> str:
    return f"95 % interval: {one.lo:+.3f} to {one.hi:+.3f}"


def _lead(one: Estimate) -> str:
    """The interval of how far the other one is ahead."""
    return f"95 % interval: {-one.hi:.3f} to {-one.lo:.3f}"
