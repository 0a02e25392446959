"""Calibration, class sets and novelty of a packaged classifier on the test split of its protocol.

    python benchmarks/trust.py --classifier ztf --protocol ztf-5 --data DATA/ztf
    python benchmarks/trust.py --classifier lsst --protocol plasticc-8 --data DATA/plasticc \
        --anomalies runs/anomalies-lsst

Prints the expected calibration error by number of detections, and what a perfectly calibrated classifier of
the same probabilities would have on as many objects (chance alone gives some: it is never negative);
by class and number of detections the share of objects whose class is in the set (of 40 objects it is known to
0.05 at best); and the AUROC with which novelty tells the split `other`, and simulated anomalies, from `test`:

    firstlight simulate Kilonova=200 PISN=200 ILOT=200 'SN Ib-Ca-rich=200' Microlensing=200 --survey LSST \
        --data TEMPLATES --seed 99 --out runs/anomalies-lsst
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import firstlight as fl
from firstlight.classifier import Predictions, load
from firstlight.evaluate import protocol
from firstlight.evaluate.metrics import class_auroc, ece, fill_unanswered
from firstlight.lightcurves import LightCurves

WHEN = (3, 5, 10, None)  # detections; None for all there are
REPEATS = 50


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--classifier", default="ztf")
    parser.add_argument("--protocol", default="ztf-5")
    parser.add_argument("--data", help="folder of the protocol's data (default: below $FIRSTLIGHT_DATA)")
    parser.add_argument("--anomalies", type=Path, help="a folder of `firstlight simulate`, of anomalies")
    parser.add_argument("--coverage", type=float, default=0.9)
    options = parser.parse_args()
    rules, classifier = protocol(options.protocol, options.data), load(options.classifier)
    known = classifier.classify(rules.test, novelty=True)
    truth = rules.truth(rules.test)
    place = [classifier.classes.index(name) for name in rules.classes]
    print("| detections | calibration error | of a perfect one, 95 % |\n|---|---|---|")
    for detections in WHEN:
        answers = known.final() if detections is None else known.at(detections=detections)
        values = fill_unanswered(np.asarray(answers, np.float64))
        low, high = perfect(values)
        found = ece(truth, values[:, place])
        print(f"| {detections or 'all'} | {found:.3f} | {low:.3f}-{high:.3f} |")
    counts = np.bincount(truth, minlength=len(place))
    columns = [f"{name} ({count:,})" for name, count in zip(rules.classes, counts, strict=True)]
    print("\n| detections | " + " | ".join(columns) + " | classes in a set |")
    print("|" + "---|" * (len(rules.classes) + 2))
    for detections in WHEN:
        if detections is None:
            sets = known.final_sets(options.coverage)
        else:
            sets = known.sets_at(options.coverage, detections=detections)
        held = [sets[truth == k, place[k]].mean() for k in range(len(place))]
        shares = " | ".join(f"{share:.3f}" for share in held)
        print(f"| {detections or 'all'} | {shares} | {sets.sum(axis=1).mean():.2f} |")
    print("\n| novelty tells from `test` | objects | AUROC |\n|---|---|---|")
    for name, curves in strangers(rules.curves["other"], options.anomalies, rules.test):
        score = novelties(classifier.classify(curves, novelty=True))
        both = np.concatenate([novelties(known), score])
        labels = np.repeat([0, 1], [len(both) - len(score), len(score)])
        area = class_auroc(labels, np.stack([-both, both], 1))[1]
        print(f"| {name} | {len(score):,} | {area:.3f} |")


def strangers(
    other: LightCurves, folder: Path | None, test: LightCurves
) -> Iterator[tuple[str, LightCurves]]:
    """Objects of none of the classes: the split `other`, and simulated anomalies altogether and by class."""
    yield "split `other`", other
    if folder is None:
        return
    survey = json.loads((folder / "survey.json").read_text(encoding="utf-8"))["survey"]
    curves = fl.read_table(folder / "photometry", objects=folder / "objects", survey=survey, flux_unit="nJy")
    if test.detected.all():  # a protocol of detections alone
        curves = curves.where(curves.detected)
    yield "simulated anomalies", curves
    names = np.array(curves.column("label"), str)
    for name in np.unique(names):
        yield f"of these {name}", curves.take(np.flatnonzero(names == name))


def novelties(predictions: Predictions) -> np.ndarray:
    """The novelty of every object that has one."""
    found = np.asarray(predictions.final_novelty(), np.float64)
    return found[np.isfinite(found)]


def perfect(values: np.ndarray) -> tuple[float, float]:
    """Calibration error where the truth is drawn from the probabilities themselves: 95 % of the draws."""
    rng = np.random.default_rng(0)
    sums = values.cumsum(axis=1)
    errors = []
    for _ in range(REPEATS):
        drawn = (sums < rng.random((len(values), 1)) * sums[:, -1:]).sum(axis=1)
        errors.append(ece(drawn, values))
    return float(np.quantile(errors, 0.025)), float(np.quantile(errors, 0.975))


if __name__ == "__main__":
    main()
