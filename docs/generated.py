"""The parts of the documentation that come from the package itself: reference, cards, surveys, classes."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import studies

from firstlight import classifier, facts, readers
from firstlight.facts import class_tree

ROOMS = {
    "facts": "surveys, passbands, units, classes",
    "lightcurves": "the value that travels",
    "readers": "files and tables",
    "preparation": "light curves to numbers",
    "classifier": "checkpoints, answers, calibration",
    "suggest": "which spectra to take next",
    "learn": "pretraining, fine-tuning, export (needs the extra `learn`)",
    "evaluate": "measures, protocols, the opponent",
    "figures": "light curves and performance (needs the extra `plot`)",
    "study": "what labels are worth: arms, verdicts, reports (needs the extra `learn`)",
}


def write(folder: Path) -> None:
    """All generated parts, each a file that a page includes."""
    folder.mkdir(exist_ok=True)
    parts = {
        "api": api(),
        "cards": cards(),
        "surveys": surveys(),
        "classes": classes(),
        "formats": formats(),
        "benchmarks": benchmarks(),
    }
    for name, text in parts.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    studies.write(folder)


def api() -> str:
    """The public names of every room, with their docstrings."""
    errors = import_module("firstlight.errors")
    names = [name for name in dir(errors) if name.endswith("Error") and name != "ImportError"]
    parts = ["## firstlight.errors\n", "What can go wrong, one tree: see the [error index](errors.md).\n"]
    parts += [documented("firstlight.errors", name) for name in sorted(names)]
    for room, what in ROOMS.items():
        module = import_module(f"firstlight.{room}")
        parts += [f"## firstlight.{room}\n", f"{what[0].upper()}{what[1:]}.\n"]
        parts += [documented(f"firstlight.{room}", name) for name in sorted(module.__all__, key=str.lower)]
    return "\n".join(parts)


def documented(module: str, name: str) -> str:
    """One name as an autodoc directive."""
    value = getattr(import_module(module), name)
    if isinstance(value, type):
        lines = [f".. autoclass:: {module}.{name}", "   :members:", "   :inherited-members: object"]
        if issubclass(value, Exception):
            lines = [f".. autoexception:: {module}.{name}"]
        elif issubclass(value, int | tuple):
            lines = lines[:2]
    elif callable(value):
        lines = [f".. autofunction:: {module}.{name}"]
    else:
        lines = [f".. autodata:: {module}.{name}", "   :no-value:"]
    return "\n".join(["```{eval-rst}", *lines, "```\n"])


def cards() -> str:
    """The cards of the packaged classifiers, one section each."""
    parts = []
    for name in classifier.classifiers():
        card = classifier.load(name).card
        # A card starts with its own title: one level down.
        card = re.sub(r"\A---\n.*?\n---\n", "", card, flags=re.DOTALL)
        parts.append(re.sub(r"^(#+) ", r"#\1 ", card, flags=re.MULTILINE))
    return "\n\n".join(parts)


def surveys() -> str:
    """The packaged surveys and their passbands."""
    parts = []
    for name in facts.surveys():
        one = facts.survey(name)
        clock = f"{one.time_scale.upper()}, {one.time_reference} of the exposure"
        parts += [
            f"## {name}\n",
            f"Times: MJD, {clock}. A detection: S/N >= {one.detection_snr:g}.\n",
            "| passband | wavelength (um) | width (um) | A / E(B-V) | depth (mag) | also spelled |",
            "|---|---|---|---|---|---|",
            *(
                f"| {band.name} | {band.wavelength_um:.4f} | {band.width_um:.4f} | {band.extinction:.3f} "
                f"| {band.depth:.2f} | {', '.join(f'`{alias}`' for alias in band.aliases)} |"
                for band in one.passbands
            ),
            "",
        ]
    return "\n".join(parts)


def classes() -> str:
    """The class tree as an indented list."""
    tree = class_tree()
    lines = [f"{'  ' * len(tree.ancestors(name))}- {name}" for name in in_order(tree)]
    schemes = ", ".join(f"`{name}`" for name in tree.schemes)
    return "\n".join([*lines, "", f"Label schemes: {schemes}.", ""])


def in_order(tree: facts.ClassTree) -> list[str]:
    """Every class, each behind its parent."""
    roots = [name for name in tree.names if tree.parent(name) is None]
    waiting, found = list(reversed(roots)), []
    while waiting:
        name = waiting.pop()
        found.append(name)
        waiting += reversed(tree.children(name))
    return found


def formats() -> str:
    """The names of the formats that `read` knows."""
    return ", ".join(f"`{name}`" for name in readers.formats()) + "\n"


def benchmarks() -> str:
    """The measured tables, without their title."""
    text = (Path(__file__).parents[1] / "benchmarks/README.md").read_text(encoding="utf-8")
    return text.partition("\n")[2]
