"""``study``: arms against label budgets, from a TOML file into a folder with tables, figures and verdicts."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from firstlight.cli import options as opt
from firstlight.cli.commands import INPUT, OUTPUT, Command, option
from firstlight.cli.talking import say
from firstlight.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from firstlight.study.running import CellProgress


@click.command(
    short_help="Measure what labels are worth to each way to a classifier.",
    cls=Command,
    examples=[
        "firstlight study studies/ztf5.toml --data path/to/ztf --out runs/ztf5 --workers 2",
        "firstlight study studies/ztf5.toml --data path/to/ztf --out runs/ztf5 --only features",
    ],
    calls=["study"],
)
@click.argument("file", metavar="FILE.toml")
@option(
    "--data",
    group=INPUT,
    metavar="FOLDER",
    help="Folder of the benchmark's data, or to which the paths of [data] are relative.",
)
@option(
    "--only",
    group=INPUT,
    multiple=True,
    metavar="ARM,…",
    help="Run only these arms; commas, or repeated. What others have in OUT stays in the report.",
)
@option(
    "--out",
    "-o",
    group=OUTPUT,
    metavar="FOLDER",
    help="Folder of the results; a study that was stopped goes on in it. Default: runs/NAME.",
)
@option("--workers", group=OUTPUT, type=click.IntRange(min=1), shown=1, help="Processes.")
def study(
    file: str, data: str | None = None, only: tuple[str, ...] = (), out: str | None = None, **given: Any
) -> None:
    """Train every arm of a study on every label budget and draw, score it, and say what came out.

    The folder then holds scores, medians and costs (Parquet and CSV), verdicts.json, figures/, and
    report.html with all of it on one page. A cell that is there already is not computed again, unless its
    arm was changed.
    """
    try:
        import torch  # noqa: F401
    except ImportError:
        raise MissingExtraError("torch", "learn", where="firstlight study") from None
    from firstlight.study import read_study, sentences, verdicts
    from firstlight.study import study as run

    with opt.asked("FILE"):
        plan = read_study(opt.existing(file, "FILE"))
    if data is not None:
        opt.existing(data, "--data")
    home = Path(out) if out is not None else Path("runs") / plan.name
    if home.is_file():
        raise UsageError(f"'{home}' is a file", where="--out", hint="Name a folder.")
    with opt.asked("--only"):
        names = {arm.name for arm in plan.arms}  # which may hold commas themselves
        chosen = [name for one in only for name in ([one] if one in names else opt.listed((one,)))]
        for name in chosen:
            plan.arm(name)
    with _cells() as progress:
        found = run(plan, data=data, out=home, only=chosen, progress=progress, **given)
    found.write(home)
    for name, lines in sentences(found, verdicts(found)).items():
        click.echo(f"{name}")
        for line in lines:
            click.echo(f"  {line}")
    say(f"report written to {home / 'report.html'}")


@contextmanager
def _cells() -> Iterator[CellProgress | None]:
    """CellProgress by cells on stderr, only where that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    began, first = time.monotonic(), 0

    def tell(done: int, total: int, words: str, seconds: float) -> None:
        nonlocal first
        first = first or done
        passed = time.monotonic() - began
        left = passed / (done - first + 1) * (total - done)
        say(f"{done:,}/{total:,}  {words}  {seconds:.1f} s  (about {left / 60:.0f} min left)")

    yield tell
