"""Law 6: classes, passbands and columns are matched by name, never by position."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstlight.errors import UnknownNameError
from firstlight.lightcurves import LightCurves


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_the_place_of_a_passband_in_the_list_does_not_matter(classifier, light_curves, same, data) -> None:
    curves = data.draw(light_curves)
    order = data.draw(st.permutations(range(len(curves.passbands))))
    codes = np.full(len(order) + 1, -1, np.int16)
    codes[order] = np.arange(len(order))
    moved = dataclasses.replace(
        curves,
        passband=codes[curves.passband],
        bands=tuple(curves.bands[place] for place in order),
    )
    same(classifier.classify(moved).probabilities, classifier.classify(curves).probabilities)


def test_the_order_of_columns_and_of_metadata_does_not_matter(classifier, same, bump) -> None:
    table = {"object_id": ["bump"], "redshift": [0.05], "mwebv": [0.02], "unheard_of": ["x"]}
    one = bump.with_objects({name: table[name] for name in ("object_id", "redshift", "mwebv")})
    other = bump.with_objects(dict(reversed(table.items())))
    same(classifier.classify(other).probabilities, classifier.classify(one).probabilities)


def test_classes_come_in_the_order_asked_for(classifier, bump) -> None:
    names = list(reversed(classifier.classes))
    turned = classifier.classify(bump, classes=names)
    assert list(turned.classes) == names == turned.to_arrow().column_names[1 : len(names) + 1]
    np.testing.assert_allclose(
        turned.probabilities, classifier.classify(bump).probabilities[:, ::-1], atol=1e-6
    )


def test_priors_go_by_name(classifier, bump, same) -> None:
    priors = {name: 1.0 + k for k, name in enumerate(classifier.classes)}
    turned = dict(reversed(priors.items()))
    same(
        classifier.classify(bump, priors=turned).probabilities,
        classifier.classify(bump, priors=priors).probabilities,
    )


def test_unknown_names_are_refused_with_the_nearest(classifier, bump: LightCurves) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'SN Ia"):
        classifier.classify(bump, classes=["SN Iaa"])
    with pytest.raises(UnknownNameError, match="Did you mean"):
        classifier.classify(bump, priors={f"{classifier.classes[0]}q": 1.0})
    with pytest.raises(UnknownNameError, match="Did you mean 'ZTF'"):
        classifier.start(survey="ZTFF")
