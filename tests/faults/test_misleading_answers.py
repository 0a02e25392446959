"""Answers that would mislead whoever reads them: each is what it says, or says what it is not."""

from __future__ import annotations

import csv
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import firstlight as fl
from firstlight.classifier import purpose_of
from firstlight.cli.app import run
from firstlight.errors import UsageError

SURE = ("ztf", "lsst")  # the packaged classifiers that have class sets


def typed(*words: object) -> int:
    return run([str(word) for word in words])


def few(survey: str, bands: str) -> fl.LightCurves:
    """Light curves of one object of a survey for each word of `bands`, an observation a letter."""
    rows = [
        (f"{survey} {k}", 60_000.0 + 3.0 * i, band)
        for k, word in enumerate(bands.split())
        for i, band in enumerate(word)
    ]
    return fl.LightCurves.from_columns(
        object_id=[row[0] for row in rows],
        time=[row[1] for row in rows],
        passband=[row[2] for row in rows],
        flux=[3e4 + 1e3 * i for i in range(len(rows))],
        flux_err=[1e3] * len(rows),
        flux_unit="nJy",
        survey=survey,
    )


def stored(folder: Path, curves: fl.LightCurves) -> Path:
    """The file that holds them."""
    pq.write_table(curves.to_arrow(), folder / "stored.parquet")
    return folder / "stored.parquet"


# --- which classifier answers -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("survey", "name"), [("ZTF", "ztf"), ("LSST", "lsst"), ("DES", "sims"), ("Pan-STARRS", "sims")]
)
def test_the_classifier_follows_the_survey_and_is_said(
    survey: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    curves = few(survey, "grrg gg")
    found = fl.classify(curves)
    assert found.classifier == name and survey in found.chosen
    np.testing.assert_array_equal(found.probabilities, fl.load(name).classify(curves).probabilities)
    assert fl.load(survey=survey).name == name
    assert fl.classify(curves, "reference").chosen == ""
    assert fl.suggest(curves=curves).classifier == name
    out = tmp_path / "p.parquet"
    assert typed("classify", stored(tmp_path, curves), "--out", out) == 0
    assert f"classifier {name} 1" in (told := capsys.readouterr().err) and found.chosen in told
    metadata = pq.read_table(out).schema.metadata
    assert metadata[b"firstlight.classifier"].decode() == name
    assert metadata[b"firstlight.chosen"].decode() == found.chosen


def test_light_curves_that_no_packaged_classifier_is_for_are_refused_with_those_that_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    curves = few("ATLAS", "coco")
    with pytest.raises(UsageError, match=r"light curves of ATLAS.*ztf reads ZTF-g, ZTF-r.*classifier=NAME"):
        fl.classify(curves)
    assert typed("classify", stored(tmp_path, curves)) == 2
    told = capsys.readouterr().err
    assert all(name in told for name in fl.classifiers()) and "--classifier" in told
    with pytest.raises(UsageError, match="no classifier is named"):
        fl.load()


def test_several_surveys_in_one_table_have_one_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = fl.LightCurves.concat([few("ZTF", "grgr"), few("LSST", "grizy ugr")])
    found = fl.classify(both)
    assert found.classifier == "sims" and "ZTF and LSST" in found.chosen
    assert np.isfinite(found.final()).all()
    assert typed("classify", stored(tmp_path, both)) == 0
    assert found.chosen in capsys.readouterr().err


@pytest.mark.parametrize(
    ("survey", "bands", "who"),
    [("DES", "zzgr gr zz", "reference"), ("ZTF", "grii gg ii", "no packaged one")],
)
def test_rows_in_passbands_that_are_not_read_are_counted_and_flagged(
    survey: str, bands: str, who: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    curves = few(survey, bands)
    found = fl.classify(curves)
    flagged = [bool(flag & fl.Flag.UNREAD_PASSBAND) for flag in found.flags]
    assert flagged == [True, False, True]
    ((band, rows),) = found.unread.items()
    assert rows == 4
    classifier = fl.load(found.classifier)
    for k in range(3):
        state = classifier.start(survey=survey)
        for row in range(curves.offsets[k], curves.offsets[k + 1]):
            name, flux = curves.passbands[curves.passband[row]], curves.flux[row]
            state, _ = classifier.step(state, fl.Observation(curves.time[row], name, flux, 1e3))
        assert bool(state.preparation.flags & fl.Flag.UNREAD_PASSBAND) == flagged[k]
    states, _, _ = classifier.step_many(classifier.start_many(curves), curves)
    assert [bool(f & fl.Flag.UNREAD_PASSBAND) for f in states.preparation.columns["flags"]] == flagged
    assert typed("classify", stored(tmp_path, curves)) == 0
    told = capsys.readouterr().err
    assert f"4 in {band}, which {who}" in told and "2 unread_passband" in told


def test_the_packaged_classifiers_are_listed_with_survey_passbands_and_default(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert typed("classifiers") == 0
    text = capsys.readouterr().out
    said = ("survey: ZTF", "default for: LSST", "default for: every other survey", "passbands: ZTF-g, ZTF-r")
    assert all(words in text for words in said)
    assert [name for name in fl.classifiers() if purpose_of(name).default] == ["lsst", "sims", "ztf"]


# --- coarser classes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["SN Ia", "TDE", "SN Ia,SLSN-I"])
def test_what_stands_under_no_class_asked_for_is_the_column_other(asked: str, tmp_path: Path) -> None:
    out, whole = tmp_path / "coarse.parquet", tmp_path / "whole.parquet"
    assert typed("classify", "sample:ztf", "--classes", asked, "--out", out) == 0
    assert typed("classify", "sample:ztf", "--out", whole) == 0
    coarse, fine = pq.read_table(out), pq.read_table(whole)
    names = asked.split(",")
    for name in names:
        np.testing.assert_allclose(coarse[name].to_numpy(), fine[name].to_numpy(), atol=1e-6)
    total = sum(coarse[name].to_numpy() for name in (*names, "other"))
    np.testing.assert_allclose(total, 1.0, atol=1e-6)
    assert coarse["other"].to_numpy().max() > 0.5  # the sample holds other things


def test_what_is_left_out_on_request_is_said_in_the_file(tmp_path: Path) -> None:
    words = ("classify", "sample:ztf", "--classes", "SN Ia,TDE", "--renormalise")
    assert typed(*words, "--out", tmp_path / "p.parquet") == 0
    assert typed(*words, "--out", tmp_path / "p.csv") == 0
    table = pq.read_table(tmp_path / "p.parquet")
    assert "other" not in table.column_names
    np.testing.assert_allclose(table["SN Ia"].to_numpy() + table["TDE"].to_numpy(), 1.0, atol=1e-6)
    assert json.loads(table.schema.metadata[b"firstlight.left_out"]) == ["SN II", "SN Ib/c", "SLSN-I"]
    with (tmp_path / "p.csv").open() as lines:
        assert {row["left_out"] for row in csv.DictReader(lines)} == {"SN II|SN Ib/c|SLSN-I"}


@pytest.mark.parametrize("classifier", fl.classifiers())
@pytest.mark.parametrize("asked", [["SN", "SN Ia"], ["SN II", "SN", "TDE"], ["SN I", "SLSN-I", "SN"]])
def test_a_class_and_a_part_of_it_are_not_asked_for_at_once(
    classifier: str, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError, match="is a part of 'SN'"):
        fl.load(classifier).classify(fl.sample("ztf"), classes=asked)
    with pytest.raises(UsageError, match="is a part of 'SN'"):
        fl.load(classifier).start(survey="ZTF", classes=asked)
    assert typed("classify", "sample:ztf", "--classifier", classifier, "--classes", ",".join(asked)) == 2
    assert "--classes" in capsys.readouterr().err


def test_priors_of_coarser_classes_say_the_share_of_the_rest() -> None:
    classifier, curves = fl.load("ztf"), fl.sample("ztf")
    with pytest.raises(UsageError, match="no share is given for other"):
        classifier.classify(curves, classes=["SN Ia", "TDE"], priors={"SN Ia": 0.9, "TDE": 0.1})
    shares = {"SN Ia": 0.3, "TDE": 0.1, "other": 0.6}
    rare = classifier.classify(curves, classes=["SN Ia", "TDE"], priors={**shares, "other": 0.01}).final()
    usual = classifier.classify(curves, classes=["SN Ia", "TDE"], priors=shares).final()
    assert (rare[:, 2] <= usual[:, 2]).all()
    estimated = classifier.estimate_priors(curves, classes=["SN Ia", "TDE"])
    assert list(estimated) == ["SN Ia", "TDE", "other"]
    classifier.classify(curves, classes=["SN Ia", "TDE"], priors=estimated)


# --- class sets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SURE)
@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"priors": "flat"},
        {"classes": ["SN Ia", "TDE"]},
        {"classes": ["SN", "TDE"], "renormalise": True},
    ],
    ids=["plain", "flat", "coarse", "renormalised"],
)
def test_class_sets_hold_the_most_probable_class_and_grow_with_the_coverage(name: str, asked: dict) -> None:
    found = fl.load(name).classify(fl.sample("ztf"), **asked)
    first = found.probabilities.argmax(axis=1)
    sets = [found.sets(coverage) for coverage in (0.05, 0.5, 0.8, 0.9, 0.95, 0.99)]
    for one in sets:
        assert one[np.arange(len(one)), first].all()
        assert one.any(axis=1).all()
    for less, more in pairwise(sets):
        assert not (less & ~more).any()
    final = found.final_sets(0.5)
    assert final[np.arange(len(final)), found.final().argmax(axis=1)].all()


# --- what does not vary -------------------------------------------------------------------------------------


def steady(kind: str, survey: str, seed: int, noise: float = 1.0) -> fl.LightCurves:
    """Forced photometry of one object over 300 days that is no transient, or is one."""
    random = np.random.default_rng(seed)
    bands = [band.short for band in fl.survey(survey).passbands][: 3 if survey == "LSST" else 2]
    days = np.sort(random.uniform(0.0, 300.0, 100))
    level = 10.0 ** random.uniform(4.3, 5.0)
    flux = {
        "constant": np.full(100, level),
        "step": np.where(days < 120.0, 0.0, level),
        "two levels": np.where(days < 60.0, level, 1.7 * level),
        "supernova": level * np.exp(-np.abs(days - 60.0) / np.where(days < 60.0, 6.0, 35.0)),
        "plateau of 40 days": level * np.where(days < 60.0, 0.0, np.where(days < 100.0, 1.0, 0.1)),
    }[kind]
    error = np.full(100, level / 20.0)
    return fl.LightCurves.from_columns(
        object_id=[kind] * 100,
        time=60_000.0 + days,
        passband=random.choice(bands, 100),
        flux=flux + noise * error * random.normal(size=100),
        flux_err=error,
        flux_unit="nJy",
        survey=survey,
    )


@pytest.mark.parametrize("survey", ["ZTF", "LSST"])
@pytest.mark.parametrize("kind", ["constant", "step", "two levels"])
@pytest.mark.parametrize("seed", (1, 2, 3))
def test_what_is_constant_or_has_one_step_is_flagged_and_has_no_answer(
    kind: str, survey: str, seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    curves = steady(kind, survey, seed)
    found = fl.classify(curves)
    assert found.flags[0] & fl.Flag.CONSTANT_FLUX
    assert np.isnan(found.final()).all()
    assert typed("classify", stored(tmp_path, curves)) == 0
    assert "constant_flux" in capsys.readouterr().err


@pytest.mark.parametrize("survey", ["ZTF", "LSST"])
@pytest.mark.parametrize("kind", ["supernova", "plateau of 40 days"])
@pytest.mark.parametrize("seed", (1, 2, 3))
def test_what_rises_and_falls_is_answered(kind: str, survey: str, seed: int) -> None:
    found = fl.classify(steady(kind, survey, seed))
    assert not found.flags[0] & fl.Flag.CONSTANT_FLUX
    assert np.isfinite(found.final()).all()


@pytest.mark.parametrize("name", ["ztf", "lsst", "sims", "reference"])
def test_a_stream_and_a_look_back_know_what_is_flat_as_a_table_does(name: str) -> None:
    survey, classifier = "LSST" if name == "lsst" else "ZTF", fl.load(name)
    for kind in ("constant", "two levels", "supernova"):
        curves = steady(kind, survey, 5)
        whole = classifier.classify(curves)
        state, states = classifier.start(survey=survey), classifier.start_many(curves)
        for row in range(len(curves.time)):
            band, flux, error = curves.passband[row], curves.flux[row], curves.flux_err[row]
            one = fl.Observation(
                curves.time[row], curves.passbands[band], flux, error, bool(curves.detected[row])
            )
            state, p = classifier.step(state, one)
            now = np.full(len(classifier.classes), np.nan) if p is None else p
            np.testing.assert_allclose(now, whole.probabilities[row], atol=1e-6, equal_nan=True)
            assert (state.flags ^ int(whole.flags[0])) & fl.Flag.CONSTANT_FLUX == 0 or row < 99
            if row % 10 == 9:
                delivered = np.zeros(100, np.bool_)
                delivered[row - 9 : row + 1] = True
                states, many, _ = classifier.step_many(states, curves.where(delivered))
                states = classifier.states_of(states.to_bytes(), curves.bands)
                np.testing.assert_array_equal(many[0], now)
                then = classifier.classify(curves.until(mjd=curves.time[row])).final()[0]
                np.testing.assert_allclose(then, now, atol=1e-6, equal_nan=True)


# --- suggestions --------------------------------------------------------------------------------------------


def tonight(seed: int = 3) -> fl.LightCurves:
    """Light curves of a table that reaches over years: the last detection of object k is 20 k days old."""
    random, ids, times, bands, flux = np.random.default_rng(seed), [], [], [], []
    for k in range(12):
        days = np.sort(random.uniform(-25.0, 0.0, 8))
        days[-1] = 0.0
        ids += [f"object {k}"] * 8
        times += list(60_000.0 - 20.0 * k + days)
        bands += list("grgrgrgr")
        flux += list(3e4 * np.exp(-((days + 8.0) ** 2) / 200.0) + 500.0 * random.normal(size=8))
    names = [f"object {k}" for k in range(12)]
    return fl.LightCurves.from_columns(
        object_id=ids,
        time=times,
        passband=bands,
        flux=flux,
        flux_err=np.full(len(ids), 500.0),
        flux_unit="nJy",
        survey="ZTF",
        objects={"object_id": names, "ra": np.arange(12) * 10.0 + 0.5, "dec": np.arange(12) - 5.0},
    )


@pytest.mark.parametrize("asked", [{}, {"priors": "flat"}, {"classes": ["SN Ia", "TDE"]}])
def test_suggest_and_classify_say_the_same_of_an_object(asked: dict) -> None:
    curves = tonight()
    table = fl.suggest("ztf", curves, seen_within=None, **asked).to_arrow()
    answers = fl.load("ztf").classify(curves, **asked)
    final = dict(zip(answers.object_id, answers.final(), strict=True))
    for row in table.to_pylist():
        np.testing.assert_allclose(
            [row[name] for name in answers.classes], final[row["object_id"]], atol=1e-6
        )
        assert row.get("priors") == asked.get("priors")


def test_what_has_faded_is_not_suggested_and_the_rest_has_its_place_on_the_sky(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = fl.suggest("ztf", tonight())
    assert set(found.object_id) == {"object 0", "object 1"}
    assert found.left_out == {"not detected in the last 30 days": 10}
    numbers = [int(name.split()[1]) for name in found.object_id]
    np.testing.assert_allclose(found.right_ascension, [10.0 * k + 0.5 for k in numbers])
    np.testing.assert_allclose(found.declination, [k - 5.0 for k in numbers])
    pq.write_table(tonight().to_arrow(), tmp_path / "tonight.parquet")
    words = ("suggest", tmp_path / "tonight.parquet")
    assert typed(*words, "--seen-within", "50") == 0
    shown = capsys.readouterr()
    assert "9 not detected in the last 50 days" in shown.err
    assert len(list(csv.DictReader(shown.out.splitlines()))) == 3
    assert typed(*words, "--seen-within", "inf") == 0
    assert len(list(csv.DictReader(capsys.readouterr().out.splitlines()))) == 12
