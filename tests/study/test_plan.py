"""A plan is read strictly, and what it leaves open is written out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from firstlight.errors import UnknownNameError, UsageError
from firstlight.evaluate import FULL
from firstlight.study import Study, read_study

ARM = {"name": "features", "kind": "features"}
STUDIES = Path(__file__).parents[2] / "studies"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"budgest": []}, "Did you mean 'budgets'"),
        ({"arms": [{**ARM, "knd": 1}]}, "Did you mean 'kind'"),
        ({"arms": [{"name": "a", "kind": "feature"}]}, "Did you mean 'features'"),
        ({"arms": [{"name": "a", "kind": "fine-tune"}]}, "needs a base"),
        ({"arms": [{"name": "a", "kind": "average", "of": ["feature"]}, ARM]}, "Did you mean 'features'"),
        ({"arms": [{**ARM, "kind": "scratch", "replay": True}]}, "replays nothing"),
        ({"arms": [{**ARM, "kind": "fine-tune", "base": "ztf-sim", "replay": "carrid"}]}, "'carried'"),
        ({"arms": [{**ARM, "metadata": ["redshift"]}]}, "redshift"),
        ({"arms": [ARM, ARM]}, "a name of its own"),
        ({"arms": [ARM, {**ARM, "name": "features "}, {**ARM, "name": "features,"}]}, "same file name"),
        ({"stages": ["3 detections"]}, "lack 'full'"),
        ({"budgets": "all"}, "must be a list"),
        ({"arms": []}, "give arms"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_name(changes: dict[str, Any], told: str) -> None:
    with pytest.raises((UnknownNameError, UsageError), match=told):
        read_study({"arms": [ARM], **changes})


def test_what_a_plan_leaves_open_is_filled_in() -> None:
    plan = read_study(
        {
            "base": "reference",
            "metadata": ["mwebv"],
            "budgets": ["none", 100, "all"],
            "arms": [ARM, {"name": "tuned", "kind": "fine-tune"}, {**ARM, "name": "bare", "metadata": []}],
        }
    )
    assert plan.budgets == ("100", "all")  # arms without labels need no budget
    assert plan.stages == (FULL,) and plan.draws == 5
    assert plan.arm("tuned").base == "reference" and plan.arm("features").base == ""
    assert plan.arm("features").metadata == ("mwebv",) and plan.arm("bare").metadata == ()
    assert plan.from_scratch(plan.arm("features")) and not plan.from_scratch(plan.arm("tuned"))


def test_one_simulated_survey_may_be_named_without_a_list() -> None:
    assert read_study({"replay": "sim", "arms": [ARM]}).replay == ("sim",)
    assert read_study({"replay": ["one", "two"], "arms": [ARM]}).replay == ("one", "two")


def test_an_average_knows_only_labels_when_all_its_parts_do() -> None:
    arms = [
        ARM,
        {"name": "net", "kind": "scratch"},
        {"name": "zero", "kind": "zero-shot", "base": "reference"},
    ]
    arms += [{"name": "a", "kind": "average", "of": ["features", "net"]}]
    arms += [{"name": "b", "kind": "average", "of": ["features", "zero"]}]
    plan = read_study({"arms": arms})
    assert plan.from_scratch(plan.arm("a")) and not plan.from_scratch(plan.arm("b"))


@pytest.mark.parametrize("file", sorted(STUDIES.glob("*.toml")), ids=lambda path: path.stem)
def test_the_studies_of_the_repository_are_plans(file: Path) -> None:
    plan = read_study(file)
    assert isinstance(plan, Study) and plan.name == file.stem


def test_a_file_that_is_no_toml_says_so(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text("arms = [")
    with pytest.raises(UsageError, match="is no TOML"):
        read_study(tmp_path / "plan.toml")
