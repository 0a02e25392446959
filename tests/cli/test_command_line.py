"""The command line as a user types it: what it writes, what it says, and how it ends."""

from __future__ import annotations

import re
import sys
from functools import partial
from pathlib import Path

import click
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from firstlight import readers
from firstlight.cli.app import app, run
from firstlight.cli.spelling import spelling
from firstlight.errors import Arg, in_python

CLASSIFIER = "reference"
COMMANDS = sorted(app.commands)
TUNE = ["fine-tune", "sample:ztf", "--base", "reference", "--out", "x"]


@pytest.fixture
def bump_file(tmp_path: Path) -> Path:
    """Two objects of a Gaussian bump in a long CSV without any unit, and one whose points are all faint."""
    rng = np.random.default_rng(1)
    lines = ["object_id,mjd,band,flux,flux_err,redshift"]
    for name, peak in (("a", 10_000.0), ("b", 6_000.0), ("faint", 0.0)):
        for time in np.sort(rng.uniform(0, 80, 40)):
            flux = peak * np.exp(-0.5 * ((time - 30) / 15) ** 2) + rng.normal(0, 100)
            redshift = -9 if name == "a" else 0.05
            lines.append(f"{name},{59000 + time:.5f},{'gr'[len(lines) % 2]},{flux:.2f},150,{redshift}")
    path = tmp_path / "bump.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def typed(*words: object) -> int:
    """The exit code of ``firstlight`` and these words."""
    return run([str(word) for word in words])


def classified(path: Path, *words: object) -> list[object]:
    return ["classify", path, "--survey", "ZTF", "--flux-unit", "nJy", "--classifier", CLASSIFIER, *words]


# --- what it says -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_says_what_it_does_and_shows_examples(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(command, "--help") == 0
    shown = capsys.readouterr().out
    assert f"firstlight {command}" in shown
    assert "Examples:" in shown
    body = shown.split("\n\n")[1].strip()
    assert body.split(".")[0].strip()


@pytest.mark.parametrize("command", COMMANDS)
def test_the_examples_of_the_help_can_be_parsed(command: str) -> None:
    """Each example names options that exist; the files of a reader's own need not be there."""
    import shlex

    for line in getattr(app.commands[command], "examples", ()):
        words = shlex.split(line)
        assert words[0] == "firstlight"
        named = app.commands[words[1]]
        with click.Context(named) as context:
            named.parse_args(context, words[2:])


def test_an_unknown_format_is_a_wrong_command_line_and_lists_those_that_the_readers_know(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert typed("classify", "sample:ztf", "--format", "sanna") == 2
    said = capsys.readouterr().err
    assert "--format" in said
    assert "Did you mean 'snana'?" in said
    assert all(name in said for name in readers.formats())


def test_without_a_command_the_help_is_shown_and_the_exit_code_is_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert typed() == 2
    shown = capsys.readouterr()
    assert "classify" in shown.err
    assert not shown.out


def test_the_version_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    import firstlight

    assert typed("--version") == 0
    assert capsys.readouterr().out == f"firstlight {firstlight.__version__}\n"


def test_classifiers_are_listed_with_their_classes(capsys: pytest.CaptureFixture[str]) -> None:
    assert typed("classifiers") == 0
    shown = capsys.readouterr().out
    assert CLASSIFIER in shown
    assert "SN Ia" in shown


# --- mistakes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["clasify", "sample:ztf"], "classify"),
        (["classify", "sample:ztf", "--thread", "2"], "--threads"),
        (["classify", "sample:zft"], "sample:ztf"),
        (["classify", "sample:ztf", "--survey", "ZTFF"], "ZTF"),
        (["classify", "sample:ztf", "--flux-unit", "nJ"], "nJy"),
        (["classify", "sample:ztf", "--classifier", "refernce"], "reference"),
        (["classify", "sample:ztf", "--classifier", CLASSIFIER, "--classes", "SN Ia,TDEE"], "TDE"),
        (["classify", "sample:ztf", "--classifier", CLASSIFIER, "--priors", "SN Iaa=1"], "SN Ia"),
        (["classify", "sample:ztf", "--out", "a.parket"], ".parquet"),
        (["classify", "sample:ztf", "--format", "tabel"], "table"),
        (["classify", "sample:ztf", "--column", "flx=flux"], "flux"),
        (["plot", "sample:ztf", "--no-classifier", "--id", "ZTF19aapreys", "--out", "a.png"], "ZTF19aapreis"),
        (["plot", "sample:ztf", "--no-classifier", "--id", "ZTF19aapreis", "--out", "a.pgn"], ".png"),
        (["evaluate", "sample:ztf", "--classifier", CLASSIFIER, "--at", "5 detektions"], "detections"),
        (["fine-tune", "sample:ztf", "--base", "referense", "--out", "x"], "reference"),
        (["fine-tune", "sample:ztf", "--base", "reference", "--strategy", "outputs", "--out", "x"], "output"),
        ([*TUNE, "--set", "rat=1"], "rate"),
        ([*TUNE, "--classes", "SN Ia,SN IIx"], "SN II"),
        ([*TUNE, "--scheme", "tnss"], "tns"),
    ],
)
def test_a_misspelt_word_is_refused_with_the_nearest_one(
    words: list[str],
    offered: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    if words[0] == "fine-tune":
        pytest.importorskip("torch")
    assert typed(*words) == 2
    shown = capsys.readouterr()
    assert offered in shown.err
    assert shown.err.count("\n") == 1
    assert "Traceback" not in shown.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words",
    [
        ["classify", "sample:ztf", "--flux-unit", "nJy", "--zero-point", "31.4"],
        ["classify", "sample:ztf", "--column", "flux"],
        ["classify", "sample:ztf", "--column", "flux=a", "--column", "flux=b"],
        ["classify", "sample:ztf", "--priors", "SN Ia=many"],
        ["classify", "sample:ztf", "--threads", "0"],
        ["plot", "sample:ztf", "--no-classifier", "--out", "one.png"],
        ["plot", "sample:ztf", "--no-classifier", "--most", "3", "--out", "folder"],
        ["classify", "nowhere.csv", "--survey", "ZTF", "--flux-unit", "nJy"],
        [*TUNE, "--set", "rate=fast"],
        [*TUNE, "--strategy", "output", "--device", "cudda"],
        [*TUNE, "--labels", "nowhere.toml"],
        [*TUNE[:-1], "/proc/x"],
    ],
)
def test_options_that_do_not_fit_are_a_mistake_of_the_command_line(
    words: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if words[0] == "fine-tune":
        pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    assert typed(*words) == 2
    assert "firstlight: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "arg", "typed"),
    [
        ("classify", Arg("flux_unit", "nJy"), "--flux-unit nJy"),
        ("classify", Arg("zero_point", 25.0), "--zero-point 25.0"),
        ("classify", Arg("columns", {"mag": "m"}), "--column mag=m"),
        ("classify", Arg("columns", {"redshift": None}), "--column redshift="),
        ("classify", Arg("mag"), "--column mag=NAME"),
        ("classify", Arg("time_system", "jd"), "--time-format jd"),
        ("classify", Arg("survey", ("ZTF", "LSST")), "--survey ZTF|LSST"),
        ("classify", Arg("dereddened", True), "--dereddened"),
        ("classify", Arg("priors", {"SN Ia": 0.5, "TDE": 0.5}), "--priors 'SN Ia=0.5,TDE=0.5'"),
        ("classify", Arg("classes"), "--classes"),
        ("classify", Arg("calibration_folds", 5), "--set calibration_folds=5"),
        ("fine-tune", Arg("labels", {"x": "SN Ia"}), "--labels FILE.toml"),
        ("fine-tune", Arg("rate", 0.1), "--set rate=0.1"),
    ],
)
def test_advice_is_given_in_words_of_the_command_line(command: str, arg: Arg, typed: str) -> None:
    assert spelling(app.commands[command])(arg) == typed
    assert "--" not in in_python(arg)


def test_a_table_without_a_unit_is_refused_and_the_option_named(
    bump_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = typed("classify", bump_file, "--survey", "ZTF", "--classifier", CLASSIFIER)
    shown = capsys.readouterr()
    assert code in (1, 2)
    assert "--flux-unit" in shown.err
    assert "flux_unit=" not in shown.err
    assert not shown.out


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00\x01\x02", b"PAR1 and then nothing", b"object_id,mjd\na,59000\n", b"<html>not found</html>"],
    ids=["empty", "bytes", "torn parquet", "columns missing", "a web page"],
)
def test_a_file_that_is_no_table_ends_in_one_line_and_exit_code_1(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "bad.csv", tmp_path / "out.parquet"
    path.write_bytes(content)
    assert typed(*classified(path, "--out", out)) == 1
    shown = capsys.readouterr().err
    assert "bad.csv" in shown
    assert "Traceback" not in shown
    assert [file.name for file in tmp_path.iterdir()] == ["bad.csv"]


def test_a_damaged_checkpoint_is_no_mistake_of_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").mkdir()
    assert typed("classify", "sample:ztf", "--classifier", tmp_path / "mine") == 1
    assert "config.json" in capsys.readouterr().err


# --- what it writes -----------------------------------------------------------------------------------------


def test_an_answer_has_one_row_an_object_and_says_who_gave_it(
    bump_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "out.parquet"
    assert typed(*classified(bump_file, "--out", out)) == 0
    table = pq.read_table(out)
    assert table.column("object_id").to_pylist() == ["a", "b", "faint"]
    tail = ["n_observations", "n_detections", "flags", "flag_names"]
    assert table.column_names[-7:] == [*tail, "classifier", "classifier_version", "classifier_hash"]
    assert {"SN Ia", "SN II", "TDE"} <= set(table.column_names)
    assert table.column("SN Ia").null_count == 1
    carried = table.schema.metadata or {}
    assert carried[b"firstlight.classifier"] == CLASSIFIER.encode()
    assert len(carried[b"firstlight.hash"]) == 64
    shown = capsys.readouterr()
    assert not shown.out
    assert "3 objects, 120 observations" in shown.err
    assert "1 object without probabilities (null): 1 no_detection" in shown.err
    assert "redshift" in shown.err
    assert [file.name for file in out.parent.iterdir()] == ["out.parquet"]


def test_every_observation_gives_a_row_in_time_order(bump_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    assert typed(*classified(bump_file, "--every-observation", "-o", out)) == 0
    table = pq.read_table(out)
    assert table.num_rows == 120
    for name in ("a", "b", "faint"):
        time = table.filter(pc.equal(table["object_id"], name))["mjd"].to_numpy()
        assert (np.diff(time) >= 0).all()


def test_every_format_of_the_output_holds_the_same_numbers(bump_file: Path, tmp_path: Path) -> None:
    import json

    for suffix in (".parquet", ".csv", ".feather", ".arrow", ".jsonl"):
        assert typed(*classified(bump_file, "--out", tmp_path / f"out{suffix}")) == 0
    wanted = pq.read_table(tmp_path / "out.parquet")
    csv = pyarrow.csv.read_csv(tmp_path / "out.csv")
    assert csv.column_names == wanted.column_names
    assert pyarrow.feather.read_table(tmp_path / "out.feather").equals(wanted)
    assert pyarrow.feather.read_table(tmp_path / "out.arrow").equals(wanted)
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [line["object_id"] for line in lines] == ["a", "b", "faint"]
    assert lines[2]["SN Ia"] is None
    np.testing.assert_allclose(csv["SN Ia"][:2].to_numpy(), wanted["SN Ia"][:2].to_numpy(), atol=5e-7)


def test_standard_output_carries_the_table_and_nothing_else(
    bump_file: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert typed(*classified(bump_file)) == 0
    table = pyarrow.csv.read_csv(pa.BufferReader(capfdbinary.readouterr().out))
    assert table.num_rows == 3


def test_standard_input_is_read_whatever_the_format(
    bump_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pq.write_table(pyarrow.csv.read_csv(bump_file), tmp_path / "bump.parquet")
    answers = []
    for path in (bump_file, tmp_path / "bump.parquet"):
        out = tmp_path / f"from-{path.suffix[1:]}.parquet"
        with path.open() as stream:
            monkeypatch.setattr(sys, "stdin", stream)
            assert typed(*classified(Path("-"), "--out", out)) == 0
        answers.append(pq.read_table(out))
    assert answers[0].equals(answers[1])


def test_the_answer_does_not_depend_on_the_batches(
    bump_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, read_batches = [], readers.read_batches
    for rows in (1_000_000, 50, 1):
        monkeypatch.setattr(readers, "read_batches", partial(read_batches, max_rows=rows))
        out = tmp_path / f"{rows}.parquet"
        assert typed(*classified(bump_file, "--out", out)) == 0
        answers.append(pq.read_table(out).combine_chunks())
    assert pq.ParquetFile(tmp_path / "1.parquet").num_row_groups == 3
    for answer in answers[1:]:
        assert answer["object_id"].equals(answers[0]["object_id"])
        np.testing.assert_allclose(
            answer["SN Ia"][:2].to_numpy(), answers[0]["SN Ia"][:2].to_numpy(), atol=1e-6
        )


def test_an_empty_table_gives_an_empty_answer_with_all_its_columns(tmp_path: Path) -> None:
    path, out = tmp_path / "none.csv", tmp_path / "out.parquet"
    path.write_text("object_id,mjd,band,flux,flux_err\n")
    assert typed(*classified(path, "--out", out)) == 0
    table = pq.read_table(out)
    assert table.num_rows == 0
    assert "SN Ia" in table.column_names


def test_ids_that_stand_in_one_table_only_are_told_and_kept(
    bump_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    objects, out = tmp_path / "objects.csv", tmp_path / "out.parquet"
    objects.write_text("object_id,mwebv\na,0.02\nelsewhere,0.03\n")
    assert typed(*classified(bump_file, "--objects", objects, "--out", out)) == 0
    assert pq.read_table(out)["object_id"].to_pylist() == ["a", "b", "faint", "elsewhere"]
    shown = capsys.readouterr().err
    assert "elsewhere" in shown
    assert "2 ids in bump.csv" in shown


def test_coarser_classes_and_priors_reach_the_classifier(bump_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    words = ["--classes", "SN,TDE", "--classes", "AGN", "--priors", "SN=0.9,TDE=0.05,AGN=0.05", "--out", out]
    assert typed(*classified(bump_file, *words)) == 0
    table = pq.read_table(out)
    assert table.column_names[1:4] == ["SN", "TDE", "AGN"]
    np.testing.assert_allclose(sum(table[name][0].as_py() for name in ("SN", "TDE", "AGN")), 1, atol=1e-5)


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt, OSError("no space left"), RuntimeError("of our own making")]
)
def test_a_run_that_is_stopped_leaves_no_half_file(
    error: BaseException | type[BaseException],
    bump_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(readers, "read_batches", partial(readers.read_batches, max_rows=1))
    from firstlight.cli.talking import Report

    monkeypatch.setattr(Report, "add", lambda *_: (_ for _ in ()).throw(error))
    out = tmp_path / "folder" / "out.parquet"
    if isinstance(error, RuntimeError):
        with pytest.raises(RuntimeError):
            typed(*classified(bump_file, "--out", out))
    else:
        assert typed(*classified(bump_file, "--out", out)) == (130 if error is KeyboardInterrupt else 1)
    assert not list(out.parent.iterdir())


def test_an_older_answer_stays_when_the_new_one_fails(bump_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    assert typed(*classified(bump_file, "--out", out)) == 0
    before = out.read_bytes()
    broken = tmp_path / "broken.csv"
    broken.write_text(bump_file.read_text().replace(",150,", ",some,"))
    typed(*classified(broken, "--unknown-passbands", "drop", "--column", "flux=nothing", "--out", out))
    assert out.read_bytes() == before


def test_input_and_output_must_differ(bump_file: Path) -> None:
    before = bump_file.read_bytes()
    assert typed(*classified(bump_file, "--out", bump_file)) == 2
    assert bump_file.read_bytes() == before


def test_one_light_curve_without_an_id_is_given_one(bump_file: Path, tmp_path: Path) -> None:
    lines = [line.split(",", 1) for line in bump_file.read_text().splitlines()]
    path, out = tmp_path / "one.csv", tmp_path / "out.parquet"
    path.write_text("\n".join(rest for name, rest in lines if name in ("object_id", "b")) + "\n")
    assert typed(*classified(path, "--object-id", "SN 2020abc", "--out", out)) == 0
    (answer,) = pq.read_table(out).to_pylist()
    assert answer["object_id"] == "SN 2020abc"
    assert answer["n_observations"] > 0
    assert typed(*classified(bump_file, "--object-id", "SN 2020abc", "--out", out)) == 2


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a folder that nobody can write to")
def test_an_output_that_cannot_be_written_is_named_as_it_was_given(
    bump_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(*classified(bump_file, "--out", "/proc/out.csv")) == 1
    said = capsys.readouterr().err
    assert said.startswith("firstlight: '/proc/out.csv': ")
    assert "Errno" not in said


# --- the other commands -------------------------------------------------------------------------------------


def test_what_convert_wrote_is_classified_alike_and_needs_no_options(tmp_path: Path) -> None:
    answers = []
    assert typed("convert", "sample:ztf", "--out", tmp_path / "curves.parquet") == 0
    for table in ("sample:ztf", tmp_path / "curves.parquet"):
        out = tmp_path / f"{len(answers)}.parquet"
        assert typed("classify", table, "--classifier", CLASSIFIER, "--out", out) == 0
        answers.append(pq.read_table(out))
    assert answers[0].drop_columns(["flags"]).equals(answers[1].drop_columns(["flags"]))


def test_convert_reads_the_formats_of_the_field(shared: Path, tmp_path: Path) -> None:
    formats = shared / "data/formats"
    for path, words in (
        (formats / "atlas_forced/job01088.txt", ["--object-id", "AT2020wol"]),
        (formats / "ztf_forced/forcedphotometry_req00149191_lc.txt", []),
        (formats / "antares/ztf_loci_ANT2026b78o35eau2gs_alerts.json", []),
    ):
        out = tmp_path / f"{path.stem}.parquet"
        assert typed("convert", path, *words, "--out", out) == 0
        table = pq.read_table(out)
        assert table.num_rows > 0
        assert table.schema.field("flux").metadata == {b"unit": b"nJy"}


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl", ".feather"])
def test_what_is_known_of_an_object_comes_through_convert(shared: Path, tmp_path: Path, suffix: str) -> None:
    """Extinction that is already out stays out; what is missing is null."""
    given = shared / "data/formats/plasticc/kaggle_training_set.csv"
    out = tmp_path / f"out{suffix}"
    assert typed("convert", given, "--out", out) == 0
    table = readers.read_table(out, survey="LSST", flux_unit="nJy")
    assert table.column("dereddened").all()
    np.testing.assert_array_equal(table.column("redshift"), readers.read(given).column("redshift"))
    if suffix == ".parquet":
        assert pq.read_table(out)["redshift"].null_count > 0


def test_plot_writes_a_figure_an_object(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    words = ["plot", "sample:ztf", "--classifier", CLASSIFIER, "--id", "ZTF19aapreis,SN2018cxa"]
    assert typed(*words, "--out", tmp_path / "figures") == 0
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == [
        "SN2018cxa.png",
        "ZTF19aapreis.png",
    ]
    assert (
        typed("plot", "sample:ztf", "--no-classifier", "--id", "SN2018cxa", "--out", tmp_path / "one.svg")
        == 0
    )
    assert (tmp_path / "one.svg").read_text().startswith("<?xml")


def test_evaluate_prints_tables_and_writes_a_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    words = ["evaluate", "sample:ztf", "--classifier", CLASSIFIER, "--resamples", 10]
    assert typed(*words, "--at", "5 detections", "--at", "full", "--out", tmp_path / "report") == 0
    shown = capsys.readouterr()
    assert re.search(r"\| 5 detections \| 13 \|", shown.out)
    written = {path.name for path in (tmp_path / "report").iterdir()}
    assert {"report.md", "report.json", "scores.csv", "confusion.png"} <= written


def test_fine_tune_gives_a_classifier_that_classify_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    sample = readers.read_table(_sample())
    few = [str(name) for name in sample.column("object_id")]
    labels = tmp_path / "objects.csv"
    named = ["SN Ia", "SN II"] * (len(few) // 2)
    labels.write_text(
        "object_id,kind\n" + "\n".join(f"{name},{kind}" for name, kind in zip(few, named, strict=True))
    )
    table = _without_labels(tmp_path)
    words = [
        "fine-tune",
        table,
        "--objects",
        labels,
        "--label",
        "kind",
        "--survey",
        "ZTF",
        "--base",
        CLASSIFIER,
        "--epochs",
        1,
    ]
    out = tmp_path / "mine"
    assert typed(*words, "--strategy", "output", "--threads", 1, "--out", out) == 0
    history = pyarrow.csv.read_csv(tmp_path / "mine-history.csv")
    assert history.num_rows == 1
    assert "loss" in history.column_names
    assert typed("classify", "sample:ztf", "--classifier", out, "--out", tmp_path / "answer.parquet") == 0
    answer = pq.read_table(tmp_path / "answer.parquet")
    assert (answer.schema.metadata or {})[b"firstlight.classifier"] == b"mine"
    assert "written to" in capsys.readouterr().err
    assert typed("classify", "sample:ztf", "--classifier", out, "--novelty") == 2
    assert "calibration_folds=5" in capsys.readouterr().err


def test_class_sets_and_novelty_are_columns_of_the_answer(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from firstlight.learn import fine_tune

    sample = readers.read_table(_sample())
    labelled = sample.with_labels(["SN Ia", "SN II"] * (len(sample) // 2))
    mine = tmp_path / "mine"
    fine_tune(CLASSIFIER, labelled, epochs=1, strategy="output", calibration_folds=2, out=mine)
    out = tmp_path / "answer.csv"
    words = ("classify", "sample:ztf", "--classifier", mine, "--sets", 0.5, "--novelty", "--out", out)
    assert typed(*words) == 0
    answer = pyarrow.csv.read_csv(out)
    tail = ["classes", "novelty", "n_observations", "n_detections", "flags", "flag_names"]
    assert answer.column_names[-9:-3] == tail
    assert typed(*words, "--sets", 90) == 2


def test_fine_tune_does_not_write_over_something_else(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert typed("fine-tune", "sample:ztf", "--base", CLASSIFIER, "--out", tmp_path) == 2
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_training_without_torch_names_the_install_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert typed("fine-tune", "sample:ztf", "--base", CLASSIFIER, "--out", tmp_path / "x") == 1
    assert "pip install 'firstlight[learn]'" in capsys.readouterr().err


def _sample() -> Path:
    from firstlight.readers import samples

    return samples()["ztf"]


def _without_labels(folder: Path) -> Path:
    path = folder / "unlabelled.parquet"
    pq.write_table(pq.read_table(_sample()).drop_columns(["label"]), path)
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(("stop", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_ends_the_process_cleanly(stop: str, code: int, bump_file: Path, tmp_path: Path) -> None:
    """Sent while the input is being read: the exit code of shells, one line, no traceback, no half file."""
    import signal
    import subprocess

    out = tmp_path / "folder" / "out.parquet"
    script = (
        "import signal, sys, firstlight.cli.inputs as inputs; from firstlight.cli import main\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"  # also where whoever runs the tests ignores it
        "whole = inputs.Input.batches\n"
        "def batches(self, report):\n"
        "    yield from whole(self, report)\n"
        "    print('reading', file=sys.stderr, flush=True)\n"
        "    sys.stdin.read()\n"
        "inputs.Input.batches = batches\n"
        f"main({[str(word) for word in classified(bump_file, '--out', out)]!r})"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr is not None
        assert running.stderr.readline() == "reading\n"
        running.send_signal(getattr(signal, stop))
        _, said = running.communicate(timeout=60)
    assert running.returncode == code
    assert said.strip() == "firstlight: stopped; no output was written"
    assert not list(out.parent.iterdir())
