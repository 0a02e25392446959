"""Tables of the stored studies (`studies/results`), for the pages that show them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

STORED = Path(__file__).parents[1] / "studies/results"
MEASURES = {"macro_auroc": "macro AUROC", "macro_f1_balanced": "macro-F1, balanced decision"}

Rows = list[dict[str, str]]


def write(folder: Path) -> None:
    """One file for each stored study, its medians by label budget and by stage; and one for the ablations."""
    for home in sorted(STORED.glob("*/summary.csv")):
        name = home.parent.name
        (folder / f"study-{name}.md").write_text(tables(name), encoding="utf-8")
        (folder / f"verdicts-{name}.md").write_text(verdicts(name), encoding="utf-8")
    with (STORED / "ablations.csv").open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    (folder / "ablations.md").write_text(table(head, rows), encoding="utf-8")


def tables(name: str) -> str:
    """Medians of each arm against labels (full light curves), and against stages (all labels)."""
    with (STORED / name / "summary.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    parts = []
    for split in dict.fromkeys(row["split"] for row in rows):
        own = [row for row in rows if row["split"] == split and row["of"] == "all"]
        for measure, title in MEASURES.items():
            parts += [f"**{title}, split `{split}`, full light curves**\n", by_labels(own, measure), ""]
        stages = by_stage(own)
        if stages:
            parts += [f"**macro AUROC by stage, split `{split}`, most labels of each arm**\n", stages, ""]
    return "\n".join(parts)


def by_labels(rows: Rows, measure: str) -> str:
    """One row an arm, one column a budget: median and 95 % interval."""
    chosen = [row for row in rows if row["metric"] == measure and row["stage"] == "full"]
    budgets = list(
        dict.fromkeys(row["budget"] for row in sorted(chosen, key=lambda row: float(row["labels"])))
    )
    found = {(row["arm"], row["budget"]): cell(row) for row in chosen}
    arms = list(dict.fromkeys(row["arm"] for row in chosen))
    return table(["arm", *budgets], [[arm, *(found.get((arm, one), "") for one in budgets)] for arm in arms])


def by_stage(rows: Rows) -> str:
    """One row an arm, one column a stage, at the most labels that the arm was given."""
    chosen = [row for row in rows if row["metric"] == "macro_auroc"]
    most = {
        row["arm"]: max(float(one["labels"]) for one in chosen if one["arm"] == row["arm"]) for row in chosen
    }
    chosen = [row for row in chosen if float(row["labels"]) == most[row["arm"]]]
    stages = sorted({row["stage"] for row in chosen}, key=_order)
    found = {(row["arm"], row["stage"]): f"{float(row['value']):.3f}" for row in chosen}
    arms = list(dict.fromkeys(row["arm"] for row in chosen))
    if len(stages) < 2:
        return ""
    return table(["arm", *stages], [[arm, *(found.get((arm, one), "") for one in stages)] for arm in arms])


def cell(row: dict[str, str]) -> str:
    """A median and its interval."""
    return f"{float(row['value']):.3f} ({float(row['lo']):.3f}-{float(row['hi']):.3f})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def verdicts(name: str) -> str:
    """The verdicts of a stored study, in words."""
    return (STORED / name / "verdicts.md").read_text(encoding="utf-8")


def _order(stage: str) -> tuple[int, int]:
    number, _, unit = stage.partition(" ")
    return (2, 0) if stage == "full" else (0 if unit.startswith("detection") else 1, int(number))
