"""Where light curves come from: a path, standard input, or a packaged sample, and how they are read."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firstlight.cli.options import asked, existing
from firstlight.cli.talking import Report
from firstlight.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from firstlight.lightcurves import LightCurves

STDIN, SAMPLE = "-", "sample:"
TABLE_ONLY = ("flux_unit", "zero_point", "time_format", "columns", "dereddened")  # these say: a generic table
BATCH_ROWS = 1_000_000  # observations in memory at once: about 60 MB of columns


@dataclass(frozen=True)
class Source:
    """Light curves as the command line names them; reads them whole or in batches."""

    name: str
    path: Path
    format: str
    options: Mapping[str, Any]
    notes: list[str] = field(default_factory=list)

    def read(self) -> LightCurves:
        """All light curves of the source."""
        from firstlight import readers

        return readers.read(self.path, self.format, report=self.notes, **self.options)

    def batches(self) -> Iterator[LightCurves]:
        """The light curves in batches of whole objects, in bounded memory where the source is a table."""
        from firstlight import readers

        generic = any(name in self.options for name in TABLE_ONLY)
        chosen = self.format if self.format != "auto" or generic else readers.sniff(self.path)
        if chosen in ("auto", "table"):
            yield from readers.read_batches(self.path, max_rows=BATCH_ROWS, report=self.notes, **self.options)
        else:
            yield self.read()


@contextmanager
def open_source(name: str, options: Mapping[str, Any]) -> Iterator[Source]:
    """The source that the options of reading describe, checked before anything is read."""
    given = dict(options)
    if {"flux_unit", "zero_point"} <= given.keys():
        raise UsageError("--flux-unit and --zero-point say the same thing", hint="Give one of them.")
    if "objects" in given:
        given["objects"] = existing(given["objects"], "--objects")
    with _path(name) as path:
        _check_facts(given.get("survey"), given.get("flux_unit"))
        yield Source(name, path, given.pop("format", "auto"), given)


def read_curves(name: str, options: Mapping[str, Any]) -> LightCurves:
    """All light curves of a source; what was wrong with them is told on stderr."""
    report = Report()
    with open_source(name, options) as source:
        curves = source.read()
        report.read(curves)
        report.notes += source.notes
    report.say()
    return curves


def _check_facts(survey: str | None, flux_unit: str | None) -> None:
    """Names that no file has to be read for."""
    from firstlight import facts

    if survey is not None:
        with asked("--survey"):
            facts.survey(survey)
    if flux_unit is not None:
        with asked("--flux-unit"):
            facts.zero_point(flux_unit)


@contextmanager
def _path(name: str) -> Iterator[Path]:
    if name.startswith(SAMPLE):
        from firstlight.readers import samples

        known = samples()
        if name.removeprefix(SAMPLE) not in known:
            with asked("TABLE"):
                raise UnknownNameError("sample", name, [f"{SAMPLE}{item}" for item in known])
        yield known[name.removeprefix(SAMPLE)]
    elif name == STDIN:
        with tempfile.TemporaryDirectory(prefix="firstlight-") as folder:
            yield _spooled(Path(folder))
    else:
        yield existing(name, "TABLE")


def _spooled(folder: Path) -> Path:
    """Standard input as a file, its suffix told from its first bytes."""
    content = sys.stdin.buffer.read()
    suffix = ".parquet" if content[:4] == b"PAR1" else ".arrow" if content[:6] == b"ARROW1" else ".csv"
    path = folder / f"standard-input{suffix}"
    path.write_bytes(content)
    return path
