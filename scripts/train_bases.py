"""Make the packaged base models ``ztf-sim``, ``lsst-sim`` and ``sims``: simulate both surveys, and pretrain.

    python scripts/train_bases.py --templates FOLDER --donors FOLDER --work runs --workers 2

``--templates`` is the data folder of the simulator. ``--donors`` is a folder in the layout of the benchmark
plasticc-8, of whose objects (splits `pool` and `other`, without their labels) only the visits and depths are
used; half of the LSST light curves lie on them (deep fields included), half on LSST's own baseline log
(wide survey). Nothing real is learnt from. Every step is resumed where it stopped.
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

import firstlight as fl
from firstlight.learn import PRETRAIN, Augmentation, pretrain
from firstlight.lightcurves import LightCurves
from firstlight.simulate import Selection, Visits, write_survey

CARDS = Path(__file__).parent / "cards"
# Most where a class varies most and where a survey has most; nature's rates are the prior's business.
ZTF = {
    "SN Ia": 16_000,
    "SN Ia-91bg-like": 3_000,
    "SN Iax[02cx-like]": 3_000,
    "SN II": 10_000,
    "SN IIn": 5_000,
    "SN IIb": 4_000,
    "SN Ib": 5_000,
    "SN Ic": 5_500,
    "SN Ic-BL": 4_000,
    "SLSN-I": 8_000,
    "TDE": 8_000,
    "AGN": 5_000,
}
LSST = {
    "SN Ia": 6_000,
    "SN Ia-91bg-like": 2_500,
    "SN Iax[02cx-like]": 2_500,
    "SN II": 4_000,
    "SN IIn": 1_500,
    "SN IIb": 1_500,
    "SN Ib": 1_500,
    "SN Ic": 1_500,
    "SN Ic-BL": 1_500,
    "SLSN-I": 2_500,
    "TDE": 2_500,
    "AGN": 2_500,
}  # from each of the two logs
SELECTED = {"ZTF": Selection(classified=True, deeper=0.8), "LSST": Selection(classified=True, deeper=0.8)}
METADATA = {
    "ztf-sim": ("redshift", "mwebv"),
    "lsst-sim": ("redshift", "photoz", "photoz_err", "mwebv"),
    "sims": ("redshift", "photoz", "photoz_err", "mwebv"),
}
EPOCHS = {"ztf-sim": 30, "lsst-sim": 12, "sims": 10}
SIZES = {"hidden": 96, "width": 48}
RECIPE = PRETRAIN.with_(
    rate=2e-3,
    validation=0.0,
    smoothing=0.0,
    prefix_power=0.0,
    augmentation=Augmentation(drop_rows=0.5, zero_point=0.05, noise=0.7, metadata=0.4),
)
KEPT = 3_000  # light curves that a base carries to be replayed when it is fine-tuned
SEED = 20_261


def main() -> None:
    """Make every part that is not there yet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--templates", type=Path, required=True)
    parser.add_argument("--donors", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=Path("src/firstlight/classifier/packaged"))
    parser.add_argument("--only", default="ztf-sim,lsst-sim,sims", help="names, separated by commas")
    parser.add_argument("--populations", help="a population table of your own, or 'literature'")
    parser.add_argument("--epochs", type=int, help="in place of those set for each base")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--threads", type=int, default=1, help="same seed, same weights: with as many threads"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    names = options.only.split(",")
    ztf = simulated_ztf(options) if {"ztf-sim", "sims"} & {*names} else None
    lsst = simulated_lsst(options) if {"lsst-sim", "sims"} & {*names} else None
    for name in names:
        parts = {"ztf-sim": [ztf], "lsst-sim": [lsst], "sims": [ztf, lsst]}[name]
        make(name, [one for one in parts if one is not None], options)


def make(name: str, parts: list[LightCurves], options: argparse.Namespace) -> None:
    """One base, pretrained and written."""
    if (options.out / name / "config.json").exists():
        return
    both = LightCurves.concat(parts)
    preparation = fl.Preparation(metadata=METADATA[name])
    if name != "ztf-sim":  # forced photometry: every visit tells something, also before the trigger
        preparation = dataclasses.replace(preparation, rows="measured", before_days=60.0, after_days=300.0)
    if name == "lsst-sim":  # Rubin's tables come with E(B-V); alerts of ZTF mostly do not
        preparation = dataclasses.replace(preparation, deredden=True)
    pretrain(
        both,
        preparation=preparation,
        sizes=SIZES,
        recipe=RECIPE,
        epochs=options.epochs or EPOCHS[name],
        keep=KEPT,
        name=name,
        seed=options.seed,
        run=options.work / f"pretraining-{name}",
        out=options.out / name,
        about=(CARDS / f"{name}.md").read_text(encoding="utf-8"),
        progress=report,
    )


def simulated_ztf(options: argparse.Namespace) -> LightCurves:
    """ZTF's detections: what its alerts have in common with every archive of them."""
    folder = write(options, "sim-ztf", "ZTF", ZTF, SEED, None)
    curves = read(folder, "ZTF")
    return curves.where(curves.detected)


def simulated_lsst(options: argparse.Namespace) -> LightCurves:
    """LSST's forced photometry on two visit logs."""
    donors = Visits(donors=options.donors)
    folders = [
        write(options, "sim-lsst-donors", "LSST", LSST, SEED + 1, donors),
        write(options, "sim-lsst", "LSST", LSST, SEED + 2, None),
    ]
    return LightCurves.concat([spectroscopic(read(one, "LSST"), one) for one in folders])


def write(
    options: argparse.Namespace,
    name: str,
    survey: str,
    counts: Mapping[str, int],
    seed: int,
    visits: Visits | None,
) -> Path:
    """The folder of a simulated survey, made if it is not there."""
    return write_survey(
        options.work / name,
        survey,
        counts,
        seed,
        data=options.templates,
        visits=visits,
        population_table=options.populations,
        selection=SELECTED[survey],
        workers=options.workers,
        progress=lambda one, done, wanted: print(f"{name}  {one}: {done:,} of {wanted:,}", file=sys.stderr),
    )


def read(folder: Path, survey: str) -> LightCurves:
    """The light curves of a simulated survey."""
    return fl.read_table(folder / "photometry", objects=folder / "objects", survey=survey, flux_unit="nJy")


def spectroscopic(curves: LightCurves, folder: Path) -> LightCurves:
    """With the redshift of a spectrum for every object: it is masked often enough while training."""
    truth = pq.read_table(folder / "objects", columns=["object_id", "sim_redshift"])
    place = pc.index_in(curves.objects.column("object_id"), truth.column("object_id").combine_chunks())
    z = np.asarray(truth.column("sim_redshift").take(place), np.float64)
    z = np.maximum(z + 0.001 * np.random.default_rng(SEED).standard_normal(len(z)), 1e-4)
    column = curves.objects.column_names.index("redshift")
    return dataclasses.replace(curves, objects=curves.objects.set_column(column, "redshift", pa.array(z)))


def report(row: Mapping[str, Any]) -> None:
    """One line an epoch."""
    sys.stderr.write(f"epoch {row['epoch']:3d}  loss {row['loss']:.4f}  {row['seconds']:5.1f} s\n")


if __name__ == "__main__":
    main()
