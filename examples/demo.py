"""Classify real ZTF transients: a table beside their spectroscopic types, and a figure an object.

Run it with ``make demo``, or ``python examples/demo.py --out demo`` where ``firstlight[plot]`` is installed.
The light curves come with the package; nothing is downloaded.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pyarrow as pa
import pyarrow.csv

import firstlight as fl
from firstlight import figures

DAYS = (3, 10, 30)


def main() -> None:
    """Print the table, write the table and the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--out", type=Path, default=Path("demo"))
    arguments.add_argument("--classifier", default="ztf")
    options = arguments.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    curves = fl.sample("ztf")
    model = fl.load(options.classifier)
    began = time.perf_counter()
    predictions = model.classify(curves)
    seconds = time.perf_counter() - began

    final = predictions.final()
    types = [None if label is None else str(label) for label in curves.column("label")]
    truth = fl.class_tree().collapse_labels(types, predictions.classes)
    after = {days: predictions.at(days_since_trigger=days) for days in DAYS}

    print(f"Classifier {model.name} {model.version}: {', '.join(model.classes)}")
    print(f"{len(curves)} transients, {sum(curves.n_observations)} observations, {1e3 * seconds:.0f} ms\n")
    wide = max(len(name) for name in predictions.classes) + 7
    head = "".join(f"{f'{day} d':>{wide}s}" for day in DAYS)
    print(f"{'object':14s}{'spectrum':10s}{head}{'in the end':>{wide}s}   detections")
    right = 0
    for index, name in enumerate(predictions.object_id):
        answers = [_best(after[day][index], predictions.classes) for day in DAYS]
        best = _best(final[index], predictions.classes)
        hit = truth[index] is not None and best.rpartition(" ")[0] == truth[index]
        right += hit
        row = "".join(f"{answer:>{wide}s}" for answer in [*answers, best])
        mark, seen = "*" if hit else " ", predictions.n_detections[index]
        print(f"{name:14s}{types[index] or '-':10s}{row} {mark} {seen:9d}")
    known = sum(name is not None for name in truth)
    print(f"\n* as the spectrum says: {right} of {known}")

    table = predictions.to_arrow().append_column("spectroscopic_type", pa.array(types, pa.string()))
    pyarrow.csv.write_csv(table, options.out / "predictions.csv")
    for name in predictions.object_id:
        upper, _ = figures.light_curve(
            curves, predictions, object_id=name, metadata_used=tuple(model.preparation.metadata)
        )
        upper.figure.savefig(options.out / f"{name}.png", dpi=110)
        plt.close(upper.figure)
    print(f"Table and {len(curves)} figures: {options.out}/")


def _best(probabilities: np.ndarray, classes: tuple[str, ...]) -> str:
    if not np.isfinite(probabilities).any():
        return "-"
    top = int(np.nanargmax(probabilities))
    return f"{classes[top]} {probabilities[top]:.2f}"


if __name__ == "__main__":
    main()
