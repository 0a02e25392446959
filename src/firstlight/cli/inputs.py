"""Where light curves come from: a path, standard input, or a packaged sample, and how they are read."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firstlight.cli.options import asked, existing
from firstlight.cli.talking import Report
from firstlight.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from firstlight.lightcurves import LightCurves

STDIN, SAMPLE = "-", "sample:"


@dataclass(frozen=True)
class Input:
    """Light curves as the command line names them: the files, and the options that read them."""

    path: Any
    options: Mapping[str, Any]

    def read(self, report: list[str]) -> LightCurves:
        """All light curves of the file; what is noticed goes to `report`."""
        from firstlight import readers

        return readers.read(self.path, report=report, **self.options)

    def batches(self, report: list[str]) -> Iterator[LightCurves]:
        """The light curves in batches of whole objects, in bounded memory where the file is a table."""
        from firstlight import readers

        yield from readers.read_batches(self.path, report=report, **self.options)


@contextmanager
def open_input(name: str | tuple[str, ...], options: Mapping[str, Any]) -> Iterator[Input]:
    """The input that the options of reading describe, checked before anything is read."""
    if {"flux_unit", "zero_point"} <= options.keys():
        raise UsageError("--flux-unit and --zero-point say the same thing", hint="Give one of them.")
    if "objects" in options:
        options = {**options, "objects": existing(options["objects"], "--objects")}
    with _path(name) as path:
        _check_names(options.get("survey"), options.get("flux_unit"), options.get("format"))
        yield Input(path, options)


def read_curves(name: str | tuple[str, ...], options: Mapping[str, Any]) -> LightCurves:
    """All light curves of a source; what was wrong with them is told on stderr."""
    report = Report()
    with open_input(name, options) as source:
        curves = source.read(report.notes)
        report.add(curves)
    report.say()
    return curves


def _check_names(survey: str | None, flux_unit: str | None, format: str | None) -> None:
    """Names that no file has to be read for."""
    from firstlight import facts, readers

    if survey is not None:
        with asked("--survey"):
            facts.survey(survey)
    if flux_unit is not None:
        with asked("--flux-unit"):
            facts.zero_point(flux_unit)
    if format not in (None, "auto", *readers.formats()):
        with asked("--format"):
            raise UnknownNameError("format", format, readers.formats())


@contextmanager
def _path(name: str | tuple[str, ...]) -> Iterator[Any]:
    """The path of what was typed, or a list of them."""
    from firstlight.readers.many_files import is_several

    if not isinstance(name, str):
        for one in name:
            if one == STDIN or one.startswith(SAMPLE):
                raise UsageError(f"'{one}' stands alone", where="TABLE", hint="Read it by itself.")
        yield [one if is_several(one) else existing(one, "TABLE") for one in name]
        return
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
        yield name if is_several(name) else existing(name, "TABLE")


def _spooled(folder: Path) -> Path:
    """Standard input as a file, its suffix told from its first bytes."""
    content = sys.stdin.buffer.read()
    suffix = ".parquet" if content[:4] == b"PAR1" else ".arrow" if content[:6] == b"ARROW1" else ".csv"
    path = folder / f"standard-input{suffix}"
    path.write_bytes(content)
    return path
