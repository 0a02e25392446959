"""Probabilities at every observation, and the ways to look at them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from firstlight.errors import MissingExtraError, UsageError

Floats = NDArray[np.float32]


def running(which: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many of the entries before each hold, int64 [N + 1]: a running sum that starts with 0."""
    total = np.zeros(len(which) + 1, np.int64)
    np.cumsum(which, out=total[1:])
    return total


@dataclass(frozen=True, eq=False)
class Predictions:
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
        Who answered: name, version, SHA-256 of the weights.
    """

    probabilities: Floats
    time: NDArray[np.float64]
    days_since_trigger: NDArray[np.float64]
    passband: NDArray[np.int16]
    detections: NDArray[np.int64]
    trigger: NDArray[np.float64]
    offsets: NDArray[np.int64]
    passbands: tuple[str, ...]
    classes: tuple[str, ...]
    object_id: list[str]
    flags: NDArray[np.uint16]
    n_observations: NDArray[np.int64]
    n_detections: NDArray[np.int64]
    classifier: str
    version: str
    hash: str

    def __len__(self) -> int:
        return len(self.object_id)

    def __repr__(self) -> str:
        return (
            f"Predictions({len(self)} objects, {len(self.time)} observations, "
            f"{', '.join(self.classes)}; {self.classifier} {self.version})"
        )

    def final(self) -> Floats:
        """Probabilities after the last observation, float32 [n, C]; a row of NaN where there is no answer."""
        return self._at_rows(self.offsets[1:] - 1)

    def at(self, *, detections: int | None = None, days_since_trigger: float | None = None) -> Floats:
        """Probabilities float32 [n, C] at one moment of every object; NaN where there is no answer.

        Parameters
        ----------
        detections : int
            After so many detections, or after the last observation where there are fewer.
        days_since_trigger : float
            At the last observation up to so many days after the first trigger.
        """
        if (detections is None) == (days_since_trigger is None):
            raise UsageError("give either detections or days_since_trigger", where="at")
        first, last = self.offsets[:-1], self.offsets[1:] - 1
        if detections is not None:
            if detections < 1:
                raise UsageError(f"{detections} detections are too few: 1 is the least", where="at")
            return self._at_rows(np.minimum(first + self._count(self.detections < detections), last))
        if np.isnan(float(days_since_trigger or 0.0)):
            raise UsageError("NaN days", where="at", hint="Give a number.")
        since = self.time - np.repeat(self.trigger, np.diff(self.offsets))
        early = self._count(since <= float(days_since_trigger or 0.0))
        return self._at_rows(np.where(np.isfinite(self.trigger), first + early - 1, last))

    def _count(self, which: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Rows of each object for which `which` holds, int64 [n]."""
        return np.diff(running(which)[self.offsets])

    def _at_rows(self, rows: NDArray[np.int64]) -> Floats:
        out = np.full((len(self), len(self.classes)), np.nan, np.float32)
        some = rows >= self.offsets[:-1]
        out[some] = self.probabilities[rows[some]]
        return out

    def to_arrow(self, *, every_observation: bool = False) -> pa.Table:
        """The answers as a table; name, version, weights hash and classes stand in its metadata.

        Parameters
        ----------
        every_observation : bool
            False: one row an object: ``object_id``, a column a class (null where there is no answer),
            ``n_observations``, ``n_detections``, ``flags``. True: one row an observation, in order of time:
            ``object_id``, ``mjd``, ``passband``, ``days_since_trigger``, a column a class.
        """
        if every_observation:
            columns = self._observation_columns()
        else:
            columns = {
                "object_id": pa.array(self.object_id, pa.string()),
                **self._class_columns(self.final()),
                "n_observations": pa.array(self.n_observations),
                "n_detections": pa.array(self.n_detections),
                "flags": pa.array(self.flags),
            }
        return pa.table(columns).replace_schema_metadata(self.provenance)

    @property
    def provenance(self) -> dict[str, str]:
        """What a file of these answers carries: classifier, version, weights, classes."""
        return {
            "firstlight.classifier": self.classifier,
            "firstlight.version": self.version,
            "firstlight.weights": self.hash,
            "firstlight.classes": json.dumps(list(self.classes), ensure_ascii=False),
        }

    def _observation_columns(self) -> dict[str, pa.Array]:
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
        }

    def _class_columns(self, values: Floats) -> dict[str, pa.Array]:
        return {
            name: pa.array(np.ascontiguousarray(values[:, k]), from_pandas=True)
            for k, name in enumerate(self.classes)
        }

    def to_pandas(self, *, every_observation: bool = False) -> Any:
        """As `to_arrow`, as a pandas DataFrame."""
        try:
            import pandas  # noqa: F401
        except ImportError:
            raise MissingExtraError("pandas", "frames") from None
        return self.to_arrow(every_observation=every_observation).to_pandas()

    def to_polars(self, *, every_observation: bool = False) -> Any:
        """As `to_arrow`, as a polars DataFrame."""
        try:
            import polars
        except ImportError:
            raise MissingExtraError("polars", "frames") from None
        return polars.from_arrow(self.to_arrow(every_observation=every_observation))
