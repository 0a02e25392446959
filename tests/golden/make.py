"""The golden values: what every public verb answers, to the last bit.

``python tests/golden/make.py`` writes ``golden.json`` (hashes, and the platform that they hold on) and
``golden.npz`` (some of the numbers, to see what differs); ``python tests/golden/make.py '* on *' '$ *'`` only
those of the cases named. Only public names are used.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import firstlight as fl

HERE = Path(__file__).parent
if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parents[1]))

from tests.golden import made  # noqa: E402

SHARED = Path(os.environ.get("FIRSTLIGHT_SHARED", HERE.parents[2] / "shared"))
PACKAGED = ("lsst", "lsst-sim", "reference", "reference-host", "sims", "ztf", "ztf-sim")
Found = dict[str, Any]
Case = Callable[[Path], Found]


@cache
def curves(which: str) -> fl.LightCurves:
    return fl.sample("ztf") if which == "sample" else made.mixed()


def attempt(call: Callable[[], Any]) -> Any:
    """What the call answers, or the kind of error that it refuses with."""
    try:
        return call()
    except fl.FirstlightError as error:
        return f"refused: {type(error).__name__}"


# -- packaged classifiers --------------------------------------------------------------------------------


def classified(name: str, which: str) -> Found:
    classifier, light = fl.load(name), curves(which)
    p = classifier.classify(light)
    found: Found = {
        "probabilities": p.probabilities,
        "flags": p.flags,
        "final": p.final(),
        "at 3 detections": p.at(detections=3),
        "at 10 days": p.at(days_since_trigger=10.0),
        "classes": list(p.classes),
        "sets": attempt(lambda: p.sets(0.9)),
        "final sets": attempt(lambda: p.final_sets(0.8)),
        "sets at": attempt(lambda: p.sets_at(0.9, detections=3)),
        "novelty": attempt(lambda: classifier.classify(light, novelty=True).novelty),
        "coarser": classifier.classify(light, classes=["SN Ia", "SN II", "SLSN-I"]).probabilities,
        "flat": classifier.classify(light, priors="flat").probabilities,
        "priors": classifier.classify(light, priors=rising(classifier.classes)).final(),
        "small batches": classifier.classify(light, batch_size=3).final(),
        "embedding": classifier.embed(light),
        "estimated": attempt(lambda: classifier.estimate_priors(light)),
        "table": p.to_arrow(),
        "rows": p.to_arrow(every_observation=True),
        "with sets": attempt(lambda: classifier.classify(light, novelty=True).to_arrow(sets=0.9)),
    }
    return found


def rising(classes: tuple[str, ...]) -> dict[str, float]:
    """Shares of which each is larger than the one before it."""
    shares = np.arange(1, len(classes) + 1) / np.arange(1, len(classes) + 1).sum()
    return dict(zip(classes, shares.tolist(), strict=True))


def stepped(name: str) -> Found:
    """The first objects of each survey, one observation at a time."""
    classifier, light = fl.load(name), curves("mixed")
    asks = not isinstance(attempt(lambda: classifier.start(novelty=True)), str)
    answers, sets, novelty = [], [], []
    for k in [j for j in range(len(light)) if j % 8 in (0, 2, 3, 6)]:
        metadata = {key: light.column(key)[k] for key in ("redshift", "redshift_err", "mwebv", "trigger_mjd")}
        survey = light.column("survey")[k]
        survey = made.HILLTOP if survey == "Hilltop" else survey
        state = classifier.start(metadata, survey=fl.survey(survey), novelty=asks)
        for row in range(light.offsets[k], light.offsets[k + 1]):
            one = fl.Observation(
                time=light.time[row],
                passband=light.passbands[light.passband[row]],
                flux=light.flux[row],
                flux_err=light.flux_err[row],
                detected=bool(light.detected[row]),
                limit=light.limit[row],
            )
            state, p = classifier.step(state, one)
            answers.append(np.full(len(classifier.classes), np.nan, np.float32) if p is None else p)
            if asks:
                sets.append(classifier.sets(state, 0.9))
                novelty.append(np.nan if state.novelty is None else state.novelty)
    found: Found = {"probabilities": np.array(answers)}
    return {**found, "sets": np.array(sets), "novelty": np.array(novelty)} if asks else found


def suggested(name: str) -> Found:
    mine = made.light("ZTF", 20, seed=3)
    found: Found = {}
    for key, settings in {
        "plain": {"number": 5},
        "bright": {"number": 4, "magnitude_limit": 21.5, "seen_within": 800.0},
        "seeds": {"number": 12, "seed": 7, "priors": None},
        "coarser": {"number": 6, "classes": ["SN Ia", "SN II", "SLSN-I"]},
        "labelled": {"number": 6, "labelled": made.labelled(objects=9, seed=4)},
    }.items():
        answer = fl.suggest(curves=mine, classifier=fl.load(name), **{"seen_within": None, **settings})
        found[key] = answer.to_arrow()
        found[f"{key}, left out"] = str(dict(answer.left_out))
    return found


# -- simulation and training -----------------------------------------------------------------------------


def simulated(survey: str, classes: dict[str, int], **settings: Any) -> Found:
    light = fl.simulate(survey, classes, seed=5, **settings)
    return {"rows": observations(light), "objects": light.objects}


def observations(light: fl.LightCurves) -> pa.Table:
    bands = np.array(light.passbands, dtype=np.str_)[light.passband] if len(light.time) else np.array([], str)
    names = ("time", "flux", "flux_err", "limit", "detected", "flags")
    return pa.table({**{name: getattr(light, name) for name in names}, "band": bands})


def single() -> None:
    import torch

    torch.set_num_threads(1)


SIZES = {"hidden": 8, "width": 6, "embedding": 5}


@cache
def base() -> fl.Classifier:
    single()
    return fl.pretrain(made.labelled(), sizes=SIZES, epochs=2, validation=0.0, name="base", seed=2)


def trained(classifier: fl.Classifier, survey: str = "ZTF") -> Found:
    p = classifier.classify(made.labelled(survey, objects=9, seed=8))
    return {
        "probabilities": p.probabilities,
        "sets": attempt(lambda: p.sets(0.9)),
        "hash": classifier.checkpoint.config["sha256"]["weights.safetensors"],
        "classes": list(classifier.classes),
    }


def tuned(settings: dict[str, Any]) -> Found:
    single()
    own = {"epochs": 2, "calibration_folds": 2, "members": 1, **settings}
    start = own.pop("base", None) or base()
    return trained(fl.fine_tune(start, made.labelled(objects=18, seed=1), seed=3, **own))


def pretrained(survey: str) -> Found:
    single()
    settings: dict[str, Any] = {"calibration_folds": 2} if survey == "ZTF" else {}
    return trained(
        fl.pretrain(made.labelled(survey), sizes=SIZES, epochs=2, validation=0.2, seed=6, **settings), survey
    )


# -- readers ---------------------------------------------------------------------------------------------

FORMATS: dict[str, dict[str, Any]] = {
    "plasticc/kaggle_training_set.csv": {},
    "snana/ELASTICC2_TRAIN_01_1percent_KN_K17": {},
    "snana/text": {},
    "alerce/ztf_detections_ZTF18abcgqmz.json": {},
    "alerce/lsst_lightcurve_api_detections_170587116732416143.json": {},
    "antares/ztf_loci_ANT2026b78o35eau2gs_alerts.json": {},
    "lasair/lsst_alert_313637921267122191.json": {},
    "lasair/ztf_kafka_alert_cand_and_noncand.json": {},
    "ztf_forced/forcedphotometry_req00149191_lc.txt": {},
    "atlas_forced/job01088.txt": {},
    "atlas_forced/skyportal_photometry_ZTFrlh6cyjh.csv": {"object_id": "ZTFrlh6cyjh"},
}


def read(path: str) -> Found:
    report: list[str] = []
    light = fl.read(SHARED / "data/formats" / path, report=report, **FORMATS[path])
    return {"rows": observations(light), "objects": light.objects, "offsets": light.offsets}


MAGNITUDES = """\
oid,jd,filter,magpsf,sigmapsf,diffmaglim,isdiffpos,z
a1,2459001.25,1,18.31,0.05,20.5,t,0.031
a1,2459004.5,2,18.02,0.04,20.4,t,0.031
a1,2459000.125,1,,,20.1,,0.031
a1,2459009.75,2,19.5,0.11,20.4,f,0.031
b2,2459003.0,1,17.2,0.02,20.3,t,
b2,2459003.0,1,17.2,0.02,20.3,t,
"""
FLUXES = """\
object_id,mjd,band,flux,flux_err,redshift,label
n1,60000.5,u,12.5,3.25,0.2,SN Ia
n1,60001.5,g,-4.5,1.5,0.2,SN Ia
n1,60002.5,y,nan,1.5,0.2,SN Ia
n2,60002.25,i,1e4,20,,SNIIP
"""


def own_tables(folder: Path) -> Found:
    """Tables of a user's own: magnitudes under a broker's names, and fluxes with a unit."""
    (folder / "magnitudes.csv").write_text(MAGNITUDES)
    (folder / "fluxes.csv").write_text(FLUXES)
    one = fl.read(folder / "magnitudes.csv", survey="ZTF", columns={"passband": "filter"})
    two = fl.read(folder / "fluxes.csv", survey="LSST", flux_unit="uJy")
    return {
        "magnitudes": observations(one),
        "their objects": one.objects,
        "fluxes": observations(two),
        "objects": two.objects,
    }


# -- the command line ------------------------------------------------------------------------------------


def typed(folder: Path, *words: str) -> Found:
    """What the command says and writes, typed in an empty folder."""
    env = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "COLUMNS": "100",
        "NO_COLOR": "1",
    }
    env["PYTHONPATH"] = str(Path(fl.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-m", "firstlight", *words], capture_output=True, cwd=folder, env=env, check=False
    )
    found: Found = {
        "code": done.returncode,
        "stdout": done.stdout.decode(),
        "stderr": done.stderr.decode().replace(str(folder), "<folder>"),
    }
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".parquet":
            found[name] = pq.read_table(path)
        elif path.suffix in (".csv", ".json", ".md"):
            found[name] = path.read_text().replace(str(folder), "<folder>")
    return found


COMMANDS = {
    "classify": ("classify", "sample:ztf"),
    "classify rows": ("classify", "sample:ztf", "--every-observation"),
    "classify trust": ("classify", "sample:ztf", "--sets", "0.9", "--novelty", "--out", "trust.csv"),
    "classify refused": ("classify", "nowhere.csv"),
    "suggest": ("suggest", "sample:ztf", "--number", "5"),
    "convert": ("convert", "sample:ztf", "--out", "converted.parquet"),
    "classifiers": ("classifiers",),
    "simulate": ("simulate", "TDE=2", "--survey", "ZTF", "--out", "sim"),
    "evaluate": ("evaluate", "sample:ztf", "--resamples", "20", "--at", "full", "--at", "5 detections"),
}

CASES: dict[str, Case] = {
    **{
        f"{name} on {which}": lambda _, name=name, which=which: classified(name, which)
        for name in PACKAGED
        for which in ("sample", "mixed")
    },
    **{f"{name} steps": lambda _, name=name: stepped(name) for name in PACKAGED},
    **{f"{name} suggests": lambda _, name=name: suggested(name) for name in ("ztf", "lsst", "reference")},
    "simulated ZTF": lambda _: simulated("ZTF", {"TDE": 2, "SLSN-I": 2, "AGN": 1}),
    "simulated LSST": lambda _: simulated("LSST", {"TDE": 2, "SLSN-I": 1, "AGN": 2}),
    "simulated by number": lambda _: simulated("LSST", ["TDE", "PISN"], count=1),
    "simulated SNe": lambda _: simulated("ZTF", {"SN Ia": 2, "SN II": 1}, data=SHARED / "data/simulation"),
    "pretrained ZTF": lambda _: pretrained("ZTF"),
    "pretrained own": lambda _: pretrained("Hilltop"),
    "tuned full": lambda _: tuned({"strategy": "full", "validation": 0.25}),
    "tuned head-first": lambda _: tuned({"strategy": "head-first", "keep": 2}),
    "tuned adapters": lambda _: tuned({"strategy": "adapters", "members": 2, "calibration_folds": 0}),
    "tuned layer-wise": lambda _: tuned({"strategy": "layer-wise", "calibration_folds": 0}),
    "tuned auto": lambda _: tuned({"base": "ztf-sim", "epochs": 1, "calibration_folds": 0}),
    "tuned packaged": lambda _: tuned({"base": "ztf", "strategy": "full", "replay": False, "epochs": 1}),
    **{f"read {path}": lambda _, path=path: read(path) for path in FORMATS},
    "own tables": own_tables,
    **{f"$ {name}": lambda folder, words=words: typed(folder, *words) for name, words in COMMANDS.items()},
}


def needs_shared(name: str) -> bool:
    return name.startswith("read ") or name == "simulated SNe"


def tolerance(name: str) -> float:
    """How far another processor may lie: training multiplies the last bit."""
    return 1e-3 if name.startswith(("tuned", "pretrained")) else 1e-6


def arrays(name: str) -> dict[str, np.ndarray]:
    with tempfile.TemporaryDirectory() as folder:
        return dict(made.flat(CASES[name](Path(folder).resolve())))


def main(*patterns: str) -> None:
    import time
    from fnmatch import fnmatchcase

    hashes: dict[str, dict[str, str]] = {}
    shown: dict[str, np.ndarray] = {}
    chosen = [name for name in CASES if not patterns or any(fnmatchcase(name, one) for one in patterns)]
    if len(chosen) < len(CASES):
        kept = json.loads((HERE / "golden.json").read_text())
        if kept["platform"] != made.fingerprint():
            raise SystemExit("the other cases were made on another platform: make all of them")
        hashes = {name: kept["cases"][name] for name in CASES if name in kept["cases"]}
        with np.load(HERE / "golden.npz") as file:
            shown = {key: file[key] for key in file if key.partition(" > ")[0] not in chosen}
    for name in chosen:
        start = time.perf_counter()
        found = arrays(name)
        hashes[name] = {key: made.digest(array) for key, array in found.items()}
        shown |= {f"{name} > {key}": made.few(array) for key, array in found.items()}
        sys.stderr.write(f"{time.perf_counter() - start:6.2f} s  {name}\n")
    (HERE / "golden.json").write_text(json.dumps({"platform": made.fingerprint(), "cases": hashes}, indent=1))
    np.savez_compressed(HERE / "golden.npz", **shown)


if __name__ == "__main__":
    main(*sys.argv[1:])
