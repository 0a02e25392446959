"""How fast a survey is simulated: objects a second by class, memory, growth, and the time of a large run.

    python benchmarks/simulation.py --data FOLDER                 # FOLDER: the data folder of the simulator
    python benchmarks/simulation.py --parts rates --objects 40 --classes "TDE,SLSN-I"      # without a folder
    python benchmarks/simulation.py --data FOLDER --full OUT --workers 2                   # really makes it

Needs the base install only. `triggered/s` counts the light curves that a table gets, `generated/s` all
events that were drawn for them, most of them too faint, too far, or in a month without visits: where few
trigger, the second says what the synthesis does. Both are by processor time of one core (on an idle machine
the same as by the clock), the tables' columns included. Growth and memory are those of child processes that
write whole surveys of one, two and four times as many objects, their start included; cost is linear where
the seconds of a further 1,000 objects stay the same. A survey is drawn in blocks of 2,000 events, so up to
a block too many.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):  # before NumPy is imported
    os.environ.setdefault(name, "1")

from firstlight.simulate import populations, simulators, write_survey  # noqa: E402
from firstlight.simulate.populations import WITHOUT_DATA  # noqa: E402
from firstlight.simulate.survey_tables import to_tables  # noqa: E402

SURVEYS = ("ZTF", "LSST")
GOAL = 100.0  # triggered light curves a second and core, template classes
FULL, FULL_MINUTES, FULL_GB = 50_000, 60.0, 8.0  # light curves a survey, on two cores
GROWTH = {"ZTF": 4_000, "LSST": 2_000}  # objects of one class in the smallest of three surveys


@dataclass(frozen=True)
class Rate:
    """One class of one survey: objects that triggered, events drawn for them, seconds of the processor."""

    survey: str
    label: str
    source: str
    triggered: int
    generated: int
    seconds: float


@dataclass(frozen=True)
class Grown:
    """One survey written by a child process: seconds of the processor, peak memory in bytes."""

    survey: str
    label: str
    objects: int
    generated: int
    seconds: float
    memory: int


def rates(survey: str, labels: list[str], objects: int, data: str | None) -> list[Rate]:
    """Rates by class; what is read once (templates, visits) is not counted."""
    found = []
    for label, made in simulators(survey, labels, data=data).items():
        to_tables(label, 1, made.first(1, 1), made.view)
        began = time.process_time()
        kept = made.first(2, objects)
        to_tables(label, 2, kept, made.view)
        seconds = time.process_time() - began
        one = Rate(survey, label, made.population.source, len(kept), kept[-1].number + 1, seconds)
        found.append(one)
        print(line(one), flush=True)
    return found


def line(one: Rate) -> str:
    fast, drawn = one.triggered / one.seconds, one.generated / one.seconds
    goal = "" if one.source not in ("salt3", "templates") else ("yes" if fast >= GOAL else "no")
    share = one.triggered / one.generated
    return f"| {one.survey} | {one.label} | {fast:,.0f} | {drawn:,.0f} | {share:.1%} | {goal} |"


_CHILD = """
import json, resource, sys, time
from firstlight.simulate import write_survey
survey, label, objects, data, out = sys.argv[1:]
write_survey(out, survey, {label: int(objects)}, 3, data=data or None)
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"seconds": time.process_time(), "memory": memory}))
"""


def growth(survey: str, label: str, data: str | None) -> list[Grown]:
    """Surveys of one, two and four times as many objects."""
    scale, found = (1 if sys.platform == "darwin" else 1024), []
    for times in (1, 2, 4):
        objects = times * GROWTH[survey]
        with tempfile.TemporaryDirectory() as folder:
            words = [sys.executable, "-c", _CHILD, survey, label, str(objects), data or "", folder]
            said = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
            told = json.loads((Path(folder) / "survey.json").read_text(encoding="utf-8"))
        found.append(
            Grown(survey, label, objects, told["generated"][label], said["seconds"], said["memory"] * scale)
        )
        one, further = found[-1], "-"
        if len(found) > 1:
            more = (one.objects - found[-2].objects) / 1000.0
            further = f"{(one.seconds - found[-2].seconds) / more:.2f}"
        cells = (survey, label, f"{objects:,}", f"{one.seconds:.1f}", further, f"{one.memory / 1e6:.0f}")
        print(f"| {' | '.join(cells)} |", flush=True)
    return found


def extrapolated(found: list[Rate], survey: str, workers: int) -> float:
    """Minutes for `FULL` objects of a survey, equally many a class that a classifier learns."""
    learnt = {name for name, one in populations().items() if not one.held_out}
    mine = [one for one in found if one.survey == survey and one.label in learnt]
    each = FULL / len(mine)
    return sum(each * one.seconds / one.triggered for one in mine) / workers / 60.0


def full(folder: Path, data: str | None, workers: int) -> None:
    """Both surveys, really."""
    import resource

    labels = [name for name, one in populations().items() if not one.held_out]
    if data is None:
        labels = [name for name in labels if populations()[name].source in WITHOUT_DATA]
    each, rest = divmod(FULL, len(labels))
    counts = {label: each + (number < rest) for number, label in enumerate(labels)}
    print("\n| survey | light curves | minutes | on disk, MB |\n|---|---|---|---|")
    total = 0.0
    for survey in SURVEYS:
        began = time.perf_counter()
        out = write_survey(folder / survey.lower(), survey, counts, 4, data=data, workers=workers)
        minutes = (time.perf_counter() - began) / 60.0
        total += minutes
        size = sum(file.stat().st_size for file in out.rglob("*.parquet")) / 1e6
        print(f"| {survey} | {sum(counts.values()):,} | {minutes:.1f} | {size:,.0f} |", flush=True)
    scale = 1 if sys.platform == "darwin" else 1024
    here, child = (
        resource.getrusage(who).ru_maxrss * scale / 1e9
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    memory = here + (workers * child if workers > 1 else 0.0)
    print(
        f"\n{total:.1f} minutes with {workers} workers (goal {FULL_MINUTES:.0f}); at most {memory:.2f} GB: "
        f"{here:.2f} here, {child:.2f} in the largest worker (goal under {FULL_GB:.0f})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--data", default=None, help="data folder of the simulator; without: parametric classes"
    )
    parser.add_argument("--objects", type=int, default=200, help="objects that trigger, by class")
    parser.add_argument("--classes", default=None, help="names, with commas; default: all but the anomalies")
    parser.add_argument("--surveys", default=",".join(SURVEYS))
    parser.add_argument("--parts", default="rates,growth")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--full", type=Path, metavar="FOLDER", help="make 50,000 + 50,000 light curves there")
    parser.add_argument("--json", type=Path, help="store the numbers here")
    given = parser.parse_args()
    table = populations()
    labels = (
        given.classes.split(",")
        if given.classes
        else [name for name, one in table.items() if not one.held_out]
    )
    if given.data is None:
        labels = [name for name in labels if table[name].source in WITHOUT_DATA]
    surveys, parts = given.surveys.split(","), given.parts.split(",")
    told: dict[str, object] = {"machine": platform.processor() or platform.machine()}
    print(f"Python {platform.python_version()}, {told['machine']}, one core\n")
    if "rates" in parts:
        print("| survey | class | triggered/s | generated/s | trigger | >= 100 triggered/s |")
        print("|---|---|---|---|---|---|")
        found = [one for survey in surveys for one in rates(survey, labels, given.objects, given.data)]
        told["rates"] = [asdict(one) for one in found]
        minutes = {survey: extrapolated(found, survey, given.workers) for survey in surveys}
        told["minutes"] = minutes
        words = " + ".join(f"{minutes[one]:.1f} min {one}" for one in surveys)
        print(
            f"\n{FULL:,} light curves a survey with {given.workers} free cores: {words}, writing not counted"
        )
    if "growth" in parts:
        label = "SN Ia" if "SN Ia" in labels else labels[0]
        print("\n| survey | class | objects | processor, s | s a further 1,000 | peak memory, MB |")
        print("|---|---|---|---|---|---|")
        told["growth"] = [asdict(one) for survey in surveys for one in growth(survey, label, given.data)]
    if given.full is not None:
        full(given.full, given.data, given.workers)
    if given.json is not None:
        given.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
