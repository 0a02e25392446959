"""Metadata and truth values: codes, bounds, what an uncertainty needs, and how true is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import firstlight as fl
from firstlight.lightcurves import Flag

DAYS = 59_000.0 + 3.0 * np.arange(20)
FLUX = 20_000 * np.exp(-0.5 * ((DAYS - 59_025) / 12) ** 2) + 500


def lsst(**objects: Any) -> fl.LightCurves:
    return fl.LightCurves.from_columns(
        object_id=["a"] * 20,
        time=DAYS,
        passband=["g", "r", "i", "z"] * 5,
        survey="LSST",
        flux=FLUX,
        flux_err=np.full(20, 100.0),
        flux_unit="nJy",
        objects={"object_id": ["a"], **objects},
    )


def answer(curves: fl.LightCurves) -> Any:
    return np.asarray(fl.load("lsst").classify(curves).final())[0]


@pytest.mark.parametrize("name", ["photoz", "redshift"])
def test_an_uncertainty_counts_only_beside_its_value_whichever_columns_exist(name: str) -> None:
    alone, empty, none = (
        lsst(**{f"{name}_err": [0.3]}),
        lsst(**{name: [np.nan], f"{name}_err": [0.3]}),
        lsst(),
    )
    np.testing.assert_array_equal(answer(alone), answer(empty))
    np.testing.assert_array_equal(answer(alone), answer(none))
    classifier = fl.load("lsst")
    states = [classifier.start(survey="LSST", metadata=known) for known in ({f"{name}_err": 0.3}, {})]
    one, other = [state.preparation.context for state in states]
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["photoz", "redshift", "mwebv"])
def test_a_column_that_is_empty_is_as_one_that_is_not_there(name: str) -> None:
    np.testing.assert_array_equal(answer(lsst(**{name: [np.nan]})), answer(lsst()))


@pytest.mark.parametrize(
    ("name", "code", "flag"),
    [
        *(
            ("redshift", code, Flag.REDSHIFT_SENTINEL)
            for code in (-9.0, -0.5, -0.02, 0.0, 9.9, 9.99, 99.0, 1e308)
        ),
        *(("photoz", code, Flag.REDSHIFT_SENTINEL) for code in (-9.01, 9.99, 10.0, 11.0)),
        *(("mwebv", code, Flag.BAD_METADATA) for code in (-9.0, -0.1, 50.0, 99.0, 99.99, 101.0)),
        *(("trigger_mjd", code, Flag.BAD_METADATA) for code in (59.0, 590_000.0, -59_000.0, 99_999.0)),
    ],
)
def test_codes_in_metadata_are_missing_and_flagged(name: str, code: float, flag: Flag) -> None:
    curves = lsst(**{name: [code]})
    assert np.isnan(curves.column(name)[0])
    assert curves.object_flags[0] & flag


@pytest.mark.parametrize("code", [0.0, -9.0, 99.0, 1e308])
def test_uncertainties_that_are_codes_are_missing_and_flagged(code: float) -> None:
    curves = lsst(photoz=[0.4], photoz_err=[code])
    assert np.isnan(curves.column("photoz_err")[0])
    assert curves.object_flags[0] & Flag.BAD_METADATA


def test_blueshifts_and_dust_of_the_real_sky_stay() -> None:
    curves = lsst(redshift=[-0.001], mwebv=[4.0])
    assert (curves.column("redshift")[0], curves.column("mwebv")[0]) == (-0.001, 4.0)
    assert curves.object_flags[0] == 0


# --- truth values -----------------------------------------------------------------------------------------

NO = ("0.0", "0", "False", "f", "no", "0.", "-1", "0e0")
YES = ("1.0", "1", "True", "t", "yes", "1.", "+1.0", "1e0", "2")


@pytest.mark.parametrize(("words", "expected"), [(NO, False), (YES, True)])
def test_truth_values_of_every_spelling_are_read_alike_in_files_and_in_memory(
    words: tuple[str, ...], expected: bool, tmp_path: Path
) -> None:
    for word in words:
        rows = [f"A,{59_000 + k},g,{50_000 if not expected else 500}.5,600.0,{word}" for k in range(4)]
        path = tmp_path / "x.csv"
        path.write_text("\n".join(["object_id,mjd,band,flux,fluxerr,detected", *rows]) + "\n")
        curves = fl.read_table(path, survey="ZTF", flux_unit="nJy")
        assert curves.detected.tolist() == [expected] * 4, word
        value = float(word) if word.lstrip("+-")[0].isdigit() else word
        for given in (word, value):
            one = fl.LightCurves.from_columns(
                object_id=["A"],
                time=[59_000.0],
                passband=["g"],
                survey="ZTF",
                flux=[500.0 if expected else 5e4],
                flux_err=[600.0],
                flux_unit="nJy",
                detected=[given],
            )
            assert one.detected.tolist() == [expected], given


def test_words_that_say_neither_leave_it_to_the_signal_and_are_told() -> None:
    report: list[str] = []
    curves = fl.LightCurves.from_columns(
        object_id=["A"] * 4,
        time=59_000.0 + np.arange(4),
        passband=["g"] * 4,
        survey="ZTF",
        flux=[5e4, 5e2] * 2,
        flux_err=[600.0] * 4,
        flux_unit="nJy",
        detected=["maybe", "-9", "", None],
        report=report,
    )
    assert curves.detected.tolist() == [True, False, True, False]
    assert report == ["column 'detected': 2 cells are neither true nor false, read as missing"]
