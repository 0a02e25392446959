"""Probabilities at every observation, and the ways to look at them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from firstlight._types import AnyArray, Bools, Floats, Floats32, Ints
from firstlight.classifier.by_object import ByObject
from firstlight.errors import Arg, MissingExtraError, UsageError
from firstlight.lightcurves import LightCurves, Tally, flag_names

# Observations prepared at a time: bounds the memory, and fits the caches of a processor.
_ROWS_AT_ONCE = 32_768
# Of probabilities in text, where 0.000001 is as little as an answer is the same to.
_DECIMALS = 6


def running(which: Bools) -> Ints:
    """How many of the entries before each hold, int64 [N + 1]: a running sum that starts with 0."""
    total = np.zeros(len(which) + 1, np.int64)
    np.cumsum(which, out=total[1:])
    return total


def pieces(offsets: Ints) -> Iterator[tuple[int, int]]:
    """Ranges of objects with about `_ROWS_AT_ONCE` observations each."""
    first, n = 0, len(offsets) - 1
    while first < n:
        last = int(np.searchsorted(offsets, offsets[first] + _ROWS_AT_ONCE, side="right")) - 1
        last = min(max(last, first + 1), n)
        yield first, last
        first = last


def require_curves(curves: object, where: str = "") -> None:
    """Raise UsageError when what should be light curves is a table, a path or anything else."""
    if not isinstance(curves, LightCurves):
        raise UsageError(
            f"light curves are needed, not a {type(curves).__name__}",
            where=where,
            hint="Read it first: firstlight.read_table(table, survey='ZTF', flux_unit='uJy').",
        )


def carry_on(columns: Sequence[AnyArray], days: Floats, curves: LightCurves) -> None:
    """Fill rows without an answer of their own with the one in force, in place."""
    answered = np.isfinite(days)
    if answered.all():
        return
    index = np.arange(len(days))
    source = np.maximum.accumulate(np.where(answered, index, -1))
    filled = ~answered & (source >= curves.offsets[:-1][curves.owner])
    source = source[filled]
    for column in columns:
        column[filled] = column[source]
    days[filled] = curves.time[filled] - curves.time[source] + days[source]


def signed(table: pa.Table, classifier: str, version: str, hash: str) -> pa.Table:
    """A table of answers with columns that say on every row who answered.

    In text probabilities have a fixed number of decimals, so that they stand one below the other.
    """
    for name, value in (
        ("classifier", classifier),
        ("classifier_version", version),
        ("classifier_hash", hash[:12]),
    ):
        table = table.append_column(name, pa.repeat(pa.scalar(value, pa.string()), table.num_rows))
    fields = [
        field.with_metadata({"decimals": str(_DECIMALS)}) if pa.types.is_float32(field.type) else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields))


@dataclass(frozen=True, eq=False, kw_only=True)
class Predictions(ByObject):
    """Class probabilities of n objects at each of their N observations.

    Attributes
    ----------
    probabilities : float32 [N, C]
        In the order of the light curves' rows. NaN before the first answer; a row that was not read, or came
        too late, repeats the answer in force.
    time : float64 [N]
        MJD.
    days_since_trigger : float64 [N]
        Since the trigger of the season in force; NaN before the first answer.
    passband : int16 [N]
        Into `passbands`, -1 where unknown.
    detections : int64 [N]
        Detections of the light curve so far, from its trigger on, this row included.
    trigger : float64 [n]
        MJD of the first trigger (``LightCurves.trigger``); NaN where there is none.
    offsets : int64 [n + 1]
        Object i holds rows ``offsets[i]`` to ``offsets[i + 1]``.
    passbands, classes : tuple of str
    object_id : list of str
    flags : uint16 [n]
        `firstlight.lightcurves.Flag` bits.
    n_observations, n_detections : int64 [n]
        Observations and detections used.
    classifier, version, hash : str
        Who answered: name, version, SHA-256 of configuration and all parts.
    novelty : float32 [N] or None
        Share of known objects that look less unlike the training objects after as many detections; near 1 for
        what is none of the classes. NaN before the first answer, None where it was not asked for.
    evidence : Evidence or None
        What `sets` is made from; None where the classifier has no class sets.
    left_out : tuple of str
        Classes of the classifier that were not asked for, and whose probability was shared out among those
        that were (`Classifier.classify`, ``renormalise``).
    not_read : tuple of str
        Passbands that the classifier does not read; `unread` counts their observations.
    chosen : str
        Why this classifier answers, where none was named.
    curves : LightCurves or None
        What was classified, for figures.

    Examples
    --------
    >>> predictions["ZTF19aapreis"].best, predictions[:3]  # doctest: +SKIP
    """

    def __repr__(self) -> str:
        return (
            f"Predictions({len(self)} objects, {len(self.time)} observations, "
            f"{', '.join(self.classes)}; {self.classifier} {self.version})"
        )

    def tally(self) -> Tally:
        """How many objects there are, what was flagged, and which have no probabilities, and why."""
        missing = np.asarray(np.isnan(self.final()).all(axis=1))
        return Tally.of(self.flags, int(self.offsets[-1]), missing)

    def sets(self, coverage: float = 0.9) -> Bools:
        """The classes that stay possible at each observation, bool [N, C].

        Of the objects of each class, at least a share of `coverage` keeps its true class, whatever the shares
        of the classes are. The most probable class always stays, and what stays at a lower coverage stays at
        a higher one. All classes stay where there is no answer, and a class always does of which there were
        too few labels to say.

        Parameters
        ----------
        coverage : float
            Share of each class, above 0 and below 1.

        Raises
        ------
        UsageError
            When the classifier has no class sets, or the coverage is no such share.
        """
        if self.evidence is None:
            raise UsageError(
                f"the classifier '{self.classifier}' has no class sets",
                where=Arg("sets"),
                hint=("Fine-tune one with ", Arg("calibration_folds", 5), "."),
            )
        return self.evidence(coverage)

    @property
    def unread(self) -> dict[str, int]:
        """Usable observations in passbands that the classifier does not read, by passband."""
        usable = self.passband >= 0 if self.curves is None else self.curves.usable
        rows = np.bincount(self.passband[usable], minlength=len(self.passbands)).tolist()
        return {
            name: count
            for name, count in zip(self.passbands, rows, strict=True)
            if count and name in self.not_read
        }

    def final_sets(self, coverage: float = 0.9) -> Bools:
        """The classes that stay possible after the last observation, bool [n, C]; see `sets`."""
        return self._at_rows(self.sets(coverage), self.offsets[1:] - 1, True)

    def sets_at(
        self,
        coverage: float = 0.9,
        *,
        detections: int | None = None,
        days_since_trigger: float | None = None,
    ) -> Bools:
        """The classes that stay possible at one moment of every object, bool [n, C]; see `sets` and `at`."""
        rows = self._rows(detections, days_since_trigger)
        return self._at_rows(self.sets(coverage), rows, True)

    def final_novelty(self) -> Floats32 | None:
        """`novelty` after the last observation, float32 [n]; NaN where there is no answer."""
        if self.novelty is None:
            return None
        return self._at_rows(self.novelty, self.offsets[1:] - 1, np.nan)

    def at(self, *, detections: int | None = None, days_since_trigger: float | None = None) -> Floats32:
        """Probabilities float32 [n, C] at one moment of every object; NaN where there is no answer.

        Parameters
        ----------
        detections : int
            After so many detections, or after the last observation where there are fewer.
        days_since_trigger : float
            At the last observation up to so many days after the first trigger.
        """
        return self._at_rows(self.probabilities, self._rows(detections, days_since_trigger), np.nan)

    def _rows(self, detections: int | None, days_since_trigger: float | None) -> Ints:
        """The row of each object that is in force at a moment, int64 [n]; before its first where none is."""
        if (detections is None) == (days_since_trigger is None):
            raise UsageError("give either detections or days_since_trigger", where="at")
        first, last = self.offsets[:-1], self.offsets[1:] - 1
        if detections is not None:
            if detections < 1:
                raise UsageError(f"{detections} detections are too few: 1 is the least", where="at")
            return np.asarray(np.minimum(first + self._count(self.detections < detections), last))
        if np.isnan(float(days_since_trigger or 0.0)):
            raise UsageError("NaN days", where="at", hint="Give a number.")
        since = self.time - np.repeat(self.trigger, np.diff(self.offsets))
        early = self._count(since <= float(days_since_trigger or 0.0))
        return np.asarray(np.where(np.isfinite(self.trigger), first + early - 1, last))

    def _count(self, which: Bools) -> Ints:
        """Rows of each object for which `which` holds, int64 [n]."""
        return np.diff(running(which)[self.offsets])

    def to_arrow(self, *, every_observation: bool = False, sets: float | None = None) -> pa.Table:
        """The answers as a table; name, version, hash and classes stand in its metadata.

        Parameters
        ----------
        every_observation : bool
            False: one row an object: ``object_id``, a column a class (null where there is no answer),
            ``best_class``, ``best_probability``, ``n_observations``, ``n_detections``, ``flags``,
            ``flag_names`` (with ``|`` between them). True: one row an observation, in order of time:
            ``object_id``, ``mjd``, ``passband``, ``days_since_trigger``, a column a class, ``best_class``,
            ``best_probability``. Every row ends with ``classifier``, ``classifier_version`` and
            ``classifier_hash`` (its first twelve digits), so that a file of any format says who answered.
        sets : float, optional
            Coverage of class sets: adds the column ``classes``, the names that stay possible with ``|``
            between them.

        Where novelty was asked for there is a column ``novelty``; where the probabilities are those among the
        classes asked for alone, a column ``left_out`` with the others.
        """
        if every_observation:
            columns = self._observation_columns(sets)
        else:
            columns = {
                "object_id": pa.array(self.object_id, pa.string()),
                **self._class_columns(self.final()),
                **self._trust_columns(None if sets is None else self.final_sets(sets), self.final_novelty()),
                "n_observations": pa.array(self.n_observations),
                "n_detections": pa.array(self.n_detections),
                "flags": pa.array(self.flags),
                "flag_names": self._flag_names(),
            }
        if self.left_out:
            rows = len(columns["object_id"])
            columns["left_out"] = pa.repeat("|".join(self.left_out), rows)
        table = signed(pa.table(columns), self.classifier, self.version, self.hash)
        stated = {} if sets is None else {"firstlight.coverage": f"{sets:g}"}
        return table.replace_schema_metadata({**self.provenance, **stated})

    @property
    def provenance(self) -> dict[str, str]:
        """What a file of these answers carries: classifier, version, weights, classes."""
        known = {
            "firstlight.classifier": self.classifier,
            "firstlight.version": self.version,
            "firstlight.hash": self.hash,
            "firstlight.classes": json.dumps(list(self.classes), ensure_ascii=False),
        }
        if self.chosen:
            known["firstlight.chosen"] = self.chosen
        if self.left_out:
            known["firstlight.left_out"] = json.dumps(list(self.left_out), ensure_ascii=False)
        return known

    def _observation_columns(self, sets: float | None) -> dict[str, pa.Array]:
        lengths = np.diff(self.offsets)
        owner = pa.array(np.repeat(np.arange(len(self), dtype=np.int64), lengths))
        names = pa.array([*self.passbands, None], pa.string())
        code = np.where(self.passband < 0, len(self.passbands), self.passband)
        return {
            "object_id": pa.array(self.object_id, pa.string()).take(owner),
            "mjd": pa.array(self.time),
            "passband": names.take(pa.array(code)),
            "days_since_trigger": pa.array(self.days_since_trigger, from_pandas=True),
            **self._class_columns(self.probabilities),
            **self._trust_columns(None if sets is None else self.sets(sets), self.novelty),
        }

    def _flag_names(self) -> pa.Array:
        kinds, which = np.unique(self.flags, return_inverse=True)
        names = ["|".join(flag_names(int(kind))) for kind in kinds]
        return pa.array(names, pa.string()).take(pa.array(which.reshape(-1)))

    def _trust_columns(self, stay: Bools | None, novelty: Floats32 | None) -> dict[str, pa.Array]:
        columns: dict[str, pa.Array] = {}
        if stay is not None:
            # Many rows share few sets: each text is made once.
            kinds, which = np.unique(stay, axis=0, return_inverse=True)
            texts = [
                "|".join(name for name, kept in zip(self.classes, kind, strict=True) if kept)
                for kind in kinds
            ]
            columns["classes"] = pa.array(texts, pa.string()).take(pa.array(which.reshape(-1)))
        if novelty is not None:
            columns["novelty"] = pa.array(novelty, from_pandas=True)
        return columns

    def _class_columns(self, values: Floats32) -> dict[str, pa.Array]:
        """A column a class, and which of them is the most probable one; null where there is no answer."""
        answered = ~np.isnan(values).any(axis=1)
        best = np.where(answered, np.nan_to_num(values).argmax(axis=1), -1)
        names = pa.array([*self.classes, None], pa.string())
        return {
            **{
                name: pa.array(np.ascontiguousarray(values[:, k]), from_pandas=True)
                for k, name in enumerate(self.classes)
            },
            "best_class": names.take(pa.array(np.where(answered, best, len(self.classes)))),
            "best_probability": pa.array(values[np.arange(len(values)), best], from_pandas=True),
        }

    def to_pandas(self, *, every_observation: bool = False, sets: float | None = None) -> Any:
        """As `to_arrow`, as a pandas DataFrame."""
        try:
            import pandas  # noqa: F401
        except ImportError:
            raise MissingExtraError("pandas", "frames") from None
        return self.to_arrow(every_observation=every_observation, sets=sets).to_pandas()

    def to_polars(self, *, every_observation: bool = False, sets: float | None = None) -> Any:
        """As `to_arrow`, as a polars DataFrame."""
        try:
            import polars
        except ImportError:
            raise MissingExtraError("polars", "frames") from None
        return polars.from_arrow(self.to_arrow(every_observation=every_observation, sets=sets))
