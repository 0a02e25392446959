"""One light curve, many relations: what must not, and what must, change an answer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from firstlight.classifier import Classifier
from firstlight.facts import survey as find_survey
from firstlight.lightcurves import Flag, LightCurves

Columns = dict[str, Any]
ROWS = ("time", "passband", "flux", "flux_err")


def bump_columns() -> Columns:
    random = np.random.default_rng(1)
    time = 59_000.0 + np.sort(random.uniform(0.0, 100.0, 60))
    flux = 300.0 * np.exp(-0.5 * ((time - 59_040.0) / 15.0) ** 2) + random.normal(0.0, 5.0, 60)
    to_njy = 10.0 ** (0.4 * (31.4 - 27.5))
    bands = np.where(np.arange(60) % 2 == 0, "g", "r")
    return {
        "time": time,
        "passband": bands,
        "flux": flux * to_njy,
        "flux_err": np.full(60, 5.0 * to_njy),
        "survey": "ZTF",
    }


def ztf_columns(shared: Path) -> Columns:
    path = shared / "data" / "ztf"
    objects = pq.read_table(path / "objects.parquet", columns=["object_id", "n_det"])
    chosen = objects["object_id"][int(np.argmax(objects["n_det"].to_numpy() > 25))].as_py()
    only = [("object_id", "=", chosen), ("kind", "=", "det"), ("band", "in", ["g", "r"])]
    rows = pq.read_table(path / "photometry.parquet", filters=only)
    flux = 10.0 ** (0.4 * (31.4 - rows["mag"].to_numpy().astype(float)))
    return {
        "time": rows["mjd"].to_numpy(),
        "passband": np.array(rows["band"].to_pylist()),
        "flux": flux,
        "flux_err": flux * rows["mag_err"].to_numpy().astype(float) * 0.4 * np.log(10.0),
        "survey": "ZTF",
    }


def plasticc_columns(shared: Path) -> Columns:
    path = shared / "data" / "plasticc"
    objects = pq.read_table(path / "objects.parquet", columns=["object_id", "n_detections"])
    chosen = objects["object_id"][int(np.argmax(objects["n_detections"].to_numpy() > 25))].as_py()
    rows = pq.read_table(path / "photometry.parquet", filters=[("object_id", "=", chosen)])
    to_njy = 10.0 ** (0.4 * (31.4 - 27.5))
    return {
        "time": rows["mjd"].to_numpy(),
        "passband": np.array(rows["band"].to_pylist()),
        "flux": rows["flux"].to_numpy().astype(float) * to_njy,
        "flux_err": rows["flux_err"].to_numpy().astype(float) * to_njy,
        "survey": "LSST",
    }


@pytest.fixture(scope="session", params=["bump", "ztf", "plasticc"])
def base(request: pytest.FixtureRequest) -> Columns:
    """Columns of one light curve in nJy."""
    if request.param == "bump":
        return bump_columns()
    shared = request.getfixturevalue("shared")
    return ztf_columns(shared) if request.param == "ztf" else plasticc_columns(shared)


def curves(columns: Columns, **changes: Any) -> LightCurves:
    given = {"flux_unit": "nJy", **columns, **changes}
    return LightCurves.from_columns(**{"object_id": ["one"] * len(given["time"]), **given})


def rows_at(columns: Columns, index: np.ndarray) -> Columns:
    return {**columns, **{name: columns[name][index] for name in ROWS}}


def with_rows(columns: Columns, **rows: Any) -> Columns:
    """More rows behind the others."""
    return {**columns, **{name: np.concatenate([columns[name], rows[name]]) for name in ROWS}}


# -- equal to 1e-6 ---------------------------------------------------------------------------------------


def permuted(base: Columns) -> LightCurves:
    return curves(rows_at(base, np.random.default_rng(0).permutation(len(base["time"]))))


def duplicated(base: Columns) -> LightCurves:
    return curves(rows_at(base, np.repeat(np.arange(len(base["time"])), 2)))


def in_unit(unit: str, zero_point: float) -> Callable[[Columns], LightCurves]:
    factor = 10.0 ** (0.4 * (zero_point - 31.4))

    def change(base: Columns) -> LightCurves:
        return curves(
            {**base, "flux": base["flux"] * factor, "flux_err": base["flux_err"] * factor}, flux_unit=unit
        )

    return change


def in_magnitudes(base: Columns) -> LightCurves:
    positive = base["flux"] > 0  # the others are no detections here
    flux, error = base["flux"][positive], base["flux_err"][positive]
    return curves(
        {
            "time": base["time"][positive],
            "passband": base["passband"][positive],
            "survey": base["survey"],
            "mag": 31.4 - 2.5 * np.log10(flux),
            "mag_err": 2.5 / np.log(10.0) * error / flux,
        },
        flux_unit=None,
        detected=flux >= 5.0 * error,
    )


def aliased(base: Columns) -> LightCurves:
    spelled = {"ZTF": "ztf", "LSST": "lsst_"}[base["survey"]]
    return curves({**base, "passband": np.array([f"{spelled}{band}" for band in base["passband"]])})


def with_broken_rows(base: Columns) -> LightCurves:
    k = len(base["time"]) // 3
    return curves(
        with_rows(
            base,
            time=[base["time"][k] + 0.01, base["time"][k] + 0.02, base["time"][k] + 0.03, np.nan],
            passband=[base["passband"][k]] * 4,
            flux=[np.nan, 9e9, 9e9, 9e9],
            flux_err=[1.0, 0.0, -999.0, 1.0],
        )
    )


def in_float32(base: Columns) -> LightCurves:
    return curves({**base, **{name: base[name].astype(np.float32) for name in ("flux", "flux_err")}})


def in_arrow(base: Columns) -> LightCurves:
    return curves({**base, **{name: pa.array(base[name]) for name in ROWS}})


def masked(base: Columns) -> LightCurves:
    return curves({**base, "flux": np.ma.masked_array(base["flux"])})


SAME = {
    "permuted": permuted,
    "duplicated": duplicated,
    "in uJy": in_unit("uJy", 23.9),
    "in mJy": in_unit("mJy", 16.4),
    "in FLUXCAL": in_unit("FLUXCAL", 27.5),
    "aliases": aliased,
    "broken rows": with_broken_rows,
    "Arrow": in_arrow,
    "masked": masked,
    "JD": lambda base: curves({**base, "time": base["time"] + 2_400_000.5}, time_system="jd"),
    "0.137 d later": lambda base: curves({**base, "time": base["time"] + 0.137}),
    "a year later": lambda base: curves({**base, "time": base["time"] + 365.25}),
    "sentinel": lambda base: curves(base, objects={"object_id": ["one"], "redshift": [-9.0]}),
    "unknown": lambda base: curves(
        base, objects={"object_id": ["one"], "redshift": [None], "colour": ["blue"]}
    ),
}


@pytest.mark.parametrize("relation", SAME)
def test_what_means_the_same_gets_the_same_answer(classifier, base: Columns, same, relation: str) -> None:
    expected = classifier.classify(curves(base)).final()
    same(classifier.classify(SAME[relation](base)).final(), expected)


def test_magnitudes_get_the_answer_of_their_fluxes(classifier, base: Columns, same) -> None:
    positive = rows_at(base, base["flux"] > 0)
    expected = classifier.classify(curves(positive)).final()
    same(classifier.classify(in_magnitudes(base)).final(), expected)


def test_numbers_that_fit_any_type_get_the_same_answer(classifier, base: Columns, same) -> None:
    """Fluxes rounded to integers below 2^24 stand for themselves in every type."""
    whole = {**base, "flux": np.round(base["flux"]), "flux_err": np.ceil(base["flux_err"])}
    if np.abs(whole["flux"]).max() >= 2**24:
        whole = {name: whole[name] / 64 if name.startswith("flux") else whole[name] for name in whole}
        whole |= {name: np.ceil(whole[name]) for name in ("flux", "flux_err")}
    expected = classifier.classify(curves(whole)).final()
    same(classifier.classify(in_float32(whole)).final(), expected)
    for kind in (np.int64, np.int32, ">f8", object):
        typed = {**whole, **{name: whole[name].astype(kind) for name in ("flux", "flux_err")}}
        same(classifier.classify(curves(typed)).final(), expected)


@pytest.mark.parametrize("others", [1, 19, 199])
def test_company_changes_nothing(classifier, base: Columns, same, others: int) -> None:
    expected = classifier.classify(curves(base)).final()[0]
    random = np.random.default_rng(others)
    size = len(base["time"])
    ids = np.r_[np.repeat("one", size), random.choice([f"other {k}" for k in range(others)], 8 * others)]
    crowd = with_rows(
        base,
        time=random.uniform(base["time"][0], base["time"][-1], 8 * others),
        passband=random.choice(base["passband"], 8 * others),
        flux=random.lognormal(11.0, 1.0, 8 * others),
        flux_err=np.full(8 * others, 900.0),
    )
    order = random.permutation(len(ids))  # all interleaved
    together = curves(rows_at(crowd, order), object_id=ids[order])
    answers = classifier.classify(together)
    same(answers.final()[answers.object_id.index("one")], expected)


# -- the prefix law --------------------------------------------------------------------------------------


def test_twenty_cuts_and_the_stream_agree_with_the_whole(classifier, base: Columns, same, stream) -> None:
    light = curves(base)
    whole = classifier.classify(light).probabilities
    random = np.random.default_rng(2)
    for cut in random.uniform(light.time[0], light.time[-1], 20):
        same(classifier.classify(light.until(mjd=cut)).probabilities, whole[light.time <= cut])
    same(stream(classifier, light, 0), whole)


# -- must change -----------------------------------------------------------------------------------------


def differs(classifier: Classifier, one: LightCurves, other: LightCurves) -> bool:
    p, q = classifier.classify(one).final()[0], classifier.classify(other).final()[0]
    return bool(np.isnan(p).any() != np.isnan(q).any() or np.abs(p - q).max() > 1e-6)


def test_ten_times_the_errors_change_the_answer(classifier) -> None:
    base = bump_columns()
    assert differs(classifier, curves(base), curves({**base, "flux_err": 10.0 * base["flux_err"]}))


def test_a_fading_source_is_no_transient(classifier, base: Columns) -> None:
    assert differs(classifier, curves(base), curves({**base, "flux": -base["flux"]}))


def test_swapped_passbands_change_the_answer(classifier) -> None:
    base = bump_columns()
    swapped = np.where(base["passband"] == "g", "r", "g")
    assert differs(classifier, curves(base), curves({**base, "passband": swapped}))


def test_a_redshift_changes_the_answer_where_it_is_read(classifier) -> None:
    base = bump_columns()
    known = curves(base, objects={"object_id": ["one"], "redshift": [0.3]})
    assert differs(classifier, curves(base), known) == ("redshift" in classifier.preparation.metadata)


def test_a_zero_row_counts_where_rows_without_a_detection_are_read(classifier) -> None:
    """Elsewhere it changes nothing, whatever it is: limits and weak points would betray their source."""
    base = bump_columns()
    zero = with_rows(
        base, time=[base["time"][40] + 0.1], passband=["g"], flux=[0.0], flux_err=[base["flux_err"][0]]
    )
    reads = classifier.preparation.rows != "detections"
    assert differs(classifier, curves(base), curves(zero)) == reads


# -- null and a flag, never a number ---------------------------------------------------------------------

SIZE = 12
NOTHING: dict[str, Columns] = {
    "all NaN": {"flux": np.full(SIZE, np.nan)},
    "all negative": {"flux": np.full(SIZE, -9e4)},
    "below the threshold": {"flux": np.full(SIZE, 2e3)},
    "limits only": {"flux": np.full(SIZE, np.nan), "limit": np.full(SIZE, 4e3)},
    "no error": {"flux_err": np.zeros(SIZE)},
    "unknown passbands": {"passband": ["q"] * SIZE, "unknown_passbands": "drop"},
    "pure noise": {"flux": np.random.default_rng(5).normal(0.0, 1e3, SIZE)},
}


@pytest.mark.parametrize("case", NOTHING)
def test_nothing_usable_gives_null_and_a_flag(classifier, case: str) -> None:
    columns = {
        "time": 59_000.0 + np.arange(SIZE),
        "passband": ["g", "r"] * (SIZE // 2),
        "flux": np.full(SIZE, 9e4),
        "flux_err": np.full(SIZE, 1e3),
        "survey": "ZTF",
        **NOTHING[case],
    }
    answers = classifier.classify(curves(columns))
    assert np.isnan(answers.probabilities).all()
    table = answers.to_arrow()
    assert all(table[name].null_count == 1 for name in classifier.classes)
    assert table["flags"][0].as_py() & (Flag.NO_DATA | Flag.NO_DETECTION)
    assert table["n_observations"][0].as_py() == 0 or classifier.preparation.rows != "detections"


def test_an_object_without_observations_has_a_row(classifier) -> None:
    base = bump_columns()
    light = curves(base, objects={"object_id": ["one", "two"], "redshift": [0.1, 0.2]})
    answers = classifier.classify(light)
    assert answers.object_id == ["one", "two"]
    assert np.isnan(answers.final()).all(axis=1).tolist() == [False, True]
    assert answers.flags[1] & Flag.NO_DATA


# -- finite, and sums to one -----------------------------------------------------------------------------


def flat(size: int, **changes: Any) -> Columns:
    return {
        "time": 59_000.0 + np.linspace(0.0, 60.0, size),
        "passband": np.where(np.arange(size) % 2 == 0, "g", "r"),
        "flux": np.full(size, 9e4),
        "flux_err": np.full(size, 1e3),
        "survey": "ZTF",
        **changes,
    }


BUMP = bump_columns()
FINITE: dict[str, Columns] = {
    "one row": flat(1),
    "one passband": flat(20, passband=np.full(20, "r")),
    "two rows at one time": flat(2, time=np.full(2, 59_000.0)),
    "two fluxes at one time and passband": flat(
        2, time=np.full(2, 59_000.0), passband=np.full(2, "g"), flux=np.array([9e4, 8e4])
    ),
    "656 rows": flat(656),
    "657 rows": flat(657),
    "5,000 rows": flat(5_000),
    "constant": flat(40),
    "a million times brighter": {**BUMP, "flux": BUMP["flux"] * 1e6, "flux_err": BUMP["flux_err"] * 1e6},
    "a million times fainter": {**BUMP, "flux": BUMP["flux"] * 1e-6, "flux_err": BUMP["flux_err"] * 1e-6},
    "tiny errors": flat(10, flux_err=np.full(10, 1e-300)),
    "three years apart": flat(10, time=59_000.0 + np.r_[np.arange(5.0), 1_100.0 + np.arange(5.0)]),
}


@pytest.mark.parametrize("case", FINITE)
def test_any_usable_light_curve_gets_finite_probabilities(classifier, case: str) -> None:
    answers = classifier.classify(curves(FINITE[case]))
    final = answers.final()
    assert np.isfinite(final).all() and final.min() >= 0.0
    np.testing.assert_allclose(final.sum(), 1.0, atol=1e-5)
    issued = np.isfinite(answers.probabilities).all(axis=1)
    first = int(np.argmax(issued))
    assert issued[first:].all(), "once there is an answer, one is in force"


def test_every_observation_of_a_long_light_curve_is_read(classifier) -> None:
    answers = classifier.classify(curves(flat(5_000)))
    assert answers.n_observations.tolist() == [5_000]


def test_any_single_passband_is_enough(classifier) -> None:
    for name in ("ZTF", "LSST"):
        for band in find_survey(name).passbands:
            if classifier.preparation.reads(band) is None:
                continue
            light = curves(flat(6, passband=np.full(6, band.short), survey=name))
            assert np.isfinite(classifier.classify(light).final()).all()


# -- same rows, same order -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ids",
    [[10, 9, 2], ["10", "9", "2"], ["b c", "é ☃", "a"], ["z", "a", "m"]],
    ids=["int", "text", "odd", "order"],
)
def test_objects_come_out_in_the_order_they_went_in(classifier, ids: list) -> None:
    light = curves(flat(9), object_id=np.tile(np.array(ids, object), 3))
    answers = classifier.classify(light)
    assert answers.object_id == [str(one) for one in ids]
    assert answers.to_arrow()["object_id"].to_pylist() == [str(one) for one in ids]
