"""Where light curves come from: a path, standard input, or a packaged sample, and how they are read."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firstlight.cli.options import asked, existing, pairs
from firstlight.cli.report import Report
from firstlight.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from firstlight.lightcurves import LightCurves

STDIN, SAMPLE = "-", "sample:"
TABLES = (".csv", ".tsv", ".ecsv", ".parquet", ".parq", ".pq", ".feather", ".arrow", ".ipc", ".gz")
BATCH_ROWS = 1_000_000  # observations in memory at once: about 60 MB of columns


@dataclass(frozen=True)
class Source:
    """A table of light curves as the command line names it; reads it whole or in batches."""

    name: str
    path: Path
    survey: str | None
    format: str
    options: Mapping[str, Any]
    notes: list[str] = field(default_factory=list)

    def read(self) -> LightCurves:
        """All light curves of the source."""
        from firstlight import readers

        if self.format == "auto" and not self._is_table():
            return readers.read(self.path, survey=self.survey, report=self.notes, **self.options)
        if self.format not in ("auto", "table"):
            return readers.read(
                self.path, format=self.format, survey=self.survey, report=self.notes, **self.options
            )
        return readers.read_table(self.path, survey=self.survey, report=self.notes, **self.options)

    def batches(self) -> Iterator[LightCurves]:
        """The light curves in batches of whole objects, in bounded memory where the source is a table."""
        from firstlight import readers

        if self.format not in ("auto", "table") or (self.format == "auto" and not self._is_table()):
            yield self.read()
            return
        yield from readers.read_batches(
            self.path, survey=self.survey, report=self.notes, max_rows=BATCH_ROWS, **self.options
        )

    def _is_table(self) -> bool:
        return self.path.suffix.lower() in TABLES


def packaged_samples() -> dict[str, Path]:
    """The light curves that come with firstlight, by name."""
    folder = Path(str(resources.files("firstlight"))) / "samples"
    return {path.stem: path for path in sorted(folder.glob("*.parquet"))}


@contextmanager
def open_source(
    name: str,
    *,
    survey: str | None = None,
    flux_unit: str | None = None,
    zero_point: float | None = None,
    time_format: str | None = None,
    objects: str | None = None,
    label: str | None = None,
    column: Sequence[str] = (),
    unknown_passbands: str = "error",
    dereddened: bool = False,
    format: str = "auto",
) -> Iterator[Source]:
    """The source that the options describe, checked before anything is read."""
    if flux_unit is not None and zero_point is not None:
        raise UsageError("--flux-unit and --zero-point say the same thing", hint="Give one of them.")
    options: dict[str, Any] = {
        "flux_unit": flux_unit,
        "zero_point": zero_point,
        "time_format": time_format,
        "objects": existing(objects, "--objects") if objects is not None else None,
        "label": label,
        "columns": {role: spelling or None for role, spelling in pairs(column, "--column").items()} or None,
        "unknown_passbands": unknown_passbands,
        "dereddened": dereddened or None,
    }
    with _path(name) as path:
        if name.startswith(SAMPLE):
            survey, options["flux_unit"] = survey or "ZTF", flux_unit or "nJy"
        _check_facts(survey, flux_unit)
        yield Source(
            name,
            path,
            survey,
            format,
            {key: value for key, value in options.items() if value is not None},
        )


def read_curves(name: str, **options: Any) -> LightCurves:
    """All light curves of a source; what was wrong with them is told on stderr."""
    report = Report()
    with open_source(name, **options) as source:
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
        known = packaged_samples()
        if name.removeprefix(SAMPLE) not in known:
            raise UnknownNameError("sample", name, [f"{SAMPLE}{item}" for item in known], where="TABLE")
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
