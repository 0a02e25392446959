"""A study is computed once, goes on where it stopped, and gives the same whatever the workers."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firstlight.errors import UnknownNameError, UsageError
from firstlight.lightcurves import LightCurves
from firstlight.simulate import write_survey
from firstlight.study import Findings, label_efficiency, study
from firstlight.study.material import Material


def times(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("cells/*.npz")}


def with_arms(plan: dict[str, Any], *names: str, **changes: Any) -> dict[str, Any]:
    chosen = [arm for arm in plan["arms"] if arm["name"] in names]
    return {**copy.deepcopy({**plan, "arms": chosen}), "convergence": {}, **changes}


def test_every_arm_answers_every_stage_at_every_budget_and_draw(findings: Findings) -> None:
    arms = findings.study.arms
    labelled = [arm for arm in arms if arm.kind != "zero-shot"]
    followed = [cell for cell in findings.results if cell.followed]
    assert len(findings.results) == 2 + 2 * 2 * len(labelled) + len(followed)
    assert {cell.arm.name for cell in followed} == {"scratch", "full", "ensemble"}
    for cell, (answer, _) in findings.results.items():
        for (_, stage), values in answer.probabilities.items():
            assert stage in ("3 detections", "5 detections", "full")
            assert values.shape == (36, 3) and np.allclose(values.sum(axis=1), 1, atol=1e-5)
        assert cell.followed == ("history" in answer.record)
    assert not findings.failed()


def test_records_say_what_a_cell_cost(findings: Findings) -> None:
    (cell,) = [one for one in findings.cells("full", "all") if one.draw == 0]
    record = findings.results[cell][0].record
    assert record["number"] == sum(record["labels"]) == 60
    assert record["epochs"] == 2 and record["steps"] == 2 and record["seconds"] > 0
    (cell,) = [one for one in findings.cells("ensemble", "25%") if one.draw == 1]
    record = findings.results[cell][0].record
    assert record["number"] == 15 and record["epochs"] == 4  # two members of two epochs


def test_draws_differ_and_budgets_of_a_draw_are_nested(findings: Findings) -> None:
    rules = findings.rules
    assert set(rules.draw("25%", 0)) != set(rules.draw("25%", 1))
    assert set(rules.draw("25%", 0)) < set(rules.draw("all", 0))


def test_an_average_is_the_mean_log_probability(findings: Findings) -> None:
    def answers(arm: str) -> np.ndarray:
        return findings.results[findings.cells(arm, "all")[0]][0].probabilities["test", "full"]

    mean = np.exp((np.log(answers("full").clip(1e-6)) + np.log(answers("features").clip(1e-6))) / 2)
    assert np.allclose(answers("both"), mean / mean.sum(axis=1, keepdims=True), atol=1e-5)


def test_the_classes_of_the_pool_are_expected_where_the_prior_says_so(findings: Findings) -> None:
    assert findings.median("none, shares", "none", "macro_f1_balanced") is not None
    assert findings.median("none", "none", "macro_f1_balanced") is None  # no labels are known


def test_what_is_there_is_not_computed_again(
    plan: dict[str, Any], pool: LightCurves, test: LightCurves, folder: Path, findings: Findings
) -> None:
    before, seen = times(folder), []
    again = study(plan, pool=pool, test=test, out=folder, progress=lambda *told: seen.append(told))
    assert times(folder) == before and not seen
    for name in ("value", "lo", "hi"):
        here, there = (np.array(one.scores()[name].to_pylist(), float) for one in (again, findings))
        assert np.array_equal(here, there, equal_nan=True)


def test_only_a_changed_arm_is_computed_again(
    plan: dict[str, Any], pool: LightCurves, test: LightCurves, tmp_path: Path
) -> None:
    one = with_arms(plan, "none", "full", "features", "both", budgets=["all"], draws=1)
    study(one, pool=pool, test=test, out=tmp_path)
    before = times(tmp_path)
    one["arms"][2]["settings"]["epochs"] = 1
    assert one["arms"][2]["name"] == "full"
    study(one, pool=pool, test=test, out=tmp_path)
    after = times(tmp_path)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"full_all_0.npz", "both_all_0.npz"}  # and the average that holds it


def test_a_cell_of_fewer_stages_is_computed_again(
    plan: dict[str, Any], pool: LightCurves, test: LightCurves, tmp_path: Path
) -> None:
    one = with_arms(plan, "none", stages=["full"])
    study(one, pool=pool, test=test, out=tmp_path)
    found = study({**one, "stages": ["10 days", "full"]}, pool=pool, test=test, out=tmp_path)
    assert found.median("none", "none", "macro_auroc", stage="10 days") is not None


def test_only_some_arms_run_and_the_rest_is_told_to_be_missing(
    plan: dict[str, Any], pool: LightCurves, test: LightCurves, tmp_path: Path
) -> None:
    found = study({**plan, "draws": 1, "budgets": ["all"]}, pool=pool, test=test, out=tmp_path, only=["none"])
    assert [arm.name for arm in found.arms] == ["none"]
    page = (found.write(tmp_path) / "report.html").read_text()
    assert "Not run yet: features" in page


def test_an_interrupted_study_keeps_whole_cells_and_goes_on(
    plan: dict[str, Any], pool: LightCurves, test: LightCurves, tmp_path: Path
) -> None:
    one = with_arms(plan, "none", "features", budgets=["25%", "all"])

    def stop(done: int, *rest: Any) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        study(one, pool=pool, test=test, out=tmp_path, progress=stop)
    assert len(times(tmp_path)) == 2 and (tmp_path / "scores.csv").is_file()
    seen: list[int] = []
    study(one, pool=pool, test=test, out=tmp_path, progress=lambda done, *rest: seen.append(done))
    assert seen == [3, 4, 5] and not list(tmp_path.rglob("*.part"))


def test_an_arm_that_cannot_learn_scores_as_a_guess(
    plan: dict[str, Any], pool: LightCurves, test: LightCurves, tmp_path: Path
) -> None:
    one = with_arms(plan, "full", budgets=["3"], draws=1)
    found = study(one, pool=pool, test=test, out=tmp_path)
    median = found.median("full", "3", "macro_auroc")
    assert median is not None and median.value == 0.5
    assert "needs at least 2 classes" in found.failed()[0]


def test_metadata_reach_the_arms_that_see_them(
    plan: dict[str, Any], pool: LightCurves, test: LightCurves
) -> None:
    one = with_arms(plan, "features", budgets=["all"], draws=1, metadata=["redshift"])
    one["arms"] += [
        {**one["arms"][0], "name": "without", "metadata": []},
        {**one["arms"][0], "name": "hidden", "hidden": ["redshift"]},
    ]
    found = study(one, pool=pool, test=test)
    seen = {
        name: found.results[found.cells(name, "all")[0]][0].probabilities["test", "full"]
        for name in ("features", "without", "hidden")
    }
    assert not np.allclose(seen["features"], seen["without"])
    assert not np.allclose(seen["features"], seen["hidden"])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"strategy": "fulll"}, "Did you mean 'full'"),
        ({"settings": {"epoch": 3}}, "Did you mean 'epochs'"),
        ({"base": "referense"}, "reference"),
    ],
)
def test_what_no_cell_could_run_with_is_refused_before_any_work(
    changes: dict[str, Any],
    told: str,
    plan: dict[str, Any],
    pool: LightCurves,
    test: LightCurves,
    tmp_path: Path,
) -> None:
    one = with_arms(plan, "full")
    one["arms"][0] |= changes
    with pytest.raises((UnknownNameError, UsageError), match=told):
        study(one, pool=pool, test=test, out=tmp_path)
    assert not times(tmp_path)


def test_an_unknown_budget_is_refused(plan: dict[str, Any], pool: LightCurves, test: LightCurves) -> None:
    with pytest.raises(UsageError, match="is no budget"):
        study(with_arms(plan, "none", budgets=["many"]), pool=pool, test=test)


def test_simulated_light_curves_are_replayed_and_those_of_other_classes_left_out(
    plan: dict[str, Any],
    pool: LightCurves,
    test: LightCurves,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("firstlight.simulate.product.BLOCK", 40)
    write_survey(tmp_path / "sim", "ZTF", {"TDE": 4, "AGN": 2})
    one = with_arms(plan, "full", budgets=["all"], draws=1, replay=str(tmp_path / "sim"))
    one["arms"] += [{**one["arms"][0], "name": "replayed", "replay": True}]
    found = study(one, pool=pool, test=test)
    seen = [
        found.results[found.cells(name, "all")[0]][0].probabilities["test", "full"]
        for name in ("full", "replayed")
    ]
    assert not np.allclose(*seen)
    material = Material(found.study, found.rules)
    assert set(material.replay.column("label")) == {"TDE"}


def test_carried_light_curves_are_replayed_whatever_the_study_names(
    plan: dict[str, Any], pool: LightCurves, test: LightCurves, tmp_path: Path
) -> None:
    one = with_arms(plan, "full", budgets=["all"], draws=1, replay=str(tmp_path / "nowhere"))
    one["arms"][0]["replay"] = "carried"
    with pytest.raises(UsageError, match="carries no light curves"):
        study(one, pool=pool, test=test)


def test_embeddings_of_several_bases_stand_beside_the_features(
    plan: dict[str, Any], pool: LightCurves, test: LightCurves
) -> None:
    one = with_arms(plan, "embedding", budgets=["all"], draws=1)
    beside = {**one["arms"][0], "name": "two", "settings": {"trees": 5, "beside": ["reference"]}}
    found = study({**one, "arms": [*one["arms"], beside]}, pool=pool, test=test)
    alone, both = (
        found.results[found.cells(name, "all")[0]][0].probabilities["test", "full"]
        for name in ("embedding", "two")
    )
    assert alone.shape == both.shape and not np.allclose(alone, both)


@pytest.mark.slow
def test_two_workers_give_what_one_gives(
    plan: dict[str, Any], pool: LightCurves, test: LightCurves, tmp_path: Path, findings: Findings
) -> None:
    one = with_arms(plan, "features", "full", "both", budgets=["all"], draws=1)
    found = study(one, pool=pool, test=test, out=tmp_path, workers=2)
    for name in ("features", "full", "both"):
        here, there = (
            who.results[who.cells(name, "all")[0]][0].probabilities["test", "full"]
            for who in (found, findings)
        )
        assert np.array_equal(here, there)


@pytest.mark.slow
def test_what_goes_wrong_in_a_worker_is_told_with_its_cell(
    plan: dict[str, Any], pool: LightCurves, test: LightCurves, tmp_path: Path
) -> None:
    one = with_arms(plan, "full", budgets=["all"], draws=2, replay=str(tmp_path / "nowhere"))
    one["arms"][0]["replay"] = "carried"
    with pytest.raises(UsageError, match=r"full, all labels, draw .: arm 'full': .* carries no light curves"):
        study(one, pool=pool, test=test, out=tmp_path, workers=2)


def test_the_former_name_says_the_new_one(pool: LightCurves, test: LightCurves) -> None:
    arms = {"arms": [{"name": "trees", "kind": "features", "seeds": 1, "settings": {"trees": 2}}]}
    with pytest.warns(DeprecationWarning, match=r"firstlight\.study"):
        found = label_efficiency(study=arms | {"draws": 1, "resamples": 0}, pool=pool, test=test)
    assert found.median("trees", "all", "macro_auroc") is not None
