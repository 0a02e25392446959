"""Writing files so that a reader never meets half of one."""

from __future__ import annotations

import ctypes
import hashlib
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


def sha256_of(path: str | Path) -> str:
    """SHA-256 of a file; of a folder that of the names and hashes of the files in it."""
    home, digest = Path(path), hashlib.sha256()
    if home.is_dir():
        for file in sorted(one for one in home.rglob("*") if one.is_file()):
            digest.update(f"{file.relative_to(home).as_posix()} {sha256_of(file)}\n".encode())
        return digest.hexdigest()
    with home.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A path beside `path` to write to; what was written takes its place at the end, whole or not at all.

    Where `path` is a link its target is replaced and the link stays; an existing file keeps its mode.
    Pipes and devices (``/dev/stdout``) cannot be replaced: then `path` itself is given, to be written to.
    """
    goal = Path(path)
    if goal.exists() and not stat.S_ISREG(goal.stat().st_mode):
        yield goal
        return
    goal = goal.resolve() if goal.is_symlink() else goal
    goal.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays the last one, so that writers that go by it write what they are asked to.
    part = goal.with_name(f".{goal.stem}-{secrets.token_hex(4)}.part{goal.suffix}")
    try:
        yield part
        if goal.exists():
            part.chmod(stat.S_IMODE(goal.stat().st_mode))
        part.replace(goal)
    except OSError as error:
        if error.filename == str(part):
            error.filename = str(path)  # what the user named
        raise
    finally:
        part.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> Path:
    """`path`, after `text` was written there whole or not at all (UTF-8)."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")
    return Path(path)


def write_bytes(path: str | Path, data: bytes) -> Path:
    """`path`, after `data` was written there whole or not at all."""
    with replacing(path) as part:
        part.write_bytes(data)
    return Path(path)


def write_folder(path: str | Path, parts: Mapping[str, bytes]) -> Path:
    """`path`, after a folder with these files took its place, whole or not at all.

    A folder that is there already is exchanged for the new one in a single step where the system has one
    (Linux, macOS); elsewhere it is moved aside first, and back when something fails. Where `path` is a link,
    the folder that it points to is replaced.
    """
    goal = Path(path)
    goal = goal.resolve() if goal.is_symlink() else goal
    goal.parent.mkdir(parents=True, exist_ok=True)
    fresh = goal.with_name(f".{goal.name}-{secrets.token_hex(4)}.part")
    try:
        fresh.mkdir()
        for name, data in parts.items():
            (fresh / name).write_bytes(data)
        if goal.exists():
            _exchange(fresh, goal)
        else:
            fresh.rename(goal)
    finally:
        # What lies here now is the old folder, or what was written of the new one before it failed.
        shutil.rmtree(fresh, ignore_errors=True)
    return Path(path)


def _exchange(one: Path, other: Path) -> None:
    """Let two folders of one parent change places."""
    if _exchanged_at_once(one, other):
        return
    aside = one.with_name(f"{one.name}-aside")
    other.rename(aside)
    try:
        one.rename(other)
    except BaseException:
        aside.rename(other)
        raise
    aside.rename(one)


def _exchanged_at_once(one: Path, other: Path) -> bool:
    """Whether the system made two paths change places in a single step; nothing happened where it did not."""
    if sys.platform == "win32":
        return False
    library, first, second = ctypes.CDLL(None), os.fsencode(one), os.fsencode(other)
    if hasattr(library, "renameat2"):  # Linux: AT_FDCWD, RENAME_EXCHANGE
        return bool(library.renameat2(-100, first, -100, second, 2) == 0)
    if hasattr(library, "renamex_np"):  # macOS: RENAME_SWAP
        return bool(library.renamex_np(first, second, 2) == 0)
    return False
