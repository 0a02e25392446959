import re

import numpy as np
import pytest

from firstlight.classifier import Classifier, load
from firstlight.cli.learning import STRATEGIES as OFFERED
from firstlight.errors import UnknownNameError
from firstlight.learn import STRATEGIES, fine_tune
from firstlight.learn.recipe import phases
from firstlight.lightcurves import LightCurves

from .conftest import CLASSES, labelled

MOVES = {
    "output": r"output",
    "last-two": r"latent|output",
    "recurrent-and-output": r"recurrent|latent|output",
    "full": r"",
    "head-first": r"",
    "layer-wise": r"",
    "l2-sp": r"",
    "adapters": r"output|.*weight(?<!norm\.weight)",
    "bias-norm": r"output|norm|.*bias",
}


@pytest.mark.parametrize("strategy", MOVES)
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
        moves = re.match(MOVES[strategy], name) is not None
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


def test_adapters_add_matrices_of_low_rank(small: Classifier, curves: LightCurves):
    tuned = fine_tune(small, curves, strategy="adapters", epochs=2)
    before, after = small.checkpoint.weights, tuned.checkpoint.weights
    for name in ("latent.weight", "recurrent.weight_hh_l0", "recurrent.weight_ih_l1", "project.weight"):
        change = (after[name] - before[name]).astype(float)
        values = np.linalg.svd(change, compute_uv=False)
        assert values[0] > 0 and values[4:].max(initial=0) < 1e-5 * values[0], name


def test_lower_layers_move_less_layer_by_layer(small: Classifier, curves: LightCurves):
    def distance(strategy: str, name: str) -> float:
        tuned = fine_tune(small, curves, strategy=strategy, epochs=1, draws=64, schedule="constant")
        return float(np.abs(tuned.checkpoint.weights[name] - small.checkpoint.weights[name]).max())

    for name, factor in (("output.weight", 1), ("latent.weight", 0.4), ("recurrent.weight_hh_l0", 0.064)):
        assert distance("layer-wise", name) < 1.3 * factor * distance("full", name)


def test_a_strategy_may_pull_to_the_base_by_itself(small: Classifier, curves: LightCurves):
    pull = phases("l2-sp")[0].pull
    assert pull > 0
    named = fine_tune(small, curves, strategy="l2-sp", epochs=3)
    stated = fine_tune(small, curves, strategy="full", epochs=3, pull=pull)
    assert np.array_equal(
        named.checkpoint.weights["latent.weight"], stated.checkpoint.weights["latent.weight"]
    )


def test_the_command_line_offers_every_strategy():
    assert OFFERED == STRATEGIES and set(STRATEGIES) == {*MOVES, "auto"}
