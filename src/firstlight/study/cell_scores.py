"""Scores of a cell: every measure at every stage, and how the main ones vary from resample to resample.

The resamples of the test objects are the same for all cells of a study, so that differences between arms are
paired.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from firstlight._types import Floats, Ints
from firstlight.evaluate import Protocol, Stage, measure
from firstlight.evaluate.resampling import resamples
from firstlight.study.cells import CellAnswer, Place, read_arrays, write_arrays

#: Measures whose resamples are kept (and the AUROC of each class).
SAMPLED = (
    "macro_auroc",
    "macro_f1",
    "balanced_accuracy",
    "macro_f1_balanced",
    "balanced_accuracy_balanced",
    "ece",
    "log_loss",
)
ALL = -1  # index of measures over all classes

Key = tuple[str, str, str, int]  # split, stage, measure, class index or ALL


@dataclass(frozen=True, eq=False)
class CellScores:
    """Values of all measures of a cell, and float32 [resamples] of those of `SAMPLED`."""

    values: Mapping[Key, float]
    samples: Mapping[Key, Any]


class Scorer:
    """Truth and resamples of every split and stage, made once a process."""

    def __init__(self, rules: Protocol, number: int) -> None:
        self.rules, self.number = rules, number
        self._kept: dict[Place, tuple[Ints, Floats]] = {}

    def _objects(self, place: Place) -> tuple[Ints, Floats]:
        if place not in self._kept:
            split, stage = place
            truth = self.rules.truth(self.rules.counting(Stage.named(stage), split))
            drawn = list(resamples(truth, self.number))
            once = np.ones((1, truth.size))
            self._kept[place] = truth, np.concatenate([once, *drawn])
        return self._kept[place]

    def __call__(self, answer: CellAnswer) -> CellScores:
        """The scores of an answer."""
        values: dict[Key, float] = {}
        samples: dict[Key, Any] = {}
        counts = np.asarray(answer.record["labels"])
        for place, probabilities in answer.probabilities.items():
            truth, weights = self._objects(place)
            found = measure(truth, probabilities, weights, counts=counts if counts.any() else None)
            for (metric, index), sample in found.items():
                values[(*place, metric, index)] = float(sample[0])
                if metric in SAMPLED or metric == "auroc":
                    samples[(*place, metric, index)] = sample[1:].astype(np.float32)
        return CellScores(values, samples)


def save_scores(path: Path, scored: CellScores, mark: str) -> None:
    """Write the scores of a cell."""
    keys = list(scored.samples)
    rows = [scored.samples[key] for key in keys]
    write_arrays(
        path,
        {
            "mark": np.array(mark),
            "values": np.array(json.dumps([[*key, value] for key, value in scored.values.items()])),
            "keys": np.array(json.dumps(keys)),
            "samples": np.stack(rows) if rows else np.empty((0, 0), np.float32),
        },
    )


def load_scores(path: Path, mark: str) -> CellScores | None:
    """The stored scores, or None where there are none of this mark."""
    stored = read_arrays(path)
    if str(stored.get("mark")) != mark:
        return None
    rows, keys = json.loads(str(stored["values"])), json.loads(str(stored["keys"]))
    samples = stored["samples"]
    values = {(str(a), str(b), str(c), int(d)): float(value) for a, b, c, d, value in rows}
    return CellScores(
        values,
        {(str(a), str(b), str(c), int(d)): row for (a, b, c, d), row in zip(keys, samples, strict=True)},
    )
