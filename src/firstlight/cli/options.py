"""The options that several commands share, and how their text becomes values of Python."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from firstlight.cli.commands import CLASSIFIER, INPUT, OUTPUT, Decorator, Function, option
from firstlight.errors import (
    Arg,
    CheckpointError,
    FirstlightError,
    UnknownNameError,
    UsageError,
    Words,
    joined,
)

if TYPE_CHECKING:
    from firstlight.classifier import Classifier
    from firstlight.lightcurves import LightCurves


def listed(values: Sequence[str]) -> tuple[str, ...]:
    """Names given with commas, repeated, or both."""
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())


def one_or_all(typed: tuple[str, ...]) -> str | tuple[str, ...]:
    """What was typed as the table: one path, or several that are read as one."""
    return typed[0] if len(typed) == 1 else typed


def paths(table: str | tuple[str, ...]) -> list[str]:
    """All paths of what was typed as the table."""
    return [table] if isinstance(table, str) else list(table)


def pairs(values: Sequence[str], where: str) -> dict[str, str]:
    """``NAME=VALUE`` texts as a mapping; an empty value is kept as ''."""
    found: dict[str, str] = {}
    for value in values:
        name, sign, content = value.partition("=")
        if not sign or not name.strip():
            raise UsageError(f"'{value}' is not of the form NAME=VALUE", where=where)
        if name.strip() in found:
            raise UsageError(f"'{name.strip()}' is given twice", where=where)
        found[name.strip()] = content.strip()
    return found


def columns(values: Sequence[str]) -> dict[str, str | None]:
    """Columns by role of ``--column``; an empty name leaves the role out."""
    from firstlight import readers

    chosen = {role: column or None for role, column in pairs(values, "--column").items()}
    with asked("--column"):
        for role in chosen:
            if role not in readers.column_roles():
                raise UnknownNameError("column role", role, readers.column_roles())
    return chosen


def priors(text: str | None) -> str | Mapping[str, float] | None:
    """Class priors of ``--priors``: None as stated, 'flat', or a mapping of class to share."""
    if text is None or text == "stated":
        return None
    if text == "flat":
        return text
    shares: dict[str, float] = {}
    for name, value in pairs(text.split(","), "--priors").items():
        try:
            shares[name] = float(value)
        except ValueError:
            raise UsageError(f"'{value}' is not a number", where=f"--priors {name}") from None
    return shares


@contextmanager
def asked(where: Words) -> Iterator[None]:
    """Errors inside come from what stands behind the option `where`: exit code 2, not 1.

    A checkpoint that is there but damaged is no mistake of the command line and stays as it is.
    """
    try:
        yield
    except (UsageError, CheckpointError):
        raise
    except FirstlightError as error:
        raise UsageError(error.what, where=joined(where, error.where, ": "), hint=error.hint) from error


def existing(path: str, where: str) -> Path:
    """The path of a file or folder that must be there; names the nearest one beside it where it is not."""
    found = Path(path)
    if found.exists():
        return found
    beside = [item.name for item in found.parent.iterdir()] if found.parent.is_dir() else []
    near = difflib.get_close_matches(found.name, beside, n=3, cutoff=0.6)
    hint = f"Did you mean '{found.with_name(near[0])}'?" if near else ""
    raise UsageError(f"there is no '{path}'", where=where, hint=hint)


def as_values(convert: Callable[[Any], Any]) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """A callback of click that gives the command what `convert` makes of the text that was typed."""
    return lambda ctx, param, text: convert(text) if text else None


_READING = (
    click.argument("table", nargs=-1, required=True, callback=lambda ctx, param, typed: one_or_all(typed)),
    option(
        "--survey",
        group=INPUT,
        help="Survey of the passbands: ZTF, LSST, Pan-STARRS, DES, ATLAS, or a TOML file of your own.",
    ),
    option(
        "--flux-unit",
        group=INPUT,
        help="Unit of the fluxes: nJy, uJy, mJy, Jy, FLUXCAL or maggies; AB magnitudes need none.",
    ),
    option(
        "--zero-point", group=INPUT, type=float, help="AB zero point of the fluxes in mag, instead of a unit."
    ),
    option(
        "--time-format", group=INPUT, type=click.Choice(["mjd", "jd"]), help="How times are written, in days."
    ),
    option(
        "--objects",
        group=INPUT,
        help="Second table, one row an object, joined by object_id: redshift, mwebv, ra, dec, label, …",
    ),
    option("--label", group=INPUT, help="Column that holds the class of each object, if not 'label'."),
    option(
        "--column",
        "columns",
        group=INPUT,
        multiple=True,
        callback=as_values(columns),
        metavar="ROLE=NAME",
        help="Which column plays a role, e.g. time=t or flux=f; may be repeated.",
    ),
    option(
        "--unknown-passbands",
        group=INPUT,
        type=click.Choice(["error", "drop"]),
        shown="error",
        help="What to do with rows in passbands that the survey does not know; dropped rows are flagged.",
    ),
    option(
        "--dereddened", group=INPUT, is_flag=True, help="Milky Way extinction is already out of these fluxes."
    ),
    option(
        "--object-id", group=INPUT, metavar="ID", help="Name of the object, for a file that does not say it."
    ),
    option(
        "--format",
        group=INPUT,
        metavar="NAME",
        shown="auto",
        help="Format of the file: auto (told from its content), table, snana, alerce, ztf-forced, …; an "
        "unknown name lists all.",
    ),
)
_LOADING = (
    option(
        "--classifier",
        group=CLASSIFIER,
        help="Name of a packaged classifier, or path of your own. Default: the packaged one of the survey.",
    ),
    option(
        "--threads",
        group=CLASSIFIER,
        type=click.IntRange(min=1),
        shown=1,
        help="Processor threads of the network.",
    ),
)
classes_option = option(
    "--classes",
    group=CLASSIFIER,
    multiple=True,
    callback=as_values(listed),
    metavar="NAME,…",
    help="Coarser classes to answer in, by TNS name; commas, or repeated. The rest is the column other.",
)
priors_option = option(
    "--priors",
    group=CLASSIFIER,
    callback=as_values(priors),
    metavar="flat|NAME=SHARE,…",
    help="Class fractions to expect, e.g. 'SN Ia=0.7,SN II=0.3'. Default: those that the classifier states.",
)
table_output = option(
    "--out",
    "-o",
    group=OUTPUT,
    shown="-",
    help="Table to write: .parquet, .csv, .feather, .arrow or .jsonl; '-' is CSV on standard output.",
)


def added(options: Sequence[Decorator[Any]]) -> Decorator[Any]:
    """A decorator that adds all of `options` to a command."""

    def add(command: Function) -> Function:
        for one in reversed(options):
            command = one(command)
        return command

    return add


reading_options = added(_READING)
"""The table and the options that read it; `reading` takes them out of what a command was given."""
loading_options = added(_LOADING)
"""``--classifier`` and ``--threads``; `classifier` takes them out of what a command was given."""

READING = (
    "survey", "flux_unit", "zero_point", "time_format", "objects", "label", "columns", "unknown_passbands",
    "dereddened", "object_id", "format",
)  # fmt: skip


def reading(given: dict[str, Any]) -> dict[str, Any]:
    """The options that read a table, taken out of `given`."""
    return {name: given.pop(name) for name in READING if name in given}


class Chosen:
    """The classifier of ``--classifier``, or where none was typed, that of the light curves given.

    Attributes
    ----------
    why : str
        Why it answers; "" where it was typed.
    """

    def __init__(self, named: str | None, threads: Mapping[str, Any]) -> None:
        self.why, self._threads = "", threads
        self._model = None if named is None else self._loaded(named)

    def _loaded(self, name: str) -> Classifier:
        from firstlight.classifier import load

        with asked("--classifier"):
            return load(name, **self._threads)

    def __call__(self, curves: LightCurves) -> Classifier:
        """The classifier for these light curves: that of those before them too, or an error."""
        from firstlight.classifier import default_for

        if self._model is not None and not self.why:
            return self._model
        name, why = default_for(curves)
        if self._model is None:
            self._model, self.why = self._loaded(name), why
        elif self._model.name != name:
            raise UsageError(
                f"the table began with light curves for the classifier {self._model.name} ({self.why}), and "
                f"goes on with others, for {name} ({why})",
                hint=("Name one for all of them: ", Arg("classifier", name), "."),
            )
        return self._model


def classifier(given: dict[str, Any]) -> Chosen:
    """The classifier of ``--classifier`` and ``--threads``, which are taken out of `given`."""
    threads = {name: given.pop(name) for name in ("threads",) if name in given}
    return Chosen(given.pop("classifier", None), threads)
