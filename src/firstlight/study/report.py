"""The report of a study: tables, verdicts and figures in a folder, and the page that holds them all."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firstlight.errors import MissingExtraError
from firstlight.evaluate import confusion, decide
from firstlight.files import write_bytes, write_text
from firstlight.report import Bullets, escaped, plain, png
from firstlight.study.findings import Findings
from firstlight.study.page import labels_words, page
from firstlight.study.plan import Arm
from firstlight.study.verdicts import verdicts
from firstlight.study.words import sentences

DRAWN = ("macro_auroc", "macro_f1")
MANY = 7  # arms in a figure: as many as there are colours


@dataclass(frozen=True)
class _Row:
    """A row as `firstlight.figures` draws it."""

    stage: str
    metric: str
    of: str
    value: float
    sd: float
    n: int


def write_report(findings: Findings, folder: Path) -> Path:
    """The folder, now with tables, verdicts (JSON, and in words), ``figures/`` and ``report.html``."""
    findings.write_tables(folder)
    found = verdicts(findings)
    write_text(folder / "verdicts.json", json.dumps(plain(dataclasses.asdict(found)), indent=1))
    words = "".join(
        f"**{escaped(arm)}**\n\n{Bullets(tuple(lines)).markdown()}\n\n"
        for arm, lines in sentences(findings, found).items()
    )
    write_text(folder / "verdicts.md", words)
    write_text(folder / "study.json", json.dumps(findings.study.to_dict(), indent=1))
    try:
        drawn = figures(findings)
    except MissingExtraError:
        drawn = {}  # without matplotlib the tables and verdicts stand alone
    for name, figure in drawn.items():
        write_bytes(folder / "figures" / f"{name}.png", png(figure, dpi=150))
    page(findings, found, drawn).write(folder / "report.html")
    return folder


# --- figures ----------------------------------------------------------------------------------------------


def shown(findings: Findings) -> tuple[Arm, ...]:
    """The arms in the figures: those that the study names, else the best ones of every kind."""
    if findings.study.shown:
        return tuple(arm for arm in findings.arms if arm.name in findings.study.shown)
    if len(findings.arms) <= MANY:
        return findings.arms

    def best(arms: Iterable[Arm], number: int) -> list[Arm]:
        def score(arm: Arm) -> float:
            found = findings.median(arm.name, findings.budgets(arm.name)[-1], "macro_auroc")
            return -math.inf if found is None else found.value

        return sorted(arms, key=score, reverse=True)[:number]

    scratch = [arm for arm in findings.arms if findings.study.from_scratch(arm)]
    zero = [arm for arm in findings.arms if arm.kind == "zero-shot"]
    others = [arm for arm in findings.arms if arm not in scratch and arm not in zero]
    chosen = {arm.name for arm in (*best(scratch, 2), *best(zero, 1), *best(others, MANY - 3))}
    return tuple(arm for arm in findings.arms if arm.name in chosen)


def figures(findings: Findings) -> dict[str, Any]:
    """The figures of a study, by name."""
    from firstlight.figures import study_figures

    arms = shown(findings)
    return study_figures(
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


def _by_labels(findings: Findings, arms: Sequence[Arm], metric: str, **where: Any) -> dict[str, Any]:
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


def _stage_rows(findings: Findings, arm: Arm) -> list[_Row]:
    budget = findings.budgets(arm.name)[-1]
    rows = []
    for stage in findings.study.stages:
        found = findings.median(arm.name, budget, "macro_auroc", stage=stage.name)
        if found is not None:
            number = len(findings.rules.counting(stage, findings.study.splits[0]))
            rows.append(_Row(stage.name, "macro_auroc", "all", found.value, found.sd, number))
    return rows


def _confusions(findings: Findings) -> Iterator[tuple[str, Any]]:
    """Of the best arm that starts from a base and the best that does not, at most labels: draw 0, full."""
    split = findings.study.splits[0]
    groups: dict[bool, list[tuple[float, Arm, str]]] = {}
    for arm in findings.arms:
        budget = findings.budgets(arm.name)[-1]
        found = findings.median(arm.name, budget, "macro_auroc")
        if found is not None:
            groups.setdefault(findings.study.from_scratch(arm), []).append((found.value, arm, budget))
    for group in groups.values():
        _, arm, budget = max(group, key=lambda item: item[0])
        answer, _ = findings.results[findings.cells(arm.name, budget)[0]]
        truth = findings.rules.truth(findings.rules.counting(split=split))
        table = confusion(truth, decide(answer.probabilities[split, "full"]), len(findings.rules.classes))
        yield f"{arm.name}, {labels_words(findings, budget)}", table
