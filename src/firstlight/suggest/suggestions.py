"""The list of objects to observe next, and in words why each stands there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from firstlight._types import AnyArray, Bools, Floats, Floats32, Ints
from firstlight.classifier.predictions import signed
from firstlight.errors import MissingExtraError
from firstlight.report import Table, in_notebook, number
from firstlight.suggest.acquisition import Choice, wanted

SURE = 0.8  # above this probability one class alone is named
NAMED = 0.15  # at least this probable, and a third of the first: named too
UNLIKE = 2 / 3  # diversity of twice the usual distance


@dataclass(frozen=True, eq=False, kw_only=True)
class Suggestions:
    """k objects whose spectra would teach most, best first.

    Attributes
    ----------
    object_id : list of str, length k
    score, uncertainty, balance, diversity : float64 [k]
        Between 0 and 1: the score, and its parts (`firstlight.suggest.Choice`).
    reason : list of str
        The parts in words.
    magnitude : float64 [k]
        AB magnitude of the latest detection.
    days_since_detection : float64 [k]
        From there to the latest observation of the whole table.
    right_ascension, declination : float64 [k]
        Degrees; NaN where the table has none.
    probabilities : float32 [k, C]
        As `Classifier.classify` gives them under the same priors.
    classes : tuple of str
    priors : str
        Under which the probabilities stand, in words; "" for those that the classifier states.
    candidates : int
        Objects that were ranked.
    left_out : mapping of str to int
        Why how many other objects were not.
    classifier, version, hash : str
        Who answered: name, version, SHA-256 of the weights.
    """

    object_id: list[str]
    score: Floats
    uncertainty: Floats
    balance: Floats
    diversity: Floats
    reason: list[str]
    magnitude: Floats
    days_since_detection: Floats
    right_ascension: Floats
    declination: Floats
    probabilities: Floats32
    classes: tuple[str, ...]
    priors: str
    candidates: int
    left_out: Mapping[str, int]
    classifier: str
    version: str
    hash: str

    def __len__(self) -> int:
        return len(self.object_id)

    def __repr__(self) -> str:
        return f"Suggestions({len(self)} of {self.candidates} objects; {self.classifier} {self.version})"

    def _repr_html_(self) -> str:
        columns = (self.object_id, self.score, self.magnitude, self.days_since_detection, self.reason)
        rows = [
            (str(rank), name, number(score, ".2f"), number(magnitude, ".2f"), number(days, ".1f"), why)
            for rank, (name, score, magnitude, days, why) in enumerate(zip(*columns, strict=True), 1)
        ]
        header = ("rank", "object_id", "score", "magnitude", "days since detection", "reason")
        return in_notebook(repr(self), Table(header, tuple(rows)))

    def to_arrow(self) -> pa.Table:
        """One row an object, best first.

        Columns ``rank``, ``object_id``, ``ra``, ``dec``, ``score``, ``reason``, ``magnitude``,
        ``days_since_detection``, ``uncertainty``, ``balance``, ``diversity``, the probability of each class
        under its name, ``priors`` where others were asked for than the classifier's, and which classifier
        answered.
        """
        columns = {
            "rank": pa.array(np.arange(1, len(self) + 1)),
            "object_id": pa.array(self.object_id, pa.string()),
            "ra": pa.array(self.right_ascension, from_pandas=True),
            "dec": pa.array(self.declination, from_pandas=True),
            "score": pa.array(self.score.round(3)),
            "reason": pa.array(self.reason, pa.string()),
            "magnitude": pa.array(self.magnitude.round(2), from_pandas=True),
            "days_since_detection": pa.array(self.days_since_detection.round(2), from_pandas=True),
            "uncertainty": pa.array(self.uncertainty.round(3)),
            "balance": pa.array(self.balance.round(3)),
            "diversity": pa.array(self.diversity.round(3)),
        }
        for k, name in enumerate(self.classes):
            columns[name] = pa.array(np.ascontiguousarray(self.probabilities[:, k]))
        if self.priors:
            columns["priors"] = pa.repeat(self.priors, len(self))
        about = {
            "firstlight.classifier": self.classifier,
            "firstlight.version": self.version,
            "firstlight.hash": self.hash,
        }
        table = signed(pa.table(columns), self.classifier, self.version, self.hash)
        return table.replace_schema_metadata(about)

    def to_pandas(self) -> Any:
        """As `to_arrow`, as a pandas DataFrame."""
        try:
            import pandas  # noqa: F401
        except ImportError:
            raise MissingExtraError("pandas", "frames") from None
        return self.to_arrow().to_pandas()


def reasons(
    choice: Choice,
    probabilities: AnyArray,
    classes: Sequence[str],
    counts: Floats,
    *,
    compared: bool,
) -> list[str]:
    """One line an object chosen, e.g. ``"SLSN-I or TDE; few labels of either; unlike what is labelled"``.

    Parameters
    ----------
    choice : Choice
    probabilities : array [n, C]
        Of all objects that could be chosen.
    classes : sequence of str
    counts : float64 [C]
        Labels of each class.
    compared : bool
        Whether there were labelled light curves to be unlike to.
    """
    need = wanted(counts)
    scarce = (need > np.median(need)) | (counts == 0)
    lines: list[str] = []
    for index, diversity in zip(choice.chosen, choice.diversity, strict=True):
        may_be = _named(np.asarray(probabilities[index], np.float64))
        words = [_what([classes[k] for k in may_be], float(probabilities[index, may_be[0]]))]
        words += _labels([classes[k] for k in may_be], scarce[may_be], counts[may_be])
        if diversity >= UNLIKE and (compared or lines):
            words.append("unlike what is labelled" if compared else "unlike those above")
        lines.append("; ".join(words))
    return lines


def _named(p: Floats) -> Ints:
    """The classes to name, most probable first; at most three."""
    order = np.argsort(-p, kind="stable")[:3]
    if p[order[0]] >= SURE:
        return order[:1]
    least = max(NAMED, p[order[0]] / 3)
    return np.asarray(order[(p[order] >= least) | (np.arange(len(order)) == 0)])


def _what(names: Sequence[str], first: float) -> str:
    if len(names) > 1:
        return f"{', '.join(names[:-1])} or {names[-1]}"
    return f"{'probably' if first >= SURE else 'perhaps'} {names[0]}"


def _labels(names: Sequence[str], scarce: Bools, counts: Floats) -> list[str]:
    """What is to be said about the labels of the classes named: nothing where there are many."""
    rare = [name for name, is_rare in zip(names, scarce, strict=True) if is_rare]
    if not rare:
        return []
    amount = "no" if not counts[scarce].any() else "few"
    if len(rare) < len(names) or len(rare) == 1:
        return [f"{amount} labels of {' and '.join(rare)}"]
    return [f"{amount} labels of {'either' if len(rare) == 2 else 'any'}"]
