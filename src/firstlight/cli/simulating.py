"""``simulate``: light curves of a survey from first principles, into a folder; and how real they look."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from firstlight.cli import options as opt
from firstlight.cli.commands import INPUT, OUTPUT, Command, OneOf, option
from firstlight.cli.talking import drawn_or_told, progress, say
from firstlight.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from firstlight.simulate import PopulationTable
    from firstlight.simulate.product import Progress

SURVEY, OBJECTS = "Survey", "Objects"


def parts() -> tuple[str, ...]:
    """What ``--against`` takes."""
    from firstlight.simulate import PARTS

    return PARTS


@click.command(
    short_help="Make light curves of a survey, with known classes.",
    cls=Command,
    examples=[
        "firstlight simulate TDE=200 AGN=200 SLSN-I=200 --survey LSST --out simulated",
        "firstlight simulate 'SN Ia=2000' 'SN II=500' --survey ZTF --data templates --workers 2 --out sim",
        "firstlight simulate all --each 500 --survey LSST --data templates --out simulated",
        "firstlight simulate 'SN Ia' 'SN II' --volumetric 500 --survey ZTF --data templates --out simulated",
        "firstlight simulate 'SN Ia=600' --survey ZTF --data templates --classified --check ztf --out sim",
    ],
    calls=["simulate", "simulate.write_survey", "simulate.Visits", "simulate.Selection"],
)
@click.argument("classes", nargs=-1, required=True, metavar="CLASS[=NUMBER]...")
@option(
    "--survey",
    group=SURVEY,
    required=True,
    help="ZTF or LSST; another survey, or a TOML file of your own, with --visits.",
)
@option(
    "--product",
    group=SURVEY,
    type=click.Choice(["alerts", "forced"]),
    help="Detections and limits before them, or flux and error at every visit. Default: alerts for ZTF, "
    "forced elsewhere.",
)
@option(
    "--visits",
    "log",
    group=SURVEY,
    metavar="TABLE",
    help="Visit log of your own: mjd, ra, dec, band and, if known, m5 (5-sigma depth).",
)
@option("--radius", group=SURVEY, type=float, shown=1.75, help="Degrees around a pointing that it covers.")
@option(
    "--donors",
    group=SURVEY,
    metavar="FOLDER",
    help="Take visits and depths of the objects of this folder (objects.parquet and photometry.parquet, as "
    "PLAsTiCC in plasticc-8) instead of a log.",
)
@option("--deep-share", group=SURVEY, type=float, help="Share of the objects in deep drilling fields.")
@option(
    "--data",
    group=INPUT,
    metavar="FOLDER",
    help="Templates, visit logs, filters, dust. Without it: SLSN-I, TDE, AGN, SN Ib-Ca-rich, PISN, ILOT and "
    "Microlensing, under a sample of the visits of ZTF and LSST; with sncosmo also what it downloads.",
)
@option(
    "--populations",
    "population_table",
    group=INPUT,
    metavar="TABLE",
    help="Population table: 'literature' (nothing in it was fitted to labelled light curves), or a TOML file "
    'of your own, with extends = "populations" and what it changes.',
)
@option(
    "--allow-code",
    group=INPUT,
    is_flag=True,
    help='Call functions that --populations names (model = "module:function"): they may do whatever you may.',
)
@option(
    "--each",
    "count",
    group=OBJECTS,
    type=click.IntRange(min=1),
    shown=1000,
    help="Objects of a class that is named without a number.",
)
@option(
    "--volumetric",
    group=OBJECTS,
    type=click.FloatRange(min=0.0, min_open=True),
    metavar="AREA",
    help="As many events as happen in so many square degrees x years, instead of numbers.",
)
@option("--detections", group=OBJECTS, type=click.IntRange(min=1), help="Detections at least. Default: 3 for "
        "ZTF, else those of a trigger.")  # fmt: skip
@option("--faintest", group=OBJECTS, type=float, help="Brightest magnitude at least. Default: 20.2 for ZTF.")
@option(
    "--classified",
    group=OBJECTS,
    is_flag=True,
    help="Only as many as a spectroscopic survey classifies (ZTF: Bright Transient Survey; LSST: as the "
    "training set of PLAsTiCC).",
)
@option("--deeper", group=OBJECTS, type=float, shown=0.0, help="Magnitudes that --classified goes deeper.")
@option(
    "--seed",
    group=OBJECTS,
    type=click.IntRange(min=0),
    shown=0,
    help="Same seed, same light curves, with any number of workers.",
)
@option("--workers", group=OUTPUT, type=click.IntRange(min=1), shown=1, help="Processes.")
@option(
    "--out",
    "-o",
    group=OUTPUT,
    required=True,
    metavar="FOLDER",
    help="Folder for objects/ and photometry/ (Parquet) and survey.json; an interrupted run goes on in it.",
)
@option(
    "--join",
    "joined",
    group=OUTPUT,
    is_flag=True,
    help="Also objects.parquet and photometry.parquet, each with all files of its kind.",
)
@option(
    "--check",
    group=OUTPUT,
    metavar="FOLDER",
    help="Compare with the light curves of the benchmark ztf-5 (ZTF) or plasticc-8 (LSST) in this folder: a "
    "report with figures into OUT/realism.",
)
@option(
    "--against",
    group=OUTPUT,
    type=OneOf("part of a benchmark", parts),
    shown="pool",
    help="What --check compares with: all of the pool, half of it (choose settings on the first, state the "
    "numbers of the second), or the wide survey of plasticc-8 (without --classified).",
)
def simulate(
    classes: tuple[str, ...],
    survey: str,
    out: str,
    check: str | None = None,
    against: str | None = None,
    **given: Any,
) -> None:
    """Simulate light curves of transients as a survey sees them, into a folder of Parquet files.

    A CLASS is a TNS name, with the number of objects that trigger (TDE=200); 'all' means every class but
    the anomalies SN Ib-Ca-rich, Kilonova, PISN, ILOT and Microlensing, which are made when they are named;
    without --data only those that need no templates. Columns sim_* are the truth. Every command and
    firstlight.read take the folder as it is: firstlight classify OUT.
    """
    from firstlight.facts import survey as survey_of
    from firstlight.simulate import Selection, Visits, real_light_curves, write_survey

    if Path(out).is_file():
        raise UsageError(f"'{out}' is a file", where="--out", hint="Name a folder.")
    with opt.asked("--survey"):
        survey_of(survey)
    real = None
    if check is not None:  # read before anything is simulated
        part = {} if against is None else {"part": against}
        real = real_light_curves(survey_of(survey).name, opt.existing(check, "--check"), **part)
    counts = _counts(classes, given.pop("count", 1000), given.get("population_table"), given.get("data"))
    with progress("simulating") as tick:
        folder = write_survey(
            out,
            survey,
            counts,
            visits=Visits(**_taken(given, Visits)),
            selection=Selection(**_taken(given, Selection)),
            progress=_steps(tick),
            **given,
        )
    told = json.loads((folder / "survey.json").read_text(encoding="utf-8"))
    for name, number in told["triggered"].items():
        say(f"{name}: {number:,} objects of {told['generated'][name]:,} events")
    say(f"written to {out}")
    if real is not None:
        _check(folder, *real)


def _taken(given: dict[str, Any], kind: Any) -> dict[str, Any]:
    """The fields of the dataclass `kind`, taken out of `given`."""
    return {one.name: given.pop(one.name) for one in fields(kind) if one.name in given}


def _counts(words: tuple[str, ...], each: int, table: str | None, data: str | None) -> dict[str, int]:
    """Objects by class of ``NAME=NUMBER``, ``NAME`` and ``all``."""
    from firstlight.simulate import population_table

    known = population_table(table)
    counts: dict[str, int] = {}
    for word in words:
        name, sign, number = word.rpartition("=")
        if not sign:
            name, number = word, str(each)
        if not number.isdigit() or int(number) == 0:
            raise UsageError(f"'{word}' is not of the form CLASS=NUMBER", where="CLASS")
        if name == "all":
            for line in _left_out(known, data is not None):
                say(line)
        for one in known.usual(data=data is not None) if name == "all" else [name]:
            if one not in known.classes:
                with opt.asked("CLASS"):
                    raise UnknownNameError("class", one, known.classes)
            if one in counts:
                raise UsageError(f"'{one}' is given twice", where="CLASS")
            counts[one] = int(number)
    return counts


def _left_out(known: PopulationTable, data: bool) -> Iterator[str]:
    """What 'all' does not hold, and how to get it."""
    made, every = known.usual(data=data), known.usual(data=True)
    templates = [name for name in every if name not in made]
    if templates:
        yield f"all: {', '.join(made)}"
        yield (
            f"not in it, since their spectral templates do not come with firstlight: {', '.join(templates)}. "
            "Give a folder of templates as --data; or pip install 'firstlight[simulate]' and name the "
            "classes, whose templates sncosmo then downloads once"
        )
    rare = [name for name in known.classes if name not in every]
    if rare:
        yield f"not in it either, made when they are named: {', '.join(rare)}"


def _steps(tick: Any) -> Progress:
    """Progress by class as steps of one count."""
    done: dict[str, int] = {}

    def step(name: str, now: int, wanted: int) -> None:
        tick(now - done.get(name, 0))
        done[name] = now

    return step


def _check(folder: Path, real: Any, name: str) -> None:
    import firstlight
    from firstlight.simulate import check

    made = firstlight.read(folder)
    report = check(made, real, name=name)
    drawn = drawn_or_told(report.figures)
    report.write(folder / "realism", drawn)
    click.echo(report.to_markdown(), nl=False)
    say(f"report written to {folder / 'realism'}, with {len(drawn)} figures")
