"""Simulated surveys: as LightCurves, and as a folder of Parquet files.

A folder holds ``objects/`` and ``photometry/`` with one file for each block of `BLOCK` generated events of
a class, and ``survey.json`` that says how they were made (seed, settings, number generated and triggered by
class: rates need both). It is resumable, and the same whatever the number of workers.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from firstlight.errors import Arg, UsageError, whole_number
from firstlight.facts import Survey, surveys
from firstlight.facts import survey as survey_of
from firstlight.files import replacing, write_text
from firstlight.lightcurves import LightCurves
from firstlight.simulate.observing import Forced, Observing
from firstlight.simulate.populations import population_table as read_table
from firstlight.simulate.simulator import Selection, Simulator, simulators
from firstlight.simulate.survey_tables import letters, to_tables
from firstlight.simulate.views import Visits
from firstlight.working_folder import working_in

BLOCK = 2_000
_KINDS = ("objects", "photometry")
Progress = Callable[[str, int, int], None]  # class, objects or events so far, and wanted


def simulate(
    survey: str | Path | Survey,
    classes: Mapping[str, int] | Sequence[str] | str,
    count: int = 1000,
    seed: int = 0,
    *,
    data: str | Path | None = None,
    volumetric: float | None = None,
    product: str | None = None,
    visits: Visits | str | Path | None = None,
    population_table: str | Path | None = None,
    rules: Observing | Forced | None = None,
    selection: Selection | None = None,
    allow_code: bool = False,
) -> LightCurves:
    """Light curves of simulated transients as a survey would give them, with truth columns.

    Parameters
    ----------
    survey : str, path or Survey
        ``"ZTF"``, ``"LSST"``, or a TOML file of your own with `visits`.
    classes : dict or list of str
        Number of triggered objects by class (TNS names), or names with `count` of each; ``"all"`` for every
        class but the anomalies, without `data` for those that need none.
    seed : int
        Same seed, same result.
    data : path, optional
        The data folder (see `firstlight.simulate.library`); without it SLSN-I, TDE, AGN, SN Ib-Ca-rich,
        PISN, ILOT and Microlensing, under a sample of the visits of ZTF and LSST, and with sncosmo the
        classes whose templates it downloads.
    volumetric : float, optional
        As many events as happen in so many square degrees x years, in place of numbers; those that trigger
        are given.
    product : {"alerts", "forced"}, optional
        Detections and limits (default for ZTF), or flux and error at every visit (default elsewhere).
    visits : Visits or path, optional
        Another visit log, or donors; a path is a log.
    population_table : path or str, optional
        Your own table in place of the packaged ``populations.toml``, or ``"literature"``: the packaged table
        in which nothing was fitted to labelled light curves.
    rules, selection : optional
        How the survey observes, and which objects are kept.
    allow_code : bool
        Call functions that your population table names (``model = "module:function"``). Their code may do
        anything that you may do: allow it for tables only that you trust.

    Returns
    -------
    LightCurves
        Their `objects` carry ``label``, ``redshift``, ``photoz``, ``photoz_err``, ``mwebv``, ``trigger_mjd``,
        and truth as ``sim_*``.

    Raises
    ------
    DataError, UnknownNameError, UsageError
        Before the run: files that are not there, names nobody knows, priors that make no sense.

    Examples
    --------
    >>> curves = simulate("LSST", {"TDE": 2}, seed=1)
    >>> curves.objects["label"].to_pylist()
    ['TDE', 'TDE']
    """
    if classes == "all":
        classes = read_table(population_table).usual(data=data is not None)
    elif isinstance(classes, str):
        classes = [classes]
    wanted = dict(classes) if isinstance(classes, Mapping) else dict.fromkeys(classes, count)
    if not wanted:
        raise UsageError(
            "no class is named", where="simulate", hint=("Say ", Arg("classes", {"TDE": 100}), ".")
        )
    wanted = {name: whole_number("count", number, 1) for name, number in wanted.items()}
    seed = whole_number("seed", seed)
    made = simulators(
        survey, list(wanted), data=data, population_table=population_table, product=product, rules=rules,
        selection=selection, visits=visits, allow_code=allow_code,
    )  # fmt: skip
    parts = []
    for name, one in made.items():
        if volumetric is None:
            objects = one.first(seed, wanted[name])
        else:
            objects = one.some(seed, 0, one.expected(seed, volumetric))
        parts.append(to_tables(name, seed, objects, one.view))
    rows = pa.concat_tables([part[1] for part in parts])
    view = next(iter(made.values())).view
    return LightCurves.from_columns(
        object_id=rows["object_id"],
        time=rows["mjd"],
        passband=rows["band"],
        survey=view.survey,
        flux=rows["flux"],
        flux_err=rows["flux_err"],
        limit=rows["limit"],
        detected=rows["detected"],
        flux_unit="nJy",
        objects=pa.concat_tables([part[0] for part in parts], promote_options="default"),
        dereddened=view.log.dereddened,
    )


def write_survey(
    folder: str | Path,
    survey: str | Path | Survey,
    counts: Mapping[str, int],
    seed: int = 0,
    *,
    data: str | Path | None = None,
    volumetric: float | None = None,
    product: str | None = None,
    visits: Visits | str | Path | None = None,
    population_table: str | Path | None = None,
    rules: Observing | Forced | None = None,
    selection: Selection | None = None,
    allow_code: bool = False,
    workers: int = 1,
    joined: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Simulate `counts` triggered objects by class into `folder`, and return it.

    Blocks that are there already are kept, so an interrupted run goes on where it stopped.
    ``fl.read(folder)`` reads it, with its survey and its truth.

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
    joined : bool
        Also write ``objects.parquet`` and ``photometry.parquet``, each all files of its kind in one.
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
    folder, visits = Path(folder), Visits.of(visits)
    seed, workers = whole_number("seed", seed), whole_number("workers", workers, 1)
    counts = {name: whole_number("counts", number) for name, number in counts.items()}
    # What is wrong is found here, before anything is written.
    made = simulators(
        survey, list(counts), data=data, population_table=population_table, product=product, rules=rules,
        selection=selection, visits=visits, allow_code=allow_code,
    )  # fmt: skip
    seen, known = next(iter(made.values())).view if made else None, survey_of(survey)
    described = {
        "survey": known.name, "own_survey": None if known.name in surveys() else known.to_dict(),
        "seed": seed, "counts": dict(counts), "volumetric": volumetric,
        "block": BLOCK,
        "data": "package" if data is None else "folder", "product": seen.product if seen else product,
        "visits": {key: str(it) if isinstance(it, Path) else it for key, it in asdict(visits).items()},
        "rules": asdict(seen.rules or seen.measure) if seen else None,
        "selection": asdict(selection or Selection()),
        "populations_sha256": read_table(population_table).sha256,
    }  # fmt: skip
    with working_in(folder):
        manifest = folder / "survey.json"
        there = _stated(manifest)
        if there is not None and {key: there.get(key) for key in described} != json.loads(
            json.dumps(described)
        ):
            hint = "Choose another folder."
            raise UsageError("holds a survey made with other settings", where=str(folder), hint=hint)
        if there is None or "generated" not in there:
            write_text(manifest, json.dumps(described, indent=1))
            told = _made(folder, made, counts, seed, volumetric, workers, progress)
            write_text(manifest, json.dumps({**described, **told}, indent=1))
        if joined:
            for kind, table in zip(_KINDS, join(folder), strict=True):
                _save(table, folder / f"{kind}.parquet")
    return folder


def _stated(manifest: Path) -> dict[str, Any] | None:
    """What a folder says of its survey; None where it holds none yet."""
    if not manifest.exists():
        return None
    try:
        found = json.loads(manifest.read_text(encoding="utf-8"))
    except (ValueError, OSError):
        found = None
    if not isinstance(found, dict):
        raise UsageError(
            "cannot be read as the settings of a survey", where=str(manifest),
            hint="Remove it where the settings are the same: what is there of the survey is kept.",
        )  # fmt: skip
    return found


def _made(
    folder: Path,
    made: Mapping[str, Simulator],
    counts: Mapping[str, int],
    seed: int,
    volumetric: float | None,
    workers: int,
    progress: Progress | None,
) -> dict[str, dict[str, int]]:
    """Events generated and objects triggered by class, after the files of all classes were written."""
    pool = ProcessPoolExecutor(workers, get_context("spawn")) if workers > 1 else None
    done = {}
    try:
        for name, one in made.items():
            events = None if volumetric is None else one.expected(seed, volumetric)
            wanted = counts[name] if events is None else None
            done[name] = _Run(folder, one, seed, wanted, events, pool, 2 * workers, progress).written()
    finally:
        if pool is not None:
            pool.shutdown(cancel_futures=True)
    return {
        "generated": {name: one[0] for name, one in done.items()},
        "triggered": {name: one[1] for name, one in done.items()},
    }


_Tables = tuple[pa.Table, pa.Table]


def _simulated(one: Simulator, seed: int, first: int, size: int, most: int | None) -> _Tables:
    """The tables of a block; made in this process, or in a worker to which the simulator travels."""
    return to_tables(one.population.name, seed, one.some(seed, first, size, most), one.view)


@dataclass(frozen=True, eq=False)
class _Run:
    """One class on its way to disk: until `wanted` objects triggered, or all of `events` events.

    A pool makes up to `ahead` blocks in advance; this process writes them, one after the other.
    """

    folder: Path
    one: Simulator
    seed: int
    wanted: int | None
    events: int | None
    pool: ProcessPoolExecutor | None
    ahead: int
    progress: Progress | None

    def written(self) -> tuple[int, int]:
        """Events generated, the last one the last that was needed, and objects that triggered."""
        total = generated = 0
        begun: dict[int, Future[_Tables]] = {}
        for block in itertools.count():
            size, most = self._size(block), None if self.wanted is None else self.wanted - total
            if size == 0 or most == 0:
                break
            found, last = self._block(block, most, begun)
            total += found
            generated = last + 1 if total == self.wanted else generated + size
            if self.progress is not None:
                done, goal = (generated, self.events) if self.wanted is None else (total, self.wanted)
                self.progress(self.one.population.name, done, goal or 0)
            if self.events is None and generated >= 400_000 and total == 0:
                raise self.one.nothing(generated)
        for future in begun.values():  # in advance, and not needed
            future.cancel()
        return generated, total

    def _size(self, block: int) -> int:
        """Events of a block; 0 after the last one."""
        return BLOCK if self.events is None else max(min(BLOCK, self.events - block * BLOCK), 0)

    def _block(self, block: int, most: int | None, begun: dict[int, Future[_Tables]]) -> tuple[int, int]:
        """Objects of a block, `most` at most, and the number of the last; written if it is not there yet."""
        files = self._files(block)
        if self._there(block) and (most is None or pq.read_metadata(files[0]).num_rows <= most):
            names = pq.read_table(files[0], columns=["object_id"])["object_id"]
        else:
            objects, photometry = self._tables(block, most, begun)
            if most is not None and objects.num_rows > most:  # begun when more were wanted
                objects = objects.slice(0, most)
                photometry = photometry.filter(pc.is_in(photometry["object_id"], objects["object_id"]))
            _save(photometry, files[1])
            _save(objects, files[0])
            names = objects["object_id"]
        return len(names), int(names[-1].as_py().rpartition("-")[2]) if len(names) else -1

    def _tables(self, block: int, most: int | None, begun: dict[int, Future[_Tables]]) -> _Tables:
        """The tables of a block, made here or by the pool, which is then given the next ones too."""
        if self.pool is None:
            return _simulated(self.one, self.seed, block * BLOCK, self._size(block), most)
        for later in range(block, block + self.ahead):
            if later not in begun and self._size(later) and not (later > block and self._there(later)):
                place = self.seed, later * BLOCK, self._size(later), most
                begun[later] = self.pool.submit(_simulated, self.one, *place)
        return begun.pop(block).result()

    def _files(self, block: int) -> list[Path]:
        file = f"{letters(self.one.population.name)}-{block:05d}.parquet"
        return [self.folder / kind / file for kind in _KINDS]

    def _there(self, block: int) -> bool:
        try:
            return all(pq.read_metadata(file).num_columns > 0 for file in self._files(block))
        except (OSError, pa.ArrowInvalid):  # not there, or not whole: it is made anew
            return False


def _save(table: pa.Table, path: Path) -> None:
    with replacing(path) as part:
        pq.write_table(table, part, compression="zstd")


def join(folder: str | Path) -> _Tables:
    """The objects and photometry tables of a survey folder, all files in order."""
    tables = []
    for kind in _KINDS:
        files = sorted(Path(folder, kind).glob("[!.]*.parquet"))
        tables.append(pa.concat_tables([pq.read_table(file) for file in files], promote_options="default"))
    return tables[0], tables[1]
