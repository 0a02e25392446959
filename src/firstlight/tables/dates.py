"""Times as they are written: days as numbers, timestamps, and dates in ISO 8601."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from firstlight._types import Bools, Floats
from firstlight.notes import Notes
from firstlight.tables.columns import floats, is_text, numbers, plain, trimmed

# MJD of 1970-01-01.
_UNIX_MJD = 40587.0
_DAY = 86_400_000_000_000  # ns
_DATE = (
    r"^(?P<year>\d{4})[-/](?P<month>\d{1,2})[-/](?P<day>\d{1,2})(?P<part>\.\d+)?"
    r"(?:[Tt ](?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d(?:\.\d*)?))?)?"
    r"\s*(?P<zone>[Zz]|UTC|[+-]\d\d(?::?\d\d)?)?$"
)


def days(column: Any, name: str, notes: Notes, *, of_dates: float = 0.0) -> Floats:
    """Times of a column as float64 days: as written, or MJD (UTC) of timestamps and dates in ISO 8601.

    Dates may end in a fraction of a day, or in a time with ``Z`` or an offset. What is neither a number nor a
    date is missing, and told.

    Parameters
    ----------
    of_dates : float
        Added to the MJD of dates, where the numbers beside them count from elsewhere.

    Raises
    ------
    DataError
        When the column holds something, and no cell of it can be read.
    """
    array = plain(column, name, where=notes.where)
    if pa.types.is_timestamp(array.type) or pa.types.is_date(array.type):
        zone = getattr(array.type, "tz", None)
        nanoseconds = array.cast(pa.timestamp("ns", tz=zone)).cast(pa.int64())
        return _mjd(floats(nanoseconds.cast(pa.float64(), safe=False), name)) + of_dates
    if not is_text(array.type):
        return numbers(array, name, notes)
    text = trimmed(array)
    parts = pc.extract_regex(text, _DATE)
    if parts.null_count == len(parts):
        return numbers(text, name, notes, needed=True)
    nanoseconds, known = _nanoseconds(parts)
    dates = np.where(known, _mjd(nanoseconds), np.nan) + of_dates
    rest = pc.if_else(pa.array(known), None, text)
    return np.where(known, dates, numbers(rest, name, notes, what="dates or numbers"))


def _mjd(nanoseconds: Any) -> Floats:
    return np.asarray(nanoseconds / 86_400e9 + _UNIX_MJD)


def _nanoseconds(parts: pa.StructArray) -> tuple[Floats, Bools]:
    """Nanoseconds since 1970 (UTC) of the parts of dates, and which of them are dates of the calendar."""

    def number(name: str) -> Floats:
        cells = pc.if_else(pc.equal(parts.field(name), ""), "0", parts.field(name))
        return np.asarray(cells.cast(pa.float64()).fill_null(0.0).to_numpy(zero_copy_only=False))

    year, month, day, hour, minute, second = map(number, ("year", "month", "day", "hour", "minute", "second"))
    fraction = number("part")
    whole = (month >= 1) & (month <= 12)
    months = ((year - 1970) * 12 + np.where(whole, month, 1) - 1).astype(np.int64).astype("datetime64[M]")
    first, end = months.astype("datetime64[D]"), (months + 1).astype("datetime64[D]")
    known = whole & (day >= 1) & (day <= (end - first).astype(np.int64))
    known &= (hour < 24) & (minute < 60) & (second < 61) & np.asarray(pc.is_valid(parts))
    clock = np.rint(second * 1e9) + (hour * 60 + minute) * 60e9 + np.rint(fraction * _DAY) - _offset(parts)
    date = (first.astype(np.int64) + day.astype(np.int64) - 1) * _DAY
    return (date + clock.astype(np.int64)).astype(np.float64), known


def _offset(parts: pa.StructArray) -> Floats:
    """Nanoseconds by which each clock is ahead of UTC."""
    zones = parts.field("zone").dictionary_encode()
    ahead = [0.0]
    for zone in zones.dictionary.to_pylist():
        digits = "".join(filter(str.isdigit, zone or "")).ljust(4, "0")
        minutes = int(digits[:2]) * 60 + int(digits[2:4])
        ahead.append((-1.0 if zone and zone.startswith("-") else 1.0) * minutes * 60e9)
    return np.asarray(np.array(ahead)[np.asarray(zones.indices.fill_null(-1)) + 1])
