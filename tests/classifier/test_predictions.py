"""Looking at predictions: at a moment, as a table."""

import json

import numpy as np
import pyarrow as pa
import pytest

from firstlight.errors import UsageError
from firstlight.lightcurves import LightCurves


@pytest.fixture(scope="module")
def answers(classifier, many: LightCurves):
    return classifier.classify(many)


def test_final_is_the_last_row_of_each_object(answers, many: LightCurves) -> None:
    final = answers.final()
    assert final.shape == (len(many), len(answers.classes))
    for k in range(len(many)):
        rows = answers.probabilities[many.offsets[k] : many.offsets[k + 1]]
        assert np.array_equal(final[k], rows[-1] if len(rows) else np.full(6, np.nan), equal_nan=True)


@pytest.mark.parametrize("detections", [1, 2, 5, 1000])
def test_at_detections_is_what_was_known_then(
    classifier, many: LightCurves, answers, detections: int
) -> None:
    then = classifier.classify(many.until(detections=detections)).final()
    np.testing.assert_allclose(answers.at(detections=detections), then, atol=1e-6)


@pytest.mark.parametrize("days", [0.0, 3.0, 50.0, 150.0, 1e4])
def test_at_days_is_what_was_known_then(classifier, many: LightCurves, answers, days: float) -> None:
    then = classifier.classify(many.until(days_since_trigger=days)).final()
    np.testing.assert_allclose(answers.at(days_since_trigger=days), then, atol=1e-6)


def test_at_needs_one_moment(answers) -> None:
    with pytest.raises(UsageError, match="NaN days"):
        answers.at(days_since_trigger=np.nan)
    for wrong in ({}, {"detections": 3, "days_since_trigger": 2.0}, {"detections": 0}):
        with pytest.raises(UsageError):
            answers.at(**wrong)


def test_the_table_has_a_row_an_object_and_a_column_a_class(answers, classifier) -> None:
    table = answers.to_arrow()
    names = ["object_id", *classifier.classes, "best_class", "best_probability"]
    names += ["n_observations", "n_detections", "flags", "flag_names"]
    names += ["classifier", "classifier_version", "classifier_hash"]
    assert table.column_names == names and table.num_rows == len(answers)
    assert table.schema.field("flags").type == pa.uint16()
    assert table["object_id"].to_pylist() == answers.object_id
    unknown = np.isnan(answers.final()[:, 0])
    assert unknown.any() and table["SN Ia"].null_count == unknown.sum()
    assert not any(value == 0.0 for value in table["SN Ia"].to_pylist() if value is not None)


def test_the_long_table_has_a_row_an_observation_in_order_of_time(answers, many: LightCurves) -> None:
    table = answers.to_arrow(every_observation=True)
    assert table.column_names[:4] == ["object_id", "mjd", "passband", "days_since_trigger"]
    assert table.num_rows == len(many.time)
    assert np.array_equal(table["mjd"].to_numpy(), many.time)
    owners = [many.object_id[k] for k in many.owner]
    assert table["object_id"].to_pylist() == owners
    assert table["passband"].to_pylist() == [many.passbands[code] for code in many.passband]
    assert table["days_since_trigger"].null_count == np.isnan(answers.days_since_trigger).sum()


def test_tables_carry_who_answered(answers, classifier) -> None:
    for table in (answers.to_arrow(), answers.to_arrow(every_observation=True)):
        said = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
        assert said["firstlight.classifier"] == "format-1" and said["firstlight.version"] == "1"
        assert said["firstlight.hash"] == classifier.hash and len(classifier.hash) == 64
        assert json.loads(said["firstlight.classes"]) == list(classifier.classes)


def test_no_light_curves_give_no_rows_with_the_same_schema(classifier, answers) -> None:
    nothing = LightCurves.from_columns(
        object_id=[], time=[], passband=[], flux=[], flux_err=[], flux_unit="nJy", survey="ZTF"
    )
    empty = classifier.classify(nothing)
    assert len(empty) == 0 and empty.final().shape == (0, 6)
    assert empty.at(detections=3).shape == empty.at(days_since_trigger=3.0).shape == (0, 6)
    for every in (False, True):
        schema = answers.to_arrow(every_observation=every).schema
        assert empty.to_arrow(every_observation=every).schema.equals(schema, check_metadata=True)


def test_frames_say_the_same(answers) -> None:
    pandas = pytest.importorskip("pandas")
    frame = answers.to_pandas()
    assert isinstance(frame, pandas.DataFrame) and list(frame["object_id"]) == answers.object_id
    polars = pytest.importorskip("polars")
    assert isinstance(answers.to_polars(every_observation=True), polars.DataFrame)
