"""What helps a base: short pretrainings that differ from ``ztf-sim`` in one thing, scored without labels.

    python scripts/train_bases.py --templates TEMPLATES --donors DATA/plasticc --work runs --only ztf-sim
    python scripts/ablate_bases.py --simulated runs/sim-ztf --ztf DATA/ztf --work runs/ablations

Each variant is trained for ``--epochs`` and answers the split `pool` of ztf-5 with the class shares of the
pool as prior; no label is learnt from, and `test` is not looked at. ``--literature FOLDER`` adds a base of a
survey simulated with ``--populations literature``. A table goes to the standard output and to
WORK/ablations.csv; what is there already is not trained again.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from train_bases import METADATA, RECIPE, SIZES, read, report
from train_classifiers import ZTF, told

import firstlight as fl
from firstlight.evaluate import Stage, macro_auroc, macro_f1, ztf5
from firstlight.learn import Augmentation, pretrain
from firstlight.lightcurves import LightCurves

STAGES = ("3 detections", "10 detections", "full")
# What differs from ztf-sim, by name: arguments of `pretrain`, and the share of the light curves that is used.
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "as ztf-sim": {},
    "no augmentation but hidden metadata": {"augmentation": Augmentation(metadata=0.4)},
    "half of the light curves": {"share": 0.5},
}


def main() -> None:
    """Train and score every variant that is not there yet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--simulated", type=Path, required=True)
    parser.add_argument("--literature", type=Path)
    parser.add_argument("--ztf", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("runs/ablations"))
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--only", nargs="*", help="names of variants")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rules = ztf5(options.ztf)
    pool = told(rules.pool, options.ztf, ZTF)
    variants = {name: (options.simulated, changes) for name, changes in VARIANTS.items()}
    if options.literature:
        variants["priors of the literature alone"] = (options.literature, {})
    lines = []
    for name in options.only or variants:
        folder, changes = variants[name]
        classifier = trained(name, folder, changes, options)
        lines.append({"variant": name, **scores(classifier, rules, pool)})
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    (options.work / "ablations.csv").write_text(buffer.getvalue(), encoding="utf-8")
    print("| " + " | ".join(lines[0]) + " |\n|" + "---|" * len(lines[0]))
    for line in lines:
        print("| " + " | ".join(map(str, line.values())) + " |")


def trained(
    name: str, folder: Path, changes: Mapping[str, Any], options: argparse.Namespace
) -> fl.Classifier:
    """The variant, trained if it is not there."""
    home = options.work / name.replace(" ", "-").replace(",", "")
    if (home / "config.json").exists():
        return fl.load(home)
    rest = dict(changes)
    curves = read(folder, "ZTF")
    curves = curves.where(curves.detected)
    if share := rest.pop("share", None):
        rng = np.random.default_rng(0)
        curves = curves.take(np.sort(rng.choice(len(curves), round(share * len(curves)), replace=False)))
    return pretrain(
        curves,
        preparation=fl.Preparation(metadata=METADATA["ztf-sim"]),
        sizes=SIZES,
        recipe=RECIPE,
        epochs=options.epochs,
        name="ablation",
        seed=1,
        run=options.work / "runs" / home.name,
        out=home,
        progress=report,
        **rest,
    )


def scores(classifier: fl.Classifier, rules: Any, pool: LightCurves) -> dict[str, str]:
    """Macro AUROC by stage and macro-F1 on the pool, told no redshift, and told it where there is one."""
    place = [rules.classes.index(str(one)) for one in pool.column("label")]
    shares = np.bincount(place, minlength=len(rules.classes)) / len(pool)
    prior = dict(zip(rules.classes, shares.tolist(), strict=True))
    redshift = np.isfinite(np.asarray(pool.column("redshift"), np.float64))
    dark = dataclasses.replace(pool, objects=pool.objects.drop_columns(["redshift"]))
    found = {}
    for words, curves in (("", dark), (", redshift", pool.take(np.flatnonzero(redshift)))):
        truth = rules.truth(curves)
        for stage in STAGES:
            asked = classifier.classify(
                Stage.named(stage).apply(curves), classes=rules.classes, priors=prior, renormalise=True
            ).final()
            values = np.where(np.isfinite(asked), asked, shares)
            found[f"AUROC, {stage}{words}"] = f"{macro_auroc(truth, values):.4f}"
        found[f"macro-F1, full{words}"] = f"{macro_f1(truth, values):.3f}"
    return found


if __name__ == "__main__":
    main()
