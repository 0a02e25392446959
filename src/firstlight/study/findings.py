"""What a study found: results by arm, budget and draw, tidy tables, and medians with their intervals."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight._types import Floats
from firstlight.evaluate import Protocol
from firstlight.study.cells import Answer, Cell
from firstlight.study.plan import NO_LABELS, Arm, Study
from firstlight.study.scoring import ALL, Scored

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Median:
    """A median over draws: its 95 % interval over draws and test objects, and the middle 68 % of the draws.

    ``n`` is the number of draws.
    """

    value: float
    lo: float
    hi: float
    p16: float
    p84: float
    n: int

    @property
    def sd(self) -> float:
        """Half of the middle 68 % of the draws."""
        return (self.p84 - self.p16) / 2


@dataclass(frozen=True, eq=False)
class Findings:
    """The results of a study, as far as they are there."""

    study: Study
    rules: Protocol
    results: Mapping[Cell, tuple[Answer, Scored]]

    @cached_property
    def arms(self) -> tuple[Arm, ...]:
        """Arms with results."""
        there = {cell.arm.name for cell in self.results if not cell.followed}
        return tuple(arm for arm in self.study.arms if arm.name in there)

    @cached_property
    def _by_budget(self) -> dict[tuple[str, str], list[Cell]]:
        found: dict[tuple[str, str], list[Cell]] = {}
        for cell in sorted(self.results, key=lambda cell: cell.draw):
            if not cell.followed:
                found.setdefault((cell.arm.name, cell.budget), []).append(cell)
        return found

    def budgets(self, arm: str) -> tuple[str, ...]:
        """Budgets with results of an arm, from few labels to many."""
        own = [budget for name, budget in self._by_budget if name == arm]
        return tuple(sorted(own, key=self.number))

    def number(self, budget: str) -> int:
        """How many labels a budget has (the median of the draws)."""
        if budget == NO_LABELS:
            return 0
        counts = [
            answer.record["number"] for cell, (answer, _) in self.results.items() if cell.budget == budget
        ]
        return int(np.median(counts)) if counts else len(self.rules.draw(budget, 0))

    def cells(self, arm: str, budget: str) -> list[Cell]:
        """The cells of an arm at a budget, by draw."""
        return self._by_budget.get((arm, budget), [])

    def values(
        self, arm: str, budget: str, metric: str, *, stage: str = "full", split: str = "", of: int = ALL
    ) -> Floats | None:
        """A measure of every draw, float64 [D, 1 + B]: the value, and that of every resample of the objects.

        None where the arm has no such measure.
        """
        key = (split or self.study.splits[0], stage, metric, of)
        rows = []
        for cell in self.cells(arm, budget):
            scored = self.results[cell][1]
            if key in scored.samples:
                rows.append(np.concatenate([[scored.values[key]], scored.samples[key]]))
        return np.array(rows, np.float64) if rows else None

    def median(self, arm: str, budget: str, metric: str, **where: Any) -> Median | None:
        """Median over draws with its interval; ``where`` as in `values`."""
        values = self.values(arm, budget, metric, **where)
        return None if values is None else summarise(values)

    def record(self, arm: str, budget: str, name: str) -> float | None:
        """Median over draws of a number of the record, e.g. ``seconds``, ``epochs`` or ``steps``."""
        own = [self.results[cell][0].record.get(name) for cell in self.cells(arm, budget)]
        known = [float(value) for value in own if value is not None]
        return float(np.median(known)) if known else None

    def failed(self) -> list[str]:
        """Cells that could not learn, in words."""
        return [
            f"{cell.words}: {answer.record['failed']}"
            for cell, (answer, _) in self.results.items()
            if "failed" in answer.record
        ]

    def scores(self) -> pa.Table:
        """Every measure of every cell as tidy rows, with 95 % of the resamples where they were kept."""
        return _table(_score_rows(self))

    def cells_table(self) -> pa.Table:
        """One row a cell: its labels, seconds, epochs and gradient steps."""
        rows = []
        for cell, (answer, _) in self.results.items():
            record = answer.record
            rows.append(
                _names(cell)
                | {"labels": record["number"], "followed": cell.followed}
                | {name: record.get(name) for name in ("seconds", "epochs", "steps", "failed")}
            )
        return _table(rows)

    def summary(self) -> pa.Table:
        """Medians over draws of the main measures, by arm, budget, split and stage."""
        rows: list[dict[str, Any]] = []
        for arm in self.arms:
            for budget in self.budgets(arm.name):
                found = {
                    key for cell in self.cells(arm.name, budget) for key in self.results[cell][1].samples
                }
                for split, stage, metric, of in sorted(found, key=str):
                    median = self.median(arm.name, budget, metric, stage=stage, split=split, of=of)
                    if median is not None:
                        rows.append(
                            {"arm": arm.name, "budget": budget, "labels": self.number(budget)}
                            | {"split": split, "stage": stage, "metric": metric, "of": self._of(of)}
                            | dataclasses.asdict(median)
                        )
        return _table(rows)

    def _of(self, index: int) -> str:
        return "all" if index == ALL else self.rules.classes[index]

    def write(self, folder: str | Path) -> Path:
        """The folder, now with tables (Parquet and CSV), verdicts, figures and ``report.html``."""
        from firstlight.study.report import write_report

        return write_report(self, Path(folder))

    def write_tables(self, folder: Path) -> None:
        """Write ``scores``, ``summary`` and ``cells`` as Parquet and CSV."""
        import pyarrow.csv
        import pyarrow.parquet

        folder.mkdir(parents=True, exist_ok=True)
        tables = {"scores": self.scores(), "summary": self.summary(), "cells": self.cells_table()}
        for name, table in tables.items():
            for suffix, write in (
                ("parquet", pyarrow.parquet.write_table),
                ("csv", pyarrow.csv.write_csv),
            ):
                part = folder / f"{name}.part"
                write(table, part)
                part.replace(folder / f"{name}.{suffix}")


def summarise(values: Floats, statistic: Any = np.median) -> Median:
    """The median over draws of float64 [D, 1 + B], and its intervals (`resampled`)."""
    drawn = resampled(values, statistic)
    own = values[:, 0]
    known = drawn[np.isfinite(drawn)]
    lo, hi = np.quantile(known, (0.025, 0.975)) if known.size else (np.nan, np.nan)
    p16, p84 = np.quantile(own, (0.16, 0.84))
    return Median(float(statistic(own)), float(lo), float(hi), float(p16), float(p84), len(own))


def resampled(values: Floats, statistic: Any = np.median) -> Floats:
    """The statistic over draws in every resample of draws and objects, float64 [B].

    Draw d of one arm meets draw d of another in every resample: the choice depends on their numbers alone.
    """
    D, B = len(values), values.shape[1] - 1
    chosen = np.random.default_rng(0).integers(D, size=(D, B)) if D > 1 else np.zeros((1, B), np.int64)
    return np.asarray(statistic(np.take_along_axis(values[:, 1:], chosen, axis=0), axis=0))


def _names(cell: Cell) -> dict[str, Any]:
    return {"arm": cell.arm.name, "kind": cell.arm.kind, "budget": cell.budget, "draw": cell.draw}


def _score_rows(findings: Findings) -> Iterable[dict[str, Any]]:
    classes = findings.rules.classes
    for cell, (answer, scored) in findings.results.items():
        for key, value in scored.values.items():
            split, stage, metric, index = key
            sample = scored.samples.get(key)
            known = np.empty(0) if sample is None else sample[np.isfinite(sample)]
            lo, hi = np.quantile(known, (0.025, 0.975)).tolist() if known.size else (None, None)
            yield (
                _names(cell)
                | {"labels": answer.record["number"], "split": split, "stage": stage, "metric": metric}
                | {"of": "all" if index == ALL else classes[index], "value": value, "lo": lo, "hi": hi}
            )


def _table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    import pyarrow as pa

    listed: Sequence[Mapping[str, Any]] = list(rows)
    names = list(dict.fromkeys(name for row in listed for name in row))
    return pa.table({name: [row.get(name) for row in listed] for name in names})
