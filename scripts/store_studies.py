"""Keep tables, verdicts and figures of finished studies in ``studies/results`` and ``docs/img``.

python scripts/store_studies.py runs/ztf5 runs/plasticc8 ...
"""

from __future__ import annotations

import csv
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
METRICS = (
    "macro_auroc",
    "macro_f1",
    "macro_f1_balanced",
    "balanced_accuracy",
    "balanced_accuracy_balanced",
    "log_loss",
    "ece",
)
# The figures that the documentation shows, by study.
FIGURES = {
    "ztf5": {"labels": "study-ztf5", "time": "study-ztf5-time", "classes": "study-ztf5-classes"},
    "plasticc8": {"labels": "study-plasticc8"},
}


def main(folders: list[str]) -> None:
    """Store each of them."""
    for home in map(Path, folders):
        out = ROOT / "studies/results" / home.name
        out.mkdir(parents=True, exist_ok=True)
        for name in ("verdicts.json", "verdicts.md", "study.json"):
            shutil.copy(home / name, out / name)
        with (home / "summary.csv").open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["metric"] in METRICS or row["of"] != "all"]
        for row in rows:
            row |= {
                name: f"{float(row[name]):.4f}" for name in ("value", "lo", "hi", "p16", "p84") if row[name]
            }
        with (out / "summary.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        for name, kept in FIGURES.get(home.name, {}).items():
            shutil.copy(home / "figures" / f"{name}.png", ROOT / "docs/img" / f"{kept}.png")


if __name__ == "__main__":
    main(sys.argv[1:])
