"""Base models on held-back simulated light curves of twelve classes, beside the reference on its own.

    firstlight simulate all --each 500 --survey ZTF --data TEMPLATES --classified --deeper 0.8 --seed 777 \
        --out runs/sim-ztf-test
    python benchmarks/bases.py --classifier ztf-sim --simulated runs/sim-ztf-test

Prints accuracy and log loss, and by class AUROC and recall, with metadata and without. The reference's
numbers are those of its authors on their own simulation, with the true redshift (notebook and figures of
arXiv:2403.14742); the two simulations differ, so the columns are no contest.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

import numpy as np

import firstlight as fl
from firstlight.evaluate.metrics import class_auroc
from firstlight.lightcurves import LightCurves

# AUROC and recall of the reference by class; its accuracy .845 and log loss .443.
REFERENCE = {
    "AGN": (1.0, 0.99),
    "SLSN-I": (1.0, 0.98),
    "SN II": (0.99, 0.88),
    "SN IIb": (0.98, 0.64),
    "SN IIn": (0.99, 0.81),
    "SN Ia": (0.98, 0.80),
    "SN Ia-91bg-like": (1.0, 0.93),
    "SN Iax[02cx-like]": (0.98, 0.77),
    "SN Ib": (0.96, 0.59),
    "SN Ic": (0.98, 0.70),
    "SN Ic-BL": (0.96, 0.51),
    "TDE": (1.0, 0.95),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--classifier", default="ztf-sim")
    parser.add_argument("--simulated", type=Path, required=True, help="a folder of `firstlight simulate`")
    options = parser.parse_args()
    survey = json.loads((options.simulated / "survey.json").read_text(encoding="utf-8"))["survey"]
    curves = fl.read_table(
        options.simulated / "photometry",
        objects=options.simulated / "objects",
        survey=survey,
        flux_unit="nJy",
    )
    if survey == "ZTF":
        curves = curves.where(curves.detected)
    classifier = fl.load(options.classifier)
    classes = classifier.classes
    truth = np.array([classes.index(str(name)) for name in curves.column("label")])
    with_metadata = answers(classifier, curves)
    without = answers(classifier, stripped(curves, classifier.preparation.metadata))
    print(f"{len(curves):,} simulated {survey} light curves, {options.classifier}; flat priors\n")
    print("| | with metadata | light curves alone | reference, its own simulation |\n|---|---|---|---|")
    for name, measure, theirs in (("accuracy", accuracy, "0.845"), ("log loss", log_loss, "0.443")):
        print(f"| {name} | {measure(with_metadata, truth):.3f} | {measure(without, truth):.3f} | {theirs} |")
    print("\n| class | AUROC, recall | light curves alone | reference |\n|---|---|---|---|")
    for place, name in enumerate(classes):
        cells = [by_class(values, truth, place) for values in (with_metadata, without)]
        theirs = REFERENCE.get(name)
        cells.append("-" if theirs is None else f"{theirs[0]:.2f}, {theirs[1]:.2f}")
        print(f"| {name} | " + " | ".join(cells) + " |")


def answers(classifier: fl.Classifier, curves: LightCurves) -> np.ndarray:
    return np.asarray(classifier.classify(curves, priors="flat").final(), np.float64)


def stripped(curves: LightCurves, metadata: tuple[str, ...]) -> LightCurves:
    """The light curves alone."""
    kept = [name for name in curves.objects.column_names if name not in metadata]
    return dataclasses.replace(curves, objects=curves.objects.select(kept))


def accuracy(values: np.ndarray, truth: np.ndarray) -> float:
    return float((values.argmax(axis=1) == truth).mean())


def log_loss(values: np.ndarray, truth: np.ndarray) -> float:
    return float(-np.log(np.clip(values[np.arange(len(truth)), truth], 1e-6, 1.0)).mean())


def by_class(values: np.ndarray, truth: np.ndarray, place: int) -> str:
    own = truth == place
    recall = float((values[own].argmax(axis=1) == place).mean())
    return f"{class_auroc(truth, values)[place]:.3f}, {recall:.2f}"


if __name__ == "__main__":
    main()
