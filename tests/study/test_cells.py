"""What a cell may see."""

from types import SimpleNamespace
from typing import Any

from firstlight.learn import FINE_TUNE, FINE_TUNE_REPLAY, LONG
from firstlight.study.arms import default_recipes
from firstlight.study.cells import Cell
from firstlight.study.plan import Arm


def test_a_draw_holds_only_the_objects_that_have_the_metadata_of_the_study() -> None:
    rules: Any = SimpleNamespace(
        draw=lambda budget, draw: ("a", "b", "c"), pool=SimpleNamespace(object_id=["c", "a"])
    )
    assert Cell(Arm("trees", "features"), "100", 3).ids(rules) == ("a", "c")
    assert Cell(Arm("base", "zero-shot", base="ztf-sim"), "none", 0).ids(rules) == ()


def test_cells_are_bound_to_the_default_recipes_that_made_them() -> None:
    tuned = Arm("tuned", "fine-tune", base="ztf-sim", strategy="full")
    assert default_recipes(tuned) == [FINE_TUNE, FINE_TUNE_REPLAY]
    assert default_recipes(Arm("auto", "fine-tune", base="ztf-sim", strategy="auto"))[-1] == LONG
    assert default_recipes(Arm("fresh", "scratch")) == [LONG]
