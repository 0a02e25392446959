"""A classifier in other processes: it travels with its bytes, and answers the same to the last bit."""

import copy
import multiprocessing
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from firstlight.classifier import Checkpoint, Classifier, load
from firstlight.lightcurves import LightCurves


def answer(classifier: Classifier, curves: LightCurves) -> np.ndarray:
    """What a worker is asked for."""
    return classifier.classify(curves).probabilities


def in_memory(classifier: Classifier) -> Classifier:
    """The same classifier, built in memory as training does."""
    whole = classifier.checkpoint
    built = Checkpoint.build(
        config=whole.config, weights=whole.weights, onnx=whole.onnx, card=whole.card, extras=whole.extras
    )
    return Classifier(built)


@pytest.fixture
def expected(classifier: Classifier, many: LightCurves) -> np.ndarray:
    return answer(classifier, many)


def test_one_that_was_never_on_disk_pickles_copies_and_saves(classifier, many, expected, tmp_path) -> None:
    built = in_memory(classifier)
    assert built.checkpoint.path is None
    travelled = pickle.loads(pickle.dumps(built))
    for other in (
        built,
        travelled,
        copy.deepcopy(built),
        copy.copy(built),
        load(built.save(tmp_path / "it")),
    ):
        assert np.array_equal(answer(other, many), expected, equal_nan=True)
        assert other.hash == classifier.hash
        told = {
            **classifier.checkpoint.config,
            "hash": other.checkpoint.config["hash"],
        }  # written before there were any
        assert other.checkpoint.config == told


def test_a_folder_that_is_gone_or_replaced_changes_nothing(
    saved: Path, fixtures: Path, many, expected
) -> None:
    """A pickled path would fail here, or answer with the weights of another classifier."""
    loaded = load(saved)
    data = pickle.dumps(loaded)
    load(fixtures / "format-1-reference").save(saved)
    assert np.array_equal(answer(pickle.loads(data), many), expected, equal_nan=True)
    shutil.rmtree(saved)
    assert np.array_equal(answer(pickle.loads(data), many), expected, equal_nan=True)
    assert np.array_equal(answer(copy.deepcopy(loaded), many), expected, equal_nan=True)


def test_it_travels_with_its_parts_and_little_else(classifier: Classifier) -> None:
    _ = classifier.checkpoint.weights  # as arrays, which do not travel beside their bytes
    parts = sum(len(data) for data in classifier.checkpoint.parts.values())
    assert len(pickle.dumps(classifier)) < parts + 10_000


def test_threads_are_kept(classifier: Classifier) -> None:
    assert pickle.loads(pickle.dumps(Classifier(classifier.checkpoint, threads=2)))._threads == 2


def test_workers_of_multiprocessing_answer_the_same(saved: Path, many, expected) -> None:
    """Started afresh, not forked; the folder is gone before they begin."""
    loaded = load(saved)
    shutil.rmtree(saved)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        parts = pool.starmap(answer, [(loaded, many[:15]), (loaded, many[15:])])
    assert np.array_equal(np.concatenate(parts), expected, equal_nan=True)


def test_workers_of_dask_answer_the_same(classifier: Classifier, many, expected) -> None:
    dask = pytest.importorskip("dask", reason="dask is not installed")
    tasks = [dask.delayed(answer)(in_memory(classifier), part) for part in (many[:15], many[15:])]
    parts = dask.compute(*tasks, scheduler="processes", num_workers=2)
    assert np.array_equal(np.concatenate(parts), expected, equal_nan=True)


def test_workers_of_spark_answer_the_same(classifier: Classifier, many, expected) -> None:
    sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed")
    built = in_memory(classifier)
    spark = sql.SparkSession.builder.master("local[2]").getOrCreate()
    try:
        parts = spark.sparkContext.parallelize([many[:15], many[15:]], 2).map(
            lambda part: answer(built, part)
        )
        assert np.array_equal(np.concatenate(parts.collect()), expected, equal_nan=True)
    finally:
        spark.stop()
