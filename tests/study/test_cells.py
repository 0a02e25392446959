"""What a cell may see."""

from types import SimpleNamespace
from typing import Any

from firstlight.learn import FINE_TUNE, FINE_TUNE_REPLAY, LONG
from firstlight.study.cells import Cell, defaults
from firstlight.study.plan import Arm


def test_a_draw_holds_only_the_objects_that_have_the_metadata_of_the_study() -> None:
    rules: Any = SimpleNamespace(
        draw=lambda budget, draw: ("a", "b", "c"), pool=SimpleNamespace(object_id=["c", "a"])
    )
    assert Cell(Arm("trees", "features"), "100", 3).ids(rules) == ("a", "c")
    assert Cell(Arm("base", "zero-shot", base="ztf-sim"), "none", 0).ids(rules) == ()


def test_cells_are_bound_to_the_default_recipes_that_made_them() -> None:
    tuned = Arm("tuned", "fine-tune", base="ztf-sim", strategy="full")
    assert defaults(tuned) == [FINE_TUNE, FINE_TUNE_REPLAY]
    assert defaults(Arm("auto", "fine-tune", base="ztf-sim", strategy="auto"))[-1] == LONG
    assert defaults(Arm("fresh", "scratch")) == [LONG]
