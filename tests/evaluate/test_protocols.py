"""The protocols reproduce the counts that their pages state, and let nothing through that does not count."""

from __future__ import annotations

import numpy as np
import pytest

from firstlight.errors import DataError, UnknownNameError, UsageError
from firstlight.evaluate import FULL, Stage, pick, plasticc8, protocol, ztf5


@pytest.fixture(scope="module")
def ztf(shared):
    return ztf5(shared / "data" / "ztf")


@pytest.fixture(scope="module")
def plasticc(shared):
    return plasticc8(shared / "data" / "plasticc")


def test_ztf5_holds_the_objects_of_its_page(ztf):
    assert ztf.counts(ztf.pool).tolist() == [3803, 800, 248, 117, 54]
    assert ztf.counts(ztf.test).tolist() == [1509, 317, 98, 37, 25]


def test_ztf5_lets_only_detections_of_the_window_in_g_and_r_count(ztf):
    curves = ztf.test
    days = curves.time - curves.column("trigger_mjd")[curves.owner]
    assert curves.detected.all() and curves.usable.all() and days.min() >= 0 and days.max() <= 200
    assert {curves.passbands[code] for code in np.unique(curves.passband)} == {"ZTF-g", "ZTF-r"}
    forbidden = {"source", "peak_mjd", "n_det", "n_limit", "ra", "dec", "redshift", "mwebv", "iau_name"}
    assert not forbidden & set(curves.objects.column_names)


def test_ztf5_draws_have_their_size_and_at_least_two_of_each_class(ztf):
    assert ztf.budgets == ("100", "200", "500", "1000", "all")
    for draw in range(3):
        labelled = ztf.labelled(100, draw)
        assert len(labelled) == 100 and ztf.counts(labelled).min() >= 2
    assert ztf.draw(100, 0) != ztf.draw(100, 1)
    assert len(ztf.draw("all")) == 5022
    with pytest.raises(UnknownNameError):
        ztf.draw(150)
    with pytest.raises(UnknownNameError):
        ztf.draw(100, 10)


def test_ztf5_validation_comes_out_of_the_budget_and_leaves_every_class_to_train(ztf):
    ids = ztf.draw(100, 0)
    train, held = ztf.validation(ids, share=0.25, seed=1)
    assert set(train) | set(held) == set(ids) and not set(train) & set(held)
    assert ztf.counts(ztf.select("pool", train)).min() >= 1 and 15 <= len(held) <= 30
    assert ztf.validation(ids, share=0.25, seed=1) == (train, held)


def test_metadata_restricts_every_split_to_objects_that_have_it(shared):
    rules = ztf5(shared / "data" / "ztf", ["redshift"])
    assert rules.counts(rules.test).tolist() == [1267, 218, 70, 30, 25] and len(rules.pool) == 4132
    assert np.isfinite(rules.pool.column("redshift")).all()
    with pytest.raises(UnknownNameError, match="redshift"):
        ztf5(shared / "data" / "ztf", ["redshfit"])


def test_plasticc8_holds_the_objects_of_its_page_and_counts_by_reach(plasticc):
    assert len(plasticc.pool) == 3416 and len(plasticc.test) == 1356 and len(plasticc.curves["wide"]) == 4399
    reached = [len(plasticc.counting(Stage(detections=k))) for k in (3, 5, 10)]
    assert reached == [1258, 1074, 736]
    assert len(plasticc.counting(Stage(days=2.0))) == 1356
    assert [len(plasticc.draw(budget)) for budget in plasticc.budgets] == [34, 102, 341, 1025, 3416] or [
        len(plasticc.draw(budget)) for budget in plasticc.budgets
    ] == [34, 103, 342, 1025, 3416]


def test_plasticc8_keeps_the_window_and_hides_the_truth(plasticc):
    days = plasticc.test.time - plasticc.test.column("trigger_mjd")[plasticc.test.owner]
    assert days.min() >= -60 and days.max() <= 300
    assert not {"redshift", "submodel", "ddf", "true_peak_mjd"} & set(plasticc.test.objects.column_names)
    assert plasticc.test.column("dereddened").all()


class Answers:
    """Predictions of a classifier that knows two finer classes and one more, in another order of objects."""

    def __init__(self, rules):
        self.object_id = rules.test.object_id[::-1]
        self.classes = ("AGN", "SN Ib", "SN Ic", "SN Ia", "SN II", "SLSN-I", "TDE")
        self.offsets = np.arange(len(self.object_id) + 1)
        truth = rules.truth(rules.test)[::-1]
        self.values = np.full((truth.size, 7), 0.02, dtype=np.float32)
        self.values[:, 0] = 0.5
        own = np.array([3, 4, 2, 5, 6])[truth]
        self.values[np.arange(truth.size), own] = 0.4

    def final(self):
        return self.values


def test_answers_are_aligned_by_name_and_collapsed_by_the_class_tree(ztf):
    values = ztf.stage_probabilities(Answers(ztf))
    np.testing.assert_allclose(values.sum(axis=1), 1, rtol=1e-6)
    assert np.array_equal(values.argmax(1), ztf.truth(ztf.test))
    rows = ztf.score(Answers(ztf), FULL, number=0)
    assert pick(rows, "macro_auroc").value == 1 and pick(rows, "recall", of="TDE").n == 25


def test_objects_without_an_answer_and_classes_without_a_source_are_refused(ztf):
    short = Answers(ztf)
    short.object_id = short.object_id[1:]
    with pytest.raises(DataError, match="not among the predictions"):
        ztf.stage_probabilities(short)
    blind = Answers(ztf)
    blind.classes = ("AGN", "SN Ib", "SN Ic", "SN Ia", "SN II", "SLSN-I", "Kilonova")
    with pytest.raises(UsageError, match="TDE"):
        ztf.stage_probabilities(blind)


def test_a_missing_folder_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("FIRSTLIGHT_DATA", raising=False)
    with pytest.raises(UsageError, match="FIRSTLIGHT_DATA"):
        ztf5()
    with pytest.raises(DataError, match="no such file"):
        protocol("plasticc-8", tmp_path)
    with pytest.raises(UnknownNameError, match="ztf-5"):
        protocol("ztf5", tmp_path)


@pytest.mark.slow
def test_the_opponent_reproduces_the_page_of_ztf5(ztf):
    """Macro AUROC .972 and macro-F1 .70 with all labels; .908 (.893-.909) with 100 labels."""
    pytest.importorskip("lightgbm")
    from firstlight.evaluate import Opponent

    few = [
        pick(
            ztf.score(Opponent.fit(ztf.labelled(100, d), classes=ztf.classes).predict(ztf.test), number=0),
            "macro_auroc",
        )
        for d in range(3)
    ]
    assert np.median([row.value for row in few]) == pytest.approx(0.908, abs=0.012)
    everything = Opponent.fit(ztf.pool, classes=ztf.classes, seeds=(0,))
    rows = ztf.score(everything.predict(ztf.test), counts=everything.counts, number=0)
    assert pick(rows, "macro_auroc").value == pytest.approx(0.972, abs=0.004)
    assert pick(rows, "macro_f1").value == pytest.approx(0.698, abs=0.03)
