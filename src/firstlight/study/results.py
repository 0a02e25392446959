"""The results of a study by arm, budget and draw, and medians over draws with their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from firstlight._types import Floats
from firstlight.evaluate import Protocol
from firstlight.study.cell_scores import ALL, CellScores
from firstlight.study.cells import Cell, CellAnswer
from firstlight.study.plan import NO_LABELS, Arm, Study


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
class Results:
    """The results of a study, as far as they are there."""

    study: Study
    rules: Protocol
    results: Mapping[Cell, tuple[CellAnswer, CellScores]]

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

    def with_most_labels(self, arm: str, metric: str, **where: Any) -> Median | None:
        """`median` at the largest budget of an arm."""
        return self.median(arm, self.budgets(arm)[-1], metric, **where)

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
