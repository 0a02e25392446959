import numpy as np
import pytest

import firstlight as fl
from firstlight.classifier.calibration import estimate_shares
from firstlight.errors import UsageError


def test_the_shares_of_a_mixture_are_found():
    rng = np.random.default_rng(0)
    true = np.array([0.85, 0.12, 0.03])
    kind = rng.choice(3, 4000, p=true)
    means = np.array([[1.5, 0.0], [-1.0, 1.0], [-1.0, -1.5]])
    seen = means[kind] + rng.normal(size=(4000, 2))
    likelihood = np.exp(-0.5 * np.square(seen[:, None] - means).sum(axis=2))
    shares = estimate_shares(likelihood / likelihood.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(shares, true, atol=0.05)
    assert shares.sum() == pytest.approx(1.0)


def test_a_class_that_is_nowhere_stays_possible():
    shares = estimate_shares(np.tile([0.9, 0.1], (9, 1)))
    np.testing.assert_allclose(shares, [0.975, 0.025], atol=1e-3)


def test_a_classifier_estimates_the_shares_of_what_it_is_given():
    classifier, curves = fl.load("ztf"), fl.sample("ztf")
    shares = classifier.estimate_priors(curves)
    assert tuple(shares) == classifier.classes and sum(shares.values()) == pytest.approx(1.0)
    answers = classifier.classify(curves, priors=shares)
    assert np.isfinite(answers.final()).all(axis=1).any()
    coarse = classifier.estimate_priors(curves, classes=["SN", "TDE"])
    assert tuple(coarse) == ("SN", "TDE")
    with pytest.raises(UsageError, match="none of the light curves"):
        classifier.estimate_priors(curves.where(np.zeros(len(curves.time), bool)))
