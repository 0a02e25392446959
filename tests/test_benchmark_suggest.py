"""The replayed follow-up: one start for every strategy, labels that add up, and when a target is reached."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

pytest.importorskip("lightgbm")
pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def replay() -> ModuleType:
    import sys

    spec = importlib.util.spec_from_file_location(
        "replay", Path(__file__).parents[1] / "benchmarks/suggest.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["replay"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def blobs(replay: ModuleType, n: int, shares: list[float], seed: int) -> Any:
    """Objects of three classes in a plane; the last share is that of objects of no class."""
    random = np.random.default_rng(seed)
    truth = random.choice([0, 1, 2, -1], n, p=shares)
    centres = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 3.0], [8.0, 8.0]])
    places = centres[truth] + random.normal(size=(n, 2))
    return replay.Objects(places, places, places, random.uniform(15.0, 20.0, n), truth)


def options(**changes: Any) -> argparse.Namespace:
    return argparse.Namespace(**({"split": "test", "start": 12, "round": 10, "until": 42} | changes))


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
def test_every_strategy_starts_alike_spends_the_same_and_suggest_finds_the_rare(replay: ModuleType) -> None:
    pool = blobs(replay, 800, [0.9, 0.06, 0.02, 0.02], 1)
    test = blobs(replay, 300, [0.4, 0.3, 0.3, 0.0], 2)
    runs = {name: list(replay.run(name, 0, pool, test, options(), 3)) for name in replay.STRATEGIES}
    for rows in runs.values():
        assert [row["labels"] for row in rows] == [12, 22, 32, 42]
        assert rows[0] == runs["random"][0]
        assert all(sum(row[f"labels_{k}"] for k in (0, 1, 2, "other")) == row["labels"] for row in rows)
    rare = {name: rows[-1]["labels_2"] for name, rows in runs.items()}
    assert rare["suggest"] > rare["random"]
    again = list(replay.run("suggest", 0, pool, test, options(), 3))
    assert again == runs["suggest"]


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
def test_within_the_pool_what_is_scored_is_never_asked(replay: ModuleType) -> None:
    pool = blobs(replay, 100, [0.5, 0.3, 0.2, 0.0], 3)
    rows = list(replay.run("random", 0, pool, pool, options(split="pool", until=60), 3))
    assert rows[-1]["labels"] == 60  # all of the 60 % that may be asked


def test_one_lucky_round_does_not_reach_the_target(replay: ModuleType) -> None:
    scores = [0.5, 0.7, 0.5, 0.6, 0.66, 0.66, 0.66]
    rows = [{"labels": 10 * k, "macro_f1": score} for k, score in enumerate(scores)]
    assert replay.reached(rows) == 40
    assert replay.reached(rows[:4]) == float("inf")
