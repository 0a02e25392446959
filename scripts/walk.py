"""What a piece of Python passes through: files and functions of the package, calls, openings of a file.

    python scripts/walk.py curves.csv 'firstlight.read("curves.csv", survey="ZTF", flux_unit="nJy")'

Prints JSON. All modules are imported before the walk begins, so that only what is called counts; a
comprehension is part of the function that it stands in.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import io
import json
import os
import pkgutil
import struct
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import firstlight

HOME = str(Path(firstlight.__file__).parent)
PARTS = {"<module>", "<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"}
ACCESSED, OPENED, CLOSED = 0x1, 0x20, 0x18  # of inotify; all three, since equal events in a row are one


class Walk:
    """What was called so far."""

    def __init__(self) -> None:
        self.calls = self.own = 0
        self.passed: set[tuple[str, str, int]] = set()

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        """Take note of a call."""
        code = frame.f_code
        if event != "call" or code.co_name in PARTS:
            return
        self.calls += 1
        if code.co_filename.startswith(HOME):
            self.own += 1
            file = os.path.relpath(code.co_filename, HOME)
            self.passed.add((file, code.co_qualname, code.co_firstlineno))


class Openings:
    """How often a file is opened: by Python everywhere, on Linux by libraries too."""

    def __init__(self, path: str) -> None:
        self.path, self.by_python, self.file = os.path.realpath(path), 0, -1
        sys.addaudithook(self._hear)
        with contextlib.suppress(OSError, AttributeError):
            libc = ctypes.CDLL(None)
            self.file = libc.inotify_init1(os.O_NONBLOCK)
            libc.inotify_add_watch(self.file, os.fsencode(self.path), ACCESSED | OPENED | CLOSED)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str | bytes):
            self.by_python += os.path.realpath(os.fsdecode(arguments[0])) == self.path

    def count(self) -> int:
        """The openings since it was made."""
        events = b""
        with contextlib.suppress(OSError):
            while self.file >= 0:
                events += os.read(self.file, 2**16)
        found = at = 0
        while at < len(events):
            _, mask, _, length = struct.unpack_from("iIII", events, at)
            found += bool(mask & OPENED)
            at += 16 + length
        return max(found, self.by_python)


def walk(path: str, code: str) -> dict[str, Any]:
    """Run the code, and say what it passed; what it prints is swallowed."""
    for module in pkgutil.walk_packages([HOME], "firstlight."):
        with contextlib.suppress(ImportError):  # an extra is not installed
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    compiled = compile(code, "<walk>", "exec")
    openings, count = Openings(path), Walk()
    swallow = io.TextIOWrapper(io.BytesIO(), write_through=True)
    with contextlib.redirect_stdout(swallow), contextlib.redirect_stderr(swallow):
        threading.setprofile(count)
        sys.setprofile(count)
        try:
            exec(compiled, {"firstlight": firstlight})
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
    return {
        "opened": openings.count(),
        "files": sorted({file for file, _, _ in count.passed}),
        "functions": sorted(f"{file}:{line} {name}" for file, name, line in count.passed),
        "own calls": count.own,
        "calls": count.calls,
    }


if __name__ == "__main__":
    json.dump(walk(*sys.argv[1:]), sys.stdout)
