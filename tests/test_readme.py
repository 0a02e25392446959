"""The README is true: its Python blocks run, and its console blocks print what they say."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text()
# A block that needs what a test has not (a file of the reader's own) carries this mark on the line before.
SKIPPED = "<!-- not run -->"
BLOCK = re.compile(r"(?P<before>[^\n]*)\n+```(?P<kind>python|console)\n(?P<code>.*?)```", re.DOTALL)
BLOCKS = [match for match in BLOCK.finditer("\n" + README) if match["before"].strip() != SKIPPED]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all blocks: a later one may use what an earlier one wrote."""
    return tmp_path_factory.mktemp("readme")


@pytest.mark.xdist_group("readme")
def test_the_blocks_of_the_readme_run_and_print_what_they_say(folder: Path) -> None:
    python = [match["code"] for match in BLOCKS if match["kind"] == "python"]
    if python:
        script = folder / "readme.py"
        script.write_text("import matplotlib; matplotlib.use('Agg')\n" + "\n".join(python))
        done = subprocess.run(
            [sys.executable, script.name], cwd=folder, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        expected = "\n".join(re.findall(r"^#> ?(.*)$", "\n".join(python), re.MULTILINE))
        assert _same(expected, done.stdout) if expected else True
    for match in BLOCKS:
        if match["kind"] == "console":
            _run_console(match["code"], folder)


def test_what_a_release_fills_in_is_listed_where_a_release_is_described() -> None:
    contributing = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text()
    placeholders = set(re.findall(r"[A-Z]+_URL", README))
    assert placeholders == {"REPOSITORY_URL", "ISSUES_URL", "DOCUMENTATION_URL"}
    assert all(name in contributing for name in placeholders)


def test_every_extra_is_one_of_the_project_and_lines_that_need_one_say_so() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    table = README.split("| extra | what needs it |")[1].split("\n\n")[0]
    named = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    assert named and named <= set(project["optional-dependencies"])
    for command, extra in {"plot": "plot", "fine-tune": "learn"}.items():
        lines = re.findall(rf"^\$ firstlight {command}\b.*$", README, re.MULTILINE)
        assert lines and all(f"needs [{extra}]" in line for line in lines)


def _run_console(block: str, folder: Path) -> None:
    """Lines with ``$`` are typed; those behind them are what is printed (or nothing, when left out)."""
    steps = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    for step in steps:
        typed, _, printed = step.replace("\\\n", " ").partition("\n")
        words = shlex.split(typed, comments=True)
        if words[0] != "firstlight":
            continue  # pip, git, make: what a person does before
        code = f"import sys; from firstlight.cli import main; main({words[1:]!r})"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, f"{typed}\n{done.stderr}"
        if printed.strip():
            assert _same(printed, done.stdout + done.stderr) or _same(printed, done.stdout), (
                typed,
                done.stdout,
            )


def _same(expected: str, found: str) -> bool:
    """Equal but for the space at the ends of lines; a line ``...`` stands for any number of lines."""
    pattern = r"\n".join(
        r"(?:.*\n?)*?" if line.strip() in {"...", "…"} else re.escape(line.rstrip()) + r"[ ]*"
        for line in expected.strip("\n").splitlines()
    )
    return re.fullmatch(pattern, found.strip("\n")) is not None
