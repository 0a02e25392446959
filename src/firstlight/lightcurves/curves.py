"""LightCurves: many light curves as one ragged, columnar, immutable value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from firstlight._types import AnyArray, Bits, Bools, Floats, Ints
from firstlight.errors import DataError, UnknownNameError, UsageError
from firstlight.facts import Passband, class_tree, passband, united
from firstlight.lightcurves import conversion
from firstlight.lightcurves.flags import OF_METADATA, UNUSABLE, Flag
from firstlight.lightcurves.from_columns import from_columns, refuse_unequal
from firstlight.lightcurves.object_table import assemble
from firstlight.lightcurves.rows import Rows, object_flags, ragged_positions
from firstlight.notes import Notes
from firstlight.tables.columns import floats
from firstlight.tables.objects import (
    NUMBERS,
    object_table,
    one_array,
    refuse_repeated,
    replace,
    same_tables,
    stack,
)

_ROWS = ("time", "passband", "flux", "flux_err", "detected", "limit", "flags")
_TYPES: dict[str, type] = {
    "time": np.float64,
    "passband": np.int16,
    "flux": np.float64,
    "flux_err": np.float64,
    "detected": np.bool_,
    "limit": np.float64,
    "flags": np.uint16,
    "offsets": np.int64,
}


@dataclass(frozen=True, eq=False, repr=False)
class LightCurves:
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

    time: Floats
    passband: NDArray[np.int16]
    flux: Floats
    flux_err: Floats
    detected: Bools
    limit: Floats
    flags: Bits
    offsets: Ints
    bands: tuple[Passband, ...]
    objects: pa.Table

    def __post_init__(self) -> None:
        for name, dtype in _TYPES.items():
            array: AnyArray = np.ascontiguousarray(getattr(self, name), dtype=dtype).view()
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        object.__setattr__(self, "bands", tuple(passband(band) for band in self.bands))
        refuse_unequal({name: len(getattr(self, name)) for name in _ROWS})
        if len(self.offsets) != self.objects.num_rows + 1 or self.offsets[-1] != len(self.time):
            sizes = f"{self.objects.num_rows} objects, {len(self.offsets)} offsets, {len(self.time)} rows"
            raise DataError(f"{sizes} do not fit")

    from_columns = staticmethod(from_columns)
    observations = conversion.observations
    to_arrow, from_arrow = conversion.to_arrow, staticmethod(conversion.from_arrow)
    to_pandas, from_pandas = conversion.to_pandas, staticmethod(conversion.from_pandas)
    to_polars, from_polars = conversion.to_polars, staticmethod(conversion.from_polars)
    to_astropy, from_astropy = conversion.to_astropy, staticmethod(conversion.from_astropy)
    to_nested_pandas = conversion.to_nested_pandas
    from_nested_pandas = staticmethod(conversion.from_nested_pandas)

    @classmethod
    def from_rows(
        cls,
        rows: Rows,
        offsets: Ints,
        bands: tuple[Passband, ...],
        objects: pa.Table,
    ) -> LightCurves:
        """Light curves from rows that are in order; object flags follow from them and from the metadata."""
        own = np.asarray(objects.column("flags").to_numpy(), dtype=np.uint16) & np.uint16(OF_METADATA)
        flags = own | object_flags(rows, offsets)
        position = objects.column_names.index("flags")
        objects = objects.set_column(position, "flags", pa.array(flags, pa.uint16()))
        return cls(**vars(rows), offsets=offsets, bands=bands, objects=objects)

    def __reduce__(self) -> tuple[Any, ...]:
        # By the constructor, so that the arrays are read-only in the other process too.
        return LightCurves, tuple(getattr(self, one.name) for one in fields(self))

    def __len__(self) -> int:
        return int(self.objects.num_rows)

    def __repr__(self) -> str:
        bands = ", ".join(self.passbands[:8]) + (", ..." if len(self.passbands) > 8 else "")
        objects = f"{len(self):,} object{'' if len(self) == 1 else 's'}"
        return f"LightCurves({objects}, {len(self.time):,} observations; {bands})"

    def __iter__(self) -> Iterator[LightCurves]:
        return (self[index] for index in range(len(self)))

    @cached_property
    def passbands(self) -> tuple[str, ...]:
        """The qualified names of `bands`, e.g. ``"ZTF-g"``."""
        return tuple(band.name for band in self.bands)

    @cached_property
    def object_id(self) -> list[str]:
        """The names of the objects, in order."""
        names: list[str] = self.objects.column("object_id").to_pylist()
        return names

    @property
    def n_observations(self) -> Ints:
        """Rows of each object, usable or not; shape (n,)."""
        return np.diff(self.offsets)

    @cached_property
    def usable(self) -> Bools:
        """Whether each observation takes part: passband known and no flag that forbids it; shape (N,)."""
        return np.asarray(((self.flags & np.uint16(UNUSABLE)) == 0) & (self.passband >= 0))

    @cached_property
    def owner(self) -> Ints:
        """The object of each observation; shape (N,)."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.n_observations)

    @property
    def object_flags(self) -> Bits:
        """The flags of the objects; shape (n,)."""
        return np.asarray(self.objects.column("flags").to_numpy(), dtype=np.uint16)

    def per_object(self, rows: AnyArray) -> Ints:
        """How many of each object's observations a mask of shape (N,) marks; shape (n,)."""
        return np.diff(np.concatenate([[0], np.cumsum(rows, dtype=np.int64)])[self.offsets])

    @cached_property
    def trigger(self) -> Floats:
        """MJD of each trigger: ``trigger_mjd`` where known, else the first usable detection; shape (n,)."""
        first = np.full(len(self), np.nan)
        rows = np.flatnonzero(self.detected & self.usable)
        # Backwards, so that the earliest row of an object is the one that stays.
        first[self.owner[rows[::-1]]] = self.time[rows[::-1]]
        given = self.column("trigger_mjd")
        return np.where(np.isnan(given), first, given)

    def column(self, name: str) -> AnyArray:
        """A column of `objects` as an array of shape (n,).

        Numbers with NaN for missing, truth values, or an object array of str and None. The standard columns
        of the metadata need not be there: they are then all missing.

        Raises
        ------
        UnknownNameError
            With the nearest column.
        """
        if name not in self.objects.column_names:
            if name in NUMBERS:
                return np.full(len(self), np.nan)
            if name == "label":
                return np.full(len(self), None, dtype=object)
            raise UnknownNameError("column", name, self.objects.column_names, where="objects")
        values = self.objects.column(name)
        kind = values.type
        if pa.types.is_floating(kind) or (pa.types.is_integer(kind) and values.null_count):
            return floats(values, name)
        if pa.types.is_integer(kind) or (pa.types.is_boolean(kind) and not values.null_count):
            return np.asarray(values.to_numpy())
        array = np.empty(len(self), dtype=object)
        array[:] = values.to_pylist()
        return array

    def equals(self, other: LightCurves) -> bool:
        """Whether both hold the same observations and metadata, bit by bit; NaN equals NaN."""
        return (
            self.bands == other.bands
            and all(_identical(getattr(self, name), getattr(other, name)) for name in _TYPES)
            and same_tables(self.objects, other.objects)
        )

    def __getitem__(self, key: Any) -> LightCurves:
        """Objects by position, name, slice, mask, positions, or a list of names."""
        if isinstance(key, str):
            return self.take([self._position(key)])
        if isinstance(key, slice):
            return self.take(np.arange(len(self))[key])
        if isinstance(key, (int, np.integer)) and not isinstance(key, (bool, np.bool_)):
            index = int(key)
            if not -len(self) <= index < len(self):
                raise IndexError(f"object {index} of {len(self)}")
            return self.take([index % len(self)])
        if isinstance(key, (list, tuple)) and key and all(isinstance(one, str) for one in key):
            return self.take([self._position(one) for one in key])
        return self.take(key)

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
        index = np.asarray(which)
        if index.dtype == bool:
            if index.shape != (len(self),):
                raise UsageError(f"a mask of shape {index.shape} for {len(self)} objects")
            index = np.flatnonzero(index)
        elif index.size == 0:
            index = np.zeros(0, np.int64)
        elif index.dtype.kind not in "iu":
            raise UsageError(f"objects are chosen by position, name or mask, not by {index.dtype}")
        if index.size and not (-len(self) <= index.min() and index.max() < len(self)):
            raise IndexError(f"positions {index.min()} ... {index.max()} of {len(self)} objects")
        index = np.where(index < 0, index + len(self), index).astype(np.int64)
        counts = self.n_observations[index]
        contiguous = index.size > 0 and bool(np.all(np.diff(index) == 1))
        rows: Any = (
            slice(self.offsets[index[0]], self.offsets[index[-1] + 1])
            if contiguous
            else ragged_positions(self.offsets[index], counts)[0]
        )
        return LightCurves(
            **{name: getattr(self, name)[rows] for name in _ROWS},
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
        kept = Rows(**{name: getattr(self, name)[mask] for name in _ROWS})
        return LightCurves.from_rows(kept, offsets, self.bands, self.objects)

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
                objects = replace(objects, name, joined.column(name))
        replaced = Flag.REDSHIFT_SENTINEL if given & {"redshift", "photoz"} else Flag(0)
        flags = (self.object_flags & ~np.uint16(replaced)) | np.asarray(joined.column("flags"), np.uint16)
        objects = replace(objects, "flags", pa.array(flags, pa.uint16()))
        return LightCurves(
            **{name: getattr(self, name) for name in (*_ROWS, "offsets")},
            bands=self.bands,
            objects=objects,
        )

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
        objects = replace(self.objects, "label", pa.array(values, pa.string()))
        return LightCurves(
            **{name: getattr(self, name) for name in (*_ROWS, "offsets")},
            bands=self.bands,
            objects=objects,
        )

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
        bands = united(*(part.bands for part in parts), where="concat")
        position = {band.name: code for code, band in enumerate(bands)}
        tables = [np.array([*(position[name] for name in part.passbands), -1], np.int16) for part in parts]
        arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _ROWS}
        arrays["passband"] = np.concatenate(
            [table[part.passband] for table, part in zip(tables, parts, strict=True)]
        )
        counts = np.concatenate([part.n_observations for part in parts])
        objects = stack([part.objects for part in parts])
        refuse_repeated(objects.column("object_id"))
        return LightCurves(
            **arrays,
            offsets=np.concatenate([[0], np.cumsum(counts)]),
            bands=bands,
            objects=objects,
        )


def _identical(one: AnyArray, other: AnyArray) -> bool:
    return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))
