"""One table, written in every way that a person writes a table: always the same light curves."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import firstlight as fl
from firstlight.cli.app import run
from firstlight.errors import FirstlightError
from firstlight.lightcurves import LightCurves

NJY = {"nJy": 1.0, "uJy": 1e3, "mJy": 1e6, "FLUXCAL": 10**1.56}
NUMBER = st.integers(-(10**6), 10**7).map(lambda n: n / 64)
ROW = st.tuples(
    st.sampled_from(["ZTF20aa", "10", "9", "é 1", "a,b"]),
    st.integers(59_000 * 64, 60_000 * 64).map(lambda n: n / 64),
    st.sampled_from("gri"),
    NUMBER | st.none(),
    st.integers(1, 10**5).map(lambda n: n / 64) | st.none(),
)
ROWS = st.lists(ROW, min_size=1, max_size=12)
NAMES = ("object_id", "mjd", "band", "flux", "flux_err")


def expected(rows: list[tuple[Any, ...]], unit: float = 1.0) -> LightCurves:
    """The light curves of the rows, made without any file."""
    columns = {name: [row[k] for row in rows] for k, name in enumerate(NAMES)}
    flux, error = (np.array([np.nan if v is None else v for v in columns[name]], float) for name in NAMES[3:])
    return LightCurves.from_columns(
        object_id=columns["object_id"],
        time=columns["mjd"],
        passband=columns["band"],
        flux=flux * unit,
        flux_err=error * unit,
        flux_unit="nJy",
        survey="ZTF",
    )


def text(rows: list[tuple[Any, ...]], *, missing: str = "", **dialect: Any) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n", **dialect)
    writer.writerow(NAMES)
    writer.writerows([missing if cell is None else cell for cell in row] for row in rows)
    return file.getvalue()


def same(found: LightCurves, wanted: LightCurves, rtol: float = 0.0) -> None:
    assert found.object_id == wanted.object_id
    assert np.array_equal(found.offsets, wanted.offsets) and np.array_equal(found.time, wanted.time)
    assert [found.passbands[k] for k in found.passband] == [wanted.passbands[k] for k in wanted.passband]
    for name in ("flux", "flux_err", "limit"):
        np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), rtol=rtol, equal_nan=True)
    assert np.array_equal(found.detected, wanted.detected) and np.array_equal(found.flags, wanted.flags)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dialects")


@settings(max_examples=40, deadline=None)
@given(
    rows=ROWS, delimiter=st.sampled_from(",;\t|"), quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
)
def test_any_delimiter_and_quoting(folder: Path, rows, delimiter: str, quoting: int) -> None:
    path = folder / "table.csv"
    path.write_text(text(rows, delimiter=delimiter, quoting=quoting), encoding="utf-8")
    same(fl.read(path, survey="ZTF", flux_unit="nJy"), expected(rows))


@settings(max_examples=40, deadline=None)
@given(rows=ROWS, missing=st.sampled_from(["", "nan", "NaN", "null", "None", "N/A"]))
def test_any_word_for_what_is_missing(folder: Path, rows, missing: str) -> None:
    path = folder / "missing.csv"
    path.write_text(text(rows, missing=missing), encoding="utf-8")
    same(fl.read(path, survey="ZTF", flux_unit="nJy"), expected(rows))


@settings(max_examples=30, deadline=None)
@given(
    rows=ROWS,
    end=st.sampled_from(["\n", "\r\n"]),
    mark=st.booleans(),
    last=st.booleans(),
    packed=st.booleans(),
)
def test_any_line_end_byte_order_mark_and_compression(folder: Path, rows, end, mark, last, packed) -> None:
    data = text(rows).replace("\n", end)
    data = data if last else data.removesuffix(end)
    path = folder / ("table.csv.gz" if packed else "ends.csv")
    raw = data.encode("utf-8-sig" if mark else "utf-8")
    path.write_bytes(gzip.compress(raw) if packed else raw)
    same(fl.read(path, survey="ZTF", flux_unit="nJy"), expected(rows))


@settings(max_examples=30, deadline=None)
@given(rows=ROWS, order=st.permutations(range(5)), more=st.booleans())
def test_columns_are_matched_by_name_in_any_order(folder: Path, rows, order, more: bool) -> None:
    lines = list(csv.reader(io.StringIO(text(rows))))
    moved = [
        [line[k] for k in order] + (["remark" if not n else "x"] if more else [])
        for n, line in enumerate(lines)
    ]
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(moved)
    path = folder / "order.csv"
    path.write_text(file.getvalue(), encoding="utf-8")
    same(fl.read(path, survey="ZTF", flux_unit="nJy"), expected(rows))


@settings(max_examples=30, deadline=None)
@given(rows=ROWS, unit=st.sampled_from(sorted(NJY)))
def test_a_unit_is_a_factor(folder: Path, rows, unit: str) -> None:
    path = folder / "unit.csv"
    path.write_text(text(rows), encoding="utf-8")
    same(fl.read(path, survey="ZTF", flux_unit=unit), expected(rows, NJY[unit]), rtol=1e-12)


@settings(max_examples=30, deadline=None)
@given(rows=ROWS)
def test_lines_of_json_say_the_same(folder: Path, rows) -> None:
    path = folder / "table.jsonl"
    path.write_text("".join(json.dumps(dict(zip(NAMES, row, strict=True))) + "\n" for row in rows))
    same(fl.read(path, survey="ZTF", flux_unit="nJy"), expected(rows))


@settings(max_examples=25, deadline=None)
@given(rows=ROWS, size=st.integers(1, 4))
def test_a_file_in_parts_is_the_whole_file(folder: Path, rows, size: int) -> None:
    """Rows of one object may be anywhere; parts hold whole objects."""
    path = folder / "parts.csv"
    path.write_text(text(rows), encoding="utf-8")
    parts = list(fl.read_batches(path, max_rows=size, survey="ZTF", flux_unit="nJy"))
    assert [name for part in parts for name in part.object_id] == expected(rows).object_id
    same(LightCurves.concat(parts), expected(rows))


@settings(max_examples=25, deadline=None)
@given(rows=ROWS, cut=st.integers(0, 400))
def test_half_a_file_is_read_or_refused_and_nothing_else(folder: Path, rows, cut: int) -> None:
    whole = text(rows).encode()
    path = folder / "half.csv"
    path.write_bytes(whole[: cut % len(whole)])
    try:
        found = fl.read(path, survey="ZTF", flux_unit="nJy")
    except FirstlightError as error:
        assert path.name in str(error) or "column" in str(error)
    else:
        assert len(found.time) <= len(rows)


@pytest.mark.parametrize("suffix", [".parquet", ".feather", ".arrow", ".csv", ".jsonl"])
@settings(max_examples=8, deadline=None)
@given(rows=ROWS)
def test_what_convert_writes_is_read_as_what_it_had_read(folder: Path, suffix: str, rows) -> None:
    path, out = folder / "in.csv", folder / f"out{suffix}"
    path.write_text(text(rows), encoding="utf-8")
    assert run(["convert", str(path), "--survey", "ZTF", "--flux-unit", "uJy", "--out", str(out)]) == 0
    wanted = fl.read(path, survey="ZTF", flux_unit="uJy")
    stated = {} if suffix in (".parquet", ".feather", ".arrow") else {"survey": "ZTF", "flux_unit": "nJy"}
    found = fl.read(out, **stated)
    usable = wanted.usable
    assert found.object_id == wanted.object_id and np.array_equal(found.n_observations, wanted.n_observations)
    assert np.array_equal(found.usable, usable)
    for name in ("time", "flux", "flux_err", "detected"):
        assert np.array_equal(
            getattr(found, name)[usable], getattr(wanted, name)[usable], equal_nan=name != "detected"
        )
