"""Small labelled light curves, a base trained on others of their kind, and a study of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

from firstlight.learn import pretrain  # noqa: E402
from firstlight.lightcurves import LightCurves  # noqa: E402
from firstlight.study import Findings, study  # noqa: E402

CLASSES = ("SN Ia", "SN II", "TDE")
SMALL = {"hidden": 8, "width": 6, "embedding": 5}


def labelled(n: int, seed: int, first: int = 0) -> LightCurves:
    """Objects whose class shows in how fast they fade and in their colour."""
    rng = np.random.default_rng(seed)
    columns: dict[str, list[object]] = {
        name: [] for name in ("object_id", "time", "passband", "flux", "flux_err")
    }
    names = [f"o{first + k}" for k in range(n)]
    for k, name in enumerate(names):
        kind, rows = k % len(CLASSES), int(rng.integers(8, 16))
        days = np.sort(rng.uniform(0, 60, rows))
        band = rng.integers(0, 2, rows)
        flux = 20_000 * np.exp(-days / (15 + 25 * kind)) * np.where(band, 1 + kind, 2) * rng.uniform(0.5, 2)
        error = 0.08 * flux + 100
        columns["object_id"] += [name] * rows
        columns["time"] += list(59_000 + rng.uniform(0, 300) + days)
        columns["passband"] += ["gr"[b] for b in band]
        columns["flux"] += list(flux + rng.normal(size=rows) * error)
        columns["flux_err"] += list(error)
    objects = {
        "object_id": names,
        "label": [CLASSES[k % len(CLASSES)] for k in range(n)],
        "redshift": list(rng.uniform(0.01, 0.1, n)),
    }
    return LightCurves.from_columns(**columns, survey="ZTF", flux_unit="nJy", objects=pa.table(objects))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def pool() -> LightCurves:
    return labelled(60, 1)


@pytest.fixture(scope="session")
def test() -> LightCurves:
    return labelled(36, 2, first=1_000)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a base trained on other light curves."""
    path = tmp_path_factory.mktemp("base") / "base"
    pretrain(labelled(60, 3, first=2_000), sizes=SMALL, epochs=6, validation=0.0, rate=1e-2, out=path)
    return str(path)


@pytest.fixture(scope="session")
def plan(base: str) -> dict[str, Any]:
    """A study with an arm of every kind."""
    quick = {"epochs": 2}
    return {
        "name": "small",
        "budgets": ["25%", "all"],
        "draws": 2,
        "stages": ["3 detections", "5 detections", "full"],
        "base": base,
        "resamples": 40,
        "convergence": {"budgets": ["all"], "draws": 1},
        "arms": [
            {"name": "features", "kind": "features", "seeds": 1, "settings": {"trees": 5}},
            {
                "name": "scratch",
                "kind": "scratch",
                "settings": {**quick, "draws": 60, "sizes": SMALL},
            },
            {"name": "none", "kind": "zero-shot"},
            {"name": "none, shares", "kind": "zero-shot", "prior": "shares"},
            {"name": "full", "kind": "fine-tune", "settings": quick},
            {"name": "ensemble", "kind": "fine-tune", "strategy": "output", "seeds": 2, "settings": quick},
            {"name": "embedding", "kind": "embedding", "seeds": 1, "settings": {"trees": 5}},
            {"name": "both", "kind": "average", "of": ["full", "features"]},
        ],
    }


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="session")
def findings(plan: dict[str, Any], pool: LightCurves, test: LightCurves, folder: Path) -> Findings:
    return study(plan, pool=pool, test=test, out=folder)
