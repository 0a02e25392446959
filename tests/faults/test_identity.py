"""Objects are never merged or invented, and no row of a text file is lost without a word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import firstlight as fl
from firstlight.cli.app import run
from firstlight.errors import DataError

ROWS = [f"{60_000 + 3 * k},{'gr'[k % 2]},{50 + 10 * k}.5,6.0" for k in range(8)]
HEADER = "object_id,mjd,band,flux,fluxerr"


def written(folder: Path, lines: list[str], end: str = "\n", encoding: str = "utf-8") -> Path:
    path = folder / "x.csv"
    path.write_bytes((end.join(lines) + end).encode(encoding))
    return path


def read(table: Any) -> tuple[fl.LightCurves, list[str]]:
    report: list[str] = []
    return fl.read_table(table, survey="ZTF", flux_unit="uJy", report=report), report


def in_memory(ids: Any) -> fl.LightCurves:
    n = len(ids)
    return fl.LightCurves.from_columns(
        object_id=ids, time=60_000.0 + np.arange(n), passband=["g"] * n, survey="ZTF",
        flux=np.full(n, 5e4), flux_err=np.full(n, 5e3), flux_unit="nJy",
    )  # fmt: skip


def ids_of(curves: fl.LightCurves) -> list[str]:
    return curves.objects.column("object_id").to_pylist()


# --- ids that were numbers --------------------------------------------------------------------------------

LOST = ("3.91E+16", "3.13888618182017e+17", "1e+17", "3.13888618182017E17", "313888618182017038.0")


@pytest.mark.parametrize("name", LOST)
def test_ids_written_as_floating_point_are_refused(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, [HEADER, *(f"{name},{row}" for row in ROWS)])
    with pytest.raises(DataError, match="digits may be lost"):
        read(path)
    with pytest.raises(DataError, match="digits may be lost"):
        in_memory([name] * 3)
    assert run(["classify", str(path), "--survey", "ZTF", "--flux-unit", "uJy"]) != 0
    assert "digits may be lost" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["1e10", "SN2020e5", "J1234.5E+10x", "12.5", "615.5E"])
def test_names_that_only_resemble_numbers_stay(name: str) -> None:
    assert ids_of(in_memory([name] * 3)) == [name]


@pytest.mark.parametrize(("kind", "largest"), [("f2", 2.0**11), ("f4", 2.0**24), ("f8", 2.0**53)])
def test_ids_in_floating_point_are_read_as_far_as_they_are_exact(kind: str, largest: float) -> None:
    good = np.array([615, 615, 616], kind)
    assert ids_of(in_memory(good)) == ["615", "616"]
    table = {
        "object_id": good,
        "mjd": [6e4, 6e4 + 1, 6e4],
        "band": ["g"] * 3,
        "flux": [50.0] * 3,
        "fluxerr": [5.0] * 3,
    }
    assert ids_of(read(table)[0]) == ["615", "616"]
    for wrong in (np.array([largest, 1, 2], kind), np.array([0.5, 1, 2], kind)):
        with pytest.raises(DataError, match="digits may be lost"):
            in_memory(wrong)
        with pytest.raises(DataError, match="digits may be lost"):
            read({**table, "object_id": wrong})


def part(folder: Path, number: int, ids: pa.Array) -> None:
    n = len(ids)
    columns = {
        "object_id": ids,
        "mjd": 6e4 + np.arange(n),
        "band": ["g"] * n,
        "flux": [50.0] * n,
        "fluxerr": [5.0] * n,
    }
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.table(columns), folder / f"part.{number}.parquet")


def test_parts_whose_ids_are_of_different_type_are_one_object_or_refused(tmp_path: Path) -> None:
    one = pa.array([313888618182017038] * 3)
    part(tmp_path / "lost", 0, one)
    part(tmp_path / "lost", 1, pa.array([313888618182017038.0, None, 313888618182017039.0]))
    with pytest.raises(
        DataError, match=r"lost/part.1.parquet: column 'object_id': ids are .* digits may be lost"
    ):
        read(tmp_path / "lost")
    with pytest.raises(DataError, match=r"part.1.parquet"):
        list(fl.read_batches(tmp_path / "lost", survey="ZTF", flux_unit="uJy", max_rows=2))
    for number, ids in enumerate(([615, 616], [615.0, None], ["615", "617"], [b"615", b"618"])):
        part(tmp_path / "kept", number, pa.array(ids))
    assert ids_of(read(tmp_path / "kept")[0]) == ["615", "616", "617", "618"]


# --- ids that are none ------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["nan", "NaN", "None", "null", "--", "N/A", "<NA>", "masked", " "])
def test_words_for_missing_are_no_objects(word: str, tmp_path: Path) -> None:
    path = written(tmp_path, [HEADER, *(f"{'A' if k % 3 else word},{row}" for k, row in enumerate(ROWS))])
    curves, report = read(path)
    assert ids_of(curves) == ["A"]
    assert len(curves.time) == 5
    assert any("3 rows without object id left out" in line for line in report)
    with pytest.raises(DataError, match="1 object ids are missing"):
        in_memory(["A", word, "A"])


@pytest.mark.parametrize("mark", ["#", "# ", "  #"])
def test_rows_that_are_commented_out_are_no_rows(mark: str, tmp_path: Path) -> None:
    lines = [HEADER, *(f"{mark if k in (3, 5) else ''}A,{row}" for k, row in enumerate(ROWS))]
    for delimiter in (",", ";", "\t", " "):
        path = written(tmp_path, [line.replace(",", delimiter) for line in lines])
        curves, report = read(path)
        assert ids_of(curves) == ["A"]
        assert len(curves.time) == 6
        if "# " not in mark or delimiter != " ":
            assert any("2 rows are commented out" in line for line in report)


def test_ids_that_are_not_utf8_are_refused_and_never_merged(tmp_path: Path) -> None:
    lines = [HEADER, *(f"{'ÑÉ'[k % 2]}1,{row}" for k, row in enumerate(ROWS))]
    with pytest.raises(DataError, match="not UTF-8 text"):
        read(written(tmp_path, lines, encoding="latin-1"))
    assert ids_of(read(written(tmp_path, lines))[0]) == ["Ñ1", "É1"]
    for raw in (np.array([b"\xd11", b"\xc91"]), [b"\xd11", b"\xc91"], pa.array([b"\xd11", b"\xc91"])):
        with pytest.raises(DataError, match="not UTF-8 text"):
            in_memory(raw)


@pytest.mark.parametrize("ids", [[True, False], [["a"], ["b"]], np.array(["2020", "2021"], "datetime64[s]")])
def test_ids_that_are_neither_text_nor_numbers_are_refused(ids: Any) -> None:
    with pytest.raises(DataError, match="expected object ids"):
        in_memory(ids)


# --- two objects in one file, one object in two -----------------------------------------------------------


def event(snid: str, survey: str = "DES") -> str:
    rows = [f"OBS: {56_600 + 5 * k} {'griz'[k % 4]} X1 {210 + 30 * k}.0 6.0" for k in range(4)]
    head = [f"SURVEY: {survey}", f"SNID: {snid}", "NOBS: 4", "VARLIST: MJD BAND FIELD FLUXCAL FLUXCALERR"]
    return "\n".join([*head, *rows, "END:", ""])


def test_two_events_in_one_snana_file_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "two.dat"
    path.write_text(event("1234") + event("SN 777"))
    with pytest.raises(DataError, match=r"two.dat: holds 2 events: SNID 1234, SN 777"):
        fl.read(path)


def test_snids_are_whole_and_one_of_two_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.dat").write_text(event("SN 2020abc"))
    (tmp_path / "b.dat").write_text(event("SN 2021xyz  # the second"))
    assert ids_of(fl.read(tmp_path)) == ["SN 2020abc", "SN 2021xyz"]
    (tmp_path / "c.dat").write_text(event("SN 2020abc"))
    with pytest.raises(DataError, match=r"'SN 2020abc' is the SNID of a.dat and of c.dat"):
        fl.read(tmp_path)


def test_two_positions_in_one_file_of_forced_photometry_are_refused(tmp_path: Path) -> None:
    names = "###MJD m dm uJy duJy F err chi/N RA Dec x y maj min phi apfit mag5sig Sky Obs"
    row = "{} 19.0 0.1 200 10 o 0 1.04 {} 1 1 4 3 85 -0.4 19.8 20.2 x"
    path = tmp_path / "atlas.txt"
    path.write_text("\n".join([names, *(row.format(58_000 + k, "10.0 20.0") for k in range(4))]))
    assert ids_of(fl.read(path)) == ["10.00000+20.00000"]
    path.write_text(path.read_text() + "\n" + row.format(58_400, "150.0 -30.0") + "\n")
    with pytest.raises(DataError, match=r"several positions: 10.00000\+20.00000 and 150.00000-30.00000"):
        fl.read(path)


# --- lines and quotes -------------------------------------------------------------------------------------


def noted(k: int, note: str) -> list[str]:
    rows = [f"A,{row}," for row in ROWS]
    rows[k] += note
    return [HEADER + ",note", *rows]


@pytest.mark.parametrize("note", ['"bright', '"', '"a ""b""', '"x, y', '"bright\nor not"'])
def test_a_quoted_cell_that_does_not_end_on_its_line_is_refused_with_the_line(
    note: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="line 4: a quoted cell does not end on its line"):
        read(written(tmp_path, noted(2, note)))


@pytest.mark.parametrize("note", ['"bright"', '"a ""b"""', '12" dome', '"x, y"', '""', '"""', 'a"b"c'])
def test_quoted_cells_and_quotes_inside_cells_cost_no_row(note: str, tmp_path: Path) -> None:
    path = written(tmp_path, noted(2, note))
    if note == '"""':
        with pytest.raises(DataError, match="line 4"):
            read(path)
        return
    curves, report = read(path)
    assert (len(curves.time), report) == (8, [])


@pytest.mark.parametrize("separator", ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_what_is_no_line_end_to_arrow_shifts_no_header(separator: str, tmp_path: Path) -> None:
    rows = [f"A,{row}" for row in ROWS]
    for head in (
        [f"# made by x{separator} y", HEADER],
        [f"# made by x{separator}", HEADER],
        [separator, HEADER],
        ["# one", f"# two{separator}three", HEADER],
    ):
        curves, _ = read(written(tmp_path, [*head, *rows]))
        assert (ids_of(curves), len(curves.time)) == (["A"], 8)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\n", "\n   \n", "\r\r\n", "\n#,,,,\n"])
def test_every_line_end_gives_every_row(end: str, tmp_path: Path) -> None:
    curves, report = read(written(tmp_path, [HEADER, *(f"A,{row}" for row in ROWS)], end))
    assert len(curves.time) == 8
    assert report == [] or "#" in end


def test_rows_lost_are_counted_over_all_blocks(tmp_path: Path) -> None:
    row = "A,{},g,50.5,6.0"
    lines = [row.format(60_000 + k / 1e4) for k in range(400_000)]  # more than one block
    for k in (5, 200_000, 399_990):
        lines[k] += ",1"
    lines[300_000] = row.format("n.a.")
    curves, report = read(written(tmp_path, [HEADER, *lines]))
    assert len(curves.time) == 400_000 - 3
    assert any("3 rows do not have 5 cells" in line for line in report)
    assert any("1 cells are not numbers" in line for line in report)
    with pytest.raises(DataError, match="line 350,002"):
        read(written(tmp_path, [HEADER, *lines[:350_000], '"' + lines[0], *lines[350_000:]]))
