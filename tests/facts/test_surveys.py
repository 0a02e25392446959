"""Surveys and passbands: numbers with sources, every spelling of a name, a user's own survey."""

import json
from dataclasses import asdict

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from firstlight.errors import DataError, UnknownNameError, UsageError
from firstlight.facts import (
    Survey,
    all_passbands,
    extinction_at,
    passband,
    survey,
    surveys,
    to_plain,
    united,
)

PACKAGED = {"ZTF": "gri", "LSST": "ugrizy", "Pan-STARRS": "grizy", "DES": "griz", "ATLAS": "co"}
CURVES = {"ZTF": "ztf", "LSST": "lsst", "Pan-STARRS": "ps1", "DES": "des", "ATLAS": "atlas"}
WHITE = {"name": "MyScope", "passbands": {"w": {"wavelength_um": 0.61, "width_um": 0.38, "depth": 20.5}}}


def test_the_packaged_surveys_have_their_passbands() -> None:
    assert set(PACKAGED) <= set(surveys())
    for name, bands in PACKAGED.items():
        assert "".join(band.short for band in survey(name).passbands) == bands


@pytest.mark.parametrize("name", PACKAGED)
def test_every_number_has_a_source(name: str) -> None:
    one = survey(name)
    assert {"time_source", "detection_source", "trigger_source"} <= set(one.sources)
    assert (one.zero_point is None) == ("zero_point_source" not in one.sources)
    for band in one.passbands:
        assert len(band.source) > 10 and len(band.depth_source) > 10


@pytest.mark.parametrize("name", PACKAGED)
def test_wavelengths_agree_with_the_public_curves(name: str, shared) -> None:
    for band in survey(name).passbands:
        curve = shared / "data" / "simulation" / "filters" / f"{CURVES[name]}_{band.short}.dat"
        wave, throughput = np.loadtxt(curve, unpack=True)
        mean = np.trapezoid(wave * throughput, wave) / np.trapezoid(throughput, wave)
        pivot = np.sqrt(np.trapezoid(wave * throughput, wave) / np.trapezoid(throughput / wave, wave))
        assert band.wavelength_um == pytest.approx(mean / 1e4, rel=1e-3)
        assert band.wavelength_um == pytest.approx(pivot / 1e4, rel=1e-2)
        width = np.trapezoid(throughput, wave) / throughput.max()
        assert band.width_um == pytest.approx(width / 1e4, rel=1e-2)


def test_extinction_is_that_of_the_law_through_the_curve(shared) -> None:
    law = pytest.importorskip("extinction")
    for name, folder in CURVES.items():
        for band in survey(name).passbands:
            curve = shared / "data" / "simulation" / "filters" / f"{folder}_{band.short}.dat"
            wave, throughput = np.loadtxt(curve, unpack=True)
            photons = throughput * wave**-4 / np.expm1(1.4387769e4 / wave)  # blackbody of 10,000 K
            dimmed = photons * 10 ** (-0.04 * law.fitzpatrick99(wave, 3.1, 3.1))
            expected = -25 * np.log10(np.trapezoid(dimmed, wave) / np.trapezoid(photons, wave))
            assert band.extinction == pytest.approx(expected, rel=2e-3)


def test_the_tabulated_law_is_close_to_the_passbands() -> None:
    for band in all_passbands().values():
        assert extinction_at(band.wavelength_um) == pytest.approx(band.extinction, rel=0.05)


@pytest.mark.parametrize(
    ("name", "spellings", "expected"),
    [
        ("ZTF", ["g", "G", "ztfg", "ZTF_g", "ZTF-g", "ZTF g", "1", 1, 1.0, b"g", "g "], "ZTF-g"),
        ("ZTF", ["r", "R", "ztfr", "ZTF_R", 2, "2", np.int64(2)], "ZTF-r"),
        ("ZTF", ["i", "ztfi", 3], "ZTF-i"),
        ("LSST", ["y", "Y", "lsst_y", "LSST-y", "LSST-Y", "lssty", "5", 5, "lsst::y", "Y "], "LSST-y"),
        ("LSST", ["u", 0, "LSST-u", "rubin_u"], "LSST-u"),
        ("Pan-STARRS", ["g", "ps1g", "PS1-g", "ps1::g", "panstarrs1_g"], "Pan-STARRS-g"),
        ("PS1", ["y", "Pan-STARRS-y"], "Pan-STARRS-y"),
        ("DES", ["DES-z", "des_z", "decamz", "z"], "DES-z"),
        ("ATLAS", ["c", "atlasc", "ATLAS-c", "cyan"], "ATLAS-c"),
        ("atlas", ["o", "O", "atlaso", "orange"], "ATLAS-o"),
    ],
)
def test_spellings_of_one_passband(name: str, spellings: list[object], expected: str) -> None:
    for spelling in spellings:
        assert survey(name).passband(spelling).name == expected, spelling


@pytest.mark.parametrize(("name", "wrong"), [("ZTF", "ztfq"), ("ZTF", "y"), ("ZTF", "LSST-g"), ("LSST", 6)])
def test_unknown_passbands_are_refused_with_what_is_known(name: str, wrong: object) -> None:
    with pytest.raises(UnknownNameError, match="Known: "):
        survey(name).passband(wrong)


def test_the_nearest_passband_is_offered() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'ztfg'") as caught:
        survey("ZTF").passband("ztfgg")
    assert caught.value.nearest == "ztfg"


@pytest.mark.parametrize(
    "column",
    [
        ["g", "r", None, "q", "ZTF_i"],
        pa.array(["g", "r", None, "q", "ZTF_i"]),
        pa.array(["g", "r", None, "q", "ZTF_i"]).dictionary_encode(),
        pa.chunked_array([["g", "r"], [None, "q", "ZTF_i"]]),
        pd.Series(["g", "r", None, "q", "ZTF_i"]),
        pd.Series(["g", "r", None, "q", "ZTF_i"], dtype="category"),
        pl.Series(["g", "r", None, "q", "ZTF_i"]),
        np.array(["g", "r", None, "q", "ZTF_i"], dtype=object),
        np.ma.array(["g", "r", "r", "q", "i"], mask=[0, 0, 1, 0, 0]),
        np.array([b"g ", b"r", b"-", b"q", b"i"]),
        np.array([1, 2, 0, 9, 3], dtype=">i4"),
        np.array([1, 2, np.nan, 9, 3], dtype=np.float32),
        pd.Series([1, 2, None, 9, 3], dtype="Int64"),
    ],
)
def test_codes_of_many_names_mark_unknown_ones(column: object) -> None:
    codes = survey("ZTF").codes(column)
    assert codes.dtype == np.int16
    assert codes.tolist() == [0, 1, -1, -1, 2]


def test_codes_of_nothing_are_empty() -> None:
    assert survey("ZTF").codes([]).shape == (0,)
    assert survey("ZTF").codes(pa.chunked_array([], type=pa.string())).shape == (0,)


def test_surveys_are_found_in_any_case_and_refused_with_the_nearest() -> None:
    assert survey("ztf") is survey("ZTF")
    assert survey("rubin").name == "LSST"
    with pytest.raises(UnknownNameError, match="Did you mean 'ZTF'"):
        survey("ZTFF")


def test_qualified_names_find_their_passband() -> None:
    assert passband("LSST-y").survey == "LSST"
    assert all_passbands()["ZTF-g"] == survey("ZTF").passband("g")
    with pytest.raises(UnknownNameError, match="Did you mean 'ZTF-g'"):
        passband("ZTF_g")


def test_a_survey_of_ones_own_is_a_few_lines_of_toml(tmp_path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'name = "Mine"\n[passbands.r]\n'
        'wavelength_um = 0.62\nwidth_um = 0.13\ndepth = 21.5\naliases = ["Rc", 7]\n'
    )
    mine = survey(file)
    assert survey(str(file)) == mine
    assert mine.passband(7).name == "Mine-r"
    assert mine.passbands[0].extinction == pytest.approx(2.6, abs=0.1)
    assert mine.detection_snr == 5.0
    assert passband("Mine-r", among=mine.passbands) == mine.passbands[0]
    assert mine.answers_to("mine") and not mine.answers_to("my")


def test_a_survey_of_ones_own_is_known_to_nothing_else() -> None:
    before = surveys(), all_passbands()
    survey(WHITE)
    assert (surveys(), all_passbands()) == before
    with pytest.raises(UnknownNameError, match="of your own must come as a Passband"):
        passband("MyScope-w")
    with pytest.raises(UnknownNameError, match="MyScope"):
        survey("MyScope")


def test_a_packaged_name_means_the_packaged_numbers() -> None:
    with pytest.raises(UsageError, match="packaged with other numbers"):
        survey({**WHITE, "name": "ZTF"})
    assert survey(survey("ZTF").to_dict()) == survey("ZTF")


def test_passbands_carry_what_their_survey_says_of_rows() -> None:
    mine = survey({**WHITE, "detection_snr": 3.0, "time_scale": "tai", "time_reference": "middle"})
    band = mine.passbands[0]
    assert (band.detection_snr, band.time_scale, band.time_reference) == (3.0, "tai", "middle")
    assert Survey.of(mine.passbands) == mine
    assert survey(mine.to_dict()) == mine


def test_a_passband_is_written_by_name_only_where_it_is_packaged() -> None:
    ours, theirs = survey(WHITE).passbands[0], survey("ZTF").passbands[0]
    assert to_plain(theirs) == "ZTF-g"
    for band in (ours, theirs):
        assert passband(json.loads(json.dumps(to_plain(band)))) == band
    with pytest.raises(UnknownNameError, match="'colour'"):
        passband({**asdict(ours), "colour": "white"})
    with pytest.raises(DataError, match="lacks depth"):
        passband({key: value for key, value in asdict(ours).items() if key != "depth"})


def test_one_name_with_two_sets_of_numbers_is_refused() -> None:
    ours = survey(WHITE)
    other = survey({**WHITE, "detection_snr": 3.0})
    assert united(ours.passbands, ours.passbands) == ours.passbands
    with pytest.raises(DataError, match="two surveys are called 'MyScope'"):
        united(ours.passbands, other.passbands)


def test_a_survey_may_be_a_mapping_or_itself() -> None:
    mine = survey(WHITE)
    assert survey(mine) is mine
    assert mine.codes(["w", "MyScope-w"]).tolist() == [0, 0]


def test_passbands_that_differ_in_case_are_kept_apart() -> None:
    row = {"wavelength_um": 0.62, "width_um": 0.13, "depth": 21.5}
    two = survey({"name": "Johnson", "passbands": {"r": row, "R": {**row, "wavelength_um": 0.65}}})
    assert [two.passband(name).name for name in ("r", "R")] == ["Johnson-r", "Johnson-R"]
    with pytest.raises(UnknownNameError):
        two.passband("johnson_r".upper())


def broken(**changes: object) -> dict[str, object]:
    """The mapping WHITE with one thing wrong in its passband."""
    row = {**WHITE["passbands"]["w"], **changes}
    return {
        "name": "Broken",
        "passbands": {"w": {key: value for key, value in row.items() if value is not None}},
    }


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (broken(depht=20), UnknownNameError, "Did you mean 'depth'"),
        (broken(depth=None), DataError, "lacks depth"),
        (broken(wavelength_um=4800), DataError, "4800 Angstrom are 0.48"),
        (broken(width_um=-1), DataError, "width_um"),
        ({"name": "Broken"}, DataError, "lacks passbands"),
        ({**WHITE, "trigger": 2}, UnknownNameError, "unknown key 'trigger'"),
        ({**WHITE, "time_scale": "gps"}, UnknownNameError, "unknown time scale"),
        ({**WHITE, "name": "ZTF"}, UsageError, "packaged with other numbers"),
    ],
)
def test_a_wrong_survey_is_refused_by_name(given: dict[str, object], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        survey(given)


def test_two_passbands_cannot_share_an_alias() -> None:
    row = {"wavelength_um": 0.62, "width_um": 0.13, "depth": 21.5, "aliases": ["1"]}
    with pytest.raises(DataError, match="'1' means both"):
        survey({"name": "Twice", "passbands": {"a": row, "b": row}})


def test_a_missing_or_broken_file_is_named(tmp_path) -> None:
    with pytest.raises(DataError, match="no such file"):
        survey(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("name = ")
    with pytest.raises(DataError, match="is not TOML"):
        survey(tmp_path / "bad.toml")
