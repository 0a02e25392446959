"""Random light curves for the rooms that read them."""

from collections.abc import Callable

import numpy as np
import pytest

from firstlight import facts
from firstlight.lightcurves import LightCurves

Maker = Callable[..., LightCurves]


@pytest.fixture(scope="session")
def random_curves() -> Maker:
    """Makes light curves over two years: detections, weak and negative points, limits, given triggers."""

    def make(seed: int, survey: str = "ZTF", objects: int = 8, trigger: bool = False) -> LightCurves:
        random = np.random.default_rng(seed)
        lengths = random.integers(1, 60, objects)
        size = int(lengths.sum())
        names = [band.short for band in facts.survey(survey).passbands]
        error = random.lognormal(7.0, 0.5, size)
        flux = random.lognormal(8.5, 1.5, size) * np.where(random.random(size) < 0.2, -1.0, 1.0)
        limited = random.random(size) < 0.3
        ids = [f"object {k}" for k in range(objects)]
        metadata = {
            "object_id": ids,
            "redshift": np.where(random.random(objects) < 0.5, random.uniform(0.01, 1.0, objects), np.nan),
            "mwebv": np.where(random.random(objects) < 0.7, random.uniform(0.0, 0.4, objects), np.nan),
        }
        if trigger:
            when = 59_000.0 + random.uniform(0.0, 400.0, objects)
            metadata["trigger_mjd"] = np.where(random.random(objects) < 0.6, when, np.nan)
        return LightCurves.from_columns(
            object_id=np.repeat(ids, lengths),
            # Some observations share a time.
            time=59_000.0 + np.round(random.uniform(0.0, 700.0, size), random.integers(0, 5)),
            passband=random.choice(names, size),
            flux=np.where(limited, np.nan, flux),
            flux_err=np.where(limited, np.nan, error),
            limit=np.where(limited, 5.0 * error, np.nan),
            flux_unit="nJy",
            survey=survey,
            objects=metadata,
        )

    return make
