"""``python -m firstlight.simulate``: a simulated survey as its tables; ``firstlight simulate`` does more."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq

from firstlight.errors import FirstlightError
from firstlight.simulate.engine import Selection
from firstlight.simulate.populations import populations
from firstlight.simulate.product import join, write_survey


def _counts(words: list[str], known: list[str]) -> dict[str, int]:
    """``SN Ia=1000`` pairs, or one number for every class."""
    if len(words) == 1 and words[0].isdigit():
        return dict.fromkeys(known, int(words[0]))
    return {name: int(number) for name, _, number in (word.rpartition("=") for word in words)}


def main(arguments: list[str] | None = None) -> int:
    """Exit code of the command."""
    parser = argparse.ArgumentParser(prog="python -m firstlight.simulate", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the survey goes")
    parser.add_argument("counts", nargs="+", help="objects of every class, or pairs such as 'SN Ia=1000'")
    parser.add_argument(
        "--data", type=Path, required=True, help="the data folder: templates, visits, filters ..."
    )
    parser.add_argument("--survey", default="ZTF")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--populations", default=None, help="'literature', or your own table (TOML)")
    parser.add_argument(
        "--faintest", type=float, default=20.2, help="brightest magnitude of an object at least"
    )
    parser.add_argument("--detections", type=int, default=3, help="detections of S/N >= 5 at least")
    parser.add_argument(
        "--classified",
        action="store_true",
        help="keep objects as a spectroscopic survey (BTS) classifies them",
    )
    parser.add_argument(
        "--deeper", type=float, default=0.0, help="magnitudes by which --classified goes deeper than BTS"
    )
    parser.add_argument(
        "--join", action="store_true", help="also write objects.parquet and photometry.parquet"
    )
    given = parser.parse_args(arguments)
    start = time.perf_counter()

    def progress(name: str, done: int, wanted: int) -> None:
        sys.stderr.write(f"{time.perf_counter() - start:7.1f} s  {name}: {done:,} of {wanted:,}\n")

    try:
        write_survey(
            given.folder,
            given.survey,
            _counts(
                given.counts, [k for k, one in populations(given.populations).items() if not one.held_out]
            ),
            given.seed,
            data=given.data,
            population_table=given.populations,
            selection=Selection(given.detections, given.faintest, given.classified, given.deeper),
            workers=given.workers,
            progress=progress,
        )
        if given.join:
            objects, photometry = join(given.folder)
            pq.write_table(objects, given.folder / "objects.parquet", compression="zstd")
            pq.write_table(photometry, given.folder / "photometry.parquet", compression="zstd")
    except FirstlightError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
