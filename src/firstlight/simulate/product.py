"""A simulated survey on disk: Parquet shards, resumable, the same whatever the number of workers.

A folder holds ``objects/`` and ``photometry/`` with one file for each block of `BLOCK` generated events of
a class, and ``survey.json`` that says how they were made (seed, settings, number generated and triggered by
class: rates need both).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from firstlight.errors import UsageError
from firstlight.facts import Survey
from firstlight.facts import survey as survey_of
from firstlight.simulate.engine import Selection, Simulator, expected, simulators
from firstlight.simulate.forced import Forced
from firstlight.simulate.observing import Observing
from firstlight.simulate.population_files import read as read_populations
from firstlight.simulate.tables import Progress, to_tables
from firstlight.simulate.views import Visits

BLOCK = 2_000

_ready: dict[str, Simulator] = {}


def _prepare(arguments: dict[str, Any]) -> None:
    _ready.clear()
    _ready.update(simulators(**arguments))


def _save(table: pa.Table, path: Path) -> None:
    part = path.with_suffix(".part")
    pq.write_table(table, part, compression="zstd")
    part.replace(path)


def _block(folder: str, name: str, seed: int, block: int, first: int, size: int) -> int:
    """Objects that triggered among the events of a block, written; one that is there is only counted."""
    file = f"{_short(name)}-{block:05d}.parquet"
    objects, photometry = Path(folder, "objects", file), Path(folder, "photometry", file)
    if objects.exists() and photometry.exists():
        return int(pq.read_metadata(objects).num_rows)
    made = (_ready[name].simulate(seed, number) for number in range(first, first + size))
    tables = to_tables(name, seed, [one for one in made if one is not None], _ready[name].view)
    _save(tables[1], photometry)
    _save(tables[0], objects)
    return int(tables[0].num_rows)


def _short(name: str) -> str:
    return "".join(letter for letter in name if letter.isalnum())


def _cut(folder: Path, name: str, block: int, keep: int) -> int:
    """Keep the first objects of a block, and return the number of the last event that was needed."""
    file = f"{_short(name)}-{block:05d}.parquet"
    objects = pq.read_table(folder / "objects" / file)
    if keep < objects.num_rows:
        objects = objects.slice(0, keep)
        photometry = pq.read_table(folder / "photometry" / file)
        _save(
            photometry.filter(pc.is_in(photometry["object_id"], objects["object_id"].combine_chunks())),
            folder / "photometry" / file,
        )
        _save(objects, folder / "objects" / file)
    return int(objects["object_id"][keep - 1].as_py().rpartition("-")[2]) if keep else -1


def write_survey(
    folder: str | Path,
    survey: str | Path | Survey,
    counts: Mapping[str, int],
    seed: int = 0,
    *,
    data: str | Path | None = None,
    volumetric: float | None = None,
    product: str | None = None,
    visits: Visits | None = None,
    population_table: str | Path | None = None,
    rules: Observing | Forced | None = None,
    selection: Selection | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Path:
    """Simulate `counts` triggered objects by class into `folder`, and return it.

    Blocks that are there already are kept, so an interrupted run goes on where it stopped. Read it with
    ``fl.read_table(folder / "photometry", objects=folder / "objects", survey=...)``.

    Parameters
    ----------
    folder : path
        Made if needed. One that was made with other settings is refused.
    counts : mapping
        Objects by class; with `volumetric` only the classes count.
    volumetric : float, optional
        As many events as happen in so many square degrees x years.
    workers : int
        Processes; the result does not depend on it.
    progress : callable, optional
        Called with class, objects so far and objects wanted.

    Raises
    ------
    UsageError
        The folder holds a survey of other settings, or a count is negative.

    See Also
    --------
    simulate : the other arguments.
    """
    folder, visits = Path(folder), visits or Visits()
    if any(count < 0 for count in counts.values()):
        raise UsageError("a count is negative", where="simulate")
    if workers < 1:
        raise UsageError(f"{workers} workers do nothing", where="workers")
    arguments: dict[str, Any] = {
        "survey": survey, "classes": list(counts), "data": None if data is None else str(data),
        "population_table": population_table, "product": product, "rules": rules, "selection": selection,
        "visits": visits,
    }  # fmt: skip
    _prepare(arguments)  # what is wrong is found here, in this process
    seen = next(iter(_ready.values())).view if _ready else None
    described = {
        "survey": survey_of(survey).name, "seed": seed, "counts": dict(counts), "volumetric": volumetric,
        "block": BLOCK,
        "data": "package" if data is None else "folder", "product": seen.product if seen else product,
        "visits": {key: str(it) if isinstance(it, Path) else it for key, it in asdict(visits).items()},
        "rules": asdict(seen.rules or seen.measure) if seen else None,
        "selection": asdict(selection or Selection()),
        "populations_sha256": read_populations(population_table)[2],
    }  # fmt: skip
    manifest = folder / "survey.json"
    if manifest.exists():
        there = json.loads(manifest.read_text(encoding="utf-8"))
        if {key: there.get(key) for key in described} != json.loads(json.dumps(described)):
            raise UsageError(
                "holds a survey made with other settings", where=str(folder), hint="Choose another folder."
            )
        if "generated" in there:
            return folder
    for kind in ("objects", "photometry"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    manifest.write_text(json.dumps(described, indent=1), encoding="utf-8")

    pool = ProcessPoolExecutor(workers, get_context("spawn"), _prepare, (arguments,)) if workers > 1 else None
    made: dict[str, tuple[int, int]] = {}
    try:
        for name, count in counts.items():
            run = _Class(folder, name, seed, pool, workers, progress)
            made[name] = (
                run.balanced(count)
                if volumetric is None
                else run.all_of(expected(_ready[name].population, seed, volumetric))
            )
    finally:
        if pool is not None:
            pool.shutdown(cancel_futures=True)
    told = {"generated": {name: one[0] for name, one in made.items()},
            "triggered": {name: one[1] for name, one in made.items()}}  # fmt: skip
    manifest.write_text(json.dumps({**described, **told}, indent=1), encoding="utf-8")
    return folder


@dataclass(frozen=True, eq=False)
class _Class:
    """One class of a survey on its way to disk; its methods give events generated and objects triggered."""

    folder: Path
    name: str
    seed: int
    pool: ProcessPoolExecutor | None
    workers: int
    progress: Progress | None

    def _blocks(self, events: int | None) -> Iterator[tuple[int, int]]:
        """Blocks in order: events in it, objects that triggered; the next ones are begun in advance."""
        block = 0
        ahead: list[Future[int]] = []

        def arguments(number: int) -> tuple[str, str, int, int, int, int] | None:
            size = BLOCK if events is None else min(BLOCK, events - number * BLOCK)
            if size <= 0:
                return None
            return str(self.folder), self.name, self.seed, number, number * BLOCK, size

        try:
            while (now := arguments(block)) is not None:
                if self.pool is None:
                    found = _block(*now)
                else:
                    while len(ahead) < 2 * self.workers:
                        later = arguments(block + len(ahead))
                        if later is None:
                            break
                        ahead.append(self.pool.submit(_block, *later))
                    found = ahead.pop(0).result()
                block += 1
                yield now[-1], found
        finally:
            for number, future in enumerate(ahead):  # begun in advance and not needed
                if not future.cancel():
                    future.exception()
                for kind in ("objects", "photometry"):
                    file = f"{_short(self.name)}-{block + number:05d}.parquet"
                    (self.folder / kind / file).unlink(missing_ok=True)

    def balanced(self, count: int) -> tuple[int, int]:
        """Blocks until there are `count` objects."""
        total, generated = 0, 0
        blocks = self._blocks(None)
        for block, (size, found) in enumerate(blocks):
            if total + found >= count:
                last = _cut(self.folder, self.name, block, count - total)
                self._tell(count, count)
                blocks.close()  # type: ignore[attr-defined]
                return last + 1, count
            total, generated = total + found, generated + size
            self._tell(total, count)
            if generated >= 400_000 and total == 0:
                raise UsageError(
                    f"none of {generated:,} events triggered",
                    where=self.name,
                    hint="Its priors are too faint or too far for this survey.",
                )
        raise AssertionError("blocks do not end by themselves")

    def all_of(self, events: int) -> tuple[int, int]:
        """All of `events` events, whichever trigger."""
        done = total = 0
        for size, found in self._blocks(events):
            done, total = done + size, total + found
            self._tell(done, events)
        return done, total

    def _tell(self, done: int, wanted: int) -> None:
        if self.progress is not None:
            self.progress(self.name, done, wanted)


def join(folder: str | Path) -> tuple[pa.Table, pa.Table]:
    """The objects and photometry tables of a survey folder, all shards in order."""
    tables = []
    for kind in ("objects", "photometry"):
        files = sorted(Path(folder, kind).glob("*.parquet"))
        tables.append(pa.concat_tables([pq.read_table(file) for file in files], promote_options="default"))
    return tables[0], tables[1]
