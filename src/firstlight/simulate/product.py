"""A simulated survey on disk: Parquet shards, resumable, the same whatever the number of workers.

A folder holds ``objects/`` and ``photometry/`` with one file for each block of `BLOCK` generated events of
a class, and ``survey.json`` that says how they were made (seed, settings, number generated and triggered by
class: rates need both).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from firstlight.errors import UsageError
from firstlight.simulate.engine import Selection, Simulator, simulators, to_tables
from firstlight.simulate.observing import Observing
from firstlight.simulate.populations import table_text

BLOCK = 2_000
Progress = Callable[[str, int, int], None]

_ready: dict[str, Simulator] = {}


def _prepare(arguments: dict[str, Any]) -> None:
    _ready.clear()
    _ready.update(simulators(**arguments))


def _save(table: pa.Table, path: Path) -> None:
    part = path.with_suffix(".part")
    pq.write_table(table, part, compression="zstd")
    part.replace(path)


def _block(folder: str, name: str, seed: int, block: int, size: int) -> int:
    """Write one block and return how many objects triggered; a block that is there is only counted."""
    file = f"{_short(name)}-{block:05d}.parquet"
    objects, photometry = Path(folder, "objects", file), Path(folder, "photometry", file)
    if objects.exists() and photometry.exists():
        return int(pq.read_metadata(objects).num_rows)
    made = (_ready[name].simulate(seed, number) for number in range(block * size, (block + 1) * size))
    tables = to_tables(name, seed, [one for one in made if one is not None], _ready[name].bands)
    _save(tables[1], photometry)
    _save(tables[0], objects)
    return int(tables[0].num_rows)


def _short(name: str) -> str:
    return "".join(letter for letter in name if letter.isalnum())


def _cut(folder: Path, name: str, block: int, keep: int) -> None:
    file = f"{_short(name)}-{block:05d}.parquet"
    objects = pq.read_table(folder / "objects" / file).slice(0, keep)
    photometry = pq.read_table(folder / "photometry" / file)
    _save(
        photometry.filter(pc.is_in(photometry["object_id"], objects["object_id"])),
        folder / "photometry" / file,
    )
    _save(objects, folder / "objects" / file)


def write_survey(
    folder: str | Path,
    survey: str,
    counts: Mapping[str, int],
    seed: int = 0,
    *,
    data: str | Path,
    population_table: str | Path | None = None,
    rules: Observing | None = None,
    selection: Selection | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Path:
    """Simulate `counts` triggered objects by class into `folder`, and return it.

    Blocks that are there already are kept, so an interrupted run goes on where it stopped.

    Parameters
    ----------
    folder : path
        Made if needed. One that was made with other settings is refused.
    data : path
        The data folder (see `firstlight.simulate.library`).
    workers : int
        Processes; the result does not depend on it.
    progress : callable, optional
        Called with class, objects so far and objects wanted.

    Raises
    ------
    UsageError
        The folder holds a survey of other settings, or a count is negative.
    """
    folder = Path(folder)
    if any(count < 0 for count in counts.values()):
        raise UsageError("a count is negative", where="simulate")
    arguments: dict[str, Any] = {
        "survey": survey, "classes": list(counts), "data": str(data), "population_table": population_table,
        "rules": rules or Observing(), "selection": selection or Selection(),
    }  # fmt: skip
    described = {
        "survey": survey, "seed": seed, "counts": dict(counts), "block": BLOCK,
        "rules": asdict(arguments["rules"]), "selection": asdict(arguments["selection"]),
        "populations_sha256": hashlib.sha256(table_text(population_table).encode()).hexdigest(),
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
    _prepare(arguments)  # what is wrong is found here, in this process

    generated: dict[str, int] = {}
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _prepare, (arguments,)) if workers > 1 else None
    try:
        for name, count in counts.items():
            generated[name] = _one_class(folder, name, count, seed, pool, workers, progress) * BLOCK
    finally:
        if pool is not None:
            pool.shutdown(cancel_futures=True)
    manifest.write_text(json.dumps({**described, "generated": generated}, indent=1), encoding="utf-8")
    return folder


def _one_class(
    folder: Path,
    name: str,
    count: int,
    seed: int,
    pool: ProcessPoolExecutor | None,
    workers: int,
    progress: Progress | None,
) -> int:
    """Blocks of one class until there are `count` objects; the number of blocks used."""
    total, block = 0, 0
    ahead: list[Future[int]] = []
    while total < count:
        if pool is None:
            found = _block(str(folder), name, seed, block, BLOCK)
        else:
            while len(ahead) < 2 * workers:
                ahead.append(pool.submit(_block, str(folder), name, seed, block + len(ahead), BLOCK))
            found = ahead.pop(0).result()
        total += found
        if progress is not None:
            progress(name, min(total, count), count)
        if total > count:
            _cut(folder, name, block, found - (total - count))
        block += 1
        if block >= 200 and total == 0:
            raise UsageError(
                f"none of {block * BLOCK:,} events triggered",
                where=name,
                hint="Its priors are too faint or far.",
            )
    for number, future in enumerate(ahead):  # blocks begun in advance and not needed
        if not future.cancel():
            future.result()
        for kind in ("objects", "photometry"):
            (folder / kind / f"{_short(name)}-{block + number:05d}.parquet").unlink(missing_ok=True)
    return block


def join(folder: str | Path) -> tuple[pa.Table, pa.Table]:
    """The objects and photometry tables of a survey folder, all shards in order."""
    tables = []
    for kind in ("objects", "photometry"):
        files = sorted(Path(folder, kind).glob("*.parquet"))
        tables.append(pa.concat_tables([pq.read_table(file) for file in files], promote_options="default"))
    return tables[0], tables[1]
