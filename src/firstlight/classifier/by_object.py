"""Answers by object: some of them by name, the most probable class, a figure, and what a notebook shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from firstlight._rooms import verb
from firstlight._types import AnyArray, Bits, Floats, Floats32, Ints
from firstlight.classifier.trust import Evidence
from firstlight.errors import UnknownNameError, UsageError
from firstlight.lightcurves import LightCurves
from firstlight.lightcurves.in_notebook import SHOWN, first_objects, flags_in_words
from firstlight.lightcurves.rows import ragged_positions, which_objects
from firstlight.report import in_notebook, number

_ROWS = ("probabilities", "time", "days_since_trigger", "passband", "detections", "novelty")
_OBJECTS = ("trigger", "flags", "n_observations", "n_detections")


@dataclass(frozen=True, eq=False, kw_only=True)
class ByObject:
    """The columns of `Predictions`, which has what is known of them, and how to look at single objects."""

    probabilities: Floats32
    time: Floats
    days_since_trigger: Floats
    passband: NDArray[np.int16]
    detections: Ints
    trigger: Floats
    offsets: Ints
    passbands: tuple[str, ...]
    classes: tuple[str, ...]
    object_id: list[str]
    flags: Bits
    n_observations: Ints
    n_detections: Ints
    classifier: str
    version: str
    hash: str
    novelty: Floats32 | None = None
    evidence: Evidence | None = None
    left_out: tuple[str, ...] = ()
    not_read: tuple[str, ...] = ()
    chosen: str = ""
    curves: LightCurves | None = None

    def __len__(self) -> int:
        return len(self.object_id)

    def __iter__(self) -> Iterator[Self]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, key: Any) -> Self:
        """Objects by position, name, slice, mask, positions, or a list of names, as of light curves."""
        index = which_objects(key, len(self), self._position)
        counts = np.diff(self.offsets)[index]
        rows, _ = ragged_positions(self.offsets[index], counts)
        columns: dict[str, Any] = {
            name: value[at]
            for names, at in ((_ROWS, rows), (_OBJECTS, index))
            for name in names
            if (value := getattr(self, name)) is not None
        }
        parts: dict[str, Any] = {
            "offsets": np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            "object_id": [self.object_id[k] for k in index.tolist()],
            "evidence": None if self.evidence is None else self.evidence.at(rows),
            "curves": None if self.curves is None else self.curves.take(index),
        }
        return replace(self, **columns, **parts)

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {name: index for index, name in reversed(list(enumerate(self.object_id)))}

    def _position(self, name: str) -> int:
        if name not in self._positions:
            raise UnknownNameError("object", name, self.object_id, where="predictions")
        return self._positions[name]

    def final(self) -> Floats32:
        """Probabilities after the last observation, float32 [n, C]; a row of NaN where there is no answer."""
        return self._at_rows(self.probabilities, self.offsets[1:] - 1, np.nan)

    def _at_rows(self, values: AnyArray, rows: Ints, otherwise: float | bool) -> AnyArray:
        """These rows of `values`, one an object; `otherwise` for rows before an object's first."""
        out = np.full((len(self), *values.shape[1:]), otherwise, values.dtype)
        some = rows >= self.offsets[:-1]
        out[some] = values[rows[some]]
        return out

    @property
    def best(self) -> AnyArray:
        """The most probable class after the last observation, str [n]; None where there is no answer.

        Of objects as they come under the prior of the answers; `sets` says which other classes stay possible.
        """
        names = np.array([*self.classes, None], dtype=object)
        final = self.final()
        answered = ~np.isnan(final).any(axis=1)
        place = np.where(answered, np.nan_to_num(final).argmax(axis=1), -1)
        return np.asarray(names[place])

    def plot(self, object_id: str | None = None, **options: Any) -> Any:
        """The light curve of one object above its probabilities; the first nine light curves of several.

        Parameters
        ----------
        object_id : str, optional
            The object; not needed where there is one.
        **options
            As for `firstlight.figures.light_curve`.

        Returns
        -------
        Axes
            matplotlib's: of one object the pair of panels, of several those of the light curves.

        Raises
        ------
        UsageError
            When these answers carry no light curves: `firstlight.figures.light_curve` takes both.
        """
        if self.curves is None:
            raise UsageError(
                "these answers carry no light curves to draw",
                where="plot",
                hint="Draw both with firstlight.figures.light_curve(curves, predictions).",
            )
        if object_id is None and len(self) != 1:
            return verb("figures", "light_curves")(self.curves, self, **options)
        return verb("figures", "light_curve")(self.curves, self, object_id=object_id, **options)

    def _repr_html_(self) -> str:
        some = self[:SHOWN]
        header = ("object_id", "most probable", *self.classes, "detections", "flags")
        rows = [
            (name, best or "-", *(number(p, ".3f") for p in final), f"{seen:,}", flags)
            for name, best, final, seen, flags in zip(
                some.object_id,
                some.best,
                some.final().tolist(),
                some.n_detections.tolist(),
                flags_in_words(some.flags),
                strict=True,
            )
        ]
        return in_notebook(repr(self), *first_objects(header, rows, len(self)))
