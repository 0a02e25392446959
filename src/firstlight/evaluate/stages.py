"""How much of a light curve has been seen: all, or up to a number of detections or of days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from firstlight.errors import UsageError

if TYPE_CHECKING:
    from firstlight.lightcurves import LightCurves


@dataclass(frozen=True)
class Stage:
    """A cut of the light curves; with neither number, none.

    Parameters
    ----------
    detections : int, optional
        Rows up to the k-th detection at or after the trigger (all rows of an object that has fewer).
    days : float, optional
        Rows up to this many days after the trigger.
    """

    detections: int | None = None
    days: float | None = None

    def __post_init__(self) -> None:
        if self.detections is not None and self.days is not None:
            raise UsageError("a stage is cut by detections or by days, not by both")

    @property
    def name(self) -> str:
        """What the tables call it: ``full``, ``3 detections``, ``20 days``."""
        if self.detections is not None:
            return f"{self.detections} detection{'s' * (self.detections != 1)}"
        return "full" if self.days is None else f"{self.days:g} day{'s' * (self.days != 1)}"

    @staticmethod
    def named(name: str) -> Stage:
        """The stage called ``full``, ``3 detections`` or ``20 days`` (``20d`` for short)."""
        text = name.strip().lower()
        if text == "full":
            return FULL
        number = text.rstrip("abcdefghijklmnopqrstuvwxyz ")
        unit = text[len(number) :].strip()
        try:
            if unit in ("detection", "detections"):
                return Stage(detections=int(number))
            if unit in ("d", "day", "days"):
                return Stage(days=float(number))
        except ValueError:
            pass
        raise UsageError(f"'{name}' is no stage", hint="Say 'full', '3 detections' or '20 days'.")

    def apply(self, curves: LightCurves) -> LightCurves:
        """`curves` cut to this stage."""
        if self.detections is not None:
            return curves.until(detections=self.detections)
        return curves if self.days is None else curves.until(days_since_trigger=self.days)


FULL = Stage()

#: The stages of both protocols.
STAGES = (
    *(Stage(detections=k) for k in (3, 5, 10)),
    *(Stage(days=float(d)) for d in (2, 5, 10, 20, 50, 100)),
    FULL,
)

#: The stages of a report: those of the protocols, and the first and later detections.
REPORT_STAGES = (*(Stage(detections=k) for k in (1, 2, 3, 5, 10, 20)), *STAGES[3:])
