"""The report of a study as one HTML page: verdicts in words, figures, tables, notes."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Mapping
from typing import Any

from firstlight.evaluate.pages import document, html_table, picture
from firstlight.study.findings import Findings, Median
from firstlight.study.plan import NO_LABELS
from firstlight.study.verdicts import BEST, Estimate, Verdicts
from firstlight.study.words import NAMES, interval, sentences

TABLED = ("macro_auroc", "macro_f1", "macro_f1_balanced", "balanced_accuracy", "ece")
CAPTIONS = {
    "labels": "Median over draws against the number of labels, full light curves; bands: middle 68 % of the "
    "draws. Dashed: from scratch. Open symbols: without labels.",
    "classes": "AUROC of each class against the rest.",
    "time": "With all labels, against detections and days since the trigger; dotted: full light curves. "
    "Bands: middle 68 % of the draws. n: objects scored.",
}
Table = tuple[str, list[str], list[list[str]]]


def page(findings: Findings, found: Verdicts, drawn: Mapping[str, Any]) -> str:
    """The report as one self-contained HTML page."""
    study = findings.study
    body = [f"<h1>{html.escape(study.name)}</h1>", f"<p>{html.escape(_introduction(findings))}</p>"]
    body.append("<h2>Verdicts</h2>")
    for name, lines in sentences(findings, found).items():
        items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
        body.append(f"<h3>{html.escape(name)}</h3><ul>{items}</ul>")
    for name, figure in drawn.items():
        if name.startswith("confusion"):
            body.append(picture(name, figure))
            continue
        caption = html.escape(CAPTIONS.get(name, name))
        body.append(f"<figure>{picture(name, figure)}<figcaption>{caption}</figcaption></figure>")
    for title, header, rows in tables(findings, found):
        if rows:
            body.append(f"<h2>{html.escape(title)}</h2>{html_table(header, rows)}")
    notes = list(_notes(findings))
    if notes:
        items = "".join(f"<li>{html.escape(note)}</li>" for note in notes)
        body.append(f"<h2>Notes</h2><ul>{items}</ul>")
    return document(html.escape(study.name), body)


def _introduction(findings: Findings) -> str:
    study, rules = findings.study, findings.rules
    sizes = ", ".join(
        f"{name} {number:,}"
        for name, number in zip(rules.classes, rules.counts(rules.curves[study.splits[0]]), strict=True)
    )
    draws = max(
        (
            len(findings.cells(arm.name, budget))
            for arm in findings.arms
            for budget in findings.budgets(arm.name)
        ),
        default=0,
    )
    return (
        f"{rules.name}: {len(rules.curves[study.splits[0]]):,} objects scored ({sizes}), a pool of "
        f"{len(rules.pool):,} for labels. Numbers are medians over {draws} draw{'s' * (draws != 1)} of the "
        f"labels (training seeds where all are used); brackets hold 95 % of {study.resamples} resamples of "
        "draws and of objects within their classes, the same for every arm."
        + (f" Metadata: {', '.join(study.metadata)}." if study.metadata else " Light curves alone.")
    )


def tables(findings: Findings, found: Verdicts) -> Iterator[Table]:
    """(title, header, rows) of each table."""
    for split in findings.study.splits:
        for metric in TABLED:
            yield _label_table(findings, metric, split)
        yield _stage_table(findings, split)
    yield _class_table(findings)
    yield (
        f"Labels saved ({NAMES['macro_auroc']})",
        ["arm", "against", "its labels", "needed", "saved"],
        [
            [
                one.arm,
                one.against,
                f"{one.labels:,}",
                _needed(one.needed.value, at_most=one.at_most),
                "none"
                if math.isinf(one.saved.value)
                else f"{'≥ ' * one.at_most}{one.saved.value:.1%} ({interval(one.saved, percent=True)})",
            ]
            for one in found.saved
            if one.metric == "macro_auroc" and one.against == BEST
        ],
    )
    yield (
        "Minus the best arm from scratch (macro AUROC, paired)",
        ["arm", "labels", "against", "difference"],
        [
            [one.arm, f"{one.labels:,}", one.against, _signed(one.difference)]
            for one in found.differences
            if one.metric == "macro_auroc"
        ],
    )
    yield (
        "Share of its own score with all labels (macro AUROC)",
        ["arm", "labels", "plain", "above chance"],
        [
            [one.arm, f"{one.share:.0%}", _share(one.plain), _share(one.above_chance)]
            for one in found.kept
            if one.metric == "macro_auroc"
        ],
    )
    yield (
        "Convergence to the best held-out score from scratch",
        ["arm", "against", "labels", "draws", "epochs", "steps", "seconds", "fewer steps", "fewer seconds"],
        [
            [one.arm, one.against, one.budget, f"{one.reached}/{one.draws}"]
            + [
                f"{_finite(getattr(one, what), digits)} / {_finite(getattr(one, f'scratch_{what}'), digits)}"
                for what, digits in (("epochs", 0), ("steps", 0), ("seconds", 1))
            ]
            + [_percent(one.saved("steps")), _percent(one.saved("seconds"))]
            for one in found.converged
        ],
    )
    yield _cost_table(findings)


def _label_table(findings: Findings, metric: str, split: str) -> Table:
    budgets = sorted({b for arm in findings.arms for b in findings.budgets(arm.name)}, key=findings.number)
    rows = []
    for arm in findings.arms:
        # Resampling the objects inflates a calibration error: its interval would not hold the value.
        write = _bare if metric == "ece" else _text
        own = [write(findings.median(arm.name, budget, metric, split=split)) for budget in budgets]
        if any(text != "-" for text in own):
            rows.append([arm.name, *own])
    header = ["arm", *(labels_words(findings, budget) for budget in budgets)]
    return f"{NAMES[metric]}, full light curves{_of(findings, split)}", header, rows


def _stage_table(findings: Findings, split: str) -> Table:
    stages = [stage.name for stage in findings.study.stages]
    rows = []
    for arm in findings.arms:
        budget = findings.budgets(arm.name)[-1]
        found = [
            findings.median(arm.name, budget, "macro_auroc", stage=stage, split=split) for stage in stages
        ]
        rows.append([arm.name, *map(_text, found)])
    kept = rows if len(stages) > 1 else []
    return f"macro AUROC by stage, all labels{_of(findings, split)}", ["arm", *stages], kept


def _class_table(findings: Findings) -> Table:
    classes = findings.rules.classes
    rows = [
        [arm.name]
        + [
            _text(findings.median(arm.name, findings.budgets(arm.name)[-1], "auroc", of=index))
            for index in range(len(classes))
        ]
        for arm in findings.arms
    ]
    return "AUROC by class, all labels, full light curves", ["arm", *classes], rows


def _cost_table(findings: Findings) -> Table:
    rows = []
    for arm in findings.arms:
        for budget in findings.budgets(arm.name):
            told = [findings.record(arm.name, budget, name) for name in ("seconds", "epochs", "steps")]
            texts = ["-" if value is None else f"{value:,.{1 if place == 0 else 0}f}" for place, value in
                     enumerate(told)]  # fmt: skip
            rows.append([arm.name, "none" if budget == NO_LABELS else budget, *texts])
    return "What a cell costs (medians over draws)", ["arm", "labels", "seconds", "epochs", "steps"], rows


def _notes(findings: Findings) -> Iterator[str]:
    missing = [arm.name for arm in findings.study.arms if arm not in findings.arms]
    if missing:
        yield f"Not run yet: {', '.join(missing)}."
    yield from findings.failed()


def _of(findings: Findings, split: str) -> str:
    return f", split {split}" if len(findings.study.splits) > 1 else ""


def _text(found: Median | None) -> str:
    if found is None or not math.isfinite(found.value):
        return "-"
    return f"{found.value:.3f} ({found.lo:.3f}-{found.hi:.3f})"


def _bare(found: Median | None) -> str:
    return "-" if found is None else f"{found.value:.3f}"


def _needed(value: float, *, at_most: bool) -> str:
    return "not reached" if math.isinf(value) else f"{'≤ ' * at_most}{value:,.0f}"


def _finite(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}" if math.isfinite(value) else "-"


def _percent(value: float) -> str:
    return f"{value:.0%}" if math.isfinite(value) else "-"


def _signed(one: Estimate) -> str:
    return f"{one.value:+.3f} ({one.lo:+.3f} to {one.hi:+.3f})"


def _share(one: Estimate | None) -> str:
    return "-" if one is None else f"{one.value:.1%} ({interval(one, percent=True)})"


def labels_words(findings: Findings, budget: str) -> str:
    """``100 labels``, or ``no labels``."""
    number = findings.number(budget)
    return "no labels" if not number else f"{number:,} labels"
