"""What streams remember of their objects: one record of fixed size an object, and the few rows still needed.

A record holds what features compare a new row with (the last row, the last one in another passband, the
brightest, and the same in each passband), not the rows themselves, so it does not grow with the light curve:
136 bytes and 40 a passband, 376 for the six of LSST. Beside it stand the rows that a trigger would still read
(`before_days` bounds them) and those of the latest time, by which a repeated delivery is known. Keeping all
rows of a season and preparing them anew would have been less code, but costs ten times the bytes and the
time of a whole light curve at every observation.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan
from typing import Any, NamedTuple

import numpy as np

from firstlight._types import AnyArray, Bools, Floats, Floats32, Ints
from firstlight.errors import DataError, UsageError
from firstlight.facts import Passband, Survey
from firstlight.lightcurves.rows import ragged_positions
from firstlight.preparation.records import BAND, BLANK, NAMES, blank, record
from firstlight.preparation.rules import Filters

VERSION = 1
_HEADER = struct.Struct("<BBBx")  # version, passbands, metadata columns
KEPT = np.dtype(
    [
        ("time", "<f8"),
        ("flux", "<f8"),
        ("flux_err", "<f8"),
        ("limit", "<f8"),
        ("passband", "<i2"),
        ("pending", "?"),
    ]
)
"""A row that is still needed, as it was given; `pending`: a trigger would read it."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One observation of one object.

    Attributes
    ----------
    time : float
        MJD, in the time scale of the survey.
    passband : str
        Qualified name, ``"ZTF-g"``, or another spelling of the survey of the state.
    flux, flux_err : float
        nJy; NaN where there is only a limit.
    detected : bool or None
        None: decided by the signal to noise of the survey.
    limit : float
        5 sigma upper limit, nJy; NaN where a flux was measured.
    """

    time: float
    passband: str
    flux: float = nan
    flux_err: float = nan
    detected: bool | None = None
    limit: float = nan


class KeptRow(NamedTuple):
    """A row of one object that is still needed; see `KEPT`."""

    time: float
    flux: float
    flux_err: float
    limit: float
    passband: int
    pending: bool


class State(NamedTuple):
    """Where a stream stands with one object; an immutable value.

    Attributes
    ----------
    survey : Survey
        Whose passbands the observations name.
    filters : Filters
        They as the preparation reads them, in plain numbers.
    record, bands : mapping, tuple of mappings
        See `States.columns`; never changed in place.
    kept : tuple of KeptRow
        Rows that are still needed.
    context, context_mask : float32 [1, K], bool [1, K]
        Metadata as a network reads them.
    """

    survey: Survey
    filters: Filters
    record: Mapping[str, Any]
    bands: tuple[Mapping[str, Any], ...]
    kept: tuple[KeptRow, ...]
    context: Floats32
    context_mask: Bools

    @property
    def season(self) -> int:
        """Number of triggers so far; a new one starts the network anew."""
        return int(self.record["season"])

    @property
    def flags(self) -> int:
        """`Flag` bits of what was met so far."""
        return int(self.record["flags"])

    @property
    def n_detections(self) -> int:
        """Detections read in this season."""
        return int(self.record["detections"])

    @property
    def pending(self) -> int:
        """Rows that wait for a trigger."""
        return sum(one.pending for one in self.kept)


@dataclass(frozen=True, eq=False)
class States:
    """Where streams stand with n objects; an immutable value.

    Attributes
    ----------
    bands : tuple of Passband
        B passbands, by whose place the records speak of them.
    filters : Filters
        The same as the preparation reads them.
    columns : record [n]
        ``trigger`` (MJD; NaN before it happened) and whether it was ``given``; ``season``, the number of
        triggers so far; ``last_detection`` (MJD), ``brightest`` (nJy) and ``all_detections`` of all seasons;
        ``bar``, the flux that a detection of this season must reach before it speaks (-inf once it does);
        ``latest...``, the observation before which none may come; ``flags``; ``mwebv``, the dust still to be
        undone. Of this season: ``rows``, ``detections``, the ``last`` row, the last one in an ``other``
        passband, the ``best``, and in ``bands`` the same by passband. Times in days since the trigger.
    context, context_mask : float32 [n, K], bool [n, K]
        Metadata as a network reads them.
    kept : `KEPT` [R]
        Rows that are still needed, in order of time.
    offsets : int64 [n + 1]
        Object k owns ``kept[offsets[k]:offsets[k + 1]]``.
    """

    bands: tuple[Passband, ...]
    filters: Filters
    columns: AnyArray
    context: Floats32
    context_mask: Bools
    kept: AnyArray
    offsets: Ints

    def __len__(self) -> int:
        return len(self.columns)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, States) and self.bands == other.bands and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]

    @staticmethod
    def of(states: Sequence[State]) -> States:
        """Streams of one survey and one preparation, each started alone, as columns."""
        if not states or any(one.survey != states[0].survey for one in states):
            raise UsageError("states of one survey are needed", where="States.of")
        first = states[0]
        kind = record(len(first.bands))
        rows = [
            (*(one.record[key] for key in NAMES), [tuple(band.values()) for band in one.bands])
            for one in states
        ]
        return States(
            bands=first.survey.passbands,
            filters=Filters(*(np.array(column) for column in first.filters)),
            columns=np.array(rows, kind),
            context=np.concatenate([one.context for one in states]),
            context_mask=np.concatenate([one.context_mask for one in states]),
            kept=np.array([tuple(row) for one in states for row in one.kept], KEPT),
            offsets=np.append(0, np.cumsum([len(one.kept) for one in states])),
        )

    def one(self, k: int, survey: Survey) -> State:
        """The stream of object `k`, to go on alone; the passbands are those of `survey`."""
        if survey.passbands != self.bands:
            raise UsageError(f"these are not the passbands of {survey.name}", where="States.one")
        *values, bands = self.columns[k].item()
        return State(
            survey=survey,
            filters=self.filters.plain,
            record=dict(zip(NAMES, values, strict=True)),
            bands=tuple(dict(zip(BAND, band, strict=True)) for band in np.array(bands).tolist()),
            kept=tuple(KeptRow(*row) for row in self.kept[self.offsets[k] : self.offsets[k + 1]].tolist()),
            context=self.context[k : k + 1],
            context_mask=self.context_mask[k : k + 1],
        )

    def take(self, which: AnyArray) -> States:
        """Some objects, by position or mask, in the order asked."""
        index = np.arange(len(self))[which]
        counts = np.diff(self.offsets)[index]
        return replace(
            self,
            columns=self.columns[index],
            context=self.context[index],
            context_mask=self.context_mask[index],
            kept=self.kept[ragged_positions(self.offsets[index], counts)[0]],
            offsets=np.concatenate([[0], np.cumsum(counts)]),
        )

    @staticmethod
    def concat(parts: Sequence[States]) -> States:
        """All objects of several states of one preparation and one set of passbands."""
        if not parts or any(part.bands != parts[0].bands for part in parts):
            raise UsageError("states of one stream are needed", where="concat")
        names = ("columns", "context", "context_mask", "kept")
        arrays: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in names
        }
        counts = np.concatenate([np.diff(part.offsets) for part in parts])
        return replace(parts[0], **arrays, offsets=np.concatenate([[0], np.cumsum(counts)]))

    def to_bytes(self) -> list[bytes]:
        """Each object as bytes, which `Preparation.states_of` reads; nothing of a classifier is in them."""
        head = _HEADER.pack(VERSION, len(self.bands), self.context.shape[1])
        ends = self.offsets.tolist()
        return [
            head
            + self.columns[k].tobytes()
            + self.context[k].tobytes()
            + self.context_mask[k].tobytes()
            + self.kept[ends[k] : ends[k + 1]].tobytes()
            for k in range(len(self))
        ]


def beginning(
    bands: tuple[Passband, ...],
    filters: Filters,
    *,
    context: Floats32,
    context_mask: Bools,
    trigger: Floats,
    mwebv: Floats,
) -> States:
    """The states of n objects before their first observation; `trigger` and `mwebv` are NaN where unknown."""
    columns = blank(len(trigger), len(bands))
    given = np.isfinite(trigger)
    columns["trigger"], columns["given"] = np.where(given, trigger, np.nan), given
    columns["season"], columns["mwebv"] = given, mwebv
    return States(
        bands=bands,
        filters=filters,
        columns=columns,
        context=context,
        context_mask=context_mask,
        kept=np.zeros(0, KEPT),
        offsets=np.zeros(len(columns) + 1, np.int64),
    )


def beginning_of_one(
    survey: Survey,
    filters: Filters,
    *,
    context: Floats32,
    context_mask: Bools,
    trigger: float,
    mwebv: float,
    flags: int,
) -> State:
    """The state of one object before its first observation."""
    given = isfinite(trigger)
    begun = {"trigger": trigger if given else nan, "given": given, "season": int(given), "mwebv": mwebv}
    return State(
        survey=survey,
        filters=filters,
        record={**BLANK, **begun, "flags": flags},
        bands=(BAND,) * len(survey.passbands),
        kept=(),
        context=context,
        context_mask=context_mask,
    )


def from_bytes(data: Iterable[bytes], bands: tuple[Passband, ...], filters: Filters, metadata: int) -> States:
    """The states that `States.to_bytes` wrote, of these passbands and so many metadata columns.

    Raises
    ------
    DataError
        For bytes of another version, of other passbands or metadata, or cut short.
    """
    kind = record(len(bands))
    fixed = np.dtype(
        [("head", "V4"), ("record", kind), ("context", "<f4", (metadata,)), ("mask", "?", (metadata,))]
    )
    expected = _HEADER.pack(VERSION, len(bands), metadata)
    data = list(data)
    for k, one in enumerate(data):
        if one[:1] != expected[:1]:
            raise DataError(
                "was written by another version", where=f"state {k}", hint="Start anew from the observations."
            )
        if one[:4] != expected or len(one) < fixed.itemsize or (len(one) - fixed.itemsize) % KEPT.itemsize:
            raise DataError(
                f"is none of {len(bands)} passbands and {metadata} metadata columns, or was cut short",
                where=f"state {k}",
            )
    head = np.frombuffer(b"".join(one[: fixed.itemsize] for one in data), fixed)
    counts = np.array([(len(one) - fixed.itemsize) // KEPT.itemsize for one in data], np.int64)
    return States(
        bands=bands,
        filters=filters,
        columns=head["record"].copy(),
        context=np.ascontiguousarray(head["context"], np.float32),
        context_mask=np.ascontiguousarray(head["mask"]),
        kept=np.frombuffer(b"".join(one[fixed.itemsize :] for one in data), KEPT),
        offsets=np.append(0, np.cumsum(counts)),
    )
