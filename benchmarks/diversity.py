"""What each switch of diversity does to the realism of simulated ZTF light curves, one at a time turned off.

    python benchmarks/diversity.py --data FOLDER --protocol FOLDER        # ztf-5 in the second folder
    python benchmarks/diversity.py ... --switches warp,mix --classes "SN II,TDE" --objects 300 --seeds 2

For every switch and class the AUC of a classifier told to separate simulated from real light curves (0.5 is
perfect), with Bright-Transient-Survey-like selection, means over seeds; in brackets the difference to the
packaged table: above zero, the switch makes simulated light curves more like real ones. The real ones are
one half of the `pool` of ztf-5, that on which settings are chosen.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):  # before NumPy is imported
    os.environ.setdefault(name, "1")

import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

import firstlight as fl  # noqa: E402
from firstlight.evaluate import protocol  # noqa: E402
from firstlight.simulate import Population, Selection, populations, simulate, two_sample  # noqa: E402
from firstlight.simulate.check import BANDS, curve_features  # noqa: E402

Floats = NDArray[np.float64]
# Real class: simulated classes in it, with their share of it (Bright Transient Survey).
CLASSES = {
    "SN Ia": {"SN Ia": 1.0},
    "SN II": {"SN II": 1.0},
    "SN Ib/c": {"SN Ib": 0.38, "SN Ic": 0.43, "SN Ic-BL": 0.19},
    "SLSN-I": {"SLSN-I": 1.0},
    "TDE": {"TDE": 1.0},
}
# Parameter: value that turns it off; None: its median, the same for every object.
SWITCHES: dict[str, dict[str, float | None]] = {
    "warp": {"warp": 0.0},
    "drift": {"drift": 0.0},
    "mix": {"mix": 0.0},
    "host_av": {"host_av": 0.0},
    "stretch": dict.fromkeys(("stretch", "stretch_rise", "stretch_fall", "rise_days", "decline_days")),
    "magnitude": dict.fromkeys(("magnitude", "log_luminosity", "magnitude_scatter")),
    "rise and plateau": {"rise_power": 1.0, "decline": 0.0, "blue_start": 0.0, "plateau_drop": 0.0},
    "colour": dict.fromkeys(("c", "x1", "temperature", "temperature_factor", "heating", "cutoff")),
}


def without(switch: str, labels: Sequence[str], folder: Path) -> Path | None:
    """A population table with a switch turned off; None where no class has it."""
    lines, off = ['extends = "populations"'], False
    table = populations()
    for label in labels:
        lines.append(f"[{json.dumps(label)}]")
        for parameter, value in SWITCHES[switch].items():
            if not _has(table[label], parameter):
                continue
            lines.append(f"{parameter} = {_median(table[label], parameter) if value is None else value!r}")
            off = True
    path = folder / "without.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path if off else None


def _has(population: Population, parameter: str) -> bool:
    if parameter in ("warp", "drift", "mix"):
        return population.number_of(parameter) > 0.0
    if parameter not in population.laws:
        return False
    rng = np.random.default_rng(0)
    return bool(np.ptp([population.draw(parameter, rng) for _ in range(20)]) > 0.0)


def _median(population: Population, parameter: str) -> float:
    rng = np.random.default_rng(1)
    return float(np.median([population.draw(parameter, rng) for _ in range(2_001)]))


def made(shares: dict[str, float], objects: int, seed: int, table: Path | None, data: str) -> Floats:
    """Features of simulated objects that a spectroscopic survey would have classified."""
    counts = {label: max(round(objects * share), 1) for label, share in shares.items()}
    curves = simulate(
        "ZTF", counts, seed=seed, data=data, population_table=table, selection=Selection(classified=True)
    )
    return measured(curves)


def measured(curves: fl.LightCurves) -> Floats:
    found = curve_features(curves, BANDS["ZTF"])
    return found[np.isfinite(found[:, 0])]


def half_of_pool(folder: str) -> dict[str, Floats]:
    """Features of half of the real objects, by class."""
    pool = protocol("ztf-5", folder).pool
    chosen = np.zeros(len(pool), dtype=np.bool_)
    chosen[np.random.default_rng(0).permutation(len(pool))[::2]] = True
    labels = np.array([str(label) for label in pool.column("label")])
    return {label: measured(pool[chosen & (labels == label)]) for label in CLASSES}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", required=True, help="data folder of the simulator")
    parser.add_argument("--protocol", required=True, help="folder of the benchmark ztf-5")
    parser.add_argument("--classes", default=",".join(CLASSES))
    parser.add_argument("--switches", default=",".join(SWITCHES))
    parser.add_argument("--objects", type=int, default=400, help="simulated objects, by class")
    parser.add_argument("--seeds", type=int, default=2)
    given = parser.parse_args()
    labels = given.classes.split(",")
    real = half_of_pool(given.protocol)
    print("| switched off | " + " | ".join(f"{label} ({len(real[label])})" for label in labels) + " |")
    print("|---|" + "---|" * len(labels))
    base: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for switch in ("nothing", *given.switches.split(",")):
            cells = []
            for label in labels:
                table = None
                if switch != "nothing":
                    table = without(switch, list(CLASSES[label]), Path(folder))
                    if table is None:
                        cells.append("-")
                        continue
                scores = []
                for seed in range(given.seeds):
                    ours = made(CLASSES[label], given.objects, 100 + seed, table, given.data)
                    scores.append(two_sample(real[label], ours, seed=seed, detail=False).auc)
                auc = float(np.mean(scores))
                print(f"{switch}, {label}: {auc:.3f}", file=sys.stderr, flush=True)
                if switch == "nothing":
                    base[label] = auc
                    cells.append(f"{auc:.3f}")
                else:
                    cells.append(f"{auc:.3f} ({auc - base[label]:+.3f})")
            print(f"| {switch} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
