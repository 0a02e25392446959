"""Limits and weak points betray where a light curve comes from, not what it is: they move no answer.

On the real ZTF light curves of the benchmark nearly all TDEs come from a source that keeps neither; a
classifier that read them would find TDEs by their bookkeeping.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from firstlight.lightcurves import LightCurves

OBJECTS = 400


@pytest.fixture(scope="module")
def pool(shared: Path) -> tuple[LightCurves, LightCurves]:
    """Supernovae of the training pool that have limits: with all rows in g and r, with detections alone."""
    path = shared / "data" / "ztf"
    objects = pq.read_table(path / "objects.parquet", columns=["object_id", "split", "label5", "n_limit"])
    wanted = pc.and_(pc.equal(objects["split"], "pool"), pc.not_equal(objects["label5"], "TDE"))
    wanted = pc.and_(wanted, pc.greater(objects["n_limit"], 5))
    chosen = objects.filter(wanted)["object_id"].slice(0, OBJECTS)
    rows = pq.read_table(
        path / "photometry.parquet",
        filters=[("object_id", "in", chosen.to_pylist()), ("band", "in", ["g", "r"])],
    )

    def curves(table: pa.Table) -> LightCurves:
        found = LightCurves.from_columns(
            object_id=table["object_id"],
            time=table["mjd"],
            passband=table["band"],
            mag=table["mag"],
            mag_err=table["mag_err"],
            limit=table["limit_mag"],
            detected=table["detection"],
            survey="ZTF",
        )
        return found[chosen.to_pylist()]

    return curves(rows), curves(rows.filter(pc.equal(rows["kind"], "det")))


def test_limits_and_weak_points_move_no_supernova_to_tde(classifier, pool, same) -> None:
    if classifier.preparation.rows != "detections":
        pytest.skip("reads rows without a detection; made for light curves that have them all")
    everything, detections = pool
    assert len(everything.time) > 2 * len(detections.time)
    with_them, without = classifier.classify(everything).final(), classifier.classify(detections).final()
    same(with_them, without)
    assert np.array_equal(with_them.argmax(axis=1), without.argmax(axis=1))
