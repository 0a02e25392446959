"""The parts of the documentation that come from the package itself: reference, cards, surveys, classes."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import studies

import firstlight
from firstlight import classifier, facts, readers
from firstlight.facts import class_tree

# The face by topic, in the order in which people meet it: what it is for, and the names of `firstlight`.
USED = {
    "Read": ("read", "read_table", "read_batches", "sample", "convert", "LightCurves", "Flag"),
    "Classify": ("classify", "load", "classifiers", "Classifier", "Predictions", "Observation"),
    "Look": ("plot", "evaluate", "suggest"),
    "Train": ("fine_tune", "pretrain", "study", "simulate"),
    "Look up": ("survey", "surveys", "class_tree", "deredden", "Preparation", "FirstlightError"),
}
ROOMS = {
    "readers": "files and tables",
    "classifier": "checkpoints, answers, calibration",
    "lightcurves": "the value that travels",
    "figures": "light curves and performance (needs the extra `plot`)",
    "learn": "pretraining, fine-tuning, export (needs the extra `learn`)",
    "evaluate": "measures, protocols, the opponent",
    "suggest": "which spectra to take next",
    "simulate": "simulated surveys, and how real they look",
    "study": "what labels are worth: arms, verdicts, reports (needs the extra `learn`)",
    "preparation": "light curves to numbers",
    "facts": "surveys, passbands, units, classes",
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
    """What people use, in short; then the public names of every room, with their docstrings."""
    parts = ["## What people use\n", *used()]
    for room, what in ROOMS.items():
        module = import_module(f"firstlight.{room}")
        parts += [f"## firstlight.{room}\n", f"{what[0].upper()}{what[1:]}.\n"]
        face = [name for names in USED.values() for name in names if home(name) == module.__name__]
        rest = sorted(set(module.__all__) - set(face), key=str.lower)
        parts += [documented(module.__name__, name) for name in (*face, *rest)]
    errors = import_module("firstlight.errors")
    names = [name for name in dir(errors) if name.endswith("Error") and name != "ImportError"]
    parts += ["## firstlight.errors\n", "What can go wrong, one tree: see the [error index](errors.md).\n"]
    parts += [documented("firstlight.errors", name) for name in sorted(names)]
    return "\n".join(parts)


def used() -> list[str]:
    """A table for each topic: a name of the face, linked to its place below, and its first sentence."""
    missing = set(firstlight.__all__) - {name for names in USED.values() for name in names} - {"__version__"}
    if missing:
        raise LookupError(f"names of the face that no topic shows: {', '.join(sorted(missing))}")
    parts = []
    for topic, names in USED.items():
        parts += [f"**{topic}**\n", "| | |", "|---|---|"]
        for name in names:
            said = (getattr(import_module(home(name)), name).__doc__ or "").strip().partition("\n")[0]
            said = said.replace("``", "`").replace("|", "\\|")
            parts.append(f"| {{py:obj}}`fl.{name} <{home(name)}.{name}>` | {said} |")
        parts.append("")
    return parts


def home(name: str) -> str:
    """The room in which a name of the face is documented."""
    return f"firstlight.{firstlight._ROOM_OF[name]}"


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
