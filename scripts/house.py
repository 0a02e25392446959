"""The house in numbers: how much there is to read, what stands where, and how long the walks are.

    python scripts/house.py            # all; `make house`
    python scripts/house.py --static   # without the walks, from the text of the files alone

Each number stands beside its limit, and the exit code is 1 when one is not met. Standard library only; the
walks (`scripts/walk.py`) need the package.
"""

from __future__ import annotations

import argparse
import ast
import collections
import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
SOME = 40  # lines that are printed of what stands behind a number


class Number(NamedTuple):
    """One measured number: its limit, and what stands behind it."""

    what: str
    value: float
    limit: float | None = None
    at_least: bool = False
    behind: tuple[str, ...] = ()

    @property
    def met(self) -> bool:
        """Whether the number keeps its limit."""
        if self.limit is None:
            return True
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def cells(self) -> tuple[str, str, str, str]:
        """The number as a row of the table."""
        limit = "" if self.limit is None else f"{'>=' if self.at_least else '<='} {written(self.limit)}"
        return self.what, written(self.value), limit, "yes" if self.met and limit else "**no**" * bool(limit)


def written(value: float) -> str:
    """A number as it is read."""
    return f"{value:,}" if value == int(value) else f"{value:.2f}"


@dataclass(frozen=True)
class House:
    """A package as its files say it is.

    Attributes
    ----------
    files : mapping of str to str
        Text of every module, by its dotted name; a room is named as its ``__init__``.
    floors : list of list of str
        Rooms of each floor, the highest first.
    tests : int
        Lines of the tests.
    """

    package: str
    files: dict[str, str]
    floors: list[list[str]]
    tests: int = 0
    trees: dict[str, ast.Module] = field(default_factory=dict)
    inits: frozenset[str] = frozenset()

    @classmethod
    def at(cls, root: Path) -> House:
        """The house of the repository at `root`: its source, tests, and the layers of pyproject.toml."""
        linter = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]
        package = linter["root_package"]
        layers = next(one for one in linter["contracts"] if one["type"] == "layers")["layers"]
        files, inits = {}, set()
        for path in sorted((root / "src" / package).rglob("*.py")):
            parts = path.relative_to(root / "src").with_suffix("").parts
            if parts[-1] == "__init__":
                parts = parts[:-1]
                inits.add(".".join(parts))
            files[".".join(parts)] = path.read_text()
        return cls(
            package,
            files,
            [[room.strip(" ()") for room in layer.replace("|", ":").split(":")] for layer in layers],
            sum(path.read_text().count("\n") for path in (root / "tests").rglob("*.py")),
            {name: ast.parse(text) for name, text in files.items()},
            frozenset(inits),
        )

    # -- size --------------------------------------------------------------------------------------------

    def lines(self, name: str) -> int:
        """Lines of a module."""
        return self.files[name].count("\n")

    def long(self, limit: int = 400) -> list[str]:
        """Modules of `limit` lines or more."""
        return [f"{name} {self.lines(name)}" for name in self.files if self.lines(name) >= limit]

    # -- arrows ------------------------------------------------------------------------------------------

    def arrows(self) -> set[tuple[str, str]]:
        """Who imports whom, inside functions and for types too; the lazy face imports nobody."""
        found = set()
        for name, tree in self.trees.items():
            if name != self.package:
                found |= {(name, other) for other in self._imported(name, tree) if other != name}
        return found

    def _imported(self, name: str, tree: ast.Module) -> Iterator[str]:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names if alias.name in self.files)
            elif isinstance(node, ast.ImportFrom):
                home = node.module or ""
                if node.level:
                    above = name.split(".")
                    above = above[: len(above) - node.level + (name in self.inits)]
                    home = ".".join([*above, *([home] if home else [])])
                for alias in node.names:
                    inside = f"{home}.{alias.name}"
                    if inside in self.files or home in self.files:
                        yield inside if inside in self.files else home

    def room(self, name: str) -> str:
        """The room of a module; nothing for the face."""
        return (name + "..").split(".")[1]

    def up(self) -> list[str]:
        """Imports of a room on a higher floor, of another room on the same one, or of the face."""
        floor = {room: float(number) for number, rooms in enumerate(self.floors) for room in rooms}
        floor[""] = 0.5  # the face: only the command line stands above it
        found = []
        for one, other in sorted(self.arrows()):
            here, there = self.room(one), self.room(other)
            if here != there and here in floor and there in floor and floor[there] <= floor[here]:
                found.append(f"{one} -> {other}")
        return found

    def circles(self) -> list[str]:
        """Modules that import each other, directly or around corners."""
        onward = collections.defaultdict(set)
        for one, other in self.arrows():
            if other != self.package:
                onward[one].add(other)
        return [" <-> ".join(sorted(group)) for group in knots(self.files, onward) if len(group) > 1]

    # -- names -------------------------------------------------------------------------------------------

    def twice(self, names: Iterable[tuple[str, str]], most: int = 1) -> list[str]:
        """The names that occur in more than `most` modules, of (name, module)."""
        homes = collections.defaultdict(list)
        for name, module in names:
            homes[name].append(module.removeprefix(f"{self.package}."))
        return [f"{name}: {', '.join(where)}" for name, where in sorted(homes.items()) if len(where) > most]

    def file_names(self) -> list[str]:
        """Names of files that stand for two things; a room may have a file of its name."""
        names = [name for name in self.files if name not in self.inits]
        return self.twice((name.rpartition(".")[2], name) for name in names)

    def class_names(self) -> list[str]:
        """Names of classes that stand for two things."""
        return self.twice(
            (node.name, name)
            for name, tree in self.trees.items()
            for node in tree.body
            if isinstance(node, ast.ClassDef)
        )

    def aliases(self) -> list[str]:
        """Types that get a name in more than two modules."""
        return self.twice(
            (
                (target.id, name)
                for name, tree in self.trees.items()
                for node in tree.body
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript | ast.BinOp)
                for target in node.targets
                if isinstance(target, ast.Name) and target.id[0].isupper() and not target.id.isupper()
            ),
            most=2,
        )

    def helpers(self) -> list[str]:
        """Private functions that more than two modules define."""
        return self.twice(
            (
                (node.name, name)
                for name, tree in self.trees.items()
                for node in tree.body
                if isinstance(node, ast.FunctionDef) and node.name.startswith("_") and node.name[1] != "_"
            ),
            most=2,
        )

    def numbers(self) -> Iterator[Number]:
        """What can be read from the text of the files."""
        lines = sum(map(self.lines, self.files))
        yield Number("lines of source", lines, 25_000)
        yield Number("files of source", len(self.files), 155)
        for what, found, limit in (
            ("files of 400 lines or more", self.long(), 0),
            ("circles of imports", self.circles(), 0),
            ("arrows up", self.up(), 0),
            ("file names with two meanings", self.file_names(), 0),
            ("class names with two meanings", self.class_names(), 0),
            ("type aliases in more than two files", self.aliases(), 0),
            ("private functions of one name in more than two files", self.helpers(), None),
        ):
            yield Number(what, len(found), limit, behind=tuple(found))
        yield Number("lines of tests", self.tests)
        yield Number("lines of tests for one of source", self.tests / lines, 0.6, at_least=True)


def knots(nodes: Iterable[str], onward: dict[str, set[str]]) -> Iterator[set[str]]:
    """Strongly connected components: nodes that reach each other."""
    reach = {node: reached(node, onward) for node in nodes}
    seen: set[str] = set()
    for node, there in reach.items():
        if node not in seen:
            group = {node} | {other for other in there if node in reach.get(other, ())}
            seen |= group
            yield group


def reached(start: str, onward: dict[str, set[str]]) -> set[str]:
    """All nodes that can be reached from one."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = onward.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


# -- the walks -------------------------------------------------------------------------------------------

RUN = "from firstlight.cli.app import run; assert run({}) == 0"
CSV = """object_id,mjd,band,flux,flux_err
{rows}
"""


def walk(code: str, path: Path) -> dict[str, Any]:
    """What `code` passes through; the openings counted are those of `path`."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts/walk.py"), str(path), code],
        capture_output=True,
        text=True,
        check=False,
        cwd=path.parent,
    )
    if done.returncode:
        raise SystemExit(f"the walk failed:\n{code}\n{done.stderr}")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def walks() -> Iterator[Number]:
    """From a file to its predictions, in Python and on the command line, and a simulation of two objects."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "light-curves.csv"
        rows = [f"a{k // 8},{59000 + k},{'gr'[k % 2]},{1000 + 100 * k},50.0" for k in range(32)]
        path.write_text(CSV.format(rows="\n".join(rows)))
        read = f'firstlight.classify(firstlight.read({str(path)!r}, survey="ZTF", flux_unit="nJy"))'
        yield from told("one CSV to predictions", walk(read, path), 30, 140)
        words = ["classify", str(path), "--survey", "ZTF", "--flux-unit", "nJy"]
        yield from told("firstlight classify of it", walk(RUN.format(words), path), None, None)
        words = ["simulate", "TDE=2", "--survey", "ZTF", "--out", str(Path(folder) / "simulated")]
        found = walk(RUN.format(words), path)
        yield Number(
            "firstlight simulate TDE=2: calls of the package's functions", found["own calls"], 20_000
        )
        yield Number("... of all functions", found["calls"])


def told(what: str, found: dict[str, Any], files: int | None, functions: int | None) -> Iterator[Number]:
    """How often the file was opened, and what was passed."""
    yield Number(f"{what}: openings of the file", found["opened"], 1)
    yield Number("... files of the package", len(found["files"]), files, behind=tuple(found["files"]))
    names = tuple(found["functions"])
    yield Number("... its functions", len(names), functions, behind=names)


def main() -> int:
    """Print the table, and what stands behind the numbers that do not keep their limits."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--static", action="store_true", help="leave out the walks")
    parser.add_argument("--long", action="store_true", help="list what stands behind every number")
    options = parser.parse_args()
    numbers = list(House.at(ROOT).numbers())
    if not options.static:
        numbers += walks()
    print("| what | measured | limit | met |\n|---|---|---|---|")
    for one in numbers:
        print("| " + " | ".join(one.cells()) + " |")
    for one in numbers:
        if one.behind and (options.long or not one.met):
            some = one.behind if options.long else one.behind[:SOME]
            left = (
                [f"... and {len(one.behind) - len(some)} more (--long)"]
                if len(some) < len(one.behind)
                else []
            )
            print(f"\n{one.what}:", *some, *left, sep="\n  ")
    return int(not all(one.met for one in numbers))


if __name__ == "__main__":
    sys.exit(main())
