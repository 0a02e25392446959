"""A folder that one run at a time works in: locked while it does, and rid of what a killed run left."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from firstlight.errors import UsageError

LOCK = ".lock"
_PARTS = ".*-????????.part*"  # as `firstlight.files.replacing` names what is not whole yet


@contextmanager
def working_in(folder: str | Path) -> Iterator[Path]:
    """The folder, made if needed, while nobody else works in it; the system frees it when the process ends.

    Raises
    ------
    UsageError
        When another run works in it.
    """
    home = Path(folder)
    home.mkdir(parents=True, exist_ok=True)
    held = _held(home / LOCK)
    if held is None:
        raise UsageError(
            "another run is writing into this folder",
            where=str(folder),
            hint="Wait until it has ended, or name another folder.",
        )
    try:
        for left in home.rglob(_PARTS):  # of a run that was killed: whoever writes holds the lock
            left.unlink(missing_ok=True)
        yield home
    finally:
        with contextlib.suppress(OSError):  # Windows keeps what is open
            (home / LOCK).unlink()
        os.close(held)


def _held(path: Path) -> int | None:
    """The open and locked file at `path`; None where another one holds it."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        if not _lock(file):
            os.close(file)
            return None
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(file), path.stat()):
                return file
        os.close(file)  # whoever held it has removed it meanwhile


def _lock(file: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: as before there were any; on Windows somebody holds it
        return sys.platform != "win32"
    return True
