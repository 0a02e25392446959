"""What a command tells on stderr: progress on a terminal, and at the end what happened to which objects."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray

from firstlight.cli.spelling import spelling
from firstlight.errors import MissingExtraError
from firstlight.notes import worded

if TYPE_CHECKING:
    from firstlight.classifier import Classifier, Predictions
    from firstlight.lightcurves import LightCurves


def say(text: str) -> None:
    """Print one line on stderr."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


class Aloud(list[str]):
    """Lines of a report that are also said as they come."""

    def append(self, line: str) -> None:
        """Add a line, and say it in words of the command that runs."""
        super().append(line)
        say(worded(line, spelling(click.get_current_context().command)))


def about(model: Classifier) -> str:
    """Which classifier gave an answer, and with which weights."""
    return f"classifier {model.name} {model.version}, weights {model.hash[:12]}"


def drawn_or_told(draw: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The figures of a report, or none and a word about it where matplotlib is not installed."""
    try:
        return draw()
    except MissingExtraError as error:
        say(f"no figures: {error}")
        return {}


Tick = Callable[[int], None]


@contextmanager
def progress(what: str, unit: str = "objects") -> Iterator[Tick]:
    """A running count on one line of stderr, only where that is a terminal; takes how many more are done."""
    if not sys.stderr.isatty():
        yield lambda more: None
        return
    done, began, shown = 0, time.monotonic(), 0.0

    def tick(more: int) -> None:
        nonlocal done, shown
        done += more
        now = time.monotonic()
        if now - shown > 0.1:
            shown = now
            rate = done / max(now - began, 1e-3)
            sys.stderr.write(f"\r\033[K{what}: {done:,} {unit}, {rate:,.0f}/s")
            sys.stderr.flush()

    try:
        yield tick
    finally:
        sys.stderr.write("\r\033[K")
        sys.stderr.flush()


@dataclass
class Report:
    """Counts over all batches of a run, and the notes of the reader."""

    objects: int = 0
    observations: int = 0
    unanswered: int = 0
    flagged: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def read(self, curves: LightCurves) -> None:
        """Count what a reader gave."""
        self._count(curves.column("flags"), len(curves.time))

    def _count(self, flags: NDArray[Any], observations: int) -> None:
        self.objects += len(flags)
        self.observations += observations
        from firstlight.lightcurves import flag_names

        for value, count in zip(*np.unique(flags, return_counts=True), strict=True):
            for name in flag_names(int(value)):
                self.flagged[name] += int(count)

    def classified(self, predictions: Predictions) -> None:
        """Count which objects have no probabilities, and why."""
        self._count(predictions.flags, int(predictions.offsets[-1]))
        from firstlight.lightcurves import flag_names

        missing = np.isnan(predictions.final()).all(axis=1)
        self.unanswered += int(missing.sum())
        for value, count in zip(*np.unique(predictions.flags[missing], return_counts=True), strict=True):
            self.reasons[" + ".join(flag_names(int(value))) or "before the trigger"] += int(count)

    def lines(self) -> list[str]:
        """The report, a line a fact."""
        text = [f"{_count(self.objects, 'object')}, {_count(self.observations, 'observation')}"]
        if self.unanswered:
            why = _listed(self.reasons)
            text.append(f"{_count(self.unanswered, 'object')} without probabilities (null): {why}")
        if self.flagged:
            text.append(f"objects with flags: {_listed(self.flagged)}")
        return text + list(dict.fromkeys(self.notes))

    def say(self, last: Sequence[str] = ()) -> None:
        """Print the report on stderr, in words of the command that runs."""
        spell = spelling(click.get_current_context().command)
        for line in [*self.lines(), *last]:
            say(worded(line, spell))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in counts.most_common())
