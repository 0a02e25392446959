"""The standing opponent learns, keeps the order of the classes, and says what it cannot do."""

from __future__ import annotations

import numpy as np
import pytest

from firstlight.errors import TrainingError, UsageError
from firstlight.evaluate import Boosting, Opponent, Stage, encode, macro_auroc

pytest.importorskip("sklearn")
CLASSES = ("TDE", "SN Ia", "SN II", "SLSN-I")


@pytest.mark.parametrize("booster", ["scikit-learn", "lightgbm"])
def test_it_tells_made_up_classes_apart(population, booster):
    if booster == "lightgbm":
        pytest.importorskip("lightgbm")
    train, test = population(120, seed=1), population(60, seed=2)
    small = Boosting(30, 6, 4)
    fitted = Opponent.fit(train, classes=CLASSES, booster=booster, seeds=(0,), settings=small)
    q = fitted.predict(test)
    assert q.shape == (60, 4) and np.allclose(q.sum(1), 1) and not q[:, 0].any()
    assert fitted.counts.tolist() == [0, 40, 40, 40]
    assert macro_auroc(encode(list(test.column("label")), CLASSES), q) > 0.9
    again = Opponent.fit(train, classes=CLASSES, booster=booster, seeds=(0,), settings=small)
    np.testing.assert_array_equal(again.predict(test), q)


def test_it_sees_nothing_after_its_cut(population):
    train, test = population(60, seed=1), population(20, seed=2)
    cut = Stage(detections=5)
    fitted = Opponent.fit(train, cut=cut, booster="scikit-learn", seeds=(0,), settings=Boosting(10, 4, 4))
    np.testing.assert_array_equal(fitted.predict(test), fitted.predict(cut.apply(test)))


def test_flux_features_serve_more_than_two_passbands(population):
    train = population(60, survey="LSST", bands="ugrizy", detections_only=False)
    fitted = Opponent.fit(train, booster="scikit-learn", seeds=(0,), settings=Boosting(10, 4, 4))
    assert fitted.which == "flux" and fitted.predict(train).shape == (60, 3)


def test_one_class_or_the_wrong_number_of_passbands_is_refused(population):
    curves = population(12)
    with pytest.raises(TrainingError, match="two classes"):
        Opponent.fit(curves, ["SN Ia"] * 12)
    with pytest.raises(UsageError, match="two passbands"):
        Opponent.fit(curves, which="detections", passbands=("ZTF-g", "ZTF-r", "ZTF-i"))


def test_settings_follow_the_number_of_labels():
    assert [Boosting.of_protocol("detections", n).trees for n in (100, 1000, 5000)] == [80, 150, 200]
    assert Boosting.of_protocol("flux", 34).weight_power == 1.0
