"""How classifiers of the field fail, as tests of the two public ways in: the command line, and Python.

Tables are written as files, read and classified as a user does it. Every relation runs on a bump, on real
ZTF light curves with their limits and weak points, and on light curves of LSST.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import firstlight as fl
from firstlight.cli.app import run
from firstlight.lightcurves import Flag

CLASSIFIERS = [name for name in ("reference", "ztf") if name in fl.classifiers()]
FEW = 25  # real objects of each survey
Table = pa.Table


# -- light curves ----------------------------------------------------------------------------------------


def bump() -> Table:
    random = np.random.default_rng(1)
    time = 59_000.0 + np.sort(random.uniform(0.0, 100.0, 60))
    flux = 300.0 * np.exp(-0.5 * ((time - 59_040.0) / 15.0) ** 2) + random.normal(0.0, 5.0, 60)
    to_njy = 10.0 ** (0.4 * (31.4 - 27.5))
    return pa.table(
        {
            "object_id": ["bump"] * 60,
            "mjd": time,
            "band": np.where(np.arange(60) % 2 == 0, "g", "r"),
            "flux": flux * to_njy,
            "flux_err": np.full(60, 5.0 * to_njy),
        }
    )


def pool(shared: Path) -> Table:
    """All that is known of some real ZTF objects: detections, weak points and limits, in magnitudes."""
    folder = shared / "data" / "ztf"
    objects = pq.read_table(folder / "objects.parquet", filters=[("split", "=", "pool"), ("n_det", ">", 8)])
    step = len(objects) // FEW
    chosen = objects["object_id"].take(pa.array(np.arange(FEW) * step))
    rows = pq.read_table(folder / "photometry.parquet").replace_schema_metadata(None)
    rows = rows.filter(pc.is_in(rows["object_id"], value_set=chosen.combine_chunks()))
    for name in ("mag", "mag_err", "limit_mag"):
        rows = rows.set_column(rows.column_names.index(name), name, rows[name].cast(pa.float64()))
    return rows.drop_columns(["kind"])


def detections(rows: Table) -> Table:
    """Of `pool` the detections, as fluxes in nJy."""
    rows = rows.filter(rows["detection"])
    flux = 10.0 ** (0.4 * (31.4 - rows["mag"].to_numpy()))
    error = flux * rows["mag_err"].to_numpy() * 0.4 * np.log(10.0)
    return (
        rows.select(["object_id", "mjd", "band"])
        .append_column("flux", pa.array(flux))
        .append_column("flux_err", pa.array(error))
    )


def lsst(shared: Path) -> Table:
    folder = shared / "data" / "plasticc"
    objects = pq.read_table(folder / "objects.parquet", columns=["object_id", "n_detections"])
    objects = objects.filter(pc.greater(objects["n_detections"], 10)).slice(0, FEW)
    rows = pq.read_table(folder / "photometry.parquet").replace_schema_metadata(None)
    rows = rows.filter(pc.is_in(rows["object_id"], value_set=objects["object_id"].combine_chunks()))
    to_njy = 10.0 ** (0.4 * (31.4 - 27.5))
    flux = {name: rows[name].to_numpy().astype(float) * to_njy for name in ("flux", "flux_err")}
    return pa.table({**{name: rows[name] for name in ("object_id", "mjd", "band")}, **flux})


@pytest.fixture(scope="module", params=["bump", "ztf", "lsst"])
def light(request: pytest.FixtureRequest) -> tuple[Table, str]:
    """A long table in nJy, and its survey."""
    if request.param == "bump":
        return bump(), "ZTF"
    shared = request.getfixturevalue("shared")
    return (detections(pool(shared)), "ZTF") if request.param == "ztf" else (lsst(shared), "LSST")


@pytest.fixture(scope="module", params=CLASSIFIERS)
def classifier(request: pytest.FixtureRequest) -> str:
    return request.param


# -- the two ways in -------------------------------------------------------------------------------------


def typed(*words: object) -> int:
    return run([str(word) for word in words])


def by_command(path: Path, classifier: str, *options: object) -> Table:
    """The answer of ``firstlight classify``; the file of the answer is read again."""
    out = path.with_name("answer.parquet")
    code = typed("classify", path, "--classifier", classifier, "--out", out, *options)
    assert code == 0
    return pq.read_table(out)


def in_python(table: Any, classifier: str, **options: Any) -> Table:
    return loaded(classifier).classify(fl.read_table(table, **options)).to_arrow()


_LOADED: dict[str, fl.Classifier] = {}


def loaded(name: str) -> fl.Classifier:
    return _LOADED.setdefault(name, fl.load(name))


def agree(found: Table, expected: Table, classifier: str) -> None:
    """The same objects with the same probabilities to 1e-6, in any order."""
    order = {name: row for row, name in enumerate(found["object_id"].to_pylist())}
    assert sorted(order) == sorted(expected["object_id"].to_pylist())
    rows = pa.array([order[name] for name in expected["object_id"].to_pylist()])
    for name in loaded(classifier).classes:
        one, other = found[name].take(rows).to_numpy(), expected[name].to_numpy()
        np.testing.assert_allclose(one, other, rtol=0.0, atol=1e-6, equal_nan=True)


# -- what means the same gets the same answer ------------------------------------------------------------


def replaced(table: Table, **columns: Any) -> Table:
    for name, values in columns.items():
        column = values if isinstance(values, (pa.Array, pa.ChunkedArray)) else pa.array(values)
        place = table.column_names.index(name)
        table = table.set_column(place, name, column)
    return table


def in_unit(zero_point: float) -> Callable[[Table], Table]:
    factor = 10.0 ** (0.4 * (zero_point - 31.4))
    return lambda table: replaced(
        table, flux=table["flux"].to_numpy() * factor, flux_err=table["flux_err"].to_numpy() * factor
    )


def spelled(text: str) -> Callable[[Table], Table]:
    return lambda table: replaced(table, band=[text.format(band) for band in table["band"].to_pylist()])


def numbered(table: Table) -> Table:
    lsst = "u" in table["band"].to_pylist() or "z" in table["band"].to_pylist()
    of = {band: k for k, band in enumerate("ugrizy")} if lsst else {"g": 1, "r": 2, "i": 3}
    return replaced(table, band=[of[band] for band in table["band"].to_pylist()])


def with_broken_rows(table: Table) -> Table:
    """Each third row again 0.3 days later, without a flux or with an error that is none."""
    copies = []
    for k, (flux, error) in enumerate(
        [(np.nan, 1.0), (9e7, 0.0), (9e7, -999.0), (np.inf, 1.0), (9e7, np.nan)]
    ):
        part = table.slice(k).take(pa.array(np.arange(0, len(table) - k, 3)))
        shape = len(part)
        time = part["mjd"].to_numpy() + 0.3
        copies.append(replaced(part, mjd=time, flux=np.full(shape, flux), flux_err=np.full(shape, error)))
    return pa.concat_tables([table, *copies])


def permuted(table: Table) -> Table:
    return table.take(pa.array(np.random.default_rng(5).permutation(len(table))))


def with_more_columns(table: Table) -> Table:
    extra = {"note": pa.array(["é"] * len(table)), "SIM_TYPE": pa.array(np.arange(len(table)))}
    for name, column in extra.items():
        table = table.append_column(name, column)
    return table.select(sorted(table.column_names, reverse=True))


SAME: dict[str, tuple[Callable[[Table], Table], dict[str, Any]]] = {
    "uJy": (in_unit(23.9), {"flux_unit": "uJy"}),
    "mJy": (in_unit(16.4), {"flux_unit": "mJy"}),
    "Jy": (in_unit(8.9), {"flux_unit": "Jy"}),
    "FLUXCAL": (in_unit(27.5), {"flux_unit": "FLUXCAL"}),
    "zero point 25": (in_unit(25.0), {"flux_unit": None, "zero_point": 25.0}),
    "permuted": (permuted, {}),
    "twice": (lambda table: pa.concat_tables([table, table]), {}),
    "broken rows": (with_broken_rows, {}),
    "JD": (
        lambda table: replaced(table, mjd=table["mjd"].to_numpy() + 2_400_000.5),
        {"time_format": "jd"},
    ),
    "column named jd": (
        lambda table: replaced(table, mjd=table["mjd"].to_numpy() + 2_400_000.5).rename_columns(
            ["jd" if name == "mjd" else name for name in table.column_names]
        ),
        {},
    ),
    "a year later": (lambda table: replaced(table, mjd=table["mjd"].to_numpy() + 365.25), {}),
    "Survey-band": (lambda table: spelled(("LSST" if _is_lsst(table) else "ZTF") + "-{}")(table), {}),
    "survey_band": (lambda table: spelled(("lsst" if _is_lsst(table) else "ZTF") + "_{}")(table), {}),
    "numbers for passbands": (numbered, {}),
    "columns turned round": (with_more_columns, {}),
    "no redshift": (
        lambda table: table.append_column("redshift", pa.array(np.full(len(table), -9.0))),
        {},
    ),
}


def _is_lsst(table: Table) -> bool:
    return not set(table["band"].to_pylist()) <= {"g", "r", "i"}


def command_options(options: dict[str, Any]) -> list[object]:
    return [
        word
        for name, value in options.items()
        if value is not None
        for word in (f"--{name.replace('_', '-')}", value)
    ]


@pytest.mark.parametrize("relation", SAME)
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_that_says_the_same_gets_the_same_answer(
    classifier: str, light: tuple[Table, str], relation: str, suffix: str, tmp_path: Path
) -> None:
    table, survey = light
    change, options = SAME[relation]
    options = {"survey": survey, "flux_unit": "nJy", **options}
    expected = in_python(table, classifier, survey=survey, flux_unit="nJy")
    path = tmp_path / f"mine{suffix}"
    (pyarrow.csv.write_csv if suffix == ".csv" else pq.write_table)(change(table), path)
    agree(by_command(path, classifier, *command_options(options)), expected, classifier)
    agree(in_python(path, classifier, **options), expected, classifier)


def seven_parts(table: Table, path: Path) -> Path:
    path.mkdir()
    for k, rows in enumerate(np.array_split(np.arange(len(table)), 7)):
        pq.write_table(table.take(pa.array(rows)), path / f"part-{k}.parquet")
    return path


def nested(table: Table, path: Path) -> Path:
    table = pa.table({name: pa.array(table[name].to_pylist()) for name in table.column_names})
    lists = table.group_by("object_id", use_threads=False).aggregate(
        [(name, "list") for name in table.column_names if name != "object_id"]
    )
    pq.write_table(lists.rename_columns([n.removesuffix("_list") for n in lists.column_names]), path)
    return path


def packed(table: Table, path: Path) -> Path:
    sink = pa.BufferOutputStream()
    pyarrow.csv.write_csv(table, sink)
    path.write_bytes(gzip.compress(sink.getvalue().to_pybytes()))
    return path


def json_lines(table: Table, path: Path) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    return path


def fits(table: Table, path: Path) -> Path:
    from astropy.table import Table as Astropy

    Astropy(table.to_pydict(), units={"flux": "nJy", "flux_err": "nJy"}).write(path, format="fits")
    return path


def categories(table: Table, path: Path) -> Path:
    encoded = {name: pc.dictionary_encode(table[name]) for name in ("object_id", "band")}
    pq.write_table(replaced(table, **encoded), path)
    return path


@pytest.mark.parametrize("write", [seven_parts, nested, packed, json_lines, fits, categories])
def test_the_kind_of_file_changes_no_answer(
    light: tuple[Table, str], write: Callable[[Table, Path], Path], tmp_path: Path
) -> None:
    table, survey = light
    path = write(table, tmp_path / "mine")
    expected = in_python(table, "reference", survey=survey, flux_unit="nJy")
    agree(by_command(path, "reference", "--survey", survey, "--flux-unit", "nJy"), expected, "reference")


# -- real light curves as they lie on disk ---------------------------------------------------------------


@pytest.fixture(scope="module")
def real(shared: Path) -> Table:
    return pool(shared)


def magnitudes(rows: Table) -> Table:
    return rows


def without_weak_points(rows: Table) -> Table:
    weak = pc.and_kleene(pc.is_valid(rows["mag"]), pc.invert(rows["detection"]))
    return rows.filter(pc.invert(weak))


def without_limits(rows: Table) -> Table:
    return rows.filter(pc.is_valid(rows["mag"]))


def with_sentinels(rows: Table) -> Table:
    return replaced(rows, **{n: pc.fill_null(rows[n], -999.0) for n in ("mag", "mag_err", "limit_mag")})


def without_the_flag(rows: Table) -> Table:
    return rows.drop_columns(["detection"])


def positive(rows: Table) -> Table:
    return rows.append_column("isdiffpos", pa.array(["t", "1", "y"] * len(rows)).slice(0, len(rows)))


def only_needed(rows: Table) -> Table:
    return rows.filter(rows["detection"]).select(["object_id", "mjd", "band", "mag", "mag_err"])


@pytest.mark.parametrize(
    "change",
    [
        magnitudes,
        without_weak_points,
        without_limits,
        with_sentinels,
        without_the_flag,
        positive,
        only_needed,
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_what_is_no_detection_moves_no_answer_of_who_reads_detections_alone(
    classifier: str, real: Table, change: Callable[[Table], Table], suffix: str, tmp_path: Path
) -> None:
    if loaded(classifier).preparation.rows != "detections":
        pytest.skip(f"{classifier} reads more than detections")
    expected = in_python(detections(real), classifier, survey="ZTF", flux_unit="nJy")
    path = tmp_path / f"mine{suffix}"
    (pyarrow.csv.write_csv if suffix == ".csv" else pq.write_table)(change(real), path)
    agree(by_command(path, classifier, "--survey", "ZTF"), expected, classifier)
    agree(in_python(path, classifier, survey="ZTF"), expected, classifier)


@pytest.mark.parametrize("triggered", [False, True])
@pytest.mark.parametrize("k", [1, 3, 10])
def test_a_table_cut_after_k_detections_gives_the_rows_of_the_whole(
    classifier: str, real: Table, shared: Path, k: int, triggered: bool, tmp_path: Path
) -> None:
    rows = only_needed(real).sort_by([("object_id", "ascending"), ("mjd", "ascending")])
    options: list[object] = ["--survey", "ZTF", "--every-observation"]
    if triggered:
        objects = tmp_path / "objects.parquet"
        columns = ["object_id", "trigger_mjd"]
        pq.write_table(pq.read_table(shared / "data/ztf/objects.parquet", columns=columns), objects)
        wanted = pq.read_table(objects)
        here = pc.is_in(wanted["object_id"], value_set=pc.unique(rows["object_id"]))
        pq.write_table(wanted.filter(here), objects)
        options += ["--objects", objects]
    path = tmp_path / "mine.parquet"
    pq.write_table(rows, path)
    whole = by_command(path, classifier, *options)
    ids = np.array(rows["object_id"].to_pylist())
    first = np.searchsorted(ids, ids)
    early = np.arange(len(ids)) - first < k
    pq.write_table(rows.filter(pa.array(early)), path)
    cut = by_command(path, classifier, *options)
    expected = whole.filter(pa.array(early))
    assert cut["object_id"].equals(expected["object_id"])
    assert cut["mjd"].equals(expected["mjd"])
    for name in loaded(classifier).classes:
        np.testing.assert_allclose(
            cut[name].to_numpy(), expected[name].to_numpy(), rtol=0.0, atol=1e-6, equal_nan=True
        )


# -- what must be refused, and how -----------------------------------------------------------------------

GOOD = "object_id,mjd,band,flux,flux_err\n" + "".join(f"a,5900{k},g,{900 + k},20\n" for k in range(9))
STATED = ["--survey", "ZTF", "--flux-unit", "nJy"]
REFUSED: dict[str, tuple[str | bytes, list[str], str, int]] = {
    "no unit": (GOOD, ["--survey", "ZTF"], "--flux-unit", 1),
    "no survey": (GOOD, ["--flux-unit", "nJy"], "--survey ZTF", 2),
    "magnitudes as flux": (
        GOOD.replace(",9", ",18.9").replace(",20", ",0.1"),
        STATED,
        "--column mag=NAME",
        1,
    ),
    "a magnitude column as flux": (
        GOOD.replace("flux,", "mag,"),
        [*STATED, "--column", "flux=mag"],
        "--column mag=mag",
        1,
    ),
    "JD": (GOOD.replace(",5900", ",245900"), STATED, "--time-format jd", 1),
    "MJD as JD": (GOOD, [*STATED, "--time-format", "jd"], "--time-format mjd", 1),
    "no time": (GOOD.replace("mjd", "epoch"), STATED, "--column time=NAME", 1),
    "no passband": (GOOD.replace("band", "colour"), STATED, "--column passband=NAME", 1),
    "no id": (GOOD.replace("object_id", "what"), STATED, "--column object_id=NAME", 1),
    "no flux": (GOOD.replace("flux,", "counts,"), STATED, "--column flux=NAME", 1),
    "no errors": (GOOD.replace("flux_err", "sigma"), STATED, "--column flux_err=NAME", 1),
    "two times": (GOOD.replace("mjd", "mjd_tai").replace("band", "mjd_utc"), STATED, "--column time=NAME", 1),
    "unknown passband": (GOOD.replace(",g,", ",ztfG2,"), STATED, "--unknown-passbands drop", 1),
    "unit against the name": (
        GOOD.replace("flux,flux_err", "psfFlux,psfFluxErr"),
        ["--survey", "ZTF", "--flux-unit", "uJy"],
        "do not agree",
        1,
    ),
    "numbers on the first line": (GOOD.split("\n", 1)[1], STATED, "no object id column", 1),
    "two redshifts": (
        "object_id,mjd,band,flux,flux_err,redshift\na,59000,g,900,20,0.1\na,59001,g,900,20,0.2\n",
        STATED,
        "--column redshift=",
        1,
    ),
    "an id for several objects": (GOOD, [*STATED, "--object-id", "b"], "Leave --object-id out", 2),
    "empty": (b"", STATED, "empty", 1),
    "binary": (bytes(range(256)) * 9, STATED, "not a text file", 1),
    "a web page": ("<html><body>404</body></html>", STATED, "is a web page", 1),
    "half a Parquet file": (b"PAR1" + bytes(400), STATED, "damaged", 1),
    "a pickle": (b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00", STATED, "is a Python pickle", 1),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_table_that_cannot_be_read_is_refused_with_the_way_out(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, words, said, code = REFUSED[case]
    path = tmp_path / "mine.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    assert typed("classify", path, "--classifier", "reference", *words) == code
    shown = capsys.readouterr()
    assert not shown.out
    assert shown.err.startswith("firstlight: mine.csv")
    assert said in shown.err
    assert shown.err.count("\n") == 1
    for python in ("Traceback", "Error(", "columns={", "flux_unit=", "time_format=", "None"):
        assert python not in shown.err


# -- null and a flag; finite and whole -------------------------------------------------------------------

SIZE = 12
USABLE: dict[str, Any] = {
    "mjd": 59_000.0 + np.arange(SIZE),
    "band": ["g", "r"] * (SIZE // 2),
    "flux": np.full(SIZE, 9e4),
    "flux_err": np.full(SIZE, 1e3),
}
NOTHING: dict[str, tuple[dict[str, Any], Flag]] = {
    "no flux": ({"flux": np.full(SIZE, np.nan)}, Flag.NO_DATA | Flag.DROPPED_NAN),
    "no time": ({"mjd": np.full(SIZE, np.nan)}, Flag.NO_DATA | Flag.DROPPED_NAN),
    "no error": ({"flux_err": np.zeros(SIZE)}, Flag.NO_DATA | Flag.DROPPED_BAD_ERROR),
    "fading": ({"flux": np.full(SIZE, -9e4)}, Flag.NO_DETECTION),
    "faint": ({"flux": np.full(SIZE, 2e3)}, Flag.NO_DETECTION),
    "zeros": ({"flux": np.zeros(SIZE)}, Flag.NO_DETECTION),
    "absurd": ({"flux": np.full(SIZE, 1e20)}, Flag.IMPLAUSIBLE_FLUX),
    "unknown passbands": ({"band": ["q"] * SIZE}, Flag.NO_KNOWN_PASSBAND | Flag.DROPPED_UNKNOWN_PASSBAND),
    "limits": (
        {"flux": np.full(SIZE, np.nan), "flux_err": np.full(SIZE, np.nan), "limit_mag": np.full(SIZE, 20.5)},
        Flag.NO_DETECTION,
    ),
}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_objects_that_cannot_be_classified_keep_their_rows_with_null_and_the_reason(
    classifier: str, suffix: str, tmp_path: Path
) -> None:
    """One table of all cases, with a good object before, between and after them."""
    parts = []
    for name, (changes, _) in [("good", ({}, Flag(0))), *NOTHING.items(), ("also good", ({}, Flag(0)))]:
        columns = {"limit_mag": np.full(SIZE, np.nan), **USABLE, **changes}
        parts.append(pa.table({"object_id": [name] * SIZE, **{k: columns[k] for k in sorted(columns)}}))
    path = tmp_path / f"mine{suffix}"
    table = pa.concat_tables(parts)
    (pyarrow.csv.write_csv if suffix == ".csv" else pq.write_table)(table, path)
    words = ["--survey", "ZTF", "--flux-unit", "nJy", "--unknown-passbands", "drop"]
    answers = {row["object_id"]: row for row in by_command(path, classifier, *words).to_pylist()}
    assert list(answers) == ["good", *NOTHING, "also good"]
    classes = loaded(classifier).classes
    for name in ("good", "also good"):
        assert sum(answers[name][one] for one in classes) == pytest.approx(1.0, abs=1e-5)
    for name, (_, flag) in NOTHING.items():
        assert all(answers[name][one] is None for one in classes), name
        assert answers[name]["flags"] & flag == flag, name


def test_ids_of_any_kind_come_out_as_they_went_in(tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "large": np.array([2**53 + 3, 2**53 + 1, 2**62 + 7], np.int64),
        "unsigned": np.array([2**64 - 1, 2**63 + 1], np.uint64),
        "order": ["10", "9", "2", "1"],
        "zeros": ["007", "07", "7"],
        "words": ["é ☃", "日本", "a b", '"q"', "a,b", "1e5", "true"],  # "nan" and the like are no ids
    }
    for name, ids in given.items():
        columns = {key: np.tile(values, len(ids)) for key, values in USABLE.items()}
        table = pa.table({"object_id": np.repeat(ids, SIZE), **columns})
        for suffix in (".csv", ".parquet"):
            path = tmp_path / f"{name}{suffix}"
            (pyarrow.csv.write_csv if suffix == ".csv" else pq.write_table)(table, path)
            found = by_command(path, "reference", "--survey", "ZTF", "--flux-unit", "nJy")
            assert found["object_id"].to_pylist() == [str(one) for one in ids]


@pytest.mark.parametrize("size", [1, 2, 656, 657, 5_000])
def test_a_light_curve_of_any_length_is_classified_whole(classifier: str, size: int, tmp_path: Path) -> None:
    path = tmp_path / "mine.parquet"
    table = pa.table(
        {
            "object_id": ["one"] * size,
            "mjd": 59_000.0 + np.linspace(0.0, 60.0, size),
            "band": np.where(np.arange(size) % 2 == 0, "g", "r"),
            "flux": np.full(size, 9e4),
            "flux_err": np.full(size, 1e3),
        }
    )
    pq.write_table(table, path)
    (answer,) = by_command(path, classifier, "--survey", "ZTF", "--flux-unit", "nJy").to_pylist()
    assert sum(answer[name] for name in loaded(classifier).classes) == pytest.approx(1.0, abs=1e-5)
    assert answer["n_observations"] == answer["n_detections"] == size


def test_a_fading_copy_of_a_real_object_is_never_more_of_a_supernova(classifier: str, real: Table) -> None:
    rows = detections(real)
    faded = replaced(rows, flux=-rows["flux"].to_numpy())
    answers = in_python(faded, classifier, survey="ZTF", flux_unit="nJy")
    assert all(answers[name].null_count == len(answers) for name in loaded(classifier).classes)
