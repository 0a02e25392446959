"""The columns of light curves, and what follows from them: a ragged, immutable value."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from firstlight._types import AnyArray, Bits, Bools, Floats, Ints
from firstlight.errors import DataError, UnknownNameError
from firstlight.facts import Passband, passband, united
from firstlight.lightcurves.flags import OF_METADATA, UNUSABLE
from firstlight.lightcurves.rows import ROWS, Rows, object_flags, refuse_unequal
from firstlight.tables.columns import floats
from firstlight.tables.objects import (
    NUMBERS,
    same_tables,
)

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
class Columnar:
    """The columns of n light curves with N observations in all: see `LightCurves`, which adds to them."""

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
        refuse_unequal({name: len(getattr(self, name)) for name in ROWS})
        if len(self.offsets) != self.objects.num_rows + 1 or self.offsets[-1] != len(self.time):
            sizes = f"{self.objects.num_rows} objects, {len(self.offsets)} offsets, {len(self.time)} rows"
            raise DataError(f"{sizes} do not fit")

    @classmethod
    def from_rows(
        cls,
        rows: Rows,
        offsets: Ints,
        bands: tuple[Passband, ...],
        objects: pa.Table,
    ) -> Self:
        """Light curves from rows that are in order; object flags follow from them and from the metadata."""
        own = np.asarray(objects.column("flags").to_numpy(), dtype=np.uint16) & np.uint16(OF_METADATA)
        flags = own | object_flags(rows, offsets)
        position = objects.column_names.index("flags")
        objects = objects.set_column(position, "flags", pa.array(flags, pa.uint16()))
        return cls(**vars(rows), offsets=offsets, bands=bands, objects=objects)

    def __reduce__(self) -> tuple[Any, ...]:
        # By the constructor, so that the arrays are read-only in the other process too.
        return type(self), tuple(getattr(self, one.name) for one in dataclasses.fields(self))

    def __len__(self) -> int:
        return int(self.objects.num_rows)

    def __repr__(self) -> str:
        bands = ", ".join(self.passbands[:8]) + (", ..." if len(self.passbands) > 8 else "")
        objects = f"{len(self):,} object{'' if len(self) == 1 else 's'}"
        return f"LightCurves({objects}, {len(self.time):,} observations; {bands})"

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

    def equals(self, other: Columnar) -> bool:
        """Whether both hold the same observations and metadata, bit by bit; NaN equals NaN."""
        return (
            self.bands == other.bands
            and all(_identical(getattr(self, name), getattr(other, name)) for name in _TYPES)
            and same_tables(self.objects, other.objects)
        )


def stacked(parts: Sequence[Columnar], *, where: str = "") -> tuple[Rows, tuple[Passband, ...]]:
    """The rows of several light curves end to end, their passbands matched by name.

    Raises
    ------
    DataError
        When two surveys of one name have different numbers.
    """
    bands = united(*(part.bands for part in parts), where=where)
    code = {band.name: place for place, band in enumerate(bands)}
    columns: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ROWS}
    tables = (np.array([*(code[name] for name in part.passbands), -1], np.int16) for part in parts)
    columns["passband"] = np.concatenate(
        [table[part.passband] for table, part in zip(tables, parts, strict=True)]
    )
    return Rows(**columns), bands


def _identical(one: AnyArray, other: AnyArray) -> bool:
    return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))
