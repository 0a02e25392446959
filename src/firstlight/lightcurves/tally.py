"""What became of many objects: how many there are, what was flagged, and what has no answer, and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from firstlight._types import Bits, Bools
from firstlight.lightcurves.flags import flag_names


@dataclass(frozen=True)
class Tally:
    """Counts over objects; two of them are added up.

    Attributes
    ----------
    objects, observations : int
    flagged : Counter of str
        Objects by flag (`firstlight.Flag`, in lower case); one object may have several.
    unanswered : Counter of str
        Objects without probabilities by their flags, or ``"before the trigger"``.
    """

    objects: int = 0
    observations: int = 0
    flagged: Counter[str] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, flags: Bits, observations: int, missing: Bools | None = None) -> Tally:
        """The tally of objects with these flags, uint16 [n], of which those in `missing` have no answer."""
        flagged, unanswered = Counter[str](), Counter[str]()
        for value, count in _counted(flags):
            flagged.update(dict.fromkeys(flag_names(value), count))
        for value, count in () if missing is None else _counted(flags[missing]):
            unanswered[" + ".join(flag_names(value)) or "before the trigger"] += count
        return cls(len(flags), observations, flagged, unanswered)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.objects + other.objects,
            self.observations + other.observations,
            self.flagged + other.flagged,
            self.unanswered + other.unanswered,
        )

    def lines(self) -> list[str]:
        """The tally for a reader, a line a fact.

        Examples
        --------
        >>> Tally(3, 1200, Counter(no_detection=1), Counter(no_detection=1)).lines()[1]
        '1 object without probabilities (null): 1 no_detection'
        """
        text = [f"{_number(self.objects, 'object')}, {_number(self.observations, 'observation')}"]
        if self.unanswered:
            number = _number(self.unanswered.total(), "object")
            text.append(f"{number} without probabilities (null): {_listed(self.unanswered)}")
        if self.flagged:
            text.append(f"objects with flags: {_listed(self.flagged)}")
        return text


def _counted(flags: Bits) -> list[tuple[int, int]]:
    values, counts = np.unique(flags, return_counts=True)
    return list(zip(values.tolist(), counts.tolist(), strict=True))


def _number(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in counts.most_common())
