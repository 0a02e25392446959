"""Every public verb answers as it did when the golden values were made (``python tests/golden/make.py``).

To the last bit on the platform that made them; elsewhere, where sums are rounded otherwise, to 1e-6 (what
training made: to 1e-3).
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from . import made, make

HERE = Path(__file__).parent


@cache
def golden() -> dict[str, Any]:
    return json.loads((HERE / "golden.json").read_text())


@cache
def shown() -> dict[str, np.ndarray]:
    with np.load(HERE / "golden.npz") as file:
        return dict(file)


@cache
def here() -> dict[str, str]:
    return made.fingerprint()


def ready(name: str) -> None:
    if name.startswith(("tuned", "pretrained")):
        pytest.importorskip("torch")
    if make.needs_shared(name) and not (make.SHARED / "data").is_dir():
        pytest.skip("no shared data")


@pytest.mark.parametrize("name", make.CASES)
def test_the_answers_stay(name: str) -> None:
    ready(name)
    found, kept = make.arrays(name), golden()["cases"][name]
    assert sorted(found) == sorted(kept)
    exact = here() == golden()["platform"]
    wrong = []
    for key, array in found.items():
        if made.digest(array) == kept[key] or (not exact and key == "hash"):
            continue
        few, before = made.few(array), shown()[f"{name} > {key}"]
        if exact or not made.alike(few, before, make.tolerance(name)):
            wrong.append(f"{key}: {difference(few, before)}")
    assert not wrong, f"{name}\n" + "\n".join(wrong)


def difference(found: np.ndarray, kept: np.ndarray) -> str:
    """What differs, in the part of the numbers that is kept."""
    if found.shape != kept.shape or found.dtype.kind != kept.dtype.kind:
        return f"{found.dtype} {found.shape}, was {kept.dtype} {kept.shape}"
    unlike = (found != kept) & ~((found != found) & (kept != kept))
    if not unlike.any():
        return "differs where no values are kept (see its hash)"
    first = tuple(int(i[0]) for i in np.nonzero(np.atleast_1d(unlike)))
    one, other = (np.atleast_1d(array)[first] for array in (found, kept))
    return f"{int(unlike.sum())} of {unlike.size} values, first at {first}: {one!r}, was {other!r}"


def test_another_platform_is_compared_by_value() -> None:
    numbers = np.array([1.0, np.nan, 0.25], np.float32)
    assert made.alike(numbers + np.float32(1e-7), numbers, 1e-6)
    assert not made.alike(numbers + np.float32(1e-4), numbers, 1e-6)
    assert not made.alike(numbers[:2], numbers, 1e-6)
    text = np.array(["SN Ia 0.951 of 12", "ZTF20acuobve"])
    assert made.alike(np.array(["SN Ia 0.952 of 12", "ZTF20acuobve"]), text, 1e-6)
    assert not made.alike(np.array(["SN Ia 0.955 of 12", "ZTF20acuobve"]), text, 1e-6)
    assert not made.alike(np.array(["SN Ia 0.951 of 13", "ZTF20acuobve"]), text, 1e-6)


def test_a_hash_holds_type_shape_and_every_value() -> None:
    array = np.arange(6, dtype=np.float32)
    others = [array.astype(np.float64), array.reshape(2, 3), array + np.float32(1e-6), array[:5]]
    assert len({made.digest(one) for one in (array, *others)}) == 5
    nan = np.array([np.nan, -0.0])
    assert made.digest(nan) == made.digest(np.array([-np.nan, 0.0]))


def test_every_case_has_its_values() -> None:
    assert set(golden()["cases"]) == set(make.CASES)
