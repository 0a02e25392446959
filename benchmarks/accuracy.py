"""Accuracy on a protocol: the standing opponent beside classifiers, cell by cell, stored as tidy CSV.

    python benchmarks/accuracy.py --data ztf/ --protocol ztf-5 --arms opponent,reference,ztf --draws 3

A cell is one arm at one stage, label budget and draw. Its probabilities are stored as soon as it is done, so
that a run that was stopped goes on where it stood. Classifiers (packaged names or checkpoint folders) are
used as they are and have no budget; `--metadata` adds columns. At the end the medians over draws are
printed, and the paired differences of every arm to the first one, with 95 % intervals.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from firstlight.evaluate import (
    STAGES,
    Opponent,
    Protocol,
    Score,
    Stage,
    macro_auroc,
    paired,
    protocol,
    score,
)

SHOWN = (
    "macro_auroc",
    "macro_f1",
    "balanced_accuracy",
    "macro_f1_balanced",
    "balanced_accuracy_balanced",
    "log_loss",
    "ece",
)
EVERYTHING = ("all", "100%")


@dataclasses.dataclass(frozen=True)
class Cell:
    arm: str
    budget: str
    draw: int
    stage: Stage

    @property
    def file(self) -> str:
        words = [
            Path(self.arm).name,
            *([self.budget, f"draw{self.draw}"] if self.budget else []),
            self.stage.name,
        ]
        return "_".join(words).replace(" ", "-").replace("%", "pc") + ".npz"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", help="folder of the protocol's data (default: below $FIRSTLIGHT_DATA)")
    parser.add_argument("--protocol", default="ztf-5", help="ztf-5 or plasticc-8")
    parser.add_argument("--arms", default="opponent", help="'opponent', packaged names, checkpoint folders")
    parser.add_argument("--budgets", default="", help="label budgets of the opponent, e.g. 100,1000,all")
    parser.add_argument(
        "--draws", type=int, default=3, help="number of draws (seeds where all labels are seen)"
    )
    parser.add_argument("--stages", default="all", help="e.g. 'full,3 detections,20 days'")
    parser.add_argument("--split", default="test", help="test, or wide (plasticc-8)")
    parser.add_argument("--metadata", default="", help="e.g. redshift or mwebv,photoz,photoz_err")
    parser.add_argument("--booster", default="auto", choices=["auto", "lightgbm", "scikit-learn"])
    parser.add_argument("--resamples", type=int, default=1000, help="bootstrap resamples")
    parser.add_argument("--out", default="runs/accuracy", type=Path, help="folder of the results")
    return parser.parse_args()


def cells(options: argparse.Namespace, rules: Protocol) -> list[Cell]:
    stages = STAGES if options.stages == "all" else [Stage.named(name) for name in options.stages.split(",")]
    budgets = options.budgets.split(",") if options.budgets else rules.budgets[-1:]
    labelled = [(budget, draw) for budget in budgets for draw in range(options.draws)]
    return [
        Cell(arm, budget, draw, stage)
        for arm in options.arms.split(",")
        for budget, draw in (labelled if arm == "opponent" else [("", 0)])
        for stage in stages
    ]


def answer(
    cell: Cell, options: argparse.Namespace, rules: Protocol, predictions: dict[str, Any]
) -> dict[str, Any]:
    """Probabilities of the objects that count, and the training labels by class (empty where unknown)."""
    if cell.arm != "opponent":
        if cell.arm not in predictions:
            from firstlight.classifier import load

            classifier = load(cell.arm)
            labels = classifier.checkpoint.config["training"].get("labels", {})
            counts = np.array([labels.get(name, 0) for name in rules.classes])
            predictions[cell.arm] = classifier.classify(rules.curves[options.split]), counts
        answered, counts = predictions[cell.arm]
        values = rules.stage_probabilities(answered, cell.stage, options.split)
        return {"probabilities": values, "counts": counts if counts.all() else np.zeros(0)}
    everything = cell.budget in EVERYTHING
    labelled = rules.labelled(cell.budget, 0 if everything else cell.draw)
    # ztf-5 averages three seeds, and with all labels takes other seeds in the place of draws; plasticc-8 has
    # one.
    mean_of = 3 if rules.features == "detections" else 1
    fitted = Opponent.fit(
        labelled.take(np.flatnonzero(rules.reaching(labelled, cell.stage))),
        classes=rules.classes,
        which=rules.features,
        passbands=rules.passbands,
        cut=cell.stage,
        metadata=rules.metadata,
        booster=options.booster,
        seeds=[mean_of * cell.draw + member for member in range(mean_of)],
    )
    return {
        "probabilities": fitted.predict(rules.counting(cell.stage, options.split)),
        "counts": fitted.counts,
    }


def main() -> None:
    options = arguments()
    rules = protocol(options.protocol, options.data, [name for name in options.metadata.split(",") if name])
    folder = options.out / "-".join([rules.name, options.split, *rules.metadata])
    folder.mkdir(parents=True, exist_ok=True)
    predictions: dict[str, Any] = {}
    rows: list[dict[str, Any]] = []
    answers: dict[Cell, np.ndarray] = {}
    for cell in cells(options, rules):
        path = folder / cell.file
        truth = rules.truth(rules.counting(cell.stage, options.split))
        if not path.is_file():
            start = time.perf_counter()
            found = answer(cell, options, rules, predictions)
            with path.with_suffix(".part").open("wb") as file:
                np.savez_compressed(file, **found)
            path.with_suffix(".part").replace(path)
            seconds, quality = time.perf_counter() - start, macro_auroc(truth, found["probabilities"])
            print(f"{cell.file}: macro AUROC {quality:.3f}, {seconds:.1f} s", file=sys.stderr, flush=True)
        with np.load(path) as stored:
            answers[cell], counts = stored["probabilities"], stored["counts"]
        scores = score(
            truth,
            answers[cell],
            rules.classes,
            stage=cell.stage.name,
            counts=counts if counts.size else None,
            number=options.resamples,
        )
        keys = {"arm": cell.arm, "budget": cell.budget, "draw": cell.draw}
        rows += [keys | dataclasses.asdict(row) for row in scores]
    with (folder / "scores.csv").open("w", newline="") as file:
        writer = csv.DictWriter(
            file, ["arm", "budget", "draw", *(field.name for field in dataclasses.fields(Score))]
        )
        writer.writeheader()
        writer.writerows(rows)
    print_medians(rows)
    print_differences(answers, rules, options)


def print_medians(rows: list[dict[str, Any]]) -> None:
    print("| arm | labels | stage | objects | " + " | ".join(SHOWN) + " |")
    print("|" + "---|" * (4 + len(SHOWN)))
    groups: dict[tuple[Any, ...], dict[str, list[float]]] = {}
    for row in rows:
        if row["of"] == "all":
            key = (row["arm"], row["budget"] or "-", row["stage"], row["n"])
            groups.setdefault(key, {}).setdefault(row["metric"], []).append(row["value"])
    for key, values in groups.items():
        numbers = [f"{statistics.median(values[name]):.3f}" if name in values else "-" for name in SHOWN]
        print("| " + " | ".join([*map(str, key), *numbers]) + " |")


def print_differences(answers: dict[Cell, np.ndarray], rules: Protocol, options: argparse.Namespace) -> None:
    """Each other arm minus the first one on the same resampled objects, draw by draw."""
    first, *others = options.arms.split(",")
    if not others:
        return
    print(f"\n| arm minus {first} | its labels | stage | macro_auroc | macro_f1 |\n|---|---|---|---|---|")
    bases: dict[tuple[str, Stage], list[Cell]] = {}
    for cell in answers:
        if cell.arm == first:
            bases.setdefault((cell.budget, cell.stage), []).append(cell)
    for arm in others:
        for (budget, stage), base in bases.items():
            own = [Cell(arm, budget, cell.draw, stage) for cell in base]
            own = own if own[0] in answers else [Cell(arm, "", 0, stage)] * len(base)
            truth = rules.truth(rules.counting(stage, options.split))
            gaps = paired(
                truth,
                np.stack([answers[cell] for cell in own]),
                np.stack([answers[cell] for cell in base]),
                number=options.resamples,
            )
            shown = [gaps[name, -1] for name in ("macro_auroc", "macro_f1")]
            texts = [f"{gap.value:+.3f} ({gap.lo:+.3f} to {gap.hi:+.3f})" for gap in shown]
            print("| " + " | ".join([arm, budget or "-", stage.name, *texts]) + " |")


if __name__ == "__main__":
    main()
