from pathlib import Path

import numpy as np
import pytest

from firstlight.errors import TrainingError, UnknownNameError, UsageError
from firstlight.learn import fine_tune, pretrain, read_names
from firstlight.learn.training_labels import folds, index, label_map

from .conftest import labelled


def test_any_spelling_is_read_under_its_tns_name_and_missing_ones_stay_missing():
    curves = labelled(4).with_labels(["SNIa", None, "sn_ii", ""])
    assert read_names(curves) == ["SN Ia", None, "SN II", None]
    numbers = labelled(3).with_labels(["90", "42", "15"])
    assert read_names(numbers, scheme="plasticc") == ["SN Ia", "SN II", "TDE"]


def test_an_unknown_label_is_counted_and_answered_with_the_nearest_class():
    curves = labelled(10).with_labels(["SNIa-norm"] * 4 + ["SN II"] * 6)
    with pytest.raises(UnknownNameError, match=r"'SNIa-norm' \(4 objects\).*Did you mean 'SN Ia'"):
        read_names(curves)
    assert read_names(curves, labels={"SNIa-norm": "SN Ia"})[0] == "SN Ia"


def test_light_curves_without_labels_are_refused():
    curves = labelled(4)
    bare = type(curves)(**{**vars_of(curves), "objects": curves.objects.drop_columns("label")})
    with pytest.raises(TrainingError, match="label"):
        read_names(bare)


def vars_of(curves):
    names = ("time", "passband", "flux", "flux_err", "detected", "limit", "flags", "offsets", "bands")
    return {name: getattr(curves, name) for name in names}


def test_too_few_labels_are_counted_in_the_error(small):
    curves = labelled(12).with_labels(["SN Ia"] * 9 + ["SN II"] * 3)
    with pytest.raises(
        TrainingError, match=r"2 classes with 5 objects each; found SN Ia 9, SN II 3\..*output"
    ):
        fine_tune(small, curves)
    with pytest.raises(TrainingError, match="Pretraining needs"):
        pretrain(curves)
    assert fine_tune(small, curves, strategy="output", epochs=1).classes == small.classes
    with pytest.raises(TrainingError, match="found no labelled object"):
        fine_tune(small, labelled(6).with_labels([None] * 6))


def test_labels_fall_to_their_nearest_class_and_the_rest_is_counted():
    labels = index(["SN IIn", "SN II", None, "AGN", "SN Ia-91bg-like"], ("SN Ia", "SN II"))
    assert labels.target.tolist() == [1, 1, -1, -1, 0]
    assert (labels.unlabelled, labels.outside) == (1, 1)
    assert labels.counts == {"SN Ia": 1, "SN II": 2}


def test_folds_spread_every_class_evenly():
    target = np.array([0] * 17 + [1] * 5 + [-1] * 3)
    fold = folds(target, 3, np.random.default_rng(0))
    assert (fold[target < 0] == -1).all()
    for one in (0, 1):
        counts = np.bincount(fold[target == one], minlength=3)
        assert counts.max() - counts.min() <= 1


def test_a_file_maps_labels_as_a_mapping_does(tmp_path: Path) -> None:
    file = tmp_path / "labels.toml"
    file.write_text('"SNIa-norm" = "SN Ia"\n')
    assert label_map(file) == label_map({"SNIa-norm": "SN Ia"}) == {"SNIa-norm": "SN Ia"}
    with pytest.raises(UsageError, match="labels: there is no"):
        label_map(tmp_path / "other.toml")
    file.write_text("a = 1\n")
    with pytest.raises(UsageError, match="must hold lines of the form"):
        label_map(file)
