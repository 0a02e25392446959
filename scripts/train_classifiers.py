"""Make the packaged classifiers ``ztf`` and ``lsst``: base models fine-tuned on all labels of a pool.

    python scripts/train_bases.py --templates TEMPLATES --donors DATA/plasticc --work runs
    python scripts/train_classifiers.py --ztf DATA/ztf --plasticc DATA/plasticc --work runs

``--ztf`` and ``--plasticc`` are folders of the benchmarks ztf-5 and plasticc-8, of which only the split
`pool` is read; the simulated surveys that the first command left in ``--work`` are replayed. The packaged
samples are left out of the labels. Every step is resumed where it stopped.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from train_bases import read, spectroscopic

import firstlight as fl
from firstlight.evaluate import plasticc8, ztf5
from firstlight.learn import FINE_TUNE_REPLAY, fine_tune
from firstlight.lightcurves import LightCurves

CARDS = Path(__file__).parent / "cards"
KEPT = 3_000
# Metadata are masked often enough that the answers without them stay good.
RECIPE = FINE_TUNE_REPLAY.with_(augmentation=dataclasses.replace(FINE_TUNE_REPLAY.augmentation, metadata=0.4))
FOLDS = {"ztf": 5, "lsst": 3}  # of the labels, on which calibration, class sets and novelty are fitted
# Columns of the benchmarks' objects by the names that a classifier reads.
ZTF = {"redshift": "redshift", "mwebv": "mwebv"}
LSST = {"redshift": "spec_z", "photoz": "photo_z", "photoz_err": "photo_z_err", "mwebv": "mwebv"}


def main() -> None:
    """Make every part that is not there yet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ztf", type=Path)
    parser.add_argument("--plasticc", type=Path)
    parser.add_argument("--work", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=Path("src/firstlight/classifier/packaged"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--threads", type=int, default=1, help="same seed, same weights: with as many threads"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.ztf:
        protocol = ztf5(options.ztf)
        shown = set(fl.sample("ztf").object_id)
        pool = protocol.pool[np.array([name not in shown for name in protocol.pool.object_id])]
        detections = read(options.work / "sim-ztf", "ZTF")
        replay = detections.where(detections.detected)
        make("ztf", "ztf-sim", told(pool, options.ztf, ZTF), protocol.classes, replay, options)
    if options.plasticc:
        protocol = plasticc8(options.plasticc)
        folders = [options.work / name for name in ("sim-lsst-donors", "sim-lsst")]
        replay = LightCurves.concat([spectroscopic(read(one, "LSST"), one) for one in folders])
        pool = told(protocol.pool, options.plasticc, LSST)
        make("lsst", "lsst-sim", pool, protocol.classes, replay, options)


def make(
    name: str,
    base: str,
    pool: LightCurves,
    classes: tuple[str, ...],
    replay: LightCurves,
    options: argparse.Namespace,
) -> None:
    """One classifier, fine-tuned, calibrated and written."""
    fine_tune(
        base,
        pool,
        classes=classes,
        overlapping=True,
        strategy="auto",
        replay=replay,
        recipe=RECIPE.with_(calibration_folds=FOLDS[name]),
        keep=KEPT,
        name=name,
        seed=options.seed,
        run=options.work / f"fine-tuning-{name}",
        out=options.out / name,
        overwrite=True,
        about=(CARDS / f"{name}.md").read_text(encoding="utf-8"),
        progress=report,
    )


def told(curves: LightCurves, folder: Path, columns: Mapping[str, str]) -> LightCurves:
    """With the metadata that the benchmark has, null where it has none."""
    table = pq.read_table(folder / "objects.parquet", columns=["object_id", *set(columns.values())])
    ids = table.column("object_id").cast(pa.string()).combine_chunks()
    place = pc.index_in(curves.objects.column("object_id").cast(pa.string()), ids)
    objects = curves.objects
    for name, theirs in columns.items():
        values = table.column(theirs).cast(pa.float64()).take(place)
        if name in objects.column_names:
            objects = objects.set_column(objects.column_names.index(name), name, values)
        else:
            objects = objects.append_column(name, values)
    return dataclasses.replace(curves, objects=objects)


def report(row: Mapping[str, Any]) -> None:
    """One line an epoch."""
    sys.stderr.write(f"epoch {row['epoch']:3d}  loss {row['loss']:.4f}  {row['seconds']:5.1f} s\n")


if __name__ == "__main__":
    main()
