"""Few labels: a base fine-tuned on the label draws of a protocol, cell by cell, stored as tidy CSV.

    python benchmarks/fine_tuning.py --data ztf/ --bases reference --budgets none,100,1000,all \
        --strategies full,head-first --replay simulated/ --draws 5

A cell is one base, strategy, label budget and draw (where all labels are seen, the draws are training seeds).
Its probabilities at every stage are stored as soon as it is done, so that a run that was stopped goes on
where it stood. Budget `none` is the base as it is, and with the class shares of the pool as prior ("shares").
With `--replay` (a folder of simulated light curves, see scripts/train_ztf.py) each strategy is also run with
replay. `--set name=value` changes a setting of the recipe.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from firstlight.classifier import Classifier, Predictions, load
from firstlight.evaluate import Protocol, Stage, protocol, score
from firstlight.learn import fine_tune
from firstlight.lightcurves import LightCurves
from firstlight.readers import read_table

EVERYTHING = ("all", "100%")
SHOWN = ("macro_auroc", "macro_f1", "balanced_accuracy", "macro_f1_balanced", "log_loss", "ece")


@dataclasses.dataclass(frozen=True)
class Cell:
    base: str
    arm: str
    budget: str
    draw: int

    @property
    def file(self) -> str:
        words = [Path(self.base).name, self.arm, self.budget, f"draw{self.draw}"]
        return "_".join(words).replace(" ", "-").replace("%", "pc") + ".npz"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", help="folder of the protocol's data (default: below $FIRSTLIGHT_DATA)")
    parser.add_argument("--protocol", default="ztf-5")
    parser.add_argument("--bases", default="reference", help="packaged names or checkpoint folders")
    parser.add_argument("--budgets", default="none,100,1000,all")
    parser.add_argument("--strategies", default="full")
    parser.add_argument("--replay", type=Path, help="folder of simulated light curves")
    parser.add_argument("--only-replay", action="store_true", help="leave out the arms without replay")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--stages", default="3 detections,5 detections,10 detections,full")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--resamples", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", default="runs/fine-tuning", type=Path, help="folder of the results")
    return parser.parse_args()


def cells(options: argparse.Namespace) -> list[Cell]:
    arms = [] if options.only_replay else options.strategies.split(",")
    if options.replay:
        arms += [f"{strategy} + replay" for strategy in options.strategies.split(",")]
    found = []
    for base in options.bases.split(","):
        for budget in options.budgets.split(","):
            if budget == "none":
                found += [Cell(base, arm, budget, 0) for arm in ("as it is", "shares")]
            else:
                found += [Cell(base, arm, budget, draw) for arm in arms for draw in range(options.draws)]
    return found


def answer(cell: Cell, rules: Protocol, replay: LightCurves | None, settings: dict[str, Any]) -> Predictions:
    """The predictions of one cell on the test split."""
    test = rules.test
    if cell.budget == "none":
        base = load(cell.base)
        counts = rules.counts(rules.pool)
        shares = dict(zip(rules.classes, counts / counts.sum(), strict=True))
        return base.classify(test, classes=rules.classes, priors=shares if cell.arm == "shares" else None)
    tuned: Classifier = fine_tune(
        cell.base,
        labels(cell, rules),
        classes=rules.classes,
        strategy=cell.arm.removesuffix(" + replay"),
        replay=replay if cell.arm.endswith(" + replay") else None,
        seed=cell.draw,
        **settings,
    )
    return tuned.classify(test)


def labels(cell: Cell, rules: Protocol) -> LightCurves:
    """The labelled light curves of a cell; the whole pool where the draws are seeds."""
    if cell.budget == "none":
        return rules.pool
    return rules.labelled(cell.budget, 0 if cell.budget in EVERYTHING else cell.draw)


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    rules = protocol(options.protocol, options.data)
    stages = [Stage.named(name) for name in options.stages.split(",")]
    settings = {name: json.loads(value) for name, _, value in (word.partition("=") for word in options.set)}
    replay = simulated(options.replay) if options.replay else None
    folder = options.out / rules.name
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    for cell in cells(options):
        path = folder / cell.file
        if not path.is_file():
            start = time.perf_counter()
            predictions = answer(cell, rules, replay, settings)
            found = {
                stage.name: np.asarray(rules.stage_probabilities(predictions, stage)) for stage in stages
            }
            with path.with_suffix(".part").open("wb") as file:
                np.savez_compressed(file, **found)  # type: ignore[arg-type]
            path.with_suffix(".part").replace(path)
            print(f"{cell.file}: {time.perf_counter() - start:.1f} s", file=sys.stderr, flush=True)
        with np.load(path) as stored:
            for stage in stages:
                scores = score(
                    rules.truth(rules.counting(stage)),
                    stored[stage.name],
                    rules.classes,
                    stage=stage.name,
                    counts=rules.counts(labels(cell, rules)),
                    number=options.resamples,
                )
                rows += [dataclasses.asdict(cell) | dataclasses.asdict(one) for one in scores]
    with (folder / "scores.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    print_medians(rows)


def simulated(folder: Path) -> LightCurves:
    """The detections of a simulated survey with their labels."""
    curves = read_table(
        folder / "photometry.parquet", survey="ZTF", flux_unit="nJy", objects=folder / "objects.parquet"
    )
    return curves.where(curves.detected)


def print_medians(rows: list[dict[str, Any]]) -> None:
    """Median over draws, and the range of the macro AUROC."""
    print("| base | arm | labels | stage | draws | " + " | ".join(SHOWN) + " | range of macro_auroc |")
    print("|" + "---|" * (6 + len(SHOWN)))
    groups: dict[tuple[str, ...], dict[str, list[float]]] = {}
    for row in rows:
        if row["of"] == "all":
            key = (Path(row["base"]).name, row["arm"], row["budget"], row["stage"])
            groups.setdefault(key, {}).setdefault(row["metric"], []).append(row["value"])
    for key, values in groups.items():
        auroc = values["macro_auroc"]
        numbers = [f"{statistics.median(values[name]):.3f}" if name in values else "-" for name in SHOWN]
        spread = f"{min(auroc):.3f}-{max(auroc):.3f}"
        print("| " + " | ".join([*key, str(len(auroc)), *numbers, spread]) + " |")


if __name__ == "__main__":
    main()
