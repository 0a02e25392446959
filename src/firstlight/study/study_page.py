"""The report of a study as one HTML page: verdicts in words, figures, tables, notes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from firstlight.evaluate import Score, confusion, decide
from firstlight.report import (
    UNKNOWN,
    Block,
    Bullets,
    Heading,
    Page,
    Paragraph,
    Picture,
    Savable,
    Table,
    number,
    png,
    with_interval,
)
from firstlight.study.plan import NO_LABELS, Arm
from firstlight.study.results import Median, Results
from firstlight.study.sentences import NAMES, interval, sentences
from firstlight.study.verdicts import BEST, Estimate, Verdicts

DRAWN = ("macro_auroc", "macro_f1")
SMALL = 50  # objects of a class: with fewer, a score of the class rests on few
MANY = 7  # arms in a figure: as many as there are colours
TABLED = ("macro_auroc", "macro_f1", "macro_f1_balanced", "balanced_accuracy", "ece")
CAPTIONS = {
    "labels": "Median over draws against the number of labels, full light curves; bands: middle 68 % of the "
    "draws. Dashed: from scratch. Open symbols: without labels.",
    "classes": "AUROC of each class against the rest.",
    "time": "With all labels, against detections and days since the trigger; dotted: full light curves. "
    "Bands: middle 68 % of the draws. n: objects scored.",
}


def study_page(findings: Results, found: Verdicts, drawn: Mapping[str, Savable]) -> Page:
    """The report as one page."""
    blocks: list[Block] = [Paragraph(_introduction(findings))]
    blocks += [Paragraph(line) for line in _small(findings)]
    blocks.append(Heading("Verdicts"))
    for name, lines in sentences(findings, found).items():
        blocks += [Heading(name, 3), Bullets(tuple(lines))]
    for name, figure in drawn.items():
        caption = "" if name.startswith("confusion") else CAPTIONS.get(name, name)
        blocks.append(Picture(name, png(figure), caption))
    for title, table in tables(findings, found):
        if table.rows:
            blocks += [Heading(title), table]
    notes = tuple(_notes(findings))
    if notes:
        blocks += [Heading("Notes"), Bullets(notes)]
    return Page(findings.study.name, tuple(blocks))


def _introduction(findings: Results) -> str:
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


def _small(findings: Results) -> Iterator[str]:
    """What is small in this study, said before any verdict."""
    rules = findings.rules
    counts = rules.counts(rules.curves[findings.study.splits[0]])
    few = [
        f"{name} ({number:,})"
        for name, number in zip(rules.classes, counts, strict=True)
        if 0 < number < SMALL
    ]
    if few:
        yield (
            f"Small sample: fewer than {SMALL} objects are scored of {', '.join(few)}. "
            "Go by the intervals, not by the medians."
        )
    if findings.study.draws == 1:
        yield "Labels were drawn once: the intervals do not hold what other labels would change."


def tables(findings: Results, found: Verdicts) -> Iterator[tuple[str, Table]]:
    """Each table with its title."""
    for split in findings.study.splits:
        for metric in TABLED:
            yield _label_table(findings, metric, split)
        yield _stage_table(findings, split)
    yield _class_table(findings)
    yield (
        f"Labels saved ({NAMES['macro_auroc']})",
        _table(
            ("arm", "against", "its labels", "needed", "saved"),
            (
                (
                    one.arm,
                    one.against,
                    f"{one.labels:,}",
                    _needed(one.needed.value, at_most=one.at_most),
                    "none"
                    if math.isinf(one.saved.value)
                    else f"{'≥ ' * one.at_most}{one.saved.value:.1%} ({interval(one.saved, percent=True)})",
                )
                for one in found.saved
                if one.metric == "macro_auroc" and one.against == BEST
            ),
        ),
    )
    yield (
        "Minus the best arm from scratch (macro AUROC, paired)",
        _table(
            ("arm", "labels", "against", "difference"),
            (
                (one.arm, f"{one.labels:,}", one.against, _signed(one.difference))
                for one in found.differences
                if one.metric == "macro_auroc"
            ),
        ),
    )
    yield (
        "Share of its own score with all labels (macro AUROC)",
        _table(
            ("arm", "labels", "plain", "above chance"),
            (
                (one.arm, f"{one.share:.0%}", _share(one.plain), _share(one.above_chance))
                for one in found.kept
                if one.metric == "macro_auroc"
            ),
        ),
    )
    yield "Convergence to the best held-out score from scratch", _convergence_table(found)
    yield _cost_table(findings)


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> Table:
    return Table(tuple(header), tuple(tuple(row) for row in rows))


def _label_table(findings: Results, metric: str, split: str) -> tuple[str, Table]:
    budgets = sorted({b for arm in findings.arms for b in findings.budgets(arm.name)}, key=findings.number)
    # Resampling the objects inflates a calibration error: its interval would not hold the value.
    write = _bare if metric == "ece" else _text
    rows = [
        [arm.name, *(write(findings.median(arm.name, one, metric, split=split)) for one in budgets)]
        for arm in findings.arms
    ]
    header = ["arm", *(labels_words(findings, budget) for budget in budgets)]
    kept = (row for row in rows if set(row[1:]) != {UNKNOWN})
    return f"{NAMES[metric]}, full light curves{_of(findings, split)}", _table(header, kept)


def _stage_table(findings: Results, split: str) -> tuple[str, Table]:
    stages = [stage.name for stage in findings.study.stages]
    rows = [
        [
            arm.name,
            *(
                _text(findings.with_most_labels(arm.name, "macro_auroc", stage=stage, split=split))
                for stage in stages
            ),
        ]
        for arm in findings.arms
    ]
    kept = rows if len(stages) > 1 else []
    return f"macro AUROC by stage, all labels{_of(findings, split)}", _table(["arm", *stages], kept)


def _class_table(findings: Results) -> tuple[str, Table]:
    classes = findings.rules.classes
    rows = (
        [
            arm.name,
            *(_text(findings.with_most_labels(arm.name, "auroc", of=index)) for index in range(len(classes))),
        ]
        for arm in findings.arms
    )
    return "AUROC by class, all labels, full light curves", _table(["arm", *classes], rows)


def _convergence_table(found: Verdicts) -> Table:
    costs = (("epochs", ",.0f"), ("steps", ",.0f"), ("seconds", ",.1f"))
    rows = (
        [one.arm, one.against, one.budget, f"{one.reached}/{one.draws}"]
        + [
            f"{number(getattr(one, what), spec)} / {number(getattr(one, f'scratch_{what}'), spec)}"
            for what, spec in costs
        ]
        + [number(one.saved(what), ".0%") for what in ("steps", "seconds")]
        for one in found.converged
    )
    header = ("arm", "against", "labels", "draws", *(what for what, _ in costs))
    return _table((*header, "fewer steps", "fewer seconds"), rows)


def _cost_table(findings: Results) -> tuple[str, Table]:
    costs = (("seconds", ",.1f"), ("epochs", ",.0f"), ("steps", ",.0f"))
    rows = (
        [arm.name, "none" if budget == NO_LABELS else budget]
        + [number(findings.record(arm.name, budget, name), spec) for name, spec in costs]
        for arm in findings.arms
        for budget in findings.budgets(arm.name)
    )
    header = ("arm", "labels", *(name for name, _ in costs))
    return "What a cell costs (medians over draws)", _table(header, rows)


def _notes(findings: Results) -> Iterator[str]:
    missing = [arm.name for arm in findings.study.arms if arm not in findings.arms]
    if missing:
        yield f"Not run yet: {', '.join(missing)}."
    yield from findings.failed()


def _of(findings: Results, split: str) -> str:
    return f", split {split}" if len(findings.study.splits) > 1 else ""


def _text(found: Median | None) -> str:
    return UNKNOWN if found is None else with_interval(found.value, found.lo, found.hi)


def _bare(found: Median | None) -> str:
    return UNKNOWN if found is None else number(found.value)


def _needed(value: float, *, at_most: bool) -> str:
    return "not reached" if math.isinf(value) else f"{'≤ ' * at_most}{value:,.0f}"


def _signed(one: Estimate) -> str:
    return f"{one.value:+.3f} ({one.lo:+.3f} to {one.hi:+.3f})"


def _share(one: Estimate | None) -> str:
    return UNKNOWN if one is None else f"{one.value:.1%} ({interval(one, percent=True)})"


def labels_words(findings: Results, budget: str) -> str:
    """``100 labels``, or ``no labels``."""
    number = findings.number(budget)
    return "no labels" if not number else f"{number:,} labels"


# --- figures ----------------------------------------------------------------------------------------------


def shown(findings: Results) -> tuple[Arm, ...]:
    """The arms in the figures: those that the study names, else the best ones of every kind."""
    if findings.study.shown:
        return tuple(arm for arm in findings.arms if arm.name in findings.study.shown)
    if len(findings.arms) <= MANY:
        return findings.arms

    def best(arms: Iterable[Arm], number: int) -> list[Arm]:
        def score(arm: Arm) -> float:
            found = findings.with_most_labels(arm.name, "macro_auroc")
            return -math.inf if found is None else found.value

        return sorted(arms, key=score, reverse=True)[:number]

    scratch = [arm for arm in findings.arms if findings.study.from_scratch(arm)]
    zero = [arm for arm in findings.arms if arm.kind == "zero-shot"]
    others = [arm for arm in findings.arms if arm not in scratch and arm not in zero]
    chosen = {arm.name for arm in (*best(scratch, 2), *best(zero, 1), *best(others, MANY - 3))}
    return tuple(arm for arm in findings.arms if arm.name in chosen)


def study_figures(findings: Results) -> dict[str, Any]:
    """The figures of a study, by name."""
    from firstlight import figures

    arms = shown(findings)
    return figures.study_figures(
        {metric: _by_labels(findings, arms, metric) for metric in DRAWN},
        {
            name: _by_labels(findings, arms, "auroc", of=index)
            for index, name in enumerate(findings.rules.classes)
        },
        {arm.name: _stage_rows(findings, arm) for arm in arms},
        dict(_confusions(findings)),
        findings.rules.classes,
        dashed=[arm.name for arm in arms if findings.study.from_scratch(arm)],
    )


def _by_labels(findings: Results, arms: Sequence[Arm], metric: str, **where: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for arm in arms:
        own = {
            float(findings.number(budget)): values[:, 0].tolist()
            for budget in findings.budgets(arm.name)
            if (values := findings.values(arm.name, budget, metric, **where)) is not None
        }
        if own:
            found[arm.name] = own
    return found


def _stage_rows(findings: Results, arm: Arm) -> list[Score]:
    rows = []
    for stage in findings.study.stages:
        found = findings.with_most_labels(arm.name, "macro_auroc", stage=stage.name)
        if found is not None:
            objects = len(findings.rules.counting(stage, findings.study.splits[0]))
            rows.append(
                Score(
                    stage=stage.name,
                    metric="macro_auroc",
                    of="all",
                    value=found.value,
                    lo=found.lo,
                    hi=found.hi,
                    sd=found.sd,
                    n=objects,
                )
            )
    return rows


def _confusions(findings: Results) -> Iterator[tuple[str, Any]]:
    """Of the best arm that starts from a base and the best that does not, at most labels: draw 0, full."""
    split = findings.study.splits[0]
    groups: dict[bool, list[tuple[float, Arm]]] = {}
    for arm in findings.arms:
        found = findings.with_most_labels(arm.name, "macro_auroc")
        if found is not None:
            groups.setdefault(findings.study.from_scratch(arm), []).append((found.value, arm))
    for group in groups.values():
        _, arm = max(group, key=lambda item: item[0])
        budget = findings.budgets(arm.name)[-1]
        answer, _ = findings.results[findings.cells(arm.name, budget)[0]]
        truth = findings.rules.truth(findings.rules.counting(split=split))
        table = confusion(truth, decide(answer.probabilities[split, "full"]), len(findings.rules.classes))
        yield f"{arm.name}, {labels_words(findings, budget)}", table
