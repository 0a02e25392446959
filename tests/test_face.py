"""The face: one word, one function, one default in shell and Python; and each error in its reader's words."""

from __future__ import annotations

import ast
import inspect
import pickle
import re
import subprocess
import sys
from operator import attrgetter
from pathlib import Path
from typing import Any

import click
import pytest

import firstlight as fl
from firstlight.cli.app import app
from firstlight.cli.spelling import spelling
from firstlight.errors import Arg
from firstlight.notes import Notes, worded

SOURCE = Path(fl.__file__).parent
VERB_ROOMS = ("evaluate", "simulate", "study", "suggest")
COMMANDS = dict(app.commands)

# Options that are spelled otherwise than the argument of Python, each with its reason.
SPELLED = {
    "column": "columns",  # one a time, repeated
    "id": "ids",
    "set": "settings",  # any field of the recipe: **settings
    "each": "count",  # 'TDE=5 AGN --each 2' reads better than '--count'
    "populations": "population_table",
    "visits": "log",  # the field of Visits; `visits=` takes the path as well
    "join": "joined",
}
# Options that name what Python holds in a variable.
HELD = {
    "out": "the value that is returned, where the function does not write it",
    "replay": "a table of light curves",
    "labelled": "a table of light curves",
    "objects": "a second table",
    "no_classifier": "classifier=None",
    "settings": "**settings: any field of the recipe",
    "protocol": "protocol(...).test as the light curves",
    "check": "firstlight.simulate.check(...)",
    "against": "what is given to firstlight.simulate.check(...)",
    "threads": "torch.set_num_threads(...), where it is training",
}


def called(command: Any) -> list[Any]:
    """The functions of Python that a command names as those it calls."""
    return [attrgetter(name)(fl) for name in command.calls]


def options() -> list[Any]:
    return [
        pytest.param(command, param, id=f"{name} --{param.name}")
        for name, command in COMMANDS.items()
        for param in command.params
        if isinstance(param, click.Option)
    ]


@pytest.mark.parametrize(("command", "param"), options())
def test_an_option_has_the_name_and_the_default_of_an_argument_of_python(command: Any, param: Any) -> None:
    if {"learn.Recipe", "study"} & set(command.calls):
        pytest.importorskip("torch")
    typed = max(param.opts, key=len).lstrip("-").replace("-", "_")
    assert param.name in (typed, SPELLED.get(typed)), "one word for one thing"
    assert not param.to_info_dict()["default"], "an option has no value of its own"
    found = [
        inspect.signature(function).parameters[param.name]
        for function in called(command)
        if param.name in inspect.signature(function).parameters
    ]
    if not found:
        assert param.name in HELD
        return
    shown = getattr(param, "shown", None)
    defaults = [one.default for one in found]
    if param.name == "classifier":  # of functions whose first argument it is; without it, that of `load`
        defaults.append(inspect.signature(fl.load).parameters["name_or_path"].default)
    if shown is not None:
        said = None if shown == "stated" else shown  # priors=None: those that the classifier states
        assert said in defaults, f"shown {shown!r}, but Python says {defaults}"
        assert f"[default: {shown}]" in param.help
    else:
        assert any(one in (None, False, (), inspect.Parameter.empty) for one in defaults) or param.multiple


def test_every_verb_of_the_command_line_is_a_function_of_the_face() -> None:
    assert {name.replace("-", "_") for name in COMMANDS} <= set(fl.__all__)
    for name in COMMANDS:
        assert callable(getattr(fl, name.replace("-", "_")))


@pytest.mark.parametrize("verb", ["classify", "suggest", "evaluate", "fine_tune", "plot"])
def test_the_classifier_comes_first(verb: str) -> None:
    first = next(iter(inspect.signature(getattr(fl, verb)).parameters))
    assert first in {"classifier", "base"} or verb == "classify"  # classify(curves) has the classifier `ztf`


def test_the_face_is_one_list() -> None:
    """Names for a reader (`__all__`), for a type checker (the imports) and for the program are the same."""
    tree = ast.parse((SOURCE / "__init__.py").read_text())
    typed = {
        alias.name: node.module.removeprefix("firstlight.")
        for top in tree.body
        if isinstance(top, ast.If)
        for node in top.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    former = {"label_efficiency"}
    assert typed == {name: room for name, room in fl._ROOM_OF.items() if name not in former}
    assert set(fl.__all__) == {*typed, "__version__"}
    for name in fl.__all__:
        assert getattr(fl, name) is not None


@pytest.mark.parametrize("room", VERB_ROOMS)
def test_a_room_named_by_a_verb_is_called_whatever_was_imported_before(room: str) -> None:
    code = (
        f"import firstlight.{room} as room, firstlight as fl\n"
        f"from firstlight.{room} import {room} as verb\n"
        f"import inspect; assert callable(fl.{room}) and fl.{room} is room\n"
        f"assert inspect.signature(fl.{room}) == inspect.signature(verb)\n"
        f"try: fl.{room}(nothing_of_this_name=1)\n"
        f"except TypeError as error: assert 'nothing_of_this_name' in str(error)\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=120)
    assert pickle.loads(pickle.dumps(getattr(fl, room))) is getattr(fl, room)


@pytest.mark.parametrize(
    ("home", "former", "now"),
    [
        ("firstlight", "packaged", "firstlight.classifier.classifiers"),
        ("firstlight.classifier", "packaged", "firstlight.classifier.classifiers"),
        ("firstlight.classifier", "suggest", "firstlight.suggest.suggest"),
        ("firstlight.evaluate", "Report", "firstlight.evaluate.Evaluation"),
    ],
)
def test_a_name_that_moved_still_works_and_says_the_new_one(home: str, former: str, now: str) -> None:
    from importlib import import_module

    with pytest.warns(DeprecationWarning, match=re.escape(now)):
        value = getattr(import_module(home), former)
    place, _, name = now.rpartition(".")
    assert value is getattr(import_module(place), name)


def texts(path: Path) -> list[ast.Constant]:
    """The texts in a file that are no docstrings."""
    tree = ast.parse(path.read_text())
    docstrings = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]


def test_no_text_of_the_library_speaks_of_options() -> None:
    """Advice is a value (`errors.Arg`) that the command line spells its way; see `cli/spelling.py`."""
    option = re.compile(r"(?<![-\w|])--[a-z]")
    found = [
        f"{path.relative_to(SOURCE)}:{text.lineno}: {text.value!r}"
        for path in SOURCE.rglob("*.py")
        if path.relative_to(SOURCE).parts[0] != "cli"
        for text in texts(path)
        if option.search(text.value) or "in Python" in text.value
    ]
    assert not found


def test_a_note_is_plain_text_for_python_and_worded_for_the_shell() -> None:
    lines: list[str] = []
    Notes("mine.csv", lines).add(("no unit: say ", Arg("flux_unit", "nJy")))
    assert lines == ["mine.csv: no unit: say flux_unit='nJy'"]
    assert worded(lines[0], spelling(COMMANDS["classify"])) == "mine.csv: no unit: say --flux-unit nJy"
    assert pickle.loads(pickle.dumps(lines)) == lines
