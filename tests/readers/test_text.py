"""Delimited text as people write it, and hostile files: a clear error or every good row."""

import contextlib
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from firstlight.errors import DataError, FirstlightError
from firstlight.lightcurves import Flag
from firstlight.readers import formats, read, read_table

ROWS = [("a", 59_000.5, "g", 10.0, 1.0), ("a", 59_001.5, "r", 20.0, 1.5), ("b", 59_002.5, "g", -3.0, 2.0)]
NAMES = ("object_id", "mjd", "band", "flux", "flux_err")

FLUXCAL = {"survey": "ZTF", "flux_unit": "FLUXCAL"}


def text(separator: str = ",", names: tuple[str, ...] = NAMES) -> str:
    return "\n".join(separator.join(map(str, row)) for row in [names, *ROWS]) + "\n"


PLAIN = text()


def lines(change: str) -> str:
    return {
        "semicolons": text(";"),
        "tabs": text("\t"),
        "bars": text("|"),
        "blanks": text("    "),
        "blanks in front": "\n".join("  " + line for line in text("   ").splitlines()),
        "blanks around": text(" , "),
        "comments above": "# made by hand\n# 2024\n" + PLAIN,
        "a commented header": "# " + text(" "),
        "comments between": PLAIN.replace("\nb,", "\n# second object\nb,"),
        "empty lines": "\n\n" + PLAIN.replace("\n", "\n\n"),
        "windows line ends": PLAIN.replace("\n", "\r\n"),
        "no last line end": PLAIN.rstrip("\n"),
        "a byte order mark": "\ufeff" + PLAIN,
        "quotes": "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in PLAIN.splitlines()),
        "a pandas index": "\n".join(
            f"{k - 1 if k else ''},{line}" for k, line in enumerate(PLAIN.splitlines())
        ),
    }[change]


CHANGES = [
    "semicolons",
    "tabs",
    "bars",
    "blanks",
    "blanks in front",
    "blanks around",
    "comments above",
    "a commented header",
    "comments between",
    "empty lines",
    "windows line ends",
    "no last line end",
    "a byte order mark",
    "quotes",
    "a pandas index",
]


@pytest.mark.parametrize("change", CHANGES)
def test_text_is_read_however_it_is_written(tmp_path: Path, change: str, same: Callable[..., bool]) -> None:
    (tmp_path / "plain.csv").write_text(PLAIN)
    path = tmp_path / "t.csv"
    path.write_bytes(lines(change).encode())
    report: list[str] = []
    curves = read_table(path, **FLUXCAL, report=report)
    assert same(curves, read_table(tmp_path / "plain.csv", **FLUXCAL)) and report == []


@pytest.mark.parametrize("missing", ["", "nan", "NaN", "NULL", "null", "None", "NA", "--", "N/A", " nan"])
def test_words_for_missing_are_missing_not_errors(tmp_path: Path, missing: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(PLAIN + f"b,59003.5,g,{missing},1.0\n")
    report: list[str] = []
    curves = read_table(path, **FLUXCAL, report=report)
    assert curves.flags.tolist() == [0, 0, 0, Flag.DROPPED_NAN] and report == []


def test_a_cell_that_is_no_number_costs_its_row_only(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(PLAIN + "b,59003.5,g,1.2.3,1.0\nc,59004.5,g,5.0,<0.1\nd,59004.5,g,+5.0,1d-1\n")
    report: list[str] = []
    curves = read_table(path, **FLUXCAL, report=report)
    assert curves.object_id == ["a", "b", "c", "d"]
    assert curves.usable.tolist() == [True, True, True, False, False, True]
    assert curves["d"].flux_err[0] == pytest.approx(0.1 * 36.3078, rel=1e-6)
    assert report[0] == (
        "t.csv: column 'flux': 1 cells are not numbers, read as missing (first: '1.2.3' in data row 4)"
    )


def test_rows_with_another_number_of_cells_are_left_out_and_reported(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(PLAIN + "b,59003.5,g\nb,59003.5,g,1,1,1,1\n")
    report: list[str] = []
    assert len(read_table(path, **FLUXCAL, report=report).time) == 3
    assert "2 rows do not have 5 cells" in report[0] and "'b,59003.5,g'" in report[0]


def damaged(name: str, folder: Path) -> Path:
    table = pa.table({name: [row[k] for row in ROWS] for k, name in enumerate(NAMES)})
    path = folder / name
    if name == "empty.csv" or name == "empty.parquet":
        path.write_bytes(b"")
    elif name == "blank.csv":
        path.write_text("\n  \n\n")
    elif name == "garbage.csv":
        path.write_bytes(bytes(range(256)) * 20)
    elif name == "utf16.csv":
        path.write_text(PLAIN, encoding="utf-16")
    elif name == "latin.csv":
        path.write_bytes(("\xe4\xf6\xfc" * 200).encode("latin-1"))
    elif name == "truncated.parquet":
        pq.write_table(table, path)
        path.write_bytes(path.read_bytes()[:-40])
    elif name == "text.parquet":
        path.write_text(PLAIN)
    elif name == "truncated.csv.gz":
        path.write_bytes(gzip.compress((PLAIN * 500).encode())[:-60])
    elif name == "headless.csv":
        path.write_text("1,59000.5,1,10.0,1.0\n1,59001.5,1,10.0,1.0\n")
    elif name == "repeated.csv":
        path.write_text(PLAIN.replace("flux_err", "flux"))
    elif name == "wrong.csv":
        path.write_text(PLAIN.splitlines()[0] + "\n" + "a;59000.5;g;1.0;1.0\n" * 9)
    elif name == "truncated.fits":
        from astropy.table import Table

        Table(table.to_pydict()).write(path)
        path.write_bytes(path.read_bytes()[:5800])
    elif name == "headless.fits":
        path.write_bytes(b"SIMPLE  =                    T" + b" " * 50 + b"BITPIX")
    elif name == "truncated.arrow":
        with pa.ipc.new_file(str(path), table.schema) as writer:
            writer.write_table(table)
        path.write_bytes(path.read_bytes()[:200])
    elif name == "lists.parquet":
        pq.write_table(table.set_column(3, "flux", pa.array([["x"], ["y"], ["z"]])), path)
    elif name == "words.parquet":
        pq.write_table(table.set_column(3, "flux", pa.array([True, False, True])), path)
    return path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("empty.csv", "the file is empty"),
        ("empty.parquet", "the file is empty"),
        ("blank.csv", "the file holds no lines"),
        ("garbage.csv", "is not a text file"),
        ("utf16.csv", "is text in UTF-16"),
        ("latin.csv", "is not UTF-8 text"),
        ("truncated.parquet", "damaged or was not written to its end"),
        ("text.parquet", "is not a Parquet file"),
        ("truncated.csv.gz", "truncated"),
        ("headless.csv", "no header line"),
        ("repeated.csv", "column names repeat: flux"),
        ("wrong.csv", "9 rows do not have 5 cells"),
        ("truncated.fits", "FITS"),
        ("headless.fits", "FITS"),
        ("truncated.arrow", "damaged or was not written to its end"),
        ("lists.parquet", r"column 'flux' is list<.*string>; expected numbers"),
        ("words.parquet", "column 'flux' is bool; expected numbers"),
    ],
)
def test_a_damaged_file_is_named_with_what_is_wrong(tmp_path: Path, name: str, message: str) -> None:
    path = damaged(name, tmp_path)
    for reader in (read_table, read):
        with pytest.raises(DataError, match=message) as caught:
            reader(path, **FLUXCAL)
        assert str(caught.value).startswith(name)


def test_a_header_alone_gives_no_objects(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    for content in (PLAIN.splitlines()[0], PLAIN.splitlines()[0] + "\n"):
        path.write_text(content)
        assert len(read_table(path, **FLUXCAL)) == 0


def test_a_missing_file_and_an_empty_folder_are_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_table(tmp_path / "nope.csv", **FLUXCAL)
    with pytest.raises(DataError, match="holds no Parquet files"):
        read_table(tmp_path, **FLUXCAL)


def test_a_folder_whose_files_differ_names_the_file(tmp_path: Path) -> None:
    table = pa.table({name: [row[k] for row in ROWS] for k, name in enumerate(NAMES)})
    pq.write_table(table, tmp_path / "part-0.parquet")
    pq.write_table(table.drop_columns(["flux"]), tmp_path / "part-1.parquet")
    with pytest.raises(DataError, match=r"part-1\.parquet: no column 'flux', which part-0\.parquet has"):
        read_table(tmp_path, **FLUXCAL)


def test_columns_of_unequal_length_and_things_that_are_no_table_are_refused() -> None:
    columns = {name: [row[k] for row in ROWS] for k, name in enumerate(NAMES)}
    with pytest.raises(DataError, match="unequal lengths"):
        read_table({**columns, "flux": [1.0]}, **FLUXCAL)
    with pytest.raises(DataError, match="a int is no table"):
        read_table(3, **FLUXCAL)


def test_the_formats_have_names() -> None:
    assert "snana" in formats() and "table" in formats()


@pytest.mark.parametrize("seed", range(3))
def test_bytes_turned_at_random_never_give_another_error(tmp_path: Path, seed: int) -> None:
    """Files cut or changed anywhere are read in part or refused by a FirstlightError, nothing else."""
    random = np.random.default_rng(seed)
    table = pa.table({name: [row[k] for row in ROWS * 40] for k, name in enumerate(NAMES)})
    pq.write_table(table, tmp_path / "t.parquet")
    pyarrow.csv.write_csv(table, tmp_path / "t.csv")
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress((tmp_path / "t.csv").read_bytes()))
    for name in ("t.parquet", "t.csv", "t.csv.gz"):
        whole = np.frombuffer((tmp_path / name).read_bytes(), np.uint8)
        for _ in range(8):
            data = whole.copy()
            data[random.integers(0, len(data), 5)] = random.integers(0, 256, 5)
            (tmp_path / name).write_bytes(data[: random.integers(1, len(data) + 1)].tobytes())
            with contextlib.suppress(FirstlightError):
                read(tmp_path / name, **FLUXCAL, unknown_passbands="drop")
