"""Speed, memory and size of a classifier, as ratios to what ONNX Runtime alone needs.

    python benchmarks/speed.py --classifier ztf
    python benchmarks/speed.py --classifier ztf --install        # the size of a base install, in a fresh venv
    python benchmarks/speed.py --objects 2000 --parts stream     # quickly, one part

Needs the base install only. Everything runs on one thread. The light curves are made here: ZTF g and r in
turn, 60 observations over 60 days, each of them a detection, so that the network reads every row.

Each time is the best of several rounds, and things that are compared take turns within a round, so that
another process on the machine slows both. The second column counts processor time instead of the clock on
the wall: on an idle machine the two agree, on a busy one only the second can be compared. Goals are held
against the first, or with ``--clock processor`` against the second. Peak memory is that of a child process
that does the whole job.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

# Before NumPy, Arrow and ONNX Runtime are imported, here and in children.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "ARROW_IO_THREADS": "1",
}
os.environ.update(ONE_THREAD)

import numpy as np  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

import firstlight as fl  # noqa: E402

PARTS = ("import", "batch", "scaling", "process", "stream", "evaluate", "install")
OBSERVATIONS = 60
ROOT = Path(__file__).parents[1]


class Seconds(NamedTuple):
    """What a job took, by the clock on the wall and of the processor."""

    wall: float
    processor: float

    def rate(self, count: int) -> tuple[float, float]:
        return count / self.wall, count / self.processor

    def over(self, other: Seconds) -> tuple[float, float]:
        return self.wall / other.wall, self.processor / other.processor


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table. `value` may be a pair, by wall and by processor; `goal` is a bound of it."""

    what: str
    value: float | tuple[float, float]
    unit: str
    goal: float | None = None
    at_least: bool = False

    def values(self) -> tuple[float, ...]:
        return self.value if isinstance(self.value, tuple) else (self.value,)

    def met(self, clock: str) -> bool:
        value = self.values()[-1 if clock == "processor" else 0]
        return self.goal is None or (value >= self.goal if self.at_least else value <= self.goal)

    def cells(self, clock: str = "wall") -> list[str]:
        wall, *processor = [f"{number(value)} {self.unit}".strip() for value in self.values()]
        measured = [self.what, wall, *(processor or [""])]
        if self.goal is None:
            return [*measured, "", ""]
        goal = f"{'>=' if self.at_least else '<='} {number(self.goal)} {self.unit}".strip()
        return [*measured, goal, "yes" if self.met(clock) else "**no**"]


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def main() -> None:
    options = arguments()
    pa.set_cpu_count(1)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="firstlight-speed-") as folder:
        bench = Bench(options.classifier, options.objects, options.rounds, Path(folder))
        for part in options.parts:
            for row in getattr(bench, f"part_{part}")():
                rows.append(row)
                print(f"{row.what}: {' / '.join(map(number, row.values()))} {row.unit}", file=sys.stderr)
    print(report(options, rows))
    if options.json:
        found = {"machine": machine(), "classifier": options.classifier, "objects": options.objects}
        found["rows"] = [dataclasses.asdict(row) for row in rows]
        options.json.write_text(json.dumps(found, indent=1))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--classifier", default="ztf", help="packaged name or path of a checkpoint")
    parser.add_argument("--objects", type=int, default=20_000, help="light curves of the batch")
    parser.add_argument("--rounds", type=int, default=5, help="repetitions; the best one counts")
    parser.add_argument("--parts", default="", help=f"some of {', '.join(PARTS)}; all but install by default")
    parser.add_argument(
        "--clock", default="wall", choices=["wall", "processor"], help="which time the goals mean"
    )
    parser.add_argument("--install", action="store_true", help="measure the base install too (pip, a minute)")
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    options = parser.parse_args()
    options.parts = options.parts.split(",") if options.parts else list(PARTS[:-1])
    for part in options.parts:
        if part not in PARTS:
            parser.error(f"unknown part '{part}'; known: {', '.join(PARTS)}")
    if options.install and "install" not in options.parts:
        options.parts.append("install")
    return options


def report(options: argparse.Namespace, rows: list[Row]) -> str:
    """The table, in Markdown."""
    lines = ["| what | measured | by processor time | goal | met |", "|---|---|---|---|---|"]
    lines += ["| " + " | ".join(row.cells(options.clock)) + " |" for row in rows]
    title = f"Classifier `{options.classifier}`, {options.objects:,} light curves, {machine()}."
    return "\n".join([title, "", *lines])


def machine() -> str:
    """Processor and versions."""
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if "model name" in line] if info.exists() else []
    processor = names[0].partition(":")[2].strip() if names else platform.processor()
    import onnxruntime

    return (
        f"{processor}, one thread, Python {platform.python_version()}, NumPy {np.__version__}, "
        f"Arrow {pa.__version__}, ONNX Runtime {onnxruntime.__version__}"
    )


def made(objects: int, path: Path, seed: int = 1) -> Path:
    """A Parquet file of `objects` light curves: rise and decline, ZTF g and r in turn, S/N above 8."""
    random = np.random.default_rng(seed)
    shape = (objects, OBSERVATIONS)
    days = np.sort(random.uniform(0.0, 60.0, shape), axis=1)
    peak, rise, fall = (random.uniform(low, high, (objects, 1)) for low, high in ((8, 25), (4, 12), (15, 60)))
    bright = 10.0 ** random.uniform(4.4, 5.5, (objects, 1))  # 20.4 to 17.6 mag
    flux = bright * np.exp(-np.abs(days - peak) / np.where(days < peak, rise, fall))
    error = flux / random.uniform(10.0, 40.0, shape)
    table = pa.table(
        {
            "object_id": np.char.mod("L%07d", np.repeat(np.arange(objects), OBSERVATIONS)),
            "mjd": (59_000.0 + random.uniform(0.0, 900.0, (objects, 1)) + days).ravel(),
            "band": np.tile(np.array(["g", "r"]), objects * OBSERVATIONS // 2),
            "flux": (flux + random.normal(0.0, 1.0, shape) * error).ravel(),
            "flux_err": error.ravel(),
        }
    )
    pq.write_table(table, path)
    return path


def best(rounds: int, *jobs: Callable[[], Any]) -> list[Seconds]:
    """Time of each job in its best round; the jobs take turns."""
    times: list[list[Seconds]] = [[] for _ in jobs]
    for _ in range(rounds):
        for job, taken in zip(jobs, times, strict=True):
            wall, processor = time.perf_counter(), time.process_time()
            job()
            taken.append(Seconds(time.perf_counter() - wall, time.process_time() - processor))
    return [least(taken) for taken in times]


def least(taken: list[Seconds]) -> Seconds:
    return Seconds(min(one.wall for one in taken), min(one.processor for one in taken))


def each(rounds: int, calls: list[Callable[[], Any]]) -> float:
    """Seconds of the median call, in the best round."""
    medians = []
    for _ in range(rounds):
        seconds = []
        for call in calls:
            began = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - began)
        medians.append(statistics.median(seconds))
    return min(medians)


class Bench:
    """The parts of the benchmark, over one classifier and one set of light curves."""

    def __init__(self, classifier: str, objects: int, rounds: int, folder: Path) -> None:
        self.name, self.objects, self.rounds, self.folder = classifier, objects, rounds, folder
        self.classifier = fl.load(classifier)
        self.survey = "ZTF"
        self._files: dict[int, Path] = {}

    def file(self, objects: int) -> Path:
        if objects not in self._files:
            self._files[objects] = made(objects, self.folder / f"curves-{objects}.parquet")
        return self._files[objects]

    def read(self, path: Path) -> fl.LightCurves:
        return fl.read_table(path, survey=self.survey, flux_unit="nJy")

    def whole(self, path: Path) -> pa.Table:
        """From the file to a table of probabilities."""
        return self.classifier.classify(self.read(path)).to_arrow()

    # Import

    def part_import(self) -> list[Row]:
        code = "import firstlight"
        imports = [self._timed(code) for _ in range(self.rounds)]
        code = "import sys, firstlight; print(sorted({'torch', 'pandas', 'matplotlib'} & set(sys.modules)))"
        heavy = self._python(code).strip()
        if heavy != "[]":
            raise SystemExit(f"importing firstlight brings {heavy}")
        code = f"import firstlight; firstlight.load({json.dumps(self.name)})"
        loads = [self._timed(code) for _ in range(self.rounds)]
        helps = [
            self._child("from firstlight.cli import main; main(['--help'])")[0] for _ in range(self.rounds)
        ]
        return [
            Row("import firstlight (no torch, pandas or matplotlib)", tuple(least(imports)), "s", 0.3),
            Row("import firstlight and load the classifier", tuple(least(loads)), "s"),
            Row("firstlight --help, from the shell", tuple(least(helps)), "s", 0.5),
        ]

    # Many light curves

    def part_batch(self) -> list[Row]:
        path, n = self.file(self.objects), self.objects
        curves = self.read(path)
        sequences = self.classifier.preparation(curves)
        alone = self.network_alone(sequences)
        jobs: list[Callable[[], Any]] = [
            alone,
            lambda: self.read(path),
            lambda: self.classifier.preparation(curves),
            lambda: self.classifier.classify(curves),
            lambda: self.whole(path),
        ]
        network, reading, preparing, classifying, whole = best(self.rounds, *jobs)
        rate, unit = Seconds.rate, "light curves/s"
        return [
            Row("rows that the network reads, a light curve", len(sequences.features) / n, ""),
            Row("ONNX Runtime alone on the prepared arrays", rate(network, n), unit),
            Row("read Parquet", rate(reading, n), unit),
            Row("prepare", rate(preparing, n), unit),
            Row("classify (prepare, network, calibrate)", rate(classifying, n), unit),
            Row("Parquet to probabilities, in process", rate(whole, n), unit, 4_000, at_least=True),
            Row("... its time over that of ONNX Runtime alone", whole.over(network), "times", 2.0),
        ]

    def network_alone(self, sequences: Any) -> Callable[[], None]:
        """A job that runs the graph over the prepared arrays, in the batches that suit it best."""
        session = onnx_session(self.classifier.checkpoint.onnx)
        lengths = np.diff(sequences.offsets)
        steps = int(lengths.max())
        place = sequences.offsets[:-1, None] + np.minimum(np.arange(steps), lengths[:, None] - 1)
        features = sequences.features[place]
        layers, _, hidden = next(one.shape for one in session.get_inputs() if one.name == "hidden")

        def feeds(size: int) -> list[dict[str, Any]]:
            out = []
            for k in range(0, len(features), size):
                feed = {"features": features[k : k + size]}
                feed["hidden"] = np.zeros((layers, len(feed["features"]), hidden), np.float32)
                if sequences.context.shape[1]:
                    feed["context"] = sequences.context[k : k + size]
                    feed["context_mask"] = sequences.context_mask[k : k + size].astype(np.float32)
                out.append(feed)
            return out

        def run(some: list[dict[str, Any]]) -> None:
            for feed in some:
                session.run(["logits"], feed)

        trial = {size: feeds(size) for size in (16, 32, 64, 128)}
        sample = {size: some[: max(1, 512 // size)] for size, some in trial.items()}
        times = dict(zip(sample, best(3, *(lambda s=s: run(s) for s in sample.values())), strict=True))
        return lambda: run(trial[min(times, key=lambda size: times[size].processor)])

    def part_scaling(self) -> list[Row]:
        sizes = [self.objects // 4, self.objects // 2, self.objects]
        files = [self.file(size) for size in sizes]
        jobs = [lambda path=path: self.whole(path) for path in files]
        times = best(self.rounds, *jobs)
        flat = Seconds(*(4 * seconds for seconds in times[0]))
        return [
            *(
                Row(f"Parquet to probabilities, {size:,} light curves", seconds.rate(size), "light curves/s")
                for size, seconds in zip(sizes, times, strict=True)
            ),
            Row("... time a light curve, 4x the objects over 1x", times[-1].over(flat), "times", 1.15),
        ]

    def part_process(self) -> list[Row]:
        """The command line in a process of its own: start, read, classify, write."""
        rows = []
        for size in (self.objects // 4, self.objects):
            out = self.folder / "probabilities.parquet"
            words = ["classify", str(self.file(size)), "--survey", "ZTF", "--flux-unit", "nJy"]
            words += ["--classifier", self.name, "--out", str(out)]
            runs = [
                self._child(f"from firstlight.cli import main; main({words!r})")
                for _ in range(max(2, self.rounds // 2))
            ]
            if pq.read_metadata(out).num_rows != size:
                raise SystemExit("the command line lost objects")
            seconds = least([taken for taken, _ in runs])
            goal = 4_000 if size >= 20_000 else None
            rows += [
                Row(
                    f"whole process, {size:,} light curves", seconds.rate(size), "light curves/s", goal, True
                ),
                Row("... from start to end", tuple(seconds), "s"),
                Row("... peak memory", min(memory for _, memory in runs) / 1e6, "MB"),
            ]
        return rows

    # One light curve, one observation

    def part_stream(self) -> list[Row]:
        curves = self.read(self.file(min(self.objects, 200)))
        single = [curves[k] for k in range(len(curves))]
        call = each(self.rounds, [lambda one=one: self.classifier.classify(one) for one in single])
        columns = [raw_columns(one) for one in single]
        build = each(
            self.rounds,
            [
                lambda c=c: self.classifier.classify(fl.LightCurves.from_columns(**c, survey=self.survey))
                for c in columns
            ],
        )
        whole, network, preparing = self._steps(single[:20])
        return [
            Row("one light curve, one call", 1e3 * call, "ms", 1.0),
            Row("one light curve, from columns to probabilities", 1e3 * build, "ms"),
            Row("one streamed observation: network step alone", 1e6 * network, "us", 60.0),
            Row("one streamed observation: preparation alone", 1e6 * preparing, "us"),
            Row("one streamed observation: preparation, network, calibration", 1e6 * whole, "us", 250.0),
        ]

    def _steps(self, curves: list[fl.LightCurves]) -> tuple[float, float, float]:
        """Seconds of one observation: the whole step, the network's, the preparation's."""
        classifier, times = self.classifier, {"whole": [], "network": [], "preparation": []}
        session = onnx_session(classifier.checkpoint.onnx)
        layers, _, hidden = next(one.shape for one in session.get_inputs() if one.name == "hidden")
        for _ in range(self.rounds):
            seconds: dict[str, list[float]] = {key: [] for key in times}
            for one in curves:
                observations = [observation(one, row) for row in range(len(one.time))]
                state = classifier.start(survey=self.survey)
                for item in observations:
                    began = time.perf_counter()
                    state, _ = classifier.step(state, item)
                    seconds["whole"].append(time.perf_counter() - began)
                prepared, memory = (
                    classifier.preparation.start(survey=self.survey),
                    np.zeros((layers, 1, hidden), np.float32),
                )
                for item in observations:
                    began = time.perf_counter()
                    prepared, features, _ = classifier.preparation.step(prepared, item)
                    seconds["preparation"].append(time.perf_counter() - began)
                    if not len(features):
                        continue
                    feed = {"features": features[None], "hidden": memory}
                    if prepared.context.shape[1]:
                        feed |= {
                            "context": prepared.context,
                            "context_mask": prepared.context_mask.astype(np.float32),
                        }
                    began = time.perf_counter()
                    _, memory = session.run(["logits", "hidden_out"], feed)
                    seconds["network"].append(time.perf_counter() - began)
            for key, values in seconds.items():
                times[key].append(statistics.median(values))
        return min(times["whole"]), min(times["network"]), min(times["preparation"])

    # Scoring

    def part_evaluate(self) -> list[Row]:
        from firstlight.evaluate import bootstrap

        random, sizes = np.random.default_rng(0), (1509, 317, 98, 37, 25)  # the test objects of ztf-5
        labels = np.repeat(np.arange(len(sizes)), sizes)
        logits = random.normal(size=(labels.size, len(sizes))) + np.eye(len(sizes))[labels]
        shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        (took,) = best(self.rounds, lambda: bootstrap(labels, shares))
        return [Row(f"intervals: 1,000 resamples of {labels.size:,} objects", tuple(took), "s")]

    # The install

    def part_install(self) -> list[Row]:
        home = self.folder / "venv"
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        (packages,) = [*home.glob("lib/python*/site-packages"), *home.glob("Lib/site-packages")]
        before = size_of(packages)
        python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
        began = time.perf_counter()
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", str(ROOT)]
        subprocess.run(pip, check=True)
        seconds = time.perf_counter() - began
        return [
            Row("base install", (size_of(packages) - before) / 1e6, "MB", 400.0),
            Row("... pip install of it", seconds, "s"),
        ]

    def _timed(self, code: str) -> Seconds:
        """Time that a fresh interpreter spends in `code`, its own start not counted."""
        clocks = "(time.perf_counter(), time.process_time())"
        said = self._python(
            f"import time; a = {clocks}; {code}; b = {clocks}; print(b[0] - a[0], b[1] - a[1])"
        )
        wall, processor = map(float, said.split())
        return Seconds(wall, processor)

    def _python(self, code: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=os.environ
        ).stdout

    def _child(self, code: str) -> tuple[Seconds, float]:
        """Time and peak memory (bytes) of a Python process that runs `code`."""
        began = time.perf_counter()
        child = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=os.environ
        )
        said = child.stderr.read() if child.stderr else b""
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(said.decode())
        scale = 1 if sys.platform == "darwin" else 1024
        seconds = Seconds(time.perf_counter() - began, usage.ru_utime + usage.ru_stime)
        return seconds, usage.ru_maxrss * scale


def onnx_session(onnx: bytes) -> Any:
    """The graph in ONNX Runtime with one thread and nothing else changed."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])


def raw_columns(one: fl.LightCurves) -> dict[str, Any]:
    """One light curve as the columns that `LightCurves.from_columns` takes."""
    names = np.array([name.rpartition("-")[2] for name in one.passbands])
    return {
        "object_id": np.full(len(one.time), one.object_id[0]),
        "time": one.time,
        "passband": names[one.passband],
        "flux": one.flux,
        "flux_err": one.flux_err,
        "flux_unit": "nJy",
    }


def observation(one: fl.LightCurves, row: int) -> fl.Observation:
    """A row of a light curve as a stream delivers it."""
    return fl.Observation(
        time=float(one.time[row]),
        passband=one.passbands[one.passband[row]],
        flux=float(one.flux[row]),
        flux_err=float(one.flux_err[row]),
    )


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


if __name__ == "__main__":
    main()
