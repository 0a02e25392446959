import dataclasses
import json

import numpy as np
import pytest
import torch

from firstlight.classifier import Classifier, load
from firstlight.errors import CheckpointError, TrainingError, UnknownNameError, UsageError
from firstlight.learn import STANDARD, Recipe, epochs_for, fine_tune, history, pretrain
from firstlight.learn.calibrating import EDGES
from firstlight.learn.training import last_rows, macro_auroc
from firstlight.lightcurves import LightCurves

from .conftest import CLASSES, SMALL, labelled


def weights(classifier: Classifier) -> dict[str, np.ndarray]:
    return classifier.checkpoint.weights


def same(one: Classifier, other: Classifier) -> bool:
    a, b = weights(one), weights(other)
    return set(a) == set(b) and all(np.array_equal(a[name], b[name]) for name in a)


def test_training_learns_what_is_there():
    classifier = pretrain(labelled(120), sizes={"hidden": 16}, epochs=25, rate=5e-3, validation=0.0)
    test = labelled(60, seed=9)
    shares = classifier.classify(test).final()
    truth = np.array([classifier.classes.index(label) for label in test.column("label")])
    assert macro_auroc(shares.astype(float), truth) > 0.9


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(small, curves):
    settings = {"epochs": 2, "augmentation": STANDARD}
    one = fine_tune(small, curves, seed=4, **settings)
    assert same(one, fine_tune(small, curves, seed=4, **settings))
    assert one.hash == fine_tune(small, curves, seed=4, **settings).hash
    assert not same(one, fine_tune(small, curves, seed=5, **settings))


def test_training_leaves_the_random_state_of_torch_alone(small, curves):
    before = torch.get_rng_state()
    fine_tune(small, curves, epochs=1)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("strategy", ["full", "head-first", "adapters", "layer-wise"])
@pytest.mark.parametrize("stop", [1, 3])
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(tmp_path, small, curves, strategy, stop):
    settings = {"strategy": strategy, "epochs": 4, "augmentation": STANDARD, "members": 2, "validation": 0.25}
    whole = fine_tune(small, curves, **settings)
    calls = []

    def interrupt(row):
        calls.append(row)
        if len(calls) == stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fine_tune(small, curves, run=tmp_path / "run", progress=interrupt, **settings)
    again = fine_tune(small, curves, run=tmp_path / "run", progress=calls.append, **settings)
    assert same(whole, again)
    assert history(again).column("loss").equals(history(whole).column("loss"))
    assert len(calls) == history(whole).num_rows  # no epoch was trained twice


def test_a_folder_of_another_run_is_refused(tmp_path, small, curves):
    fine_tune(small, curves, run=tmp_path, epochs=1)
    with pytest.raises(UsageError, match="other settings"):
        fine_tune(small, curves, run=tmp_path, epochs=1, rate=1e-4)


@pytest.mark.parametrize(("epochs", "patience"), [(40, 2), (10, 50)])
def test_the_best_weights_come_back_whether_training_stopped_early_or_not(small, curves, epochs, patience):
    rows = []
    # At a rate far too high the loss on held-out objects rises again.
    tuned = fine_tune(
        small,
        curves,
        validation=0.3,
        rate=0.3,
        schedule="constant",
        epochs=epochs,
        patience=patience,
        augmentation={},
        progress=rows.append,
    )
    losses = [row["val_loss"] for row in rows]
    assert len(rows) < epochs if patience == 2 else len(rows) == epochs
    assert min(losses) < losses[-1]
    assert validation_loss(curves, tuned) == pytest.approx(min(losses), rel=1e-4)


def validation_loss(curves: LightCurves, tuned: Classifier) -> float:
    """The loss of these weights on the objects that the run above held out."""
    from firstlight.learn.fine_tuning import start_from
    from firstlight.learn.fitting import Training
    from firstlight.learn.networks import restore
    from firstlight.learn.training import validate
    from firstlight.learn.training_labels import index, read_names

    labels = index(read_names(curves), tuned.classes)
    recipe = Recipe(validation=0.3)
    training = Training(curves, labels, tuned.preparation, recipe, epochs=1)
    objects, held_out = training.split(0)
    config, (state,) = start_from(tuned, tuned.classes, None)
    return validate(
        restore(config, state), config, recipe, training.examples(held_out, training.weights(objects))
    )["val_loss"]


def test_the_history_is_a_table_with_a_row_an_epoch(small, curves):
    rows = []
    tuned = fine_tune(small, curves, epochs=3, members=2, validation=0.25, progress=rows.append)
    table = history(tuned)
    assert table.num_rows == len(rows) == 6
    for name in (
        "member",
        "phase",
        "epoch",
        "step",
        "rate",
        "loss",
        "val_loss",
        "val_macro_auroc",
        "seconds",
    ):
        assert name in table.column_names
    assert table.column("member").to_pylist() == [0, 0, 0, 1, 1, 1]
    assert table.column("rate").to_pylist()[2] < table.column("rate").to_pylist()[0]


def test_packaged_foreign_weights_have_no_history():
    with pytest.raises(CheckpointError, match="no training history"):
        history(load("reference"))


def test_members_answer_together_and_the_first_does_not_depend_on_their_number(small, curves):
    one = fine_tune(small, curves, epochs=1)
    two = fine_tune(small, curves, epochs=1, members=2)
    assert np.array_equal(weights(one)["output.weight"], weights(two)["members.0.output.weight"])
    assert not np.array_equal(
        weights(two)["members.0.output.weight"], weights(two)["members.1.output.weight"]
    )
    again = fine_tune(two, curves, epochs=1)  # as many as the base has
    assert "members.1.output.weight" in weights(again)
    shares = two.classify(curves).final()
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-5)


def test_provenance_and_card_say_what_it_was_trained_on(small, curves):
    some = curves.with_labels([*list(curves.column("label"))[:-3], None, None, "AGN"])
    replay = labelled(30, seed=5)
    tuned = fine_tune(small, some, classes=CLASSES, replay=replay, epochs=1, draws=40, seed=8, name="mine")
    training = tuned.checkpoint.config["training"]
    assert training["labels"] == {"SN Ia": 11, "SN II": 11, "TDE": 11}
    assert (training["unlabelled"], training["outside"], training["seed"]) == (2, 1, 8)
    assert training["base"] == {"name": "small", "version": small.version, "hash": small.hash}
    assert sum(training["replay"].values()) == 30 and training["recipe"]["draws"] == 40
    assert tuned.name == "mine" and "torch" in training["versions"]
    for text in (
        "# mine",
        "| TDE | 11 |",
        "2 objects without a label",
        "1 of classes outside",
        "30 labelled base",
    ):
        assert text in tuned.card
    assert tuned.preparation == small.preparation
    json.dumps(training)


def test_labelled_objects_without_a_detection_are_counted(small, curves):
    faint = dataclasses.replace(curves, detected=curves.detected & (curves.owner > 3))
    tuned = fine_tune(small, faint, epochs=1)
    assert tuned.checkpoint.config["training"]["silent"] == 4
    assert "4 labelled objects have no detection" in tuned.card


def test_replay_mixes_the_base_in_and_is_not_counted_as_labels(small, curves):
    two = labelled(20, classes=("SN Ia", "SN II"))
    tuned = fine_tune(small, two, replay=labelled(30, seed=5), epochs=1)
    place = tuned.classes.index("TDE")
    assert not np.array_equal(weights(tuned)["output.weight"][place], weights(small)["output.weight"][place])
    assert tuned.checkpoint.config["training"]["labels"]["TDE"] == 0


def test_the_pull_keeps_the_weights_nearer_to_the_base(small, curves):
    def distance(pull):
        tuned = fine_tune(small, curves, epochs=3, rate=1e-2, pull=pull)
        return sum(np.square(weights(tuned)[name] - weights(small)[name]).sum() for name in weights(small))

    assert distance(10.0) < 0.5 * distance(0.0)


def test_temperatures_are_fitted_on_labels_that_were_held_back(small, curves):
    tuned = fine_tune(small, curves, epochs=2, calibration_folds=3)
    assert tuned.calibration.temperature_edges == EDGES
    assert len(tuned.calibration.temperatures) == len(EDGES) + 1
    assert sum(tuned.calibration.training_shares.values()) == pytest.approx(1.0)
    # Folds decide nothing about the weights.
    assert same(tuned, fine_tune(small, curves, epochs=2))


def test_metadata_reaches_the_network(curves):
    from firstlight.preparation import Preparation

    classifier = pretrain(
        curves, preparation=Preparation(metadata=("mwebv",)), sizes=SMALL, epochs=1, augmentation=STANDARD
    )
    assert classifier.checkpoint.config["network"]["context"] == 1
    assert np.isfinite(classifier.classify(curves).final()).all()


def test_the_reference_preset_can_be_trained_from_scratch(curves):
    classifier = pretrain(curves, preset="reference", epochs=1)
    assert classifier.preparation.features == "reference"
    assert weights(classifier)["recurrent.weight_hh_l0"].shape == (300, 100)


def test_a_saved_classifier_is_the_same_after_loading(tmp_path, small, curves):
    tuned = fine_tune(small, curves, epochs=1, out=tmp_path / "mine")
    again = load(tmp_path / "mine")
    assert again.hash == tuned.hash
    assert np.array_equal(again.classify(curves).final(), tuned.classify(curves).final(), equal_nan=True)
    tuned.save(tmp_path / "copy")
    assert load(tmp_path / "copy").hash == tuned.hash


def test_unknown_settings_are_refused_with_the_nearest(small, curves):
    with pytest.raises(UnknownNameError, match="epochs"):
        fine_tune(small, curves, epoch=3)
    with pytest.raises(UnknownNameError, match="cosine"):
        Recipe(schedule="cosin")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="batch_size"):
        Recipe(batch_size=0)
    with pytest.raises(UnknownNameError, match="default"):
        pretrain(curves, preset="defalt")


def test_a_loss_that_is_not_finite_stops_training(small, curves):
    with pytest.raises(TrainingError, match="finite"):
        fine_tune(small, curves, epochs=30, rate=1e30, gradient_norm=1e30)


def test_epochs_fall_with_the_number_of_labels():
    assert [epochs_for(n) for n in (10, 100, 200, 1000, 5022, 100_000)] == [40, 40, 40, 20, 10, 10]


def test_the_last_issued_row_is_found():
    values = torch.arange(6.0).reshape(2, 3, 1)
    issued = torch.tensor([[True, True, False], [False, True, True]])
    assert last_rows(values, issued).tolist() == [[1.0], [5.0]]


def test_macro_auroc_is_that_of_scikit_learn():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    shares = np.round(rng.dirichlet(np.ones(4), 300), 1)
    shares = (shares + 0.01) / (shares + 0.01).sum(1, keepdims=True)
    truth = rng.integers(0, 4, 300)
    expected = np.mean([roc_auc_score(truth == k, shares[:, k]) for k in range(4)])
    assert macro_auroc(shares, truth) == pytest.approx(expected)
    assert np.isnan(macro_auroc(shares, np.zeros(300, int)))
