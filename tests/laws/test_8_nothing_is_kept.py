"""Law 8, read in the source: no module keeps what a call leaves behind, and none changes the process."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src/firstlight"

CHANGING = {
    "add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove", "setdefault",
    "update",
}  # fmt: skip
KEEPERS = {
    "dict", "list", "set", "defaultdict", "OrderedDict", "Counter", "deque", "count", "cycle",
    "WeakKeyDictionary", "WeakValueDictionary", "WeakSet", "ContextVar", "local", "Lock", "RLock", "Event",
}  # fmt: skip
PROCESS = {
    "os.chdir", "os.umask", "os.putenv", "random.seed", "np.random.seed", "numpy.random.seed", "np.seterr",
    "np.set_printoptions", "logging.basicConfig", "locale.setlocale", "socket.setdefaulttimeout",
    "torch.set_default_dtype",
}  # fmt: skip
PLAIN = {"str", "int", "bool", "float", "None", "Kind"}


def everywhere(wrong: Callable[[ast.Module], Iterator[str]]) -> dict[str, list[str]]:
    """What is wrong in each module of the package, where something is."""
    trees = {
        path.relative_to(SOURCE).as_posix(): ast.parse(path.read_text()) for path in SOURCE.rglob("*.py")
    }
    return {name: found for name, tree in sorted(trees.items()) if (found := list(wrong(tree)))}


def kept(found: ast.Module) -> dict[str, ast.expr]:
    """Names of the module, and their values."""
    values: dict[str, ast.expr] = {}
    for node in found.body:
        if isinstance(node, ast.Assign):
            values |= {one.id: node.value for one in node.targets if isinstance(one, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and node.value is not None and isinstance(node.target, ast.Name):
            values[node.target.id] = node.value
    return values


def within(found: ast.Module) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, ast.AST]]:
    """Every node of every function."""
    for function in ast.walk(found):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                yield function, node


def local(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Names that belong to a call."""
    names = {one.arg for one in ast.walk(function.args) if isinstance(one, ast.arg)}
    stored = (
        one for one in ast.walk(function) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
    )
    return names | {one.id for one in stored}


def changes(found: ast.Module) -> Iterator[str]:
    """Where a function changes what its module keeps."""
    names = set(kept(found))
    for function, node in within(found):
        if isinstance(node, ast.Global):
            yield f"line {node.lineno}: global {', '.join(node.names)}"
        target = None
        if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            target = node.value
        elif (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING
        ):
            target = node.func.value
        if isinstance(target, ast.Name) and target.id in names - local(function):
            yield f"line {node.lineno}: {function.name} changes {target.id}"


def to_be_filled(found: ast.Module) -> Iterator[str]:
    for name, value in kept(found).items():
        empty = isinstance(value, ast.Dict | ast.List | ast.Set) and not ast.unparse(value).strip("{}[]")
        called = ast.unparse(value.func).rpartition(".")[2] if isinstance(value, ast.Call) else ""
        if empty or (isinstance(value, ast.Call) and called in KEEPERS and not value.args):
            yield f"{name} = {ast.unparse(value)}"


def remembered(found: ast.Module) -> Iterator[str]:
    """Functions whose answers are kept by more than plain names."""
    for node in ast.walk(found):
        if isinstance(node, ast.FunctionDef):
            caches = [ast.unparse(one) for one in node.decorator_list if "cache" in ast.unparse(one)]
            if caches and not any("cached_property" in one for one in caches):
                said = [ast.unparse(one.annotation) if one.annotation else "" for one in node.args.args]
                yield from (f"{node.name}({one})" for one in said if one not in PLAIN)


def of_the_process(found: ast.Module) -> Iterator[str]:
    for node in ast.walk(found):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in PROCESS:
            yield ast.unparse(node)
        stored = isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del)
        if stored and ast.unparse(node).startswith(("os.environ", "matplotlib.rcParams", "globals()")):
            yield ast.unparse(node)


def test_no_function_changes_what_its_module_keeps() -> None:
    assert everywhere(changes) == {}


def test_no_module_keeps_a_container_that_is_there_to_be_filled() -> None:
    assert everywhere(to_be_filled) == {}


def test_what_is_remembered_is_looked_up_by_plain_names_alone() -> None:
    """A cache of packaged files changes no answer; one of users' files and values would."""
    assert everywhere(remembered) == {}


def test_no_module_changes_the_process() -> None:
    """The face keeps the names that it has imported, as an import does."""
    assert everywhere(of_the_process) == {"__init__.py": ["globals()[name]"]}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A = {}\ndef f(x):\n    A[x] = 1\n", ["line 3: f changes A"]),
        ("A = [1]\ndef f(x):\n    A.append(x)\n", ["line 3: f changes A"]),
        ("A = 1\ndef f(x):\n    global A\n    A = x\n", ["line 3: global A"]),
        ("A = object()\ndef f(x):\n    A.name = x\n", ["line 3: f changes A"]),
        ("A = {}\ndef f(x):\n    A = {}\n    A[x] = 1\n", []),
        ("A = {1: 2}\ndef f(x):\n    return A[x]\n", []),
    ],
)
def test_what_would_be_found(text: str, found: list[str]) -> None:
    assert list(changes(ast.parse(text))) == found
