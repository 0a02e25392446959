"""LightCurves: many light curves as one ragged, columnar, immutable value."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from firstlight._types import AnyArray
from firstlight.errors import UnknownNameError, UsageError
from firstlight.facts import class_tree
from firstlight.lightcurves.columnar import stacked
from firstlight.lightcurves.conversion import Conversions
from firstlight.lightcurves.flags import Flag
from firstlight.lightcurves.from_columns import FromColumns
from firstlight.lightcurves.in_notebook import InNotebook
from firstlight.lightcurves.object_table import assemble
from firstlight.lightcurves.rows import ROWS, Rows, ragged_positions, which_objects
from firstlight.lightcurves.tally import Tally
from firstlight.notes import Notes
from firstlight.tables.objects import (
    object_table,
    one_array,
    refuse_repeated,
    stack,
    with_column,
)


class LightCurves(FromColumns, Conversions, InNotebook):
    """n light curves with N observations in all.

    Make one with `from_columns` or a reader; the arrays are read-only. Observations are never removed on the
    way in: what cannot be used is flagged, and `usable` says which take part.

    Attributes
    ----------
    time : float64 array, MJD, shape (N,)
        On the clock of the survey (UTC or TAI); sorted within an object.
    passband : int16 array, shape (N,)
        Position in `bands`; -1 where unknown.
    flux, flux_err : float64 array, nJy, shape (N,)
        Difference flux, negative is normal; NaN where only a limit is known.
    detected : bool array, shape (N,)
        Never true where an observation is not usable.
    limit : float64 array, nJy, shape (N,)
        5-sigma upper limit; NaN where a flux was measured.
    flags : uint16 array, shape (N,)
        Bits of `Flag`.
    offsets : int64 array, shape (n + 1,)
        Object k owns rows ``offsets[k]:offsets[k + 1]``.
    bands : tuple of Passband
        The passbands with their numbers, so that a user's own mean the same in every process; packaged ones
        may be given by their qualified names.
    objects : pyarrow.Table, n rows
        ``object_id``, ``survey``, ``flags``, ``dereddened`` and whatever is known besides: ``redshift``,
        ``redshift_err``, ``photoz``, ``photoz_err``, ``mwebv``, ``ra``, ``dec``, ``trigger_mjd`` (float64,
        NaN where missing), ``label`` (string), and columns that pass through.

    Examples
    --------
    >>> curves = LightCurves.from_columns(
    ...     object_id=["a", "a", "b"], time=[59001.2, 59000.1, 59003.3], passband=["g", "r", 1],
    ...     flux=[900.0, 700.0, 50.0], flux_err=[100.0, 90.0, 80.0], flux_unit="nJy", survey="ZTF")
    >>> curves
    LightCurves(2 objects, 3 observations; ZTF-g, ZTF-r, ZTF-i)
    >>> curves["a"].time.tolist(), curves.n_observations.tolist()
    ([59000.1, 59001.2], [2, 1])
    """

    def __iter__(self) -> Iterator[LightCurves]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, key: Any) -> LightCurves:
        """Objects by position, name, slice, mask, positions, or a list of names."""
        return self.take(which_objects(key, len(self), self._position))

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {name: index for index, name in reversed(list(enumerate(self.object_id)))}

    def _position(self, name: str) -> int:
        if name not in self._positions:
            raise UnknownNameError("object", name, self.object_id)
        return self._positions[name]

    def take(self, which: Any) -> LightCurves:
        """Some objects, in the order asked.

        Parameters
        ----------
        which : int array or bool array
            Positions (negative ones count from the end; repeats allowed), or a mask of shape (n,).
        """
        index = which_objects(which, len(self), self._position)
        counts = self.n_observations[index]
        contiguous = index.size > 0 and bool(np.all(np.diff(index) == 1))
        rows: Any = (
            slice(self.offsets[index[0]], self.offsets[index[-1] + 1])
            if contiguous
            else ragged_positions(self.offsets[index], counts)[0]
        )
        return LightCurves(
            **{name: getattr(self, name)[rows] for name in ROWS},
            offsets=np.concatenate([[0], np.cumsum(counts)]),
            bands=self.bands,
            objects=self.objects.slice(index[0], len(index))
            if contiguous
            else self.objects.take(pa.array(index)),
        )

    def where(self, rows: AnyArray) -> LightCurves:
        """The same objects with only those observations that a mask of shape (N,) marks; flags follow."""
        mask = np.asarray(rows, dtype=bool)
        if mask.shape != self.time.shape:
            raise UsageError(f"a mask of shape {mask.shape} for {len(self.time)} observations")
        offsets = np.concatenate([[0], np.cumsum(self.per_object(mask))])
        kept = Rows(**{name: getattr(self, name)[mask] for name in ROWS})
        return LightCurves.from_rows(kept, offsets, self.bands, self.objects)

    def tally(self) -> Tally:
        """How many objects and observations there are, and what was flagged."""
        return Tally.of(self.column("flags"), len(self.time))

    def until(
        self,
        *,
        days_since_trigger: float | None = None,
        detections: int | None = None,
        mjd: float | None = None,
    ) -> LightCurves:
        """What was known at some moment: the observations up to there, of all objects.

        Parameters
        ----------
        days_since_trigger : float
            Days since `trigger`; objects without one keep all observations.
        detections : int
            Up to and including this detection, counted from the trigger; objects with fewer stay whole.
        mjd : float
            One of the three.
        """
        if sum(choice is not None for choice in (days_since_trigger, detections, mjd)) != 1:
            raise UsageError("until() needs one of days_since_trigger, detections, mjd")
        if any(np.isnan(choice) for choice in (days_since_trigger, detections, mjd) if choice is not None):
            raise UsageError("until NaN", hint="Give a number.")
        if mjd is not None:
            return self.where(self.time <= mjd)
        trigger = self.trigger[self.owner]
        if days_since_trigger is not None:
            return self.where((self.time - trigger <= days_since_trigger) | np.isnan(trigger))
        if detections is None or detections < 1:
            raise UsageError(f"until {detections} detections", hint="Ask for one at least.")
        counted = self.detected & self.usable & (self.time >= trigger)
        before = np.concatenate([[0], np.cumsum(counted, dtype=np.int64)])
        running = before[1:] - before[self.offsets[:-1]][self.owner]
        # A row after the last detection wanted, but not yet a detection itself, is known only later: cut.
        return self.where((running < detections) | ((running == detections) & counted))

    def with_objects(self, table: Any, *, report: list[str] | None = None) -> LightCurves:
        """The same light curves with metadata from another table, joined by ``object_id``.

        Columns of `table` replace those of the same name; objects without a row there have them missing. Ids
        that stand only in `table` are left out. Both are told to `report`.
        """
        added = object_table(table)
        joined = assemble(
            one_array(self.objects.column("object_id")),
            added,
            Notes.of(report),
            survey="",
            dereddened=False,
            add_unmatched=False,
        )
        given = set(added.column_names)
        objects = self.objects
        for name in joined.column_names:
            if name in given and name not in ("object_id", "flags", "survey"):
                objects = with_column(objects, name, joined.column(name))
        replaced = Flag.REDSHIFT_SENTINEL if given & {"redshift", "photoz"} else Flag(0)
        flags = (self.object_flags & ~np.uint16(replaced)) | np.asarray(joined.column("flags"), np.uint16)
        objects = with_column(objects, "flags", pa.array(flags, pa.uint16()))
        return dataclasses.replace(self, objects=objects)

    def with_labels(
        self, labels: Mapping[str, str | None] | Sequence[str | None], *, scheme: str | None = None
    ) -> LightCurves:
        """The same light curves with these labels.

        Parameters
        ----------
        labels : mapping of object_id to label, or n labels
            Objects that a mapping leaves out have no label.
        scheme : str, optional
            Turn the labels into TNS names (`ClassTree.canonical`); without it they stay as they are.
        """
        values = (
            [labels.get(name) for name in self.object_id] if isinstance(labels, Mapping) else list(labels)
        )
        if len(values) != len(self):
            raise UsageError(f"{len(values)} labels for {len(self)} objects")
        if scheme is not None:
            tree = class_tree()
            values = [None if one is None else tree.canonical(one, scheme=scheme) for one in values]
        objects = with_column(self.objects, "label", pa.array(values, pa.string()))
        return dataclasses.replace(self, objects=objects)

    @staticmethod
    def concat(parts: Sequence[LightCurves]) -> LightCurves:
        """All objects of several light curves, one part after the other; passbands are matched by name.

        Raises
        ------
        DataError
            When an object stands in two parts: read its rows together with `from_columns` instead. When two
            surveys of one name have different numbers: names tell passbands apart.
        """
        parts = list(parts)
        if not parts:
            raise UsageError("concat() needs at least one LightCurves")
        rows, bands = stacked(parts, where="concat")
        counts = np.concatenate([part.n_observations for part in parts])
        objects = stack([part.objects for part in parts])
        refuse_repeated(objects.column("object_id"))
        return LightCurves(
            **vars(rows),
            offsets=np.concatenate([[0], np.cumsum(counts)]),
            bands=bands,
            objects=objects,
        )
