"""The documentation is true: the code cells of its pages run, with what they assert."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)
# Those that say what an answer is; the others train or draw, and are run when the pages are built.
PAGES = (
    "how-to/stream",
    "how-to/choose-spectra",
    "how-to/own-classes",
    "how-to/write-predictions",
    "tutorials/classify",
)


def cells(page: str) -> list[str]:
    """The cells that run on their own: not those that show an error, a figure or a shell."""
    found = [match["code"] for match in CELL.finditer((DOCS / f"{page}.md").read_text())]
    return [code for code in found if not re.search(r"^(:tags:|[!%])|figures", code, re.MULTILINE)]


@pytest.mark.parametrize("page", PAGES)
def test_the_cells_of_a_page_run_and_hold_what_they_assert(page: str, tmp_path: Path) -> None:
    code = cells(page)
    assert any("assert " in cell for cell in code)
    (tmp_path / "page.py").write_text("\n".join(code))
    done = subprocess.run(
        [sys.executable, "page.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr


def test_no_page_prints_whether_it_is_right() -> None:
    """A cell that shows True or False says nothing to a reader when it turns: it asserts."""
    for path in DOCS.rglob("*.md"):
        for match in CELL.finditer(path.read_text()):
            last = match["code"].rstrip().splitlines()[-1:] or [""]
            assert not last[0].startswith(("bool(", "np.allclose(")), path.name
