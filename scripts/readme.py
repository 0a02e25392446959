"""Write into the README what its blocks print, and draw its figure.

    python scripts/readme.py

The test of the README compares; this makes them agree again when a packaged classifier has changed.
"""

from __future__ import annotations

import contextlib
import io
import re
import tempfile
from pathlib import Path

from firstlight.cli.app import run

ROOT = Path(__file__).parents[1]
FIGURE = ["plot", "sample:ztf", "--id", "ZTF20acuobve", "--out", str(ROOT / "docs/img/classified.png")]


def main() -> None:
    """Rewrite ``README.md`` and ``docs/img/classified.png``."""
    path = ROOT / "README.md"
    text = path.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        names: dict[str, object] = {}
        text = re.sub(
            r"(?<=```python\n)(.*?)(?=```)", lambda block: printed(block[1], names), text, flags=re.DOTALL
        )
    path.write_text(text, encoding="utf-8")
    if run(FIGURE):
        raise SystemExit("the figure was not drawn")


def printed(code: str, names: dict[str, object]) -> str:
    """A block of code with what it prints behind it, each line after ``#>``."""
    code = "".join(line for line in code.splitlines(keepends=True) if not line.startswith("#>"))
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(code, "README.md", "exec"), names)
    return code + "".join(f"#> {line}".rstrip() + "\n" for line in said.getvalue().splitlines())


if __name__ == "__main__":
    main()
