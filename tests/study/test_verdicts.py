"""Verdicts on curves whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from firstlight.study import Findings, own_protocol, sentences
from firstlight.study.cell_scores import CellScores
from firstlight.study.cells import Cell, CellAnswer
from firstlight.study.label_curves import LabelCurve, at_share, labels_needed, monotone
from firstlight.study.plan import Arm, Study
from firstlight.study.results import resampled, summarise
from firstlight.study.verdicts import BEST, Verdicts, verdicts

B = 60


def test_the_monotone_fit_is_isotonic_regression() -> None:
    from sklearn.isotonic import IsotonicRegression

    values = np.random.default_rng(0).normal(size=(6, 20)) + np.arange(6)[:, None] * 0.3
    own = monotone(values)
    for column in range(20):
        fitted = IsotonicRegression().fit_transform(np.arange(6), values[:, column])
        assert np.allclose(own[:, column], fitted)


def straight(*values: float, labels: tuple[float, ...]) -> LabelCurve:
    return LabelCurve(np.array(labels), np.array([[value] * 3 for value in values]), ("a",) * len(values))


def test_labels_needed_runs_straight_in_the_logarithm_between_budgets() -> None:
    found = straight(0.7, 0.8, 0.9, labels=(100, 1000, 10_000))
    assert labels_needed(found, np.full(3, 0.85))[0] == pytest.approx(10**3.5)
    assert labels_needed(found, np.full(3, 0.8))[0] == pytest.approx(1000)
    assert labels_needed(found, np.full(3, 0.6))[0] == 100  # at most: nothing below was tried
    assert np.isinf(labels_needed(found, np.full(3, 0.95))[0])


def test_what_no_labels_reach_needs_none() -> None:
    found = straight(0.8, 0.9, 0.95, labels=(0, 100, 1000))
    assert labels_needed(found, np.full(3, 0.79))[0] == 0
    assert labels_needed(found, np.full(3, 0.85))[0] == 100
    dip = straight(0.8, 0.7, 0.95, labels=(0, 100, 1000))  # the fit levels what few labels lose
    assert labels_needed(dip, np.full(3, 0.75))[0] == 0


def test_a_share_of_the_labels_is_found_between_budgets() -> None:
    found = straight(0.5, 0.7, 0.9, labels=(0, 100, 10_000))
    assert at_share(found, 0.1)[0] == pytest.approx(0.8)  # type: ignore[index]
    assert at_share(found, 0.01)[0] == pytest.approx(0.7)  # type: ignore[index]
    assert at_share(found, 0.001) is None
    rounded = straight(0.6, 0.9, labels=(102, 3416))
    assert at_share(rounded, 0.03)[0] == 0.6  # type: ignore[index]


def test_the_interval_holds_draws_and_objects() -> None:
    rng = np.random.default_rng(1)
    draws = rng.normal(0, 1, (8, 1))
    values = np.hstack([draws, draws + rng.normal(0, 0.01, (8, 4000))])
    median = summarise(values, np.mean)
    spread = resampled(values, np.mean).std()
    assert spread == pytest.approx(draws.std() / np.sqrt(8), rel=0.1)
    assert median.lo < median.value < median.hi and median.p16 <= median.value <= median.p84


@pytest.fixture
def made(pool, test):  # type: ignore[no-untyped-def]
    """Findings with given macro AUROC: ``made({"arm": {budget: value}})``."""
    rules = own_protocol(pool, test, budgets=["10%", "30%", "all"], draws=3)
    kinds = {"scratch": "scratch", "features": "features", "zero": "zero-shot"}

    def make(values: dict[str, dict[str, float]], histories=None) -> tuple[Findings, Verdicts]:  # type: ignore[no-untyped-def]
        arms = [
            Arm(name, kinds.get(name, "fine-tune"), base="" if name in ("scratch", "features") else "ztf")
            for name in values
        ]
        study = Study(tuple(arms), budgets=("10%", "30%", "all"), draws=3)
        results = {}
        for arm in study.arms:
            for budget, value in values[arm.name].items():
                for draw in range(1 if budget == "none" else 3):
                    rng = np.random.default_rng([draw, len(budget), len(arm.name)])
                    number = 0 if budget == "none" else len(rules.draw(budget, 0))
                    key = ("test", "full", "macro_auroc", -1)
                    own = value if budget == "none" else value + 0.002 * (draw - 1)
                    sample = own + 0.003 * rng.normal(size=B)
                    record = {"number": number, "labels": [1, 1, 1], "seconds": 1.0}
                    scored = CellScores({key: own}, {key: sample})
                    results[Cell(arm, budget, draw)] = CellAnswer({}, record), scored
            if histories and arm.name in histories:
                record = {"number": 60, "labels": [1], "seconds": 1.0, "history": histories[arm.name]}
                results[Cell(arm, "all", 0, followed=True)] = CellAnswer({}, record), CellScores({}, {})
        findings = Findings(study, rules, results)
        return findings, verdicts(findings, ["macro_auroc"])

    return make


def test_labels_saved_are_counted_against_the_best_arm_from_scratch(made) -> None:  # type: ignore[no-untyped-def]
    _, found = made(
        {
            "scratch": {"10%": 0.60, "30%": 0.70, "all": 0.80},
            "features": {"10%": 0.70, "30%": 0.80, "all": 0.90},
            "tuned": {"10%": 0.80, "30%": 0.92, "all": 0.95},
        }
    )
    saved = {(one.against, one.labels): one for one in found.saved}
    assert saved["scratch", 60].at_most and saved["scratch", 60].saved.value == pytest.approx(0.9)
    best = saved[BEST, 60]
    assert not best.at_most and 0.7 < best.saved.value < 0.9
    assert best.saved.lo < best.saved.value < best.saved.hi
    assert best.saved.value == saved["features", 60].saved.value
    kept = {(one.arm, one.share): one for one in found.kept}
    assert kept["tuned", 0.1].plain.value == pytest.approx(0.8 / 0.95)
    assert kept["tuned", 0.1].above_chance.value == pytest.approx(0.3 / 0.45)


def test_negative_transfer_is_said_plainly(made) -> None:  # type: ignore[no-untyped-def]
    findings, found = made(
        {
            "features": {"10%": 0.70, "30%": 0.80, "all": 0.95},
            "zero": {"none": 0.86},
            "tuned": {"10%": 0.80, "30%": 0.85, "all": 0.90},
        }
    )
    told = " ".join(sentences(findings, found)["tuned"])
    assert "with more than 18 labels the best arm from scratch has the higher macro AUROC" in told
    assert "At 60 labels 'features' leads by 0.050 (95 % interval: 0.0" in told
    assert "With 6 labels its macro AUROC is 0.060 lower than that of its base without labels" in told
    assert "does not match the best from-scratch macro AUROC at 60 labels: it saves no labels." in told
    assert [one.labels for one in found.without if one.is_loss] == [6, 18]


def test_a_base_that_needs_no_labels_saves_all(made) -> None:  # type: ignore[no-untyped-def]
    findings, found = made(
        {
            "scratch": {"10%": 0.60, "30%": 0.70, "all": 0.80},
            "zero": {"none": 0.9},
            "tuned": {"10%": 0.91, "30%": 0.92, "all": 0.95},
        }
    )
    told = " ".join(sentences(findings, found)["tuned"])
    assert "With no labels it matches the best from-scratch macro AUROC at 60 labels." in told
    assert "never behind" in told


def test_an_arm_that_guesses_keeps_no_share_above_chance(made) -> None:  # type: ignore[no-untyped-def]
    _, found = made({"scratch": {"10%": 0.4, "30%": 0.4, "all": 0.4}})
    assert all(np.isnan(one.above_chance.value) for one in found.kept)


def row(epoch: int, score: float) -> dict[str, float]:
    return {"epoch": epoch, "step": 10.0 * epoch, "seconds": 2.0 * epoch, "score": score}


def test_convergence_counts_steps_to_the_optimum_from_scratch(made) -> None:  # type: ignore[no-untyped-def]
    flat = {"10%": 0.7, "30%": 0.7, "all": 0.7}
    histories = {
        "scratch": [row(0, 0.5), row(1, 0.6), row(2, 0.7), row(3, 0.8), row(4, 0.75)],
        "tuned": [row(0, 0.7), row(1, 0.85), row(2, 0.9)],
    }
    findings, found = made({"scratch": flat, "tuned": flat}, histories)
    (one,) = found.converged
    assert (one.steps, one.scratch_steps, one.reached) == (10, 30, 1)
    assert one.saved("steps") == pytest.approx(2 / 3) and one.saved("seconds") == pytest.approx(2 / 3)
    assert "67% fewer steps" in " ".join(sentences(findings, found)["tuned"])
