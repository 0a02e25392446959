"""Writing files so that a reader never meets half of one."""

from __future__ import annotations

import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
