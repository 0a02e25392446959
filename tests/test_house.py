"""The script that measures the house, on a small one made up for it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]

LAYERS = """
[tool.importlinter]
root_package = "villa"

[[tool.importlinter.contracts]]
type = "layers"
layers = ["cli", "(roof)", "kitchen | bath", "cellar", "_types"]
"""
FILES = {
    "__init__.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from villa.cli import main\n",
    "_types.py": "Water = dict[str, float]\n",
    "cli.py": "import villa\nfrom villa.kitchen import cook\n",
    "kitchen/__init__.py": "from villa.kitchen.stove import Stove, cook\n",
    "kitchen/stove.py": (
        "from villa._types import Water\n"
        "class Stove: ...\n"
        "class Tap: ...\n"
        "def cook():\n    from villa.kitchen import pots\n"
        "def _clean(): ...\n"
    ),
    "kitchen/pots.py": (
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from .stove import Stove\n"
        "Water = dict[str, int]\n"
        "def _clean(): ...\n"
    ),
    "bath/__init__.py": "from villa.kitchen.stove import Stove\nfrom villa import cellar\nclass Tap: ...\n",
    "bath/pots.py": "Water = list[str] | None\ndef _clean(): ...\n",
    "cellar.py": "def wine():\n    from villa.cli import main\n    import villa\n",
}


@pytest.fixture(scope="module")
def house() -> ModuleType:
    spec = importlib.util.spec_from_file_location("house", ROOT / "scripts/house.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["house"] = module  # its dataclass looks there
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def villa(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(LAYERS)
    for name, text in FILES.items():
        path = tmp_path / "src/villa" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_it.py").write_text("assert True\n" * 30)
    return tmp_path


def test_lines_files_and_tests_are_counted(house: ModuleType, villa: Path) -> None:
    found = {one.what: one for one in house.House.at(villa).numbers()}
    lines = sum(text.count("\n") for text in FILES.values())
    assert found["lines of source"].value == lines and found["files of source"].value == len(FILES)
    assert found["lines of tests"].value == 30
    assert found["lines of tests for one of source"].met == (30 / lines >= 0.6)
    assert not found["circles of imports"].met and found["lines of source"].met


def test_a_file_of_400_lines_is_long(house: ModuleType, villa: Path) -> None:
    assert house.House.at(villa).long() == []
    (villa / "src/villa/cellar.py").write_text("x = 1\n" * 400)
    assert house.House.at(villa).long() == ["villa.cellar 400"]


def test_a_circle_is_seen_through_functions_and_types(house: ModuleType, villa: Path) -> None:
    assert house.House.at(villa).circles() == ["villa.kitchen.pots <-> villa.kitchen.stove"]
    (villa / "src/villa/kitchen/pots.py").write_text("from villa import _types\n")
    assert house.House.at(villa).circles() == []


def test_arrows_go_up_to_higher_rooms_to_the_next_one_and_to_the_face(house: ModuleType, villa: Path) -> None:
    assert house.House.at(villa).up() == [
        "villa.bath -> villa.kitchen.stove",
        "villa.cellar -> villa",
        "villa.cellar -> villa.cli",
    ]


def test_the_lazy_face_imports_nobody_and_the_command_line_may_use_it(house: ModuleType, villa: Path) -> None:
    arrows = house.House.at(villa).arrows()
    assert not [one for one, _ in arrows if one == "villa"]
    assert ("villa.cli", "villa") in arrows


def test_names_that_occur_twice_are_listed_with_their_homes(house: ModuleType, villa: Path) -> None:
    found = house.House.at(villa)
    assert found.file_names() == ["pots: bath.pots, kitchen.pots"]
    assert found.class_names() == ["Tap: bath, kitchen.stove"]
    assert found.aliases() == ["Water: _types, bath.pots, kitchen.pots"]
    assert found.helpers() == ["_clean: bath.pots, kitchen.pots, kitchen.stove"]


def test_a_limit_is_kept_or_not(house: ModuleType) -> None:
    assert house.Number("lines", 10, 10).met and not house.Number("lines", 11, 10).met
    assert house.Number("ratio", 0.6, 0.6, at_least=True).met
    assert not house.Number("ratio", 0.59, 0.6, at_least=True).met
    assert house.Number("lines", 1234).cells() == ("lines", "1,234", "", "")
    assert house.Number("ratio", 0.59, 0.6, at_least=True).cells()[1:] == ("0.59", ">= 0.60", "**no**")


def test_a_walk_counts_openings_files_and_functions(tmp_path: Path) -> None:
    path = tmp_path / "some.txt"
    path.write_text("text\n")
    code = f"open({str(path)!r}).close(); open({str(path)!r}).close(); firstlight.survey('ZTF')"
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts/walk.py"), str(path), code],
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout)
    assert told["opened"] == 2
    assert 0 < len(told["files"]) <= len(told["functions"]) <= told["own calls"] <= told["calls"]
    assert any(name.endswith(" survey") for name in told["functions"])
