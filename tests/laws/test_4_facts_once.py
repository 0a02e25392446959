"""Law 4: a passband is what its facts say it is, whatever survey wrote them."""

import numpy as np

from firstlight import facts
from firstlight.lightcurves import LightCurves


def test_a_survey_with_the_same_facts_gets_the_same_answer(classifier, same) -> None:
    """Nothing but the facts of a passband reaches a network: not its name, not its place in a list."""
    ztf = facts.survey("ZTF")
    if classifier.preparation.wavelengths is not None:
        return  # such a classifier knows two passbands by name, and others as the nearest of them
    twin = {
        "name": "Twin",
        "passbands": {
            name: {
                "wavelength_um": ztf.passband(letter).wavelength_um,
                "width_um": ztf.passband(letter).width_um,
                "extinction": ztf.passband(letter).extinction,
                "depth": ztf.passband(letter).depth,
            }
            for name, letter in (("red", "r"), ("green", "g"))
        },
    }
    random = np.random.default_rng(4)
    letters = random.choice(["g", "r"], 25)
    shared = {
        "object_id": ["a"] * 25,
        "time": 59_000.0 + np.sort(random.uniform(0.0, 80.0, 25)),
        "flux": random.lognormal(11.0, 0.6, 25),
        "flux_err": np.full(25, 2_000.0),
        "flux_unit": "nJy",
    }
    one = LightCurves.from_columns(**shared, passband=letters, survey="ZTF")
    names = np.where(letters == "g", "green", "red")
    other = LightCurves.from_columns(**shared, passband=names, survey=twin)
    same(classifier.classify(other).probabilities, classifier.classify(one).probabilities)


def test_every_passband_of_every_survey_gives_an_answer(classifier) -> None:
    for name in facts.surveys():
        for band in facts.survey(name).passbands:
            flux = 10.0 ** (0.4 * (31.4 - band.depth)) * 5.0
            curves = LightCurves.from_columns(
                object_id=["a"] * 3,
                time=[59_000.0, 59_002.0, 59_004.0],
                passband=[band.short] * 3,
                flux=[flux, 2.0 * flux, flux],
                flux_err=[flux / 20.0] * 3,
                flux_unit="nJy",
                survey=name,
            )
            known = classifier.preparation.reads(band) is not None
            assert np.isfinite(classifier.classify(curves).probabilities).all() == known


def test_its_classes_stand_in_the_tree(classifier) -> None:
    tree = facts.class_tree()
    assert [tree.canonical(name) for name in classifier.classes] == list(classifier.classes)
