import dataclasses

import numpy as np
import pyarrow as pa
import pytest

from firstlight.classifier import Classifier, load
from firstlight.classifier.checkpoint import REPLAY
from firstlight.errors import CheckpointError, UsageError
from firstlight.learn import fine_tune, pretrain, replay
from firstlight.lightcurves import LightCurves
from firstlight.preparation import Preparation

from .conftest import SMALL, labelled


def lsst(n: int = 6) -> LightCurves:
    """Dereddened forced photometry of LSST with negative fluxes, rows before the trigger, and photo-z."""
    rng = np.random.default_rng(3)
    rows = 14
    names = [f"l{k}" for k in range(n)]
    flux = rng.normal(0, 200, (n, rows)) + np.where(np.arange(rows) > 5, 6000.0, 0.0)
    table = {
        "object_id": names,
        "label": ["TDE"] * n,
        "mwebv": [0.1] * n,
        "photoz": [0.3, np.nan, *[0.5] * 4],
    }
    return LightCurves.from_columns(
        object_id=np.repeat(names, rows),
        time=(60000 + np.arange(rows) * 4.0 + rng.uniform(0, 300, (n, 1))).ravel(),
        passband=np.tile(list("ugrizy") * 3, n)[: n * rows],
        flux=flux.ravel(),
        flux_err=np.full(n * rows, 200.0),
        flux_unit="nJy",
        survey="LSST",
        objects=pa.table(table),
        dereddened=True,
    )


@pytest.fixture(scope="module")
def two_surveys() -> LightCurves:
    return LightCurves.concat([labelled(12, trigger=True), labelled(9, seed=1), lsst()])


@pytest.fixture(scope="module")
def base(curves: LightCurves) -> Classifier:
    return pretrain(curves, sizes=SMALL, epochs=1, validation=0.0, name="base", keep=12)


@pytest.mark.parametrize("rows", ["detections", "measured"])
def test_what_is_remembered_is_read_as_before(two_surveys: LightCurves, rows: str):
    preparation = Preparation(
        rows=rows,
        metadata=("photoz",),
        deredden=True,
        before_days=30.0,  # type: ignore[arg-type]
    )
    names = [str(label) for label in two_surveys.column("label")]
    again = replay.parse(replay.dump(two_surveys, names, preparation))
    before, after = preparation(replay.read_rows(two_surveys, preparation)), preparation(again)
    assert np.array_equal(before.offsets, after.offsets)
    np.testing.assert_allclose(after.time, before.time, atol=1e-3)
    np.testing.assert_allclose(after.features, before.features, atol=0.01, rtol=0.01)
    np.testing.assert_allclose(after.context, before.context, rtol=1e-6)
    assert np.array_equal(after.issued, before.issued)
    assert again.passbands == two_surveys.passbands
    assert set(again.column("survey")) == {"ZTF", "LSST"}
    assert set(again.column("dereddened")) == {True, False}


def test_upper_limits_are_remembered_where_they_are_read(curves: LightCurves):
    faint = np.zeros(len(curves.time), np.bool_)
    faint[curves.offsets[1:] - 1] = True
    limited = dataclasses.replace(
        curves,
        flux=np.where(faint, np.nan, curves.flux),
        flux_err=np.where(faint, np.nan, curves.flux_err),
        limit=np.where(faint, 700.0, np.nan),
        detected=curves.detected & ~faint,
    )
    names = [str(label) for label in curves.column("label")]
    again = replay.parse(replay.dump(limited, names, Preparation(rows="all")))
    assert np.isnan(again.flux).sum() == len(curves)
    np.testing.assert_allclose(again.limit[np.isnan(again.flux)], 700.0, rtol=1e-3)
    assert not np.isfinite(replay.parse(replay.dump(limited, names, Preparation())).limit).any()


def test_neither_names_nor_dates_nor_other_columns_are_remembered(two_surveys: LightCurves):
    again = replay.parse(replay.dump(two_surveys, ["TDE"] * len(two_surveys), Preparation()))
    assert np.abs(again.time).max() < 400
    assert "mwebv" not in again.objects.column_names and "photoz" not in again.objects.column_names
    assert not set(again.object_id) & set(two_surveys.object_id)


def test_every_label_gets_its_part_and_rare_ones_are_kept_whole():
    names = ["SN Ia"] * 50 + ["SN Iax[02cx-like]"] * 3 + [None] * 9 + ["TDE"] * 20
    kept = [names[k] for k in replay.balanced(names, 25, np.random.default_rng(0))]
    assert {name: kept.count(name) for name in set(kept)} == {"SN Ia": 11, "SN Iax[02cx-like]": 3, "TDE": 11}
    assert len(replay.balanced(names, 1000, np.random.default_rng(0))) == 73


def test_a_base_replays_what_it_carries_unless_told_otherwise(base: Classifier, small: Classifier):
    two = labelled(20, seed=4, classes=("SN Ia", "SN II"))
    tuned = fine_tune(base, two, epochs=1)
    assert tuned.checkpoint.config["training"]["replay"] == {"SN Ia": 4, "SN II": 4, "TDE": 4}
    assert tuned.checkpoint.config["training"]["recipe"]["draws"] == 640
    assert "12 labelled base light curves" in tuned.card
    plain = fine_tune(base, two, epochs=1, replay=False)
    assert plain.checkpoint.config["training"]["replay"] is None
    for one in (tuned, plain):
        assert one.checkpoint.extras[REPLAY] == base.checkpoint.extras[REPLAY]
    other = fine_tune(base, two, epochs=1, replay=labelled(9, seed=5), keep=6)
    assert sum(other.checkpoint.config["training"]["replay"].values()) == 9
    assert len(replay.carried(other) or ()) == 6
    assert replay.carried(small) is None and replay.carried(fine_tune(small, two, epochs=1)) is None


def test_labels_spelt_in_another_way_do_not_touch_what_is_carried(base: Classifier):
    mine = labelled(20, seed=4, classes=("SN Ia", "SN II"))
    mine = mine.with_labels([str(label).replace("SN ", "kind ") for label in mine.column("label")])
    tuned = fine_tune(base, mine, labels={"kind Ia": "SN Ia", "kind II": "SN II"}, epochs=1)
    assert tuned.checkpoint.config["training"]["replay"]["TDE"] == 4


def test_labels_are_carried_finer_than_the_network_knows_them(tmp_path):
    fine = labelled(30, classes=("SN Ib", "SN Ic", "TDE"))
    base = pretrain(fine, classes=("SN Ib/c", "TDE"), sizes=SMALL, epochs=1, keep=9, out=tmp_path / "base")
    assert base.classes == ("SN Ib/c", "TDE")
    own = replay.carried(load(tmp_path / "base"))
    assert own is not None
    assert sorted(own.column("label")) == ["SN Ib"] * 3 + ["SN Ic"] * 3 + ["TDE"] * 3
    assert "Carries up to 9" in base.card


@pytest.mark.parametrize("strategy", ["full", "auto"])
def test_what_is_carried_of_other_classes_is_not_replayed(base: Classifier, strategy: str):
    mine = labelled(20, seed=4, classes=("AGN", "Kilonova"))
    tuned = fine_tune(base, mine, classes=("AGN", "Kilonova"), strategy=strategy, epochs=1)
    assert sum(tuned.checkpoint.config["training"]["replay"].values()) == 0
    assert np.isfinite(tuned.classify(mine).final()).all()


def test_what_cannot_be_read_is_refused(curves: LightCurves):
    with pytest.raises(CheckpointError, match="cannot be read"):
        replay.parse(b"PAR1")
    buffer = pa.BufferOutputStream()
    pa.parquet.write_table(pa.table({"days": [1]}), buffer)
    with pytest.raises(CheckpointError, match="no light curves"):
        replay.parse(buffer.getvalue().to_pybytes())
    with pytest.raises(UsageError, match="keep"):
        pretrain(curves, sizes=SMALL, epochs=1, keep=-1)
