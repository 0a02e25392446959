"""Writing: a reader meets the old file or the new one, never half of one."""

from __future__ import annotations

import os
import stat
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstlight.files import replacing, write_bytes, write_folder, write_text

unix = pytest.mark.skipif(sys.platform == "win32", reason="links, modes and pipes of Unix")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_written_takes_the_place_at_the_end(tmp_path: Path) -> None:
    goal = tmp_path / "table.csv"
    goal.write_text("old")
    with replacing(goal) as part:
        part.write_text("new")
        assert goal.read_text() == "old"
        assert part.parent == goal.parent and part.suffix == ".csv"
    assert goal.read_text() == "new" and names(tmp_path) == ["table.csv"]


def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    write_text(tmp_path / "a/b/c.txt", "text")
    assert (tmp_path / "a/b/c.txt").read_text() == "text"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_the_old_file_stays_when_writing_fails(tmp_path: Path, error: type[BaseException]) -> None:
    goal = write_text(tmp_path / "table.csv", "old")
    with pytest.raises(error), replacing(goal) as part:
        part.write_text("half")
        raise error
    assert goal.read_text() == "old" and names(tmp_path) == ["table.csv"]


def test_nothing_is_left_where_nothing_was(tmp_path: Path) -> None:
    with pytest.raises(ValueError), replacing(tmp_path / "table.csv"):
        raise ValueError
    assert names(tmp_path) == []


@settings(max_examples=30, deadline=None)
@given(contents=st.lists(st.binary(max_size=40), min_size=1, max_size=3))
def test_the_last_bytes_written_are_what_is_there(
    tmp_path_factory: pytest.TempPathFactory, contents: list[bytes]
) -> None:
    goal = tmp_path_factory.mktemp("files") / "data.bin"
    for data in contents:
        assert write_bytes(goal, data) == goal
        assert goal.read_bytes() == data
    assert names(goal.parent) == ["data.bin"]


def test_text_is_utf_8_wherever_it_is_written(tmp_path: Path) -> None:
    assert write_text(tmp_path / "é.md", "σ = 1.5 µJy\n").read_bytes() == "σ = 1.5 µJy\n".encode()


@unix
def test_a_link_stays_a_link_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target = write_text(tmp_path / "there/real.csv", "old")
    link = tmp_path / "link.csv"
    link.symlink_to(target)
    write_text(link, "new")
    assert link.is_symlink() and target.read_text() == "new"
    assert names(tmp_path / "there") == ["real.csv"]


@unix
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664])
def test_the_mode_of_an_old_file_stays(tmp_path: Path, mode: int) -> None:
    goal = write_text(tmp_path / "table.csv", "old")
    goal.chmod(mode)
    write_text(goal, "new")
    assert stat.S_IMODE(goal.stat().st_mode) == mode


@unix
def test_a_new_file_has_the_mode_that_the_user_wants(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        goal = write_text(tmp_path / "table.csv", "new")
    finally:
        os.umask(before)
    assert stat.S_IMODE(goal.stat().st_mode) == 0o640


@unix
def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    heard: list[bytes] = []
    listener = threading.Thread(target=lambda: heard.append(pipe.read_bytes()), daemon=True)
    listener.start()
    write_bytes(pipe, b"through")
    listener.join(timeout=60)
    assert heard == [b"through"] and stat.S_ISFIFO(pipe.stat().st_mode)
    assert names(tmp_path) == ["pipe"]


@unix
def test_a_device_is_written_to(tmp_path: Path) -> None:
    with replacing(os.devnull) as part:
        assert part == Path(os.devnull)
        part.write_text("gone")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


# -- folders ---------------------------------------------------------------------------------------------

PARTS = {"config.json": b"{}", "weights": b"\x00\x01"}


def test_a_folder_is_written_whole(tmp_path: Path) -> None:
    goal = write_folder(tmp_path / "a/mine", PARTS)
    assert {path.name: path.read_bytes() for path in goal.iterdir()} == PARTS
    assert names(tmp_path / "a") == ["mine"]


def test_a_folder_is_exchanged_for_the_new_one_whose_parts_alone_are_there(tmp_path: Path) -> None:
    goal = write_folder(tmp_path / "mine", PARTS)
    write_folder(goal, {"config.json": b"[]"})
    assert names(goal) == ["config.json"] and (goal / "config.json").read_bytes() == b"[]"
    assert names(tmp_path) == ["mine"]


def test_the_old_folder_stays_when_the_new_one_cannot_be_written(tmp_path: Path) -> None:
    goal = write_folder(tmp_path / "mine", PARTS)
    with pytest.raises(FileNotFoundError):
        write_folder(goal, {"config.json": b"[]", "no/such/folder": b""})
    assert {path.name: path.read_bytes() for path in goal.iterdir()} == PARTS
    assert names(tmp_path) == ["mine"]


@unix
def test_a_linked_folder_is_replaced_where_it_lies(tmp_path: Path) -> None:
    real = write_folder(tmp_path / "disk/real", PARTS)
    link = tmp_path / "mine"
    link.symlink_to(real, target_is_directory=True)
    write_folder(link, {"config.json": b"[]"})
    assert link.is_symlink() and names(real) == ["config.json"]
    assert names(tmp_path / "disk") == ["real"]


def test_where_the_system_cannot_exchange_the_old_one_is_moved_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firstlight.files._exchanged_at_once", lambda one, other: False)
    goal = write_folder(tmp_path / "mine", PARTS)
    write_folder(goal, {"config.json": b"[]"})
    assert names(goal) == ["config.json"] and names(tmp_path) == ["mine"]
