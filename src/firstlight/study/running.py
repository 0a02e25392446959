"""The cells of a study, run one after the other or by several processes; what is there is kept."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from firstlight.errors import FirstlightError, UnknownNameError, UsageError
from firstlight.evaluate import Boosting
from firstlight.study import cells as stored
from firstlight.study import scoring
from firstlight.study.answers import answer, average
from firstlight.study.cells import Answer, Cell, cells, fingerprint, part_of
from firstlight.study.material import Material
from firstlight.study.scoring import Scored, Scorer

Progress = Callable[[int, int, str, float], None]


@dataclass(frozen=True)
class Job:
    """A cell with the files it is kept in, its fingerprint, and the jobs that it averages."""

    cell: Cell
    answers: Path
    scores: Path
    mark: str
    parts: tuple[Job, ...] = ()


def jobs(material: Material, folder: Path) -> list[Job]:
    """Every cell of a study as a job below `folder`, averages last."""
    study, rules, marks = material.study, material.rules, material.marks()

    def job(cell: Cell) -> Job:
        parts = tuple(job(part_of(cell, name, study)) for name in cell.arm.of)
        mark = fingerprint(cell, study, rules, marks)
        return Job(cell, folder / "cells" / cell.file, folder / "scores" / cell.file, mark, parts)

    return [job(cell) for cell in cells(study, rules)]


def run(
    material: Material,
    folder: Path,
    *,
    workers: int = 1,
    only: Sequence[str] = (),
    progress: Progress | None = None,
) -> None:
    """Compute and score the cells that are not there yet.

    Parameters
    ----------
    material : Material
    folder : Path
        Where ``cells/`` and ``scores/`` lie.
    workers : int
        Processes.
    only : sequence of str
        Arms to run; all by default. An average also runs the arms that it is made of.
    progress : callable, optional
        Called with cells done, cells in all, words for the last one, and its seconds.
    """
    if workers < 1:
        raise UsageError(f"{workers} workers do nothing", where="workers")
    _refuse(material)
    wanted = set(only)
    for name in only:
        wanted.update(material.study.arm(name).of)
    chosen = [job for job in jobs(material, folder) if not wanted or job.cell.arm.name in wanted]
    missing = [job for job in chosen if not _is_done(job, material)]
    done = len(chosen) - len(missing)
    with _processes(material, workers) as start:
        for wave in ([job for job in missing if not job.parts], [job for job in missing if job.parts]):
            for words, seconds in start(wave):
                done += 1
                if progress is not None:
                    progress(done, len(chosen), words, seconds)


def read(job: Job, material: Material) -> tuple[Answer, Scored] | None:
    """The stored answers and scores of a job, or None; scores of other resamples are made anew."""
    found = stored.load(job.answers, job.mark)
    if found is None or not _is_whole(found, job, material):
        return None
    scores = scoring.load(job.scores, _score_mark(job, material))
    if scores is None:
        scores = Scorer(material.rules, material.study.resamples)(found)
        scoring.save(job.scores, scores, _score_mark(job, material))
    return found, scores


def _is_done(job: Job, material: Material) -> bool:
    found = stored.load(job.answers, job.mark)
    return found is not None and _is_whole(found, job, material)


def _is_whole(found: Answer, job: Job, material: Material) -> bool:
    study = material.study
    asked = {(split, stage.name) for split in study.splits for stage in study.stages}
    return job.cell.followed or asked <= set(found.probabilities)


def _score_mark(job: Job, material: Material) -> str:
    stages = [stage.name for stage in material.study.stages]
    return f"{job.mark} {material.study.resamples} {stages} {material.study.splits}"


def _perform(job: Job, material: Material, scorer: Scorer) -> tuple[str, float]:
    """Compute, score and store one cell; what to say about it, and its seconds."""
    if job.parts:
        parts = [stored.load(part.answers, part.mark) for part in job.parts]
        if any(part is None for part in parts):
            raise UsageError("an arm of this average is missing", where=job.cell.words)
        found = average([part for part in parts if part is not None])
    else:
        found = answer(job.cell, material)
    scores = scorer(found)
    stored.save(job.answers, found, job.mark)
    scoring.save(job.scores, scores, _score_mark(job, material))
    value = scores.values.get((material.study.splits[0], "full", "macro_auroc", scoring.ALL))
    words = job.cell.words if value is None else f"{job.cell.words}: macro AUROC {value:.3f}"
    return words, float(found.record["seconds"])


def _refuse(material: Material) -> None:
    """Raise for settings that no cell could run with, before any work."""
    for arm in material.study.arms:
        where = f"arm '{arm.name}'"
        try:
            if arm.is_network:
                from firstlight import learn

                if arm.kind == "fine-tune" and arm.strategy not in learn.STRATEGIES:
                    raise UnknownNameError("strategy", arm.strategy, learn.STRATEGIES)
                own = {name: value for name, value in arm.settings.items() if name != "sizes"}
                learn.FINE_TUNE.with_(**own)
            elif arm.kind in ("features", "embedding"):
                known = [*Boosting.__dataclass_fields__, "booster"]
                if arm.kind == "embedding":
                    known += ["probabilities", "beside"]
                for name in arm.settings:
                    if name not in known:
                        raise UnknownNameError("setting", name, known)
        except FirstlightError as error:
            error.where = f"{where}: {error.where}" if error.where else where
            raise
    for split in material.study.splits:
        if split not in material.rules.curves:
            raise UnknownNameError("split", split, material.rules.curves, where=material.study.name)
    study = material.study
    for budgets, draws in (
        (study.budgets, study.draws),
        (study.convergence.budgets, study.convergence.draws),
    ):
        for budget in budgets:
            material.rules.draw(budget, 0 if budget in stored.EVERYTHING else draws - 1)


# --- processes --------------------------------------------------------------------------------------------

_here: list[tuple[Material, Scorer]] = []  # of a worker process


def _begin(material: Material) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a stopped study needs no traceback of each process
    _one_thread()
    _here[:] = [(material, Scorer(material.rules, material.study.resamples))]


def _remote(job: Job) -> tuple[str, float]:
    try:
        return _perform(job, *_here[0])
    except FirstlightError as error:  # the subclasses do not travel between processes
        raise FirstlightError(str(error), where=job.cell.words) from None


def _one_thread() -> int:
    """The threads of torch until now; one a process, so that results do not depend on the workers."""
    import torch

    before: int = torch.get_num_threads()
    torch.set_num_threads(1)
    return before


@contextmanager
def _processes(
    material: Material, workers: int
) -> Iterator[Callable[[Sequence[Job]], Iterator[tuple[str, float]]]]:
    """A function that performs jobs and gives what is to be said about each as it ends."""
    if workers == 1:
        import torch

        scorer = Scorer(material.rules, material.study.resamples)
        before = _one_thread()

        def here(wave: Sequence[Job]) -> Iterator[tuple[str, float]]:
            for job in wave:
                yield _perform(job, material, scorer)

        try:
            yield here
        finally:
            torch.set_num_threads(before)
        return
    fresh = Material(material.study, material.rules)
    others = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, _begin, (fresh,))

    def there(wave: Sequence[Job]) -> Iterator[tuple[str, float]]:
        for future in as_completed([pool.submit(_remote, job) for job in wave]):
            yield future.result()

    try:
        yield there
    except BaseException:
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()  # cells are written whole, so nothing half done is left
        raise
    finally:
        pool.shutdown(cancel_futures=True)
