"""Milky Way dust is undone once, where it is known."""

import numpy as np

from firstlight.facts import passband
from firstlight.lightcurves import LightCurves
from firstlight.preparation import Preparation, deredden


def curves(**more: object) -> LightCurves:
    return LightCurves.from_columns(
        object_id=["a", "b"],
        time=[59_000.0, 59_000.0],
        passband=["g", "r"],
        flux=[9_000.0, 9_000.0],
        flux_err=[500.0, 500.0],
        flux_unit="nJy",
        survey="ZTF",
        objects={"object_id": ["a", "b"], "mwebv": [0.1, None]},
        **more,
    )


def test_flux_and_error_brighten_by_the_extinction_where_it_is_known() -> None:
    corrected = deredden(curves())
    factor = 10 ** (0.4 * passband("ZTF-g").extinction * 0.1)
    np.testing.assert_allclose(corrected.flux, [9_000.0 * factor, 9_000.0])
    np.testing.assert_allclose(corrected.flux_err, [500.0 * factor, 500.0])


def test_it_is_undone_only_once() -> None:
    once = deredden(curves())
    assert np.array_equal(deredden(once).flux, once.flux)
    assert np.array_equal(deredden(curves(dereddened=True)).flux, curves().flux)


def test_a_preparation_that_dereddens_equals_dereddened_light_curves() -> None:
    light = curves()
    inside = Preparation(deredden=True)(light).features
    assert np.array_equal(inside, Preparation()(deredden(light)).features)
    assert not np.array_equal(inside, Preparation()(light).features)
