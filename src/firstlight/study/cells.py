"""Cells: one arm at one budget and draw, and its answers, in memory and on disk."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, is_zipfile

import numpy as np

from firstlight._types import AnyArray, Floats
from firstlight.evaluate import Protocol
from firstlight.files import replacing
from firstlight.study.plan import NO_LABELS, Arm, Study, file_name

EVERYTHING = ("all", "100%")

Place = tuple[str, str]  # split, name of the stage


@dataclass(frozen=True)
class Cell:
    """One arm at one label budget and draw; `followed` for the run that only records its convergence."""

    arm: Arm
    budget: str
    draw: int
    followed: bool = False

    @property
    def file(self) -> str:
        """Its file below the folder of the study."""
        words = [self.arm.name, self.budget, str(self.draw), *(["convergence"] if self.followed else [])]
        return "_".join(map(file_name, words)) + ".npz"

    @property
    def words(self) -> str:
        """What messages call it."""
        labels = "no labels" if self.budget == NO_LABELS else f"{self.budget} labels, draw {self.draw}"
        return f"{self.arm.name}, {labels}{', convergence' if self.followed else ''}"

    def ids(self, rules: Protocol) -> tuple[str, ...]:
        """The pool objects whose labels it may see: of a draw those that have the metadata of the study."""
        if self.budget == NO_LABELS:
            return ()
        drawn = rules.draw(self.budget, 0 if self.budget in EVERYTHING else self.draw)
        pool = set(rules.pool.object_id)
        return tuple(name for name in drawn if name in pool)


def cells(study: Study, rules: Protocol) -> Iterator[Cell]:
    """Every cell of a study: those of averages last, and few labels before many."""
    budgets = study.budgets or rules.budgets
    plain = [arm for arm in study.arms if arm.kind != "average"]
    for arm in plain:
        if arm.kind == "zero-shot":
            yield Cell(arm, NO_LABELS, 0)
    labelled = [arm for arm in plain if arm.kind != "zero-shot"]
    for budget in budgets:
        yield from (Cell(arm, budget, draw) for arm in labelled for draw in range(study.draws))
    followed = [study.arm(name) for name in study.convergence.arms] or plain
    for budget in study.convergence.budgets:
        for arm in followed:
            if arm.is_network:
                yield from (Cell(arm, budget, draw, followed=True) for draw in range(study.convergence.draws))
    for arm in study.arms:
        if arm.kind == "average":
            yield from (Cell(arm, budget, draw) for budget in budgets for draw in range(study.draws))


def part_of(cell: Cell, name: str, study: Study) -> Cell:
    """The cell of the arm `name` that goes into an average."""
    arm = study.arm(name)
    return Cell(arm, NO_LABELS, 0) if arm.kind == "zero-shot" else Cell(arm, cell.budget, cell.draw)


@dataclass(frozen=True, eq=False)
class CellAnswer:
    """What a cell says: probabilities [n, C] of the objects that count, by split and stage; and a record.

    The record holds ``labels`` (training labels by class), ``seconds``, ``epochs``, ``steps``, and of a run
    that was followed its ``history``.
    """

    probabilities: Mapping[Place, Floats]
    record: Mapping[str, Any]


def save_answer(path: Path, answer: CellAnswer, fingerprint: str) -> None:
    """Write a cell; a file that is there is whole."""
    arrays = {"/".join(place): values.astype(np.float32) for place, values in answer.probabilities.items()}
    record = json.dumps({**answer.record, "fingerprint": fingerprint})
    write_arrays(path, {**arrays, "record": np.array(record)})


def load_answer(path: Path, fingerprint: str) -> CellAnswer | None:
    """The stored cell, or None where there is none of this fingerprint."""
    stored = read_arrays(path)
    if "record" not in stored:
        return None
    record = json.loads(str(stored.pop("record")))
    if record.pop("fingerprint") != fingerprint:
        return None
    values = {}
    for name, array in stored.items():
        split, _, stage = name.partition("/")
        values[split, stage] = array.astype(np.float64)
    return CellAnswer(values, record)


def read_arrays(path: Path) -> dict[str, AnyArray]:
    """The arrays of a file by name; none where there is no file, or a damaged one, which is made anew."""
    if not path.is_file() or not is_zipfile(path):
        return {}
    try:
        with np.load(path) as stored:
            return {name: stored[name] for name in stored.files}
    except (EOFError, OSError, ValueError, LookupError, AttributeError, BadZipFile, zlib.error):
        return {}


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays to a file that is there as a whole or not at all."""
    with replacing(path) as part, part.open("wb") as file:
        np.savez_compressed(file, **arrays)
