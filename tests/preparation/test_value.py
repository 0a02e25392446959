"""A preparation as a value: saved, read back, and strict about what it does not know."""

import json

import numpy as np
import pytest

from firstlight import facts
from firstlight.errors import UnknownNameError, UsageError
from firstlight.preparation import Preparation


@pytest.mark.parametrize(
    "preparation",
    [
        Preparation(),
        Preparation.reference(metadata=("redshift", "mwebv")),
        Preparation(
            rows="all", before_days=3, passbands=("ZTF-g", "LSST-r"), metadata=("photoz",), deredden=True
        ),
    ],
)
def test_json_gives_back_the_same_preparation(preparation: Preparation) -> None:
    assert Preparation.from_dict(json.loads(json.dumps(preparation.to_dict()))) == preparation


def test_an_unknown_key_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"'before_day'.*Did you mean 'before_days'"):
        Preparation.from_dict({"before_day": 3})


@pytest.mark.parametrize(
    "name",
    [
        "SIM_REDSHIFT_CMB",
        "sim_peakmag",
        "peak_mjd",
        "PEAKMJD",
        "true_target",
        "label",
        "trigger_mjd",
        "source",
    ],
)
def test_truth_dates_and_identities_are_no_metadata(name: str) -> None:
    with pytest.raises(UsageError, match=f"'{name}' holds the truth"):
        Preparation(metadata=(name,))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"features": "defualt"}, "Did you mean 'default'"),
        ({"rows": "detection"}, "Did you mean 'detections'"),
        ({"passbands": ("ZTF-q",)}, "ZTF-q"),
    ],
)
def test_unknown_words_are_named(values: dict, message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        Preparation(**values)


@pytest.mark.parametrize("days", [-1.0, float("nan"), float("inf")])
def test_days_are_numbers_from_zero_on(days: float) -> None:
    with pytest.raises(UsageError, match="after_days"):
        Preparation(after_days=days)


def test_another_version_is_refused() -> None:
    with pytest.raises(UsageError, match="version 2"):
        Preparation(version=2)


def test_missing_metadata_are_masked_and_read_zero(random_curves) -> None:
    curves = random_curves(2)
    sequences = Preparation(metadata=("redshift", "photoz"))(curves)
    known = np.isfinite(curves.column("redshift"))[sequences.owner]
    assert np.array_equal(sequences.context_mask[:, 0], known)
    assert not sequences.context_mask[:, 1].any()
    assert (sequences.context[~sequences.context_mask] == 0.0).all()
    assert sequences.context_names == ("redshift", "photoz")


def test_reference_metadata_are_raw_numbers(random_curves) -> None:
    curves = random_curves(2)
    sequences = Preparation.reference(metadata=("redshift",))(curves)
    known = sequences.context_mask[:, 0]
    raw = curves.column("redshift")[sequences.owner[known]]
    np.testing.assert_allclose(sequences.context[known, 0], raw, rtol=1e-6)


def test_a_passband_beside_a_known_one_is_read_and_a_far_one_is_not() -> None:
    preparation = Preparation(passbands=("ZTF-g", "ZTF-r"))
    read = {name for name in facts.all_passbands() if preparation.reads(facts.passband(name)) is not None}
    assert {"ZTF-g", "ZTF-r", "LSST-g", "LSST-r", "DES-g", "Pan-STARRS-r"} <= read
    assert not read & {"ZTF-i", "LSST-u", "LSST-i", "LSST-z", "LSST-y", "ATLAS-c", "ATLAS-o"}
