import numpy as np
import pytest

from firstlight.classifier import Classifier, load
from firstlight.errors import UnknownNameError
from firstlight.learn import STRATEGIES, fine_tune
from firstlight.lightcurves import LightCurves

from .conftest import CLASSES, labelled

MOVES = {
    "output": ("output",),
    "last-two": ("latent", "output"),
    "recurrent-and-output": ("recurrent", "latent", "output"),
    "full": ("",),
    "head-first": ("",),
}


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("base", ["reference", "small"])
def test_frozen_tensors_come_out_bit_identical_and_the_others_move(
    strategy: str, base: str, small: Classifier, curves: LightCurves
):
    start = small if base == "small" else load(base)
    classes = start.classes if base == "small" else None
    tuned = fine_tune(start, curves, strategy=strategy, classes=classes, epochs=2)
    before, after = start.checkpoint.weights, tuned.checkpoint.weights
    assert set(before) == set(after)
    for name in before:
        moves = name.startswith(MOVES[strategy])
        same = before[name].shape == after[name].shape and np.array_equal(before[name], after[name])
        assert same != moves, name


def test_rows_of_classes_without_labels_are_kept(small: Classifier):
    two = labelled(20, classes=("SN Ia", "SN II"))
    tuned = fine_tune(small, two, epochs=2)
    assert tuned.classes == small.classes
    row = CLASSES.index("TDE")
    for name in ("output.weight", "output.bias"):
        before, after = small.checkpoint.weights[name], tuned.checkpoint.weights[name]
        place = small.classes.index("TDE")
        assert np.array_equal(before[place], after[place]), row
        assert not np.array_equal(before, after)


def test_an_unknown_strategy_is_refused_with_the_nearest(small: Classifier, curves: LightCurves):
    with pytest.raises(UnknownNameError, match="last-two"):
        fine_tune(small, curves, strategy="last-tow")
