"""One open file for everybody who looks at it: the beginning, all of it, and block after block."""

import gzip
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from firstlight.errors import DataError
from firstlight.readers import read, read_batches, sniff
from firstlight.readers.content import HEAD, Content

CSV = "object_id,mjd,band,flux,flux_err\n" + "".join(
    f"a{k // 9},{59000 + k}.5,{'gr'[k % 2]},{100.0 + k},5.0\n" for k in range(27)
)
LARGE = (1 << 23) + 5  # more than one block
OPTIONS = {"survey": "ZTF", "flux_unit": "nJy"}


class _Openings:
    """The files that are opened; an audit hook cannot be taken away again, so it is switched."""

    def __init__(self) -> None:
        self.paths: list[str] | None = None
        sys.addaudithook(self.hear)

    def hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and self.paths is not None:
            self.paths.append(str(arguments[0]))


@pytest.fixture(scope="module")
def _openings() -> _Openings:
    return _Openings()


@pytest.fixture
def opened(_openings: _Openings) -> Iterator[list[str]]:
    _openings.paths = []
    yield _openings.paths
    _openings.paths = None


def _whole(path: Path) -> object:
    return read(path, **OPTIONS)


def _seen_first(path: Path) -> object:
    return sniff(path)


def _in_pieces(path: Path) -> object:
    return list(read_batches(path, max_rows=9, **OPTIONS))


@pytest.mark.parametrize("reading", [_whole, _seen_first, _in_pieces])
@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "bad.csv", "scattered.csv"])
def test_a_file_is_opened_once_however_it_is_read(
    tmp_path: Path, opened: list[str], name: str, reading: Callable[[Path], object]
) -> None:
    lines = CSV.splitlines(keepends=True)
    if name == "bad.csv":  # read again as text from where a cell is no number
        lines[20] = lines[20].replace(",5.0", ",five")
    if name == "scattered.csv":
        lines[1:] = lines[1::2] + lines[2::2]
    data = "".join(lines).encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    opened.clear()
    reading(tmp_path / name)
    assert opened.count(str(tmp_path / name)) == 1


@pytest.mark.parametrize("size", [10, HEAD, HEAD + 1, LARGE])
@pytest.mark.parametrize("packed", [False, True])
def test_the_head_the_whole_and_the_blocks_are_of_one_text(tmp_path: Path, size: int, packed: bool) -> None:
    text = b"0123456789\n" * (size // 11 + 1)
    (tmp_path / "t").write_bytes(gzip.compress(text[:size]) if packed else text[:size])
    with Content(tmp_path / "t") as content:
        assert content.head == text[: min(size, HEAD)]
        for _ in range(2):
            assert b"".join(content.blocks()) == text[:size] == content.whole()


def test_two_who_read_the_blocks_do_not_disturb_each_other(tmp_path: Path) -> None:
    text = (b"0123456789\n" * (LARGE // 11 + 1))[:LARGE]
    (tmp_path / "t").write_bytes(text)
    with Content(tmp_path / "t") as content:
        one, other = content.blocks(), content.blocks()
        first = next(one)
        assert b"".join(other) == text == first + b"".join(one)


def test_bytes_that_are_no_text_are_marked_and_cost_no_others(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes("Zürich".encode() + b"\xff,1\n")
    with Content(tmp_path / "t") as content:
        assert b"".join(content.blocks()).decode() == content.text() == "Zürich\ufffd,1\n"


def test_nothing_is_opened_before_it_is_asked_and_nothing_empty_is_read(
    tmp_path: Path, opened: list[str]
) -> None:
    (tmp_path / "t").touch()
    opened.clear()
    with Content(tmp_path / "t") as content:
        assert str(tmp_path / "t") not in opened
        with pytest.raises(DataError, match=r"t: the file is empty"):
            assert content.head
    with pytest.raises(DataError, match="no such file"):
        Content(tmp_path / "nowhere")
