import dataclasses

import numpy as np
import pytest
import torch

from firstlight.classifier import Classifier
from firstlight.errors import UsageError
from firstlight.learn import LONG, auto, fine_tune, pretrain
from firstlight.learn.fitting import blend
from firstlight.learn.training import macro_auroc
from firstlight.lightcurves import LightCurves

from .conftest import CLASSES, SMALL, labelled


@pytest.fixture(scope="module")
def base() -> Classifier:
    """A classifier that carries light curves."""
    return pretrain(labelled(60), sizes=SMALL, epochs=15, rate=1e-2, validation=0.0, keep=30)


def decided(classifier: Classifier) -> dict:
    return classifier.checkpoint.config["training"]["auto"]


def weights(classifier: Classifier) -> np.ndarray:
    return classifier.checkpoint.weights["latent.weight"].astype(float)


def test_with_replay_the_result_lies_on_the_way_as_far_as_there_are_labels(base: Classifier):
    mine = labelled(25, seed=3)
    tuned = fine_tune(base, mine, strategy="auto", epochs=1, draws=30)
    assert decided(tuned) == {"labels": 25, "by": "number of labels", "blend": 25 / (25 + auto.WORTH)}
    whole = fine_tune(base, mine, strategy="full", epochs=1, draws=30)
    way = weights(base) + decided(tuned)["blend"] * (weights(whole) - weights(base))
    np.testing.assert_allclose(weights(tuned), way, atol=1e-6)
    assert tuned.checkpoint.config["training"]["recipe"]["blend"] == decided(tuned)["blend"]
    assert "33% of the way" in tuned.card


def test_blending_by_hand_does_the_same(base: Classifier):
    mine = labelled(25, seed=3)
    tuned = fine_tune(base, mine, strategy="auto", epochs=1, draws=30)
    again = fine_tune(base, mine, blend=25 / (25 + auto.WORTH), epochs=1, draws=30)
    assert again.hash == tuned.hash and again.calibration == tuned.calibration
    with pytest.raises(UsageError, match="blend"):
        fine_tune(base, mine, blend=1.5)


def test_without_replay_labels_that_mislead_are_not_followed(base: Classifier):
    mine = labelled(45, seed=3)
    wrong = mine.with_labels(list(np.random.default_rng(0).permutation(list(mine.column("label")))))
    tuned = fine_tune(base, wrong, strategy="auto", replay=False, augmentation={}, epochs=30, rate=1e-2)
    assert decided(tuned)["blend"] < 1 and decided(tuned)["by"] == "cross-validation"
    full = fine_tune(base, wrong, strategy="full", replay=False, augmentation={}, epochs=30, rate=1e-2)
    test = labelled(90, seed=8)
    truth = np.array([CLASSES.index(label) for label in test.column("label")])
    good, poor = (macro_auroc(one.classify(test).final().astype(float), truth) for one in (tuned, full))
    assert good > poor


def test_a_base_that_is_of_no_use_is_left(monkeypatch: pytest.MonkeyPatch):
    other = dict(zip(CLASSES, np.roll(CLASSES, 1), strict=True))
    wrong = labelled(60, seed=5)
    wrong = wrong.with_labels([other[label] for label in wrong.column("label")])
    useless = pretrain(wrong, sizes=SMALL, epochs=30, rate=1e-2, validation=0.0)
    monkeypatch.setattr(auto, "MANY", 30)
    monkeypatch.setattr(auto, "LONG", LONG.with_(epochs=10))
    tuned = fine_tune(useless, labelled(60, seed=6), strategy="auto", epochs=6, rate=1e-6)
    losses = decided(tuned)["losses"]
    assert min(losses, key=lambda name: losses[name]) == "long"
    assert decided(tuned)["long"] and decided(tuned)["blend"] == 1.0
    assert tuned.checkpoint.config["training"]["recipe"]["rate"] == LONG.rate
    assert tuned.checkpoint.config["network"]["members"] == 2
    assert "from scratch" in tuned.card
    alone = fine_tune(useless, labelled(60, seed=6), strategy="auto", epochs=6, rate=1e-6, members=1)
    assert alone.checkpoint.config["network"]["members"] == 1


def test_a_handful_of_labels_is_taken_with_care(base: Classifier, curves: LightCurves):
    tuned = fine_tune(base, curves[:6], strategy="auto", replay=False, epochs=1)
    assert decided(tuned) == {"labels": 6, "by": "too few", "blend": auto.CAUTIOUS}


def test_merged_classes_start_from_what_the_base_knows_of_their_union():
    fine = labelled(60, classes=("SN Ib", "SN Ic", "TDE"))
    base = pretrain(fine, sizes=SMALL, epochs=3, validation=0.0, keep=30)
    mine = labelled(20, seed=2, classes=("SN Ib/c", "TDE"))
    tuned = fine_tune(base, mine, strategy="auto", epochs=1, draws=20)
    assert tuned.classes == ("SN Ib/c", "TDE")
    assert sum(tuned.calibration.training_shares.values()) == pytest.approx(1.0)
    same = fine_tune(base, mine, strategy="auto", epochs=1, draws=20)
    assert same.hash == tuned.hash


def test_a_class_new_to_the_base_takes_part(base: Classifier):
    mine = labelled(30, seed=2, classes=("SN Ia", "AGN"))
    tuned = fine_tune(base, mine, strategy="auto", epochs=1)
    assert set(tuned.classes) == {*CLASSES, "AGN"}


def test_expected_shares_are_those_of_the_base(base: Classifier):
    shares = auto.expected_shares(base, base.classes)
    known = base.calibration.training_shares
    np.testing.assert_allclose(shares, [known[name] for name in base.classes], rtol=1e-6)


def test_both_ends_of_the_way_are_kept_to_the_last_bit():
    ends = [{"x": torch.randn(5)} for _ in range(2)]
    for share, end in enumerate(ends):
        assert torch.equal(blend(*ends, float(share))["x"], end["x"])


def test_light_curves_of_a_survey_with_other_passbands_are_not_replayed(base: Classifier):
    near = labelled(12, seed=2)
    far = dataclasses.replace(near, bands=("LSST-z", "LSST-y"))
    replayed = [fine_tune(base, mine, epochs=1).checkpoint.config["training"] for mine in (near, far)]
    assert replayed[0]["replay"] and replayed[1]["replay"] is None
    assert replayed[0]["strategy"] == replayed[1]["strategy"] == "auto"


def test_a_long_training_reads_what_a_base_of_detections_leaves_out(monkeypatch: pytest.MonkeyPatch):
    """Which class an object has shows only where nothing was detected."""

    def told(n: int, seed: int) -> LightCurves:
        curves = labelled(n, seed=seed)
        kind = np.arange(n) % len(CLASSES)
        # Two measured rows before the first detection of each object, bright or faint by its class.
        first = np.array([curves.time[curves.owner == k].min() for k in range(n)])
        sky = np.repeat(np.array([-900.0, 0.0, 900.0])[kind], 2)
        rows = {
            "object_id": np.repeat(np.asarray(curves.object_id), 2),
            "time": np.repeat(first, 2) + np.tile([1.5, 2.5], n),
            "passband": np.tile(["g", "r"], n),
            "flux": sky,
            "flux_err": np.full(2 * n, 400.0),
            "detected": np.zeros(2 * n, bool),
        }
        seen = {
            "object_id": np.asarray(curves.object_id)[curves.owner],
            "time": curves.time,
            "passband": np.array([name[-1] for name in curves.passbands])[curves.passband],
            "flux": np.full(len(curves.time), 9000.0),
            "flux_err": np.full(len(curves.time), 300.0),
            "detected": np.ones(len(curves.time), bool),
        }
        both = {name: np.concatenate([seen[name], rows[name]]) for name in rows}
        return LightCurves.from_columns(**both, survey="ZTF", flux_unit="nJy", objects=curves.objects)

    base = pretrain(told(60, 1), sizes=SMALL, epochs=2, validation=0.0)
    assert base.preparation.rows == "detections"
    monkeypatch.setattr(auto, "MANY", 30)
    monkeypatch.setattr(auto, "LONG", LONG.with_(epochs=30, draws=90, rate=1e-2, batch_size=16))
    tuned = fine_tune(base, told(60, 2), strategy="auto", epochs=2)
    assert decided(tuned)["blend"] == 1.0
    assert (tuned.preparation.rows, tuned.preparation.after_days) == ("measured", 300.0)
    test = told(60, 3)
    truth = np.array([CLASSES.index(label) for label in test.column("label")])
    assert macro_auroc(tuned.classify(test).final().astype(float), truth) > 0.8  # of detections alone .5
