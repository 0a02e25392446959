"""Law 3: every object that goes in comes out as one row; what was wrong with it stands in its flags."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from firstlight.lightcurves import Flag

REASONS = Flag.NO_DATA | Flag.NO_DETECTION | Flag.NO_KNOWN_PASSBAND


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_one_row_an_object_in_order_with_numbers_or_a_reason(classifier, light_curves, data) -> None:
    curves = data.draw(light_curves)
    answers = classifier.classify(curves)
    assert answers.object_id == curves.object_id
    assert answers.probabilities.shape == (len(curves.time), len(classifier.classes))
    final = answers.final()
    unknown = np.isnan(final).any(axis=1)
    assert np.isnan(final[unknown]).all()
    np.testing.assert_allclose(final[~unknown].sum(axis=1), 1.0, atol=1e-5)
    assert ((answers.flags[unknown] & np.uint16(REASONS)) != 0).all()
    assert (answers.n_observations <= curves.n_observations).all()
    assert ((answers.n_observations > 0) == ~unknown).all()
    assert ((answers.flags & curves.object_flags) == curves.object_flags).all()


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_what_cannot_be_used_changes_nothing(classifier, light_curves, same, data) -> None:
    curves = data.draw(light_curves)
    same(
        classifier.classify(curves.where(curves.usable)).final(),
        classifier.classify(curves).final(),
    )


def test_passbands_that_a_classifier_does_not_read_are_flagged(classifier) -> None:
    from firstlight.lightcurves import LightCurves

    curves = LightCurves.from_columns(
        object_id=["a"],
        time=[59_000.0],
        passband=["i"],
        flux=[9e4],
        flux_err=[1e3],
        flux_unit="nJy",
        survey="ZTF",
    )
    answers = classifier.classify(curves)
    read = classifier.preparation.passbands
    reads = read is None or "ZTF-i" in {band.name for band in read}
    assert np.isfinite(answers.final()).all() == reads
    assert bool(answers.flags[0] & Flag.NO_KNOWN_PASSBAND) != reads
