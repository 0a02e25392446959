"""Make ``src/firstlight/simulate/compact/*.npz`` from the simulator's data folder.

    python scripts/compact_simulation.py --data FOLDER

A sample of places and their visits for ZTF and LSST, the dust map on 3 degrees, and the magnetar fits: what
parametric classes need without any data folder.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import firstlight as fl
from firstlight.simulate.library import Library
from firstlight.simulate.sky import FieldLog, PointingLog
from firstlight.simulate.synthesis import bandpasses
from firstlight.simulate.views import view

FIELDS, POSITIONS, DEEP = 26, 240, 4
SEED = 1


def packed(time, band, limit, counts, ra, dec, bands):
    """Arrays of few bytes: night and fraction of a day, band, limit in steps of 0.05 mag."""
    night = np.floor(time)
    return {
        "night": night.astype(np.uint16), "fraction": ((time - night) * 65536).astype(np.uint16) & 0xFFE0,
        "band": np.asarray(band, dtype=np.uint8), "bands": np.array(bands),
        "limit": np.clip(np.round((limit - 15.0) * 20), 0, 255).astype(np.uint8),
        "count": np.asarray(counts, dtype=np.uint16),
        "ra": ra.astype(np.float32), "dec": dec.astype(np.float32),
    }  # fmt: skip


def main() -> None:
    """Write the four files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("src/firstlight/simulate/compact"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    library, rng = Library(given.data), np.random.default_rng(SEED)

    log = view("ZTF", library).log
    assert isinstance(log, FieldLog)
    counts = np.diff(log.offsets)
    chosen = np.sort(rng.choice(np.flatnonzero((counts > 250) & (counts < 1_000)), FIELDS, replace=False))
    rows = np.concatenate([np.arange(log.offsets[i], log.offsets[i + 1]) for i in chosen])
    np.savez_compressed(
        given.out / "ztf.npz",
        **packed(log.time[rows], log.band[rows], log.limit[rows], counts[chosen],
                 log.ra[chosen], log.dec[chosen], ["g", "r"]),
    )  # fmt: skip

    lsst = view("LSST", library).log
    assert isinstance(lsst, PointingLog)
    places = [lsst.place(rng) for _ in range(POSITIONS)]
    for ra, dec in list(zip(lsst.deep_ra, lsst.deep_dec, strict=True))[:DEEP]:
        places.append(
            type(places[0])(0, 0.0, float(ra), float(dec), 0.0, rows=lsst.near(float(ra), float(dec)))
        )
    rows = np.concatenate([one.rows for one in places if one.rows is not None])
    short = [one.short for one in fl.survey("LSST").passbands]
    assert list(bandpasses(fl.survey("LSST"), library).short) == short
    np.savez_compressed(
        given.out / "lsst.npz",
        **packed(lsst.time[rows], lsst.band[rows], lsst.limit[rows],
                 [0 if one.rows is None else len(one.rows) for one in places],
                 np.array([one.ra for one in places]), np.array([one.dec for one in places]), short),
    )  # fmt: skip

    dust = library.dust_map().astype(np.float64).reshape(60, 3, 120, 3).mean(axis=(1, 3))
    np.savez_compressed(given.out / "dust.npz", ebv=np.clip(np.round(dust * 500), 0, 65535).astype(np.uint16))

    objects = library.photospheres()
    phase = np.array(
        [np.interp(np.linspace(0, 1, 26), np.linspace(0, 1, len(o.phase)), o.phase) for o in objects]
    )
    temperature = [
        np.interp(p, o.phase, np.log10(o.temperature)) for p, o in zip(phase, objects, strict=True)
    ]
    radius = [np.interp(p, o.phase, o.log_radius) for p, o in zip(phase, objects, strict=True)]
    np.savez_compressed(
        given.out / "slsn.npz", name=np.array([o.name for o in objects]), phase=phase.astype(np.float16),
        temperature=np.round(np.array(temperature) * 10_000).astype(np.uint16),
        radius=np.round(np.array(radius) * 3_000).astype(np.uint16),
    )  # fmt: skip
    for file in sorted(given.out.glob("*.npz")):
        print(f"{file.stat().st_size:8,d} {file.name}")


if __name__ == "__main__":
    main()
