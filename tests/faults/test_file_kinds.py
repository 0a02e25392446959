"""Catalogs, partitioned folders, FITS with times and several tables; what is no light curve is named."""

from __future__ import annotations

import bz2
import gzip
import lzma
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import QTable, Table
from astropy.time import Time

import firstlight as fl
from firstlight.errors import DataError

TEXT = "object_id,mjd,band,flux_nJy,fluxerr_nJy\nA,60000,g,900,20\nA,60001,r,800,20\n"


def ids(curves: fl.LightCurves) -> list[str]:
    return curves.objects.column("object_id").to_pylist()


def nested(path: Path, *names: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    curve = [{"mjd": 60000.0 + i, "band": "g", "flux": 900.0, "fluxerr": 20.0} for i in range(3)]
    pq.write_table(pa.table({"objectid": list(names), "lightcurve": [curve] * len(names)}), path)


def read(path: Path, **options: Any) -> fl.LightCurves:
    return fl.read(path, survey="ZTF", flux_unit="nJy", **options)


def pixel(catalog: Path, number: int) -> Path:
    return catalog / "dataset" / "Norder=1" / "Dir=0" / f"Npix={number}.parquet"


def test_thumbnail_and_margin_of_a_hats_catalog_are_not_read(tmp_path: Path) -> None:
    nested(pixel(tmp_path / "main", 44), "A")
    nested(tmp_path / "main" / "dataset" / "Norder=1" / "Dir=0" / "Npix=45" / "part0.parquet", "B")
    nested(tmp_path / "main" / "dataset" / "data_thumbnail.parquet", "A", "B")
    nested(pixel(tmp_path / "main_10arcs", 44), "B")
    (tmp_path / "main_10arcs" / "hats.properties").write_text("obs=x\ndataproduct_type=margin\n")
    for path in (tmp_path, tmp_path / "main", tmp_path / "main" / "dataset"):
        curves = read(path)
        assert ids(curves) == ["A", "B"] and not curves.object_flags.any()
    assert ids(read(tmp_path / "main_10arcs")) == ["B"]  # asked for by name


def test_collection_is_its_primary_table(tmp_path: Path) -> None:
    nested(pixel(tmp_path / "main", 1), "A")
    nested(pixel(tmp_path / "other", 1), "B")
    (tmp_path / "index" / "dataset" / "index").mkdir(parents=True)
    pq.write_table(pa.table({"id": ["A"], "Npix": [1]}), tmp_path / "index/dataset/index/part.0.parquet")
    with pytest.raises(DataError, match="2 catalogs: main, other"):
        read(tmp_path)
    (tmp_path / "collection.properties").write_text("hats_primary_table_url = main\n")
    assert ids(read(tmp_path)) == ["A"]


@pytest.mark.parametrize("key", ["object_id", "band"])
def test_columns_of_a_partitioned_folder_stand_in_its_paths(tmp_path: Path, key: str) -> None:
    table = pa.table(
        {
            "object_id": ["A 1", "B", "A 1"],
            "mjd": [60000.0, 60001.0, 60002.0],
            "band": ["g", "r", "r"],
            "flux_nJy": [900.0, 800.0, 700.0],
            "fluxerr_nJy": [20.0, 20.0, 20.0],
        }
    )
    for value in table.column(key).unique().to_pylist():
        part = table.filter(pa.compute.equal(table.column(key), value)).drop_columns([key])
        place = tmp_path / f"{key}={value.replace(' ', '%20')}" / "part-0.parquet"
        place.parent.mkdir()
        pq.write_table(part, place)
    curves, plain = fl.read(tmp_path, survey="ZTF"), fl.read(table, survey="ZTF")
    assert ids(curves) == ["A 1", "B"] and curves.flux.tolist() == plain.flux.tolist()
    assert curves.passband.tolist() == plain.passband.tolist()
    assert [piece.flux.tolist() for piece in fl.read_batches(tmp_path, survey="ZTF", max_rows=1)]


def times(form: str) -> QTable:
    table = QTable(
        {"object_id": ["A"] * 3, "band": ["g", "r", "g"], "flux": [9.0, 8, 7], "fluxerr": [1.0, 1, 1]}
    )
    table["flux"].unit = table["fluxerr"].unit = "uJy"
    table[form] = Time(60000.0 + np.arange(3), format="mjd", scale="utc")
    table[form].format = form
    return table


@pytest.mark.parametrize("form", ["mjd", "jd"])
@pytest.mark.parametrize("suffix", ["fits", "ecsv", "vot", "memory"])
def test_times_of_astropy_need_no_format(tmp_path: Path, form: str, suffix: str) -> None:
    table: Any = times(form)
    if suffix == "vot":
        table = Table(table)
        table[form] = table[form].value
    if suffix != "memory":
        table.write(tmp_path / f"t.{suffix}", format="votable" if suffix == "vot" else None)
    curves = fl.read(table if suffix == "memory" else tmp_path / f"t.{suffix}", survey="ZTF")
    np.testing.assert_allclose(curves.time, [60000.0, 60001.0, 60002.0], atol=1e-8)
    assert curves.flux.tolist() == [9000.0, 8000.0, 7000.0]


def units(*tables: tuple[str, dict[str, Any]]) -> fits.HDUList:
    return fits.HDUList(
        [fits.PrimaryHDU(), *(fits.BinTableHDU(Table(own), name=name) for name, own in tables)]
    )


def test_light_curves_behind_another_table_of_a_fits_file(tmp_path: Path) -> None:
    curve = {"object_id": ["A"], "mjd": [60000.0], "band": ["g"], "flux_nJy": [900.0], "fluxerr_nJy": [20.0]}
    units(("META", {"a": [1]}), ("OBJECTS", {"object_id": ["A"]}), ("LC", curve)).writeto(tmp_path / "x.fits")
    assert fl.read(tmp_path / "x.fits", survey="ZTF").flux.tolist() == [900.0]
    units(("META", {"a": [1]}), ("LOG", {"b": [1]})).writeto(tmp_path / "none.fits")
    with pytest.raises(DataError, match=r"2 tables, none with .*META: a; LOG: b"):
        fl.read(tmp_path / "none.fits", survey="ZTF")


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_text_is_read(tmp_path: Path, pack: Any) -> None:
    (tmp_path / "x.csv.packed").write_bytes(pack(TEXT.encode()))
    assert fl.read(tmp_path / "x.csv.packed", survey="ZTF").flux.tolist() == [900.0, 800.0]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"Obj\x01\x04forcediffimflux", "Avro"),
        (b"\x00\x00\x00\x03\x84rest", "schema 900"),
        (b"\x89HDF\r\n\x1a\nrest", "HDF5"),
        (pickle.dumps({"a": 1}), "pickle"),
        (b"\x93NUMPY\x01\x00rest", "NumPy"),
        (b"SQLite format 3\x00rest", "SQLite"),
        (b"\x28\xb5\x2f\xfdrest", "zstd"),
        (TEXT.encode("utf-16"), "UTF-16"),
        (
            b"<html><head><title>504 Gateway Time-out</title></head></html>",
            "web page: '504 Gateway Time-out'",
        ),
        (b"\n<!DOCTYPE html>\n<body>", "web page"),
    ],
)
def test_what_is_no_light_curve_is_named(tmp_path: Path, content: bytes, named: str) -> None:
    path = tmp_path / "light-curves.csv"
    path.write_bytes(content)
    for options in ({}, {"flux_unit": "nJy"}):
        with pytest.raises(DataError, match=named) as caught:
            fl.read(path, survey="ZTF", **options)
        assert caught.value.hint


FORCED = "field,ccdid,qid,filter,jd,zpdiff,forcediffimflux,forcediffimfluxunc,procstatus"


@pytest.mark.parametrize("status", ["0", "0.0", '"56,57"'])
def test_forced_photometry_saved_again_by_a_table_library(tmp_path: Path, status: str) -> None:
    rows = [f"600,11,2,ZTF_g,{2459000.6 + i},26.2,800,20,{s}" for i, s in enumerate([status] * 3 + ["61"])]
    (tmp_path / "fp.csv").write_text("\n".join([FORCED, *rows]))
    curves = fl.read(tmp_path / "fp.csv", object_id="A")
    assert curves.detected.sum() == 3


def test_a_word_in_a_comment_makes_no_forced_photometry(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("# from forcediffimflux, zpdiff\n" + TEXT)
    assert fl.read(tmp_path / "x.csv", survey="ZTF").flux.tolist() == [900.0, 800.0]


@pytest.mark.parametrize("survey", ["PS1MD", "FOUNDATION", "YSE"])
def test_surveys_of_snana_whose_passbands_are_those_of_others(tmp_path: Path, survey: str) -> None:
    bands = ["g", "r", "i", "z", *(["X", "Y"] if survey == "YSE" else [])]
    rows = "\n".join(f"OBS: {60000 + k} {band} 100 5" for k, band in enumerate(bands))
    text = f"SURVEY: {survey}\nSNID: A\nVARLIST: MJD FLT FLUXCAL FLUXCALERR\n{rows}\nEND:\n"
    (tmp_path / "A.DAT").write_text(text)
    curves = fl.read(tmp_path / "A.DAT")
    named = [curves.passbands[code] for code in curves.passband]
    ztf = ["ZTF-g", "ZTF-r"] if survey == "YSE" else []
    assert named == ["Pan-STARRS-g", "Pan-STARRS-r", "Pan-STARRS-i", "Pan-STARRS-z", *ztf]


def test_survey_of_snana_without_packaged_passbands_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "A.DAT").write_text("SURVEY: SNLS\nSNID: A\nVARLIST: MJD FLT FLUXCAL FLUXCALERR\nEND:\n")
    with pytest.raises(DataError, match="survey 'SNLS' of the header is not known") as caught:
        fl.read(tmp_path / "A.DAT")
    assert "survey=" in str(caught.value)
