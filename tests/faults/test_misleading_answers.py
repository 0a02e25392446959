"""Answers that would mislead whoever reads them: each is what it says, or says what it is not."""

from __future__ import annotations

import csv
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import firstlight as fl
from firstlight.cli.app import run
from firstlight.errors import UsageError

SURE = ("ztf", "lsst")  # the packaged classifiers that have class sets


def typed(*words: object) -> int:
    return run([str(word) for word in words])


# --- coarser classes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["SN Ia", "TDE", "SN Ia,SLSN-I"])
def test_what_stands_under_no_class_asked_for_is_the_column_other(asked: str, tmp_path: Path) -> None:
    out, whole = tmp_path / "coarse.parquet", tmp_path / "whole.parquet"
    assert typed("classify", "sample:ztf", "--classes", asked, "--out", out) == 0
    assert typed("classify", "sample:ztf", "--out", whole) == 0
    coarse, fine = pq.read_table(out), pq.read_table(whole)
    names = asked.split(",")
    for name in names:
        np.testing.assert_allclose(coarse[name].to_numpy(), fine[name].to_numpy(), atol=1e-6)
    total = sum(coarse[name].to_numpy() for name in (*names, "other"))
    np.testing.assert_allclose(total, 1.0, atol=1e-6)
    assert coarse["other"].to_numpy().max() > 0.5  # the sample holds other things


def test_what_is_left_out_on_request_is_said_in_the_file(tmp_path: Path) -> None:
    words = ("classify", "sample:ztf", "--classes", "SN Ia,TDE", "--renormalise")
    assert typed(*words, "--out", tmp_path / "p.parquet") == 0
    assert typed(*words, "--out", tmp_path / "p.csv") == 0
    table = pq.read_table(tmp_path / "p.parquet")
    assert "other" not in table.column_names
    np.testing.assert_allclose(table["SN Ia"].to_numpy() + table["TDE"].to_numpy(), 1.0, atol=1e-6)
    assert json.loads(table.schema.metadata[b"firstlight.left_out"]) == ["SN II", "SN Ib/c", "SLSN-I"]
    with (tmp_path / "p.csv").open() as lines:
        assert {row["left_out"] for row in csv.DictReader(lines)} == {"SN II|SN Ib/c|SLSN-I"}


@pytest.mark.parametrize("classifier", fl.classifiers())
@pytest.mark.parametrize("asked", [["SN", "SN Ia"], ["SN II", "SN", "TDE"], ["SN I", "SLSN-I", "SN"]])
def test_a_class_and_a_part_of_it_are_not_asked_for_at_once(
    classifier: str, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError, match="is a part of 'SN'"):
        fl.load(classifier).classify(fl.sample("ztf"), classes=asked)
    with pytest.raises(UsageError, match="is a part of 'SN'"):
        fl.load(classifier).start(survey="ZTF", classes=asked)
    assert typed("classify", "sample:ztf", "--classifier", classifier, "--classes", ",".join(asked)) == 2
    assert "--classes" in capsys.readouterr().err


def test_priors_of_coarser_classes_say_the_share_of_the_rest() -> None:
    classifier, curves = fl.load("ztf"), fl.sample("ztf")
    with pytest.raises(UsageError, match="no share is given for other"):
        classifier.classify(curves, classes=["SN Ia", "TDE"], priors={"SN Ia": 0.9, "TDE": 0.1})
    shares = {"SN Ia": 0.3, "TDE": 0.1, "other": 0.6}
    rare = classifier.classify(curves, classes=["SN Ia", "TDE"], priors={**shares, "other": 0.01}).final()
    usual = classifier.classify(curves, classes=["SN Ia", "TDE"], priors=shares).final()
    assert (rare[:, 2] <= usual[:, 2]).all()
    estimated = classifier.estimate_priors(curves, classes=["SN Ia", "TDE"])
    assert list(estimated) == ["SN Ia", "TDE", "other"]
    classifier.classify(curves, classes=["SN Ia", "TDE"], priors=estimated)


# --- class sets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SURE)
@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"priors": "flat"},
        {"classes": ["SN Ia", "TDE"]},
        {"classes": ["SN", "TDE"], "renormalise": True},
    ],
    ids=["plain", "flat", "coarse", "renormalised"],
)
def test_class_sets_hold_the_most_probable_class_and_grow_with_the_coverage(name: str, asked: dict) -> None:
    found = fl.load(name).classify(fl.sample("ztf"), **asked)
    first = found.probabilities.argmax(axis=1)
    sets = [found.sets(coverage) for coverage in (0.05, 0.5, 0.8, 0.9, 0.95, 0.99)]
    for one in sets:
        assert one[np.arange(len(one)), first].all()
        assert one.any(axis=1).all()
    for less, more in pairwise(sets):
        assert not (less & ~more).any()
    final = found.final_sets(0.5)
    assert final[np.arange(len(final)), found.final().argmax(axis=1)].all()
