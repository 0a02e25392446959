"""What a command tells on stderr: progress on a terminal, and at the end what happened to which objects."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from firstlight.cli.spelling import spelling
from firstlight.errors import MissingExtraError
from firstlight.notes import worded

if TYPE_CHECKING:
    from firstlight.classifier import Classifier, Predictions
    from firstlight.facts import Passband
    from firstlight.lightcurves import LightCurves, Tally


def say(text: str) -> None:
    """Print one line on stderr, where anybody listens."""
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)  # noqa: T201


def open_streams() -> None:
    """Open the standard streams that are closed, as under a daemon or cron: nothing comes, nobody listens.

    Otherwise the next file that is opened would be taken for one of them.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", encoding="utf-8"))


def flushed(code: int) -> int:
    """The exit code after all that was printed has left; 1 where something of it could not."""
    try:
        sys.stdout.flush()
    except OSError as error:
        if not isinstance(error, BrokenPipeError):
            say(f"firstlight: standard output: {error.strerror}.")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing more to say when it ends
        return code or 1
    return code


class Aloud(list[str]):
    """Lines of a report that are also said as they come."""

    def append(self, line: str) -> None:
        """Add a line, and say it in words of the command that runs."""
        super().append(line)
        say(worded(line, spelling(click.get_current_context().command)))


def about(model: Classifier, why: str = "") -> str:
    """Which classifier gave an answer, by which hash, and why where it was not named."""
    said = f"classifier {model.name} {model.version}, hash {model.hash[:12]}"
    return f"{said}: {why}" if why else said


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
    """What happened to the objects of a run, over all its batches, and the notes of the reader."""

    tally: Tally | None = None
    unread: dict[Passband, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, what: LightCurves | Predictions) -> None:
        """Count what was read, or answered."""
        more = what.tally()
        self.tally = more if self.tally is None else self.tally + more
        curves, unread = getattr(what, "curves", None), getattr(what, "unread", {})
        for band in () if curves is None else curves.bands:
            if band.name in unread:
                self.unread[band] = self.unread.get(band, 0) + unread[band.name]

    def say(self, last: Sequence[str] = ()) -> None:
        """Print the report on stderr, in words of the command that runs."""
        spell = spelling(click.get_current_context().command)
        counted = [] if self.tally is None else self.tally.lines()
        if self.unread:
            rows = sum(self.unread.values())
            each = ", ".join(map(_unread, self.unread.items()))
            counted.append(f"{rows:,} observations in passbands that the classifier does not read: {each}")
        for line in [*counted, *(worded(note, spell) for note in dict.fromkeys(self.notes)), *last]:
            say(line)


def _unread(found: tuple[Passband, int]) -> str:
    """A passband that is not read, how often, and who reads it."""
    from firstlight.classifier import who_reads

    band, rows = found
    others = ", ".join(who_reads(band))
    return f"{rows:,} in {band.name}, which {f'{others} can read' if others else 'no packaged one reads'}"
