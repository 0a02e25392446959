"""Many files: lists, patterns, folders, archives and addresses, each file read as what it is."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

import firstlight as fl
from firstlight.cli.app import app
from firstlight.errors import DataError, FirstlightError

OBJECTS = 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One file an object, without ids, with headers of their own."""
    place = tmp_path / "curves"
    place.mkdir()
    for k in range(OBJECTS):
        if k % 2:
            head, rows = "mjd,band,flux_uJy,fluxerr_uJy", [f"{60000 + i},g,{50 + i + k},3" for i in range(5)]
        else:
            head, rows = "# by hand\ntime;filter;mag;mag_err", [f"{60000 + i};r;19.{k};0.1" for i in range(5)]
        (place / f"SN{k}.csv").write_text("\n".join([head, *rows]) + "\n")
    (place / "README.txt").write_text("not a light curve\n")
    return place


def ids(curves: fl.LightCurves) -> list[str]:
    return curves.objects.column("object_id").to_pylist()


def classified(*words: str) -> Result:
    return CliRunner().invoke(app, ["classify", *words, "--survey", "ZTF"])


@pytest.mark.parametrize("kind", ["folder", "list", "pattern", "tar", "tar.gz", "zip", "file://", "two"])
def test_every_way_to_name_files_is_the_same(folder: Path, kind: str) -> None:
    files = sorted(folder.glob("*.csv"))
    path: object = folder
    if kind == "list":
        path = files
    elif kind == "pattern":
        path = str(folder / "*.csv")
    elif kind == "file://":
        path = [file.as_uri() for file in files]
    elif kind == "two":
        path = [str(folder / "SN[01].csv"), *files]  # each file once
    elif kind == "zip":
        path = folder.with_suffix(".zip")
        with zipfile.ZipFile(folder.with_suffix(".zip"), "w") as archive:
            for file in files:
                archive.write(file, f"deep/{file.name}")
    elif kind.startswith("tar"):
        path = folder.with_suffix(f".{kind}")
        with tarfile.open(path, "w:gz" if kind.endswith("gz") else "w") as archive:
            archive.add(folder, "curves")
    notes: list[str] = []
    curves = fl.read(path, survey="ZTF", report=notes)
    assert ids(curves) == [f"SN{k}" for k in range(OBJECTS)]
    assert curves.equals(fl.read(folder, survey="ZTF"))
    assert any("4 files do not name their object" in note for note in notes)
    pieces = list(fl.read_batches(path, survey="ZTF", max_rows=5))
    assert [name for piece in pieces for name in ids(piece)] == ids(curves) and len(pieces) == OBJECTS


def test_shell_takes_several_paths_and_quoted_patterns(folder: Path) -> None:
    every, listed = classified(str(folder / "*.csv")), classified(*map(str, sorted(folder.glob("*.csv"))))
    assert every.exit_code == 0 and every.stdout == listed.stdout and every.stdout.count("SN") > OBJECTS
    absent = classified(str(folder / "SN1.csv"), str(folder / "SN9.csv"))
    assert absent.exit_code and "there is no" in absent.output
    assert "no file fits" in classified(str(folder / "x*.csv")).output
    assert classified("-", str(folder / "SN1.csv")).exit_code


def test_id_of_the_column_comes_before_the_name_of_the_file(tmp_path: Path) -> None:
    for k in range(3):
        (tmp_path / f"{k}.csv").write_text(f"object_id,mjd,band,flux_nJy,fluxerr_nJy\nA{k},60000,g,900,20\n")
    assert ids(fl.read(tmp_path, survey="ZTF")) == ["A0", "A1", "A2"]


def test_object_in_several_files_is_one_and_a_row_in_two_counts_once(tmp_path: Path) -> None:
    head = "object_id,mjd,band,flux_nJy,fluxerr_nJy\n"
    (tmp_path / "g.csv").write_text(head + "A,60000,g,900,20\nA,60002,g,900,20\nB,60000,g,900,20\n")
    (tmp_path / "r.csv").write_text(head + "A,60001,r,900,20\nA,60002,g,900,20\n")
    notes: list[str] = []
    curves = fl.read(tmp_path, survey="ZTF", report=notes)
    assert ids(curves) == ["A", "B"] and curves.n_observations.tolist() == [4, 1]
    assert curves.detected.sum() == 4
    assert any("rows in several files" in note for note in notes)
    with pytest.raises(DataError, match="far apart"):
        list(fl.read_batches(tmp_path, survey="ZTF", max_rows=1))


def test_files_of_one_name_in_several_folders_stay_apart(tmp_path: Path) -> None:
    for name in ("A", "B"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "lc.csv").write_text("mjd,band,flux_nJy,fluxerr_nJy\n60000,g,900,20\n")
        (tmp_path / f"oid={name}").mkdir()
        (tmp_path / f"oid={name}" / "part.csv").write_text("mjd,band,flux_nJy,fluxerr_nJy\n60000,g,900,20\n")
    assert ids(fl.read([tmp_path / "A", tmp_path / "B"], survey="ZTF")) == ["A/lc", "B/lc"]
    assert ids(fl.read(str(tmp_path / "oid=*"), survey="ZTF")) == ["A", "B"]


def test_parquet_files_without_ids_are_one_object_each(tmp_path: Path) -> None:
    for k in range(3):
        pq.write_table(
            pa.table({"mjd": [60000.0], "band": ["g"], "flux_nJy": [900.0], "fluxerr_nJy": [20.0]}),
            tmp_path / f"SN{k}.parquet",
        )
    assert ids(fl.read(tmp_path, survey="ZTF")) == ["SN0", "SN1", "SN2"]


def test_second_table_is_joined_to_all_files(folder: Path) -> None:
    objects = {
        "object_id": ["SN0", "SN3", "SN9"],
        "redshift": [0.1, 0.2, 0.3],
        "label": ["SN Ia", "TDE", "AGN"],
    }
    notes: list[str] = []
    curves = fl.read(folder, survey="ZTF", objects=objects, label="label", report=notes)
    assert len(curves) == OBJECTS
    np.testing.assert_array_equal(curves.column("redshift"), [0.1, np.nan, np.nan, 0.2])
    assert curves.column("label").tolist() == ["SN Ia", None, None, "TDE"]
    assert any("1 ids" in note for note in notes)


def test_unreadable_file_among_many_is_named(folder: Path) -> None:
    (folder / "SN9.csv").write_text("")
    with pytest.raises(DataError, match=r"SN9\.csv: the file is empty"):
        fl.read(folder, survey="ZTF")


@pytest.mark.parametrize("address", ["s3://nobody/a.csv", "memory://nothing/a.csv", "wrong://a.csv"])
def test_address_that_cannot_be_read_is_refused(address: str) -> None:
    with pytest.raises(DataError, match=r"cannot be reached|fsspec"):
        fl.read(address)
    failed = classified(address)
    assert failed.exit_code and address in failed.output


def test_address_is_read_through_fsspec(folder: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    for file in folder.glob("*.csv"):
        memory.pipe(f"/many/{file.name}", file.read_bytes())
    assert fl.read("memory://many/*.csv", survey="ZTF").equals(fl.read(folder, survey="ZTF"))
    assert ids(fl.read("memory://many/", survey="ZTF")) == [f"SN{k}" for k in range(OBJECTS)]


@pytest.mark.parametrize("name", ["../outside.csv", "/outside.csv", "a/../../outside.csv"])
def test_archive_writes_nothing_outside(tmp_path: Path, name: str) -> None:
    path = tmp_path / "lc.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, "mjd,band,flux_nJy,fluxerr_nJy\n60000,g,900,20\n")
    assert ids(fl.read(path, survey="ZTF")) == ["outside"]
    assert list(tmp_path.iterdir()) == [path] and not (tmp_path.parent / "outside.csv").exists()


@pytest.mark.parametrize("damage", ["cut", "spreadsheet", "npz", "empty"])
def test_archive_that_holds_no_light_curves_says_so(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "x.zip"
    inside = {"spreadsheet": ["[Content_Types].xml", "xl/a.xml"], "npz": ["a.npy"], "empty": ["d/"]}
    with zipfile.ZipFile(path, "w") as archive:
        for name in inside.get(damage, ["a.csv", "b.csv"]):
            archive.writestr(name, "mjd\n")
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(FirstlightError):
        fl.read(path)


def test_snana_text_folder_of_any_size_is_read_file_by_file(tmp_path: Path) -> None:
    for k in range(3):
        rows = "\n".join(f"OBS: {60000 + i} g {100 + k} 10" for i in range(3))
        text = f"SURVEY: DES\nSNID: {k}\nTYPE: {k}\nVARLIST: MJD BAND FLUXCAL FLUXCALERR\n{rows}\nEND:\n"
        (tmp_path / f"{k}.DAT").write_text(text)
    (tmp_path / "DES.README").write_text("DOCUMENTATION:\n")
    for label in ("TYPE", "SNTYPE"):
        assert fl.read(tmp_path, label=label).column("label").tolist() == ["0", "1", "2"]
    assert [len(piece) for piece in fl.read_batches(tmp_path, max_rows=3)] == [1, 1, 1]
