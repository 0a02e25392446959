"""Scores as tidy rows: one a stage, a measure and a class, with interval and number of objects."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from firstlight.evaluate.resampling import RESAMPLES, bootstrap

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Score:
    """One number of a table of results.

    ``of`` is the class it belongs to, ``"all"`` for measures over all classes; ``n`` counts the objects
    scored (those of the class where ``of`` names one); ``lo`` and ``hi`` bound 95 % of the resamples, ``sd``
    is their standard deviation.
    """

    stage: str
    metric: str
    of: str
    value: float
    lo: float
    hi: float
    sd: float
    n: int


def score(
    labels: ArrayLike,
    probabilities: ArrayLike,
    classes: Sequence[str],
    *,
    stage: str = "full",
    counts: ArrayLike | None = None,
    number: int = RESAMPLES,
    seed: int = 0,
) -> list[Score]:
    """Every measure of one set of answers as tidy rows.

    Parameters
    ----------
    labels : int [n]
        Index of the true class.
    probabilities : array [n, C]
    classes : sequence of str
        Names of the columns.
    stage : str
        Written into the rows.
    counts : array [C], optional
        Training labels by class, for the balanced decision.
    number : int
        Bootstrap resamples; 0 for none.
    """
    truth = np.asarray(labels, dtype=np.int64)
    sizes = np.bincount(truth, minlength=len(classes))
    found = bootstrap(truth, probabilities, counts=counts, number=number, seed=seed)
    return [
        Score(
            stage,
            metric,
            "all" if index < 0 else classes[index],
            *(interval.value, interval.lo, interval.hi, interval.sd),
            n=int(truth.size if index < 0 else sizes[index]),
        )
        for (metric, index), interval in found.items()
    ]


def pick(scores: Iterable[Score], metric: str, stage: str = "full", of: str = "all") -> Score:
    """The one row of this measure, stage and class.

    Raises
    ------
    LookupError
        When there is none.
    """
    for row in scores:
        if (row.metric, row.stage, row.of) == (metric, stage, of):
            return row
    raise LookupError(f"no score '{metric}' of '{of}' at stage '{stage}'")


def to_table(scores: Sequence[Score]) -> pa.Table:
    """The rows as an Arrow table with the fields of `Score` as columns."""
    import pyarrow as pa

    return pa.table({field.name: [getattr(row, field.name) for row in scores] for field in fields(Score)})


def to_csv(scores: Sequence[Score]) -> str:
    """The rows as CSV text with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Score)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in scores)
    return text.getvalue()
