"""Times as MJD: which system and unit they are in, and what is no time of any survey."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from firstlight._arithmetic import Arithmetic
from firstlight._types import Floats
from firstlight.errors import Arg, DataError, UnknownNameError
from firstlight.facts import bounds
from firstlight.facts.bounds import Mistaken
from firstlight.notes import Notes
from firstlight.tables.columns import plain
from firstlight.tables.dates import days

_DAYS = ("", "d", "day", "days", "mjd", "jd")
_SYSTEMS = {"mjd": ("MJD", "modified Julian"), "jd": ("Julian dates", "Julian")}


@dataclass(frozen=True)
class Clock:
    """What is said of a column of times.

    Attributes
    ----------
    system : {"mjd", "jd"}
    column : str
        Its name, for messages.
    unit : str
        As its table states it; days where it does not.
    argument : str
        The argument by which the caller says the system.
    """

    system: Literal["mjd", "jd"] = "mjd"
    column: str = "time"
    unit: str = ""
    argument: str = "time_system"

    def __post_init__(self) -> None:
        if self.system not in _SYSTEMS:
            raise UnknownNameError(self.argument.replace("_", " "), self.system, _SYSTEMS)

    @property
    def epoch(self) -> float:
        """MJD of its zero, with the sign turned."""
        return bounds().jd_minus_mjd if self.system == "jd" else 0.0

    @property
    def _name(self) -> str:
        return f"column '{self.column}'"

    def modified_julian(self, times: Any, notes: Notes) -> Floats:
        """Times as MJD; what is no time of a survey keeps its value, is told, and is dropped with its row.

        Raises
        ------
        DataError
            When times are of the other system, come in too coarse steps, or most of them are no MJD.
        """
        written = days(times, self.column, notes, of_dates=self.epoch)
        self._refuse_coarse(times, written, notes)
        unit = (self.unit or str(getattr(times, "unit", None) or "")).strip()
        in_days = unit.casefold() in _DAYS
        self._refuse_mistaken(written, in_days, notes)
        if not in_days:
            written = written * _factor(unit, self._name, notes)
        mjd = written - self.epoch if self.epoch else written
        return self._in_bounds(mjd, written, notes)

    def _refuse_coarse(self, times: Any, written: Floats, notes: Notes) -> None:
        kind = times.type if isinstance(times, (pa.Array, pa.ChunkedArray)) else plain(times).type
        if not pa.types.is_floating(kind) or kind.bit_width == 64 or not len(written):
            return
        largest = np.nanmax(np.abs(written), initial=0.0)
        narrow = np.float16 if kind.bit_width == 16 else np.float32
        with np.errstate(over="ignore"):
            step = float(np.spacing(narrow(largest))) if np.isfinite(narrow(largest)) else np.inf
        if narrow is np.float16 or step > bounds().step:
            raise notes.error(
                f"{self._name} holds times as float{kind.bit_width}, in steps of {step:g} days",
                hint="Give float64.",
            )

    def _refuse_mistaken(self, written: Floats, in_days: bool, notes: Notes) -> None:
        """Raise where times are of the other system, or most of them of another unit."""
        early, late = bounds().time
        here, apart = self.epoch, bounds().jd_minus_mjd
        there = 0.0 if here else apart
        with np.errstate(invalid="ignore"):
            other = (written >= early + there) & (written <= late + there)
            known = np.isfinite(written) & (written != 0.0) & ~np.isin(written, bounds().sentinels)
            if other.any():
                low, high = written[other].min(), written[other].max()
                right = "jd" if self.system == "mjd" else "mjd"
                raise notes.error(
                    f"{self._name} holds {low:.10g} ... {high:.10g}: not {_SYSTEMS[self.system][0]}",
                    hint=(f"If these are {_SYSTEMS[right][1]} dates say ", Arg(self.argument, right), "."),
                )
            if not known.any():
                return
            typical = float(np.median(written[known]))
            for one in bounds().mistaken:
                explained = not in_days and not one.what.startswith("Unix")
                if one.low <= typical <= one.high and not explained:
                    raise notes.error(
                        f"{self._name} holds {written[known].min():.10g} ... {written[known].max():.10g}: "
                        f"not {_SYSTEMS[self.system][0]}, but perhaps {one.what}",
                        hint=one.hint,
                    )

    def _in_bounds(self, mjd: Floats, written: Floats, notes: Notes) -> Floats:
        early, late = bounds().time
        with np.errstate(invalid="ignore"):
            bad = np.isfinite(mjd) & ~((mjd >= early) & (mjd <= late))
            codes = bad & ((written == 0.0) | np.isin(written, bounds().sentinels))
        wrong = int((bad & ~codes).sum())
        known = int(np.isfinite(mjd).sum() - codes.sum())
        if wrong and 2 * wrong > known:
            values = written[bad & ~codes]
            raise notes.error(
                f"{self._name} holds {values.min():.10g} ... {values.max():.10g}: "
                f"no {_SYSTEMS[self.system][0]} between the years 1900 and 2100",
                hint="Give days; where they count from another day, add the MJD of that day.",
            )
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            notes.add(
                f"{self._name}: {int(bad.sum()):,} of {len(mjd):,} times lie outside the years 1900 to 2100, "
                f"read as missing (first: {written[row]:g} in data row {row + 1:,})"
            )
        return mjd


def _factor(unit: str, column: str, notes: Notes) -> float:
    """Days of one unit."""
    from astropy import units

    try:
        factor = float(units.Unit(unit).to("d"))
    except (ValueError, TypeError, units.UnitConversionError):
        raise notes.error(
            f"{column} has unit '{unit}', which is no unit of time", hint="Give days."
        ) from None
    if factor != 1.0:
        notes.add(f"{column} is given in '{unit}', read as days")
    return factor


def is_time(mjd: Any, a: Arithmetic) -> Any:
    """Whether a time can be one of a survey; of a column or of one number."""
    early, late = bounds().time
    return a.finite(mjd) & (mjd >= early) & (mjd <= late)


def refuse_other(mjd: float) -> None:
    """Raise for one time that is no MJD but a Julian date, or in another unit."""
    early, late = (one + bounds().jd_minus_mjd for one in bounds().time)
    for one in (Mistaken("a Julian date", early, late, "Subtract 2400000.5."), *bounds().mistaken):
        if one.low <= mjd <= one.high:
            raise DataError(f"holds {mjd:.10g}: not MJD, but perhaps {one.what}", where="time", hint=one.hint)
