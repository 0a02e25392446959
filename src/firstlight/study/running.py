"""The cells of a study, run one after the other or by several processes; what is there is kept."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import multiprocessing
import signal
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

from firstlight import learn
from firstlight.errors import FirstlightError, UnknownNameError, UsageError, joined, whole_number
from firstlight.evaluate import Boosting, Protocol
from firstlight.study.arms import answer, average, default_recipes
from firstlight.study.cell_scores import ALL, CellScores, Scorer, load_scores, save_scores
from firstlight.study.cells import (
    EVERYTHING,
    Cell,
    CellAnswer,
    cells,
    load_answer,
    part_of,
    save_answer,
)
from firstlight.study.material import Material
from firstlight.study.plan import Study

# Raised when the meaning of what is stored changes.
VERSION = 2

CellProgress = Callable[[int, int, str, float], None]
Told = tuple[str, float]  # what is to be said about a cell that was computed, and its seconds


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


def fingerprint(cell: Cell, study: Study, rules: Protocol, marks: Mapping[str, str]) -> str:
    """A hash of all that decides the answers of a cell.

    Parameters
    ----------
    marks : mapping of str to str
        Hashes of what is not in the study itself: ``data``, ``replay``, and the weights of each base by name.
    """
    arm = dataclasses.asdict(cell.arm)
    del arm["name"]
    seen = [VERSION, arm, rules.name, rules.classes, study.metadata, marks["data"], cell.draw, cell.followed]
    seen += [hashlib.sha256("\n".join(cell.ids(rules)).encode()).hexdigest(), marks.get(cell.arm.base, "")]
    seen += [marks[name] for name in cell.arm.bases[1:]]
    if cell.arm.replay is True and study.replay:
        seen.append(marks["replay"])
    if cell.followed:
        seen.append(study.convergence.share)
    if cell.arm.is_network:
        seen += [recipe.to_dict() for recipe in default_recipes(cell.arm)]
    if cell.arm.of:
        seen += [fingerprint(part_of(cell, name, study), study, rules, marks) for name in cell.arm.of]
    return hashlib.sha256(json.dumps(seen, sort_keys=True, default=str).encode()).hexdigest()


def run(
    material: Material,
    folder: Path,
    *,
    workers: int = 1,
    only: Sequence[str] = (),
    progress: CellProgress | None = None,
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
    workers = whole_number("workers", workers, 1)
    _refuse(material)
    wanted = set(only)
    for name in only:
        wanted.update(material.study.arm(name).of)
    chosen = [job for job in jobs(material, folder) if not wanted or job.cell.arm.name in wanted]
    missing = [job for job in chosen if not _is_done(job, material)]
    done = len(chosen) - len(missing)
    with _processes(material, min(workers, len(missing))) as start:
        for wave in ([job for job in missing if not job.parts], [job for job in missing if job.parts]):
            for words, seconds in start(wave):
                done += 1
                if progress is not None:
                    progress(done, len(chosen), words, seconds)


def read(job: Job, material: Material) -> tuple[CellAnswer, CellScores] | None:
    """The stored answers and scores of a job, or None; scores of other resamples are made anew."""
    found = load_answer(job.answers, job.mark)
    if found is None or not _is_whole(found, job, material):
        return None
    scores = load_scores(job.scores, _score_mark(job, material))
    if scores is None:
        scores = Scorer(material.rules, material.study.resamples)(found)
        save_scores(job.scores, scores, _score_mark(job, material))
    return found, scores


def _is_done(job: Job, material: Material) -> bool:
    found = load_answer(job.answers, job.mark)
    return found is not None and _is_whole(found, job, material)


def _is_whole(found: CellAnswer, job: Job, material: Material) -> bool:
    study = material.study
    asked = {(split, stage.name) for split in study.splits for stage in study.stages}
    return job.cell.followed or asked <= set(found.probabilities)


def _score_mark(job: Job, material: Material) -> str:
    stages = [stage.name for stage in material.study.stages]
    return f"{job.mark} {material.study.resamples} {stages} {material.study.splits}"


def _perform(job: Job, material: Material, scorer: Scorer) -> Told:
    """Compute, score and store one cell; what to say about it, and its seconds."""
    if job.parts:
        parts = [load_answer(part.answers, part.mark) for part in job.parts]
        if any(part is None for part in parts):
            raise UsageError("an arm of this average is missing", where=job.cell.words)
        found = average([part for part in parts if part is not None])
    else:
        found = answer(job.cell, material)
    scores = scorer(found)
    save_answer(job.answers, found, job.mark)
    save_scores(job.scores, scores, _score_mark(job, material))
    value = scores.values.get((material.study.splits[0], "full", "macro_auroc", ALL))
    words = job.cell.words if value is None else f"{job.cell.words}: macro AUROC {value:.3f}"
    return words, float(found.record["seconds"])


def _refuse(material: Material) -> None:
    """Raise for settings that no cell could run with, before any work."""
    for arm in material.study.arms:
        where = f"arm '{arm.name}'"
        try:
            if arm.is_network:
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
            error.where = joined(where, error.where, ": ")
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
            material.rules.draw(budget, 0 if budget in EVERYTHING else draws - 1)


# --- processes --------------------------------------------------------------------------------------------


def _one_thread() -> int:
    """The threads of torch until now; one a process, so that results do not depend on the workers."""
    import torch

    before: int = torch.get_num_threads()
    torch.set_num_threads(1)
    return before


def _serve(material: Material, pipe: Connection) -> None:
    """Perform the jobs that come through a pipe until it closes; what is to be said about each goes back."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a stopped study needs no traceback of each process
    _one_thread()
    scorer = Scorer(material.rules, material.study.resamples)
    with suppress(EOFError):
        while True:
            job: Job = pipe.recv()
            try:
                pipe.send(_perform(job, material, scorer))
            except FirstlightError as error:
                error.where = joined(job.cell.words, error.where, ": ")
                pipe.send(error)
            except Exception as error:
                error.add_note(traceback.format_exc())  # which does not travel by itself
                pipe.send(error)


def _received(pipe: Connection) -> Told:
    try:
        told: Told | Exception = pipe.recv()
    except EOFError:
        raise FirstlightError(
            "a process of the study was ended from outside",
            hint="Was there enough memory? Start the study again, with fewer workers: it goes on.",
        ) from None
    if isinstance(told, Exception):
        raise told
    return told


@contextmanager
def _processes(material: Material, workers: int) -> Iterator[Callable[[Sequence[Job]], Iterator[Told]]]:
    """A function that performs jobs and gives what is to be said about each as it ends."""
    if workers <= 1:
        import torch

        scorer = Scorer(material.rules, material.study.resamples)
        before = _one_thread()

        def here(wave: Sequence[Job]) -> Iterator[Told]:
            for job in wave:
                yield _perform(job, material, scorer)

        try:
            yield here
        finally:
            torch.set_num_threads(before)
        return
    fresh = Material(material.study, material.rules)  # without what was made of them here
    context = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    for _ in range(workers):
        mine, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(fresh, theirs))
        process.start()
        theirs.close()
        pipes.append(mine)
        processes.append(process)

    def there(wave: Sequence[Job]) -> Iterator[Told]:
        left, idle, busy = list(reversed(wave)), list(pipes), list[Connection]()
        while left or busy:
            while left and idle:
                busy.append(idle.pop())
                busy[-1].send(left.pop())
            for pipe in wait(busy):
                told = _received(pipe)  # type: ignore[arg-type]
                busy.remove(pipe)  # type: ignore[arg-type]
                idle.append(pipe)  # type: ignore[arg-type]
                yield told

    try:
        yield there
    except BaseException:
        for process in processes:
            process.terminate()  # cells are written whole, so nothing half done is left
        raise
    finally:
        for pipe in pipes:
            pipe.close()
        for process in processes:
            process.join()
