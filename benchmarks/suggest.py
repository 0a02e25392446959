"""Spectra suggested, replayed on real ZTF: macro-F1 against the number of labels, for three ways to choose.

    python benchmarks/suggest.py --data DATA/ztf --base ztf-sim --split pool     # to choose settings
    python benchmarks/suggest.py --data DATA/ztf --base ztf-sim --split test --table suggest.csv

Every run starts from the same few labels of the pool of ztf-5 (two of each class, the rest at random), asks
for more in each round (20, or a tenth of those there are), and trains anew. What to ask is chosen by
``suggest`` (`firstlight.suggest.choose`), at ``random``, or ``brightest`` first. The base network stays as
it is. What learns is a head on its embedding, its answers after 5 and 10 detections and at the end, and the
features of the standing opponent: the geometric mean of a logistic regression and of boosted trees, every
class weighing the same in both, so that no class shares are needed, however the labels were chosen.
``--split pool`` asks from 60 % of the pool and scores on the rest; ``--with-other`` mixes the objects of
other types into what may be asked: their labels teach nothing.

A run (strategy and seed) is a CSV in --out; those that are there are not run again.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import firstlight as fl
from firstlight.evaluate import Boosting, Protocol, features, macro_auroc, macro_f1, peak_magnitude, protocol
from firstlight.lightcurves import LightCurves
from firstlight.suggest import choose

STRATEGIES = ("suggest", "random", "brightest")
ASKED = 0.6  # of the pool, with --split pool
TARGET = 0.65
STEADY = 3  # rounds whose mean must reach the target: one lucky round does not count

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the benchmark ztf-5")
    parser.add_argument("--base", required=True, help="classifier that saw no label of ztf-5: name or path")
    parser.add_argument("--split", choices=["pool", "test"], default="pool", help="where to score")
    parser.add_argument("--strategies", default=",".join(STRATEGIES))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--start", type=int, default=30, help="labels before the first round")
    parser.add_argument("--round", type=int, default=20, help="labels asked for in a round, at least")
    parser.add_argument("--until", type=int, default=1000, help="labels at the end")
    parser.add_argument("--with-other", action="store_true", help="objects of other types may be asked too")
    parser.add_argument("--out", type=Path, default=Path("runs/suggest"), help="folder of the runs")
    parser.add_argument("--table", type=Path, help="CSV of all runs")
    parser.add_argument("--figure", type=Path, help="macro-F1 against labels")
    return parser.parse_args()


@dataclass(frozen=True, eq=False)
class Objects:
    """What the head and the strategies know of n objects, and their classes (-1: none of the five)."""

    linear: Floats
    trees: Floats
    embedding: Floats
    peak: Floats
    truth: Ints

    def __getitem__(self, which: Any) -> Objects:
        return Objects(*(value[which] for value in vars(self).values()))


def read(rules: Protocol, base: str, with_other: bool) -> tuple[Objects, Objects]:
    """The objects of the pool (with those of other types behind them) and of the test split."""
    model = fl.load(base)
    splits = ["pool", "other", "test"] if with_other else ["pool", "test"]
    parts = {name: numbers(rules, model, rules.curves[name]) for name in splits}
    embedding, answers, made, *_ = zip(*parts.values(), strict=True)
    pool = len(parts["pool"][0])
    # Scales come from the unlabelled pool.
    linear = np.concatenate(
        [
            scaled(np.concatenate(embedding), pool, 0.3),
            scaled(np.concatenate(answers), pool, 1.0),
            scaled(np.concatenate(made), pool, 0.3),
        ],
        axis=1,
    )
    trees = np.concatenate([np.concatenate(embedding), np.concatenate(answers), np.concatenate(made)], axis=1)
    everything = Objects(
        linear,
        trees,
        np.concatenate(embedding),
        np.concatenate([part[3] for part in parts.values()]),
        np.concatenate([part[4] for part in parts.values()]),
    )
    last = len(everything.truth) - len(parts["test"][0])
    return everything[:last], everything[last:]


def numbers(rules: Protocol, model: fl.Classifier, curves: LightCurves) -> tuple[Any, ...]:
    """Embedding, log probabilities, features, peak magnitude and class of each object."""
    predictions = model.classify(curves)
    moments = (predictions.final(), predictions.at(detections=5), predictions.at(detections=10))
    answers = np.concatenate([np.log(np.clip(one, 1e-6, 1.0)) for one in moments], axis=1)
    known = [label if label in rules.classes else None for label in curves.column("label")]
    truth = np.array([-1 if label is None else rules.classes.index(label) for label in known], np.int64)
    made = features(curves, rules.features, rules.passbands)[1]
    return model.embed(curves).astype(np.float64), answers, made, peak_magnitude(curves), truth


def scaled(values: Floats, pool: int, weight: float) -> Floats:
    """Numbers in units of their spread over the first `pool` objects, none beyond 5, times a weight."""
    centre, spread = np.nanmedian(values[:pool], axis=0), np.nanstd(values[:pool], axis=0)
    with_all = np.where(np.isnan(values), centre, values)
    return weight * np.clip((with_all - centre) / np.maximum(spread, 1e-6), -5.0, 5.0)


def head(known: Objects, asked: Objects, classes: int) -> Floats:
    """Probabilities [n, C] of `asked` from labelled objects, every class weighing the same."""
    from lightgbm import LGBMClassifier
    from sklearn.linear_model import LogisticRegression

    own = known[known.truth >= 0]
    counts = np.bincount(own.truth, minlength=classes)
    weight = (len(own.truth) / classes / np.maximum(counts, 1))[own.truth]
    line = LogisticRegression(C=0.1, max_iter=300, tol=1e-3).fit(own.linear, own.truth, sample_weight=weight)
    chosen = Boosting.of_protocol("detections", len(own.truth))
    trees = LGBMClassifier(
        n_estimators=chosen.trees,
        num_leaves=chosen.leaves,
        min_child_samples=chosen.leaf_objects,
        learning_rate=chosen.rate,
        colsample_bytree=chosen.columns,
        subsample=chosen.rows,
        subsample_freq=1,
        reg_lambda=chosen.l2,
        max_bin=31,  # as good with so few labels, and twice as fast
        n_jobs=1,
        deterministic=True,
        force_row_wise=True,
        verbose=-1,
    ).fit(own.trees, own.truth, sample_weight=weight)
    pair = [line.predict_proba(asked.linear), trees.predict_proba(asked.trees)]
    both = np.exp(np.mean([np.log(np.clip(one, 1e-9, 1.0)) for one in pair], axis=0))
    return np.asarray(both / both.sum(axis=1, keepdims=True))


def run(
    strategy: str, seed: int, pool: Objects, test: Objects, options: argparse.Namespace, classes: int
) -> Iterator[dict[str, Any]]:
    """One row a round: labels spent, scores, and labels by class."""
    rng = np.random.default_rng([seed, 20260])
    order = rng.permutation(len(pool.truth))
    if options.split == "pool":
        cut = round(ASKED * len(order))
        order, rest = order[:cut], pool[order[cut:]]
        test = rest[rest.truth >= 0]
    first = np.concatenate([order[pool.truth[order] == one][:2] for one in range(classes)])
    others = order[~np.isin(order, first)]
    labels = np.concatenate([first, others[: options.start - len(first)]])
    while True:
        open_ = order[~np.isin(order, labels)]
        asked = join(test, pool[open_]) if strategy == "suggest" else test
        answers = head(pool[labels], asked, classes)
        scored, candidates = answers[: len(test.truth)], answers[len(test.truth) :]
        counts = np.bincount(pool.truth[labels] + 1, minlength=classes + 1)
        yield (
            {
                "labels": len(labels),
                "macro_f1": macro_f1(test.truth, scored),
                "macro_auroc": macro_auroc(test.truth, scored),
            }
            | {f"labels_{k}": int(count) for k, count in enumerate(counts[1:])}
            | {"labels_other": int(counts[0])}
        )
        if len(labels) >= options.until:
            return
        number = min(max(options.round, len(labels) // 10), options.until - len(labels))
        if strategy == "random":
            new = open_[:number]  # the order is random already
        elif strategy == "brightest":
            new = open_[np.argsort(pool.peak[open_], kind="stable")[:number]]
        else:
            found = choose(
                candidates,
                pool.embedding[open_],
                number,
                counts=counts[1:],
                labelled=pool.embedding[labels],
            )
            new = open_[found.chosen]
        labels = np.concatenate([labels, new])


def join(one: Objects, other: Objects) -> Objects:
    return Objects(
        *(np.concatenate(pair) for pair in zip(vars(one).values(), vars(other).values(), strict=True))
    )


def reached(rows: list[dict[str, Any]]) -> float:
    """The labels after which the mean of the next rounds is at the target; infinite where it never is."""
    scores = np.array([float(row["macro_f1"]) for row in rows])
    for k in range(len(scores) - STEADY + 1):
        if scores[k : k + STEADY].mean() >= TARGET:
            return float(rows[k]["labels"])
    return float("inf")


def main() -> None:
    options = arguments()
    name = f"{Path(options.base).name}-{options.split}{'-other' if options.with_other else ''}"
    folder = options.out / f"{name}-{options.start}-{options.round}-{options.until}"
    folder.mkdir(parents=True, exist_ok=True)
    rules = protocol("ztf-5", options.data)
    read_once: list[tuple[Objects, Objects]] = []
    table: list[dict[str, Any]] = []
    results: dict[str, list[list[dict[str, Any]]]] = {}
    for seed in range(options.seeds):
        for strategy in options.strategies.split(","):
            path = folder / f"{strategy}-{seed}.csv"
            if not path.is_file():
                read_once = read_once or [read(rules, options.base, options.with_other)]
                start = time.perf_counter()
                rows = list(run(strategy, seed, *read_once[0], options, len(rules.classes)))
                write(path, rows)
                print(f"{path.name}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
            with path.open(newline="") as file:
                stored: list[dict[str, Any]] = list(csv.DictReader(file))
            results.setdefault(strategy, []).append(stored)
            table += [
                {"base": Path(options.base).name, "strategy": strategy, "seed": seed} | row for row in stored
            ]
    if options.table:
        write(options.table, table)
    show(results)
    if options.figure:
        draw(results, options.figure)


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    part = path.with_name(f".{path.name}.part")
    with part.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: f"{v:.4f}" if isinstance(v, float) else v for k, v in row.items()})
    part.replace(path)


def show(results: dict[str, list[list[dict[str, Any]]]]) -> None:
    """Labels to the target, and macro-F1 at some numbers of labels: medians over the seeds."""
    there = [int(row["labels"]) for row in next(iter(results.values()))[0]]
    places = dict.fromkeys(
        min(there, key=lambda n: abs(n - asked)) for asked in (50, 100, 200, 300, 500, 1000)
    )
    heads = " | ".join(f"macro-F1, {place} labels" for place in places)
    print(f"| choice | seeds | labels to {TARGET} (range) | % of random (range) | {heads} |")
    print("|" + "---|" * (4 + len(places)))
    needed = {name: [reached(rows) for rows in runs] for name, runs in results.items()}
    for name, runs in results.items():
        own = needed[name]
        # Where random choice never got there, it needs more than it had.
        last = float(runs[0][-1]["labels"])
        shares = [a / min(b, last) for a, b in zip(own, needed.get("random", own), strict=True)]
        values = [
            statistics.median(
                float(r["macro_f1"]) for rows in runs for r in rows if int(r["labels"]) == place
            )
            for place in places
        ]
        numbers = " | ".join(f"{value:.3f}" for value in values)
        print(
            f"| {name} | {len(runs)} | {spread(own)} | {spread([100 * one for one in shares])} | {numbers} |"
        )


def spread(values: list[float]) -> str:
    """Median and range; 'never' where it is infinite."""
    middle, low, high = (
        "never" if one == float("inf") else f"{one:.0f}"
        for one in (statistics.median(values), min(values), max(values))
    )
    return f"{middle} ({low}-{high})"


def draw(results: dict[str, list[list[dict[str, Any]]]], path: Path) -> None:
    """Macro-F1 against labels: median and 68 % band over the seeds."""
    from firstlight import figures

    figure, (ax,) = figures.blank(size=(5.4, 4.0))
    arms: dict[str, dict[float, list[float]]] = {}
    for name, runs in results.items():
        for rows in runs:
            for row in rows:
                arms.setdefault(name, {}).setdefault(float(row["labels"]), []).append(float(row["macro_f1"]))
    figures.label_efficiency(arms, metric="macro_f1", ax=ax)
    ticks = [30, 50, 100, 200, 500, 1000]
    ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    for line in ax.lines:
        line.set_marker("")
    ax.legend(fontsize=8.5, frameon=False, loc="lower right")
    ax.axhline(TARGET, color="0.6", linewidth=0.8, linestyle=":", zorder=0.5)
    figure.subplots_adjust(left=0.12, right=0.97, top=0.97, bottom=0.13)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
