"""Which spectra to take next: who is ranked, who is left out and why, and what the table says."""

import numpy as np
import pytest

import firstlight as fl
from firstlight.classifier import Classifier
from firstlight.errors import UnknownNameError, UsageError
from firstlight.lightcurves import LightCurves
from firstlight.suggest import Choice, Suggestions, suggest
from firstlight.suggest.ranking import latest
from firstlight.suggest.suggestions import reasons

PARTS = ("uncertainty", "balance", "diversity")

# --- helpers ------------------------------------------------------------------------------------------------


def labelled_as(curves: LightCurves, labels: list[str | None]) -> LightCurves:
    """The same light curves with these labels."""
    return curves.with_objects({"object_id": curves.object_id, "label": labels})


def some_labels(classifier: Classifier, curves: LightCurves, number: int) -> LightCurves:
    """The light curves, every third of which has a label, as many as `number`."""
    labels: list[str | None] = [None] * len(curves)
    for k in range(number):
        labels[3 * k] = classifier.classes[k % len(classifier.classes)]
    return labelled_as(curves, labels)


# --- who is ranked ------------------------------------------------------------------------------------------


def test_the_list_is_best_first_and_holds_no_labelled_object(
    classifier: Classifier, many: LightCurves
) -> None:
    curves = some_labels(classifier, many, 5)
    found = suggest(classifier, curves, number=6)
    assert len(found) == 6
    assert found.left_out["with a label"] == 5
    has_label = {name for name, one in zip(curves.object_id, curves.column("label"), strict=True) if one}
    assert not has_label & set(found.object_id)
    assert found.candidates + sum(found.left_out.values()) == len(many)


def test_labels_in_the_same_table_or_in_another_give_the_same_list(
    classifier: Classifier, many: LightCurves
) -> None:
    curves = some_labels(classifier, many, 5)
    has = np.array([one is not None for one in curves.column("label")])
    together = suggest(classifier, curves, number=8)
    apart = suggest(classifier, many[~has], number=8, labelled=curves[has])
    both = suggest(classifier, many, number=8, labelled=curves)
    assert together.object_id == apart.object_id == both.object_id
    assert together.score == pytest.approx(apart.score)


def test_the_order_of_the_table_and_a_second_call_change_nothing(
    classifier: Classifier, many: LightCurves
) -> None:
    curves = some_labels(classifier, many, 4)
    shuffled = curves.take(np.random.default_rng(8).permutation(len(curves)))
    one, again, other = (suggest(classifier, table, number=9) for table in (curves, curves, shuffled))
    assert one.object_id == again.object_id == other.object_id
    assert one.to_arrow().equals(again.to_arrow())


def test_the_seed_decides_between_twins_only(classifier: Classifier, many: LightCurves) -> None:
    longest = many[[int(np.argmax(many.n_observations))] * 4]
    names = ["a", "b", "c", "d"]
    columns = {name: getattr(longest, name) for name in ("time", "flux", "flux_err", "limit")}
    twins = LightCurves.from_columns(
        object_id=np.repeat(names, longest.n_observations),
        passband=[longest.passbands[k] for k in longest.passband],
        **columns,
        flux_unit="nJy",
        survey="ZTF",
    )
    first = {suggest(classifier, twins, number=1, seed=seed).object_id[0] for seed in range(12)}
    assert len(first) > 1


def test_what_cannot_be_observed_any_more_is_left_out_with_the_reason(
    classifier: Classifier, many: LightCurves
) -> None:
    magnitude, days = latest(many)
    limit, within = float(np.nanmedian(magnitude)), float(np.nanmedian(days))
    found = suggest(classifier, many, number=30, magnitude_limit=limit, seen_within=within)
    assert (found.magnitude <= limit).all()
    assert (found.days_since_detection <= within).all()
    assert found.left_out[f"fainter than {limit:g} mag"] > 0
    assert found.left_out[f"not detected in the last {within:g} days"] > 0
    assert found.candidates + sum(found.left_out.values()) == len(many)


def test_the_latest_magnitude_is_that_of_the_last_detection() -> None:
    curves = LightCurves.from_columns(
        object_id=["a", "a", "a", "b", "c"],
        time=[59_000.0, 59_010.0, 59_011.0, 59_020.0, 59_005.0],
        passband=["g", "r", "g", "r", "r"],
        flux=[1e5, 1e4, 10.0, 1e6, 10.0],
        flux_err=[100.0, 100.0, 100.0, 100.0, 100.0],
        flux_unit="nJy",
        survey="ZTF",
    )
    magnitude, days = latest(curves)
    assert magnitude[:2] == pytest.approx([21.4, 16.4])
    assert days[:2] == pytest.approx([10.0, 0.0])
    assert np.isnan([magnitude[2], days[2]]).all()


# --- what counts as labelled --------------------------------------------------------------------------------


def test_a_label_of_another_type_is_not_asked_for_again_but_counts_for_no_class(
    classifier: Classifier, many: LightCurves
) -> None:
    labels: list[str | None] = [None] * len(many)
    labels[2] = "AGN" if "AGN" not in classifier.classes else "Kilonova"
    found = suggest(classifier, labelled_as(many, labels), number=30)
    assert many.object_id[2] not in found.object_id
    assert (found.diversity < 1).all()


def test_a_spelling_that_is_no_class_is_refused_with_the_nearest(
    classifier: Classifier, many: LightCurves
) -> None:
    with pytest.raises(UnknownNameError, match="Label 'SN Iq'"):
        suggest(classifier, labelled_as(many, ["SN Iq", *[None] * (len(many) - 1)]))


def test_labelled_light_curves_without_any_label_are_refused(
    classifier: Classifier, many: LightCurves
) -> None:
    with pytest.raises(UsageError, match="none of the labelled light curves has a label"):
        suggest(classifier, many, labelled=many)


def test_when_nothing_is_left_the_error_says_why(classifier: Classifier, many: LightCurves) -> None:
    every = labelled_as(many, [classifier.classes[0]] * len(many))
    with pytest.raises(UsageError, match="no object is left to suggest: 30 with a label"):
        suggest(classifier, every)
    with pytest.raises(UsageError, match="fainter than 1 mag"):
        suggest(classifier, many, magnitude_limit=1.0)
    with pytest.raises(UsageError, match="0 objects are too few"):
        suggest(classifier, many, number=0)


def test_what_is_no_light_curve_is_refused(classifier: Classifier, many: LightCurves) -> None:
    with pytest.raises(UsageError, match="not a Table"):
        suggest(classifier, many.to_arrow())
    with pytest.raises(UsageError, match="not a list"):
        suggest(classifier, many, labelled=[many])  # type: ignore[arg-type]


def test_without_labels_those_that_the_classifier_was_fine_tuned_on_count(many: LightCurves) -> None:
    """The packaged classifier saw few TDEs and many SNe Ia: a TDE is wanted more."""
    found = suggest(
        "ztf",
        fl.sample("ztf").with_objects({"object_id": fl.sample("ztf").object_id, "label": [None] * 14}),
        seen_within=None,
    )
    rare = found.probabilities[:, found.classes.index("TDE")]
    common = found.probabilities[:, found.classes.index("SN Ia")]
    assert found.balance[int(np.argmax(rare))] > found.balance[int(np.argmax(common))]


# --- what it says -------------------------------------------------------------------------------------------


def test_the_table_holds_rank_reason_magnitude_parts_and_probabilities(
    classifier: Classifier, many: LightCurves
) -> None:
    table = suggest(classifier, many, number=3).to_arrow()
    first = ["rank", "object_id", "ra", "dec", "score", "reason", "magnitude", "days_since_detection", *PARTS]
    said = ["classifier", "classifier_version", "classifier_hash"]
    assert table.column_names == [*first, *classifier.classes, *said]
    assert table["rank"].to_pylist() == [1, 2, 3]
    assert table.schema.metadata[b"firstlight.hash"].decode() == classifier.hash
    assert all(table["reason"].to_pylist())


def said(p: list[float], counts: list[float], diversity: float = 0.5, *, compared: bool = True) -> str:
    """The reason for one object in three classes."""
    nothing = np.zeros(1)
    choice = Choice(np.zeros(1, np.int64), nothing, nothing, nothing, np.array([diversity]))
    (line,) = reasons(
        choice, np.array([p]), ("SN Ia", "SLSN-I", "TDE"), np.array(counts, np.float64), compared=compared
    )
    return line


def test_the_reason_says_what_it_may_be_what_has_few_labels_and_what_it_is_unlike() -> None:
    few = [99.0, 1.0, 1.0]
    assert said([0.05, 0.5, 0.45], [300, 200, 1], 0.8) == (
        "SLSN-I or TDE; few labels of TDE; unlike what is labelled"
    )
    assert said([0.9, 0.05, 0.05], few) == "probably SN Ia"
    assert said([0.7, 0.2, 0.1], few) == "perhaps SN Ia"
    assert said([0.34, 0.33, 0.33], [0, 0, 0]) == "SN Ia, SLSN-I or TDE; no labels of any"
    assert said([0.1, 0.45, 0.45], [5, 0, 0], 0.9, compared=False) == "SLSN-I or TDE; no labels of either"


# --- how it is called ---------------------------------------------------------------------------------------


def test_the_order_of_before_still_works_and_says_the_new_one(
    classifier: Classifier, many: LightCurves
) -> None:
    with pytest.warns(DeprecationWarning, match=r"now suggest\(classifier, curves\)"):
        before = suggest(many, classifier, number=3)
    named = suggest(curves=many, classifier=classifier, number=3)
    assert before.object_id == named.object_id == suggest(classifier, many, number=3).object_id
    with pytest.warns(DeprecationWarning):
        assert suggest(many, number=2).classifier == "ztf"
    with pytest.raises(UsageError, match="not a NoneType"):
        suggest(classifier)


def test_the_old_home_says_the_new_one() -> None:
    import firstlight.classifier as room

    with pytest.warns(DeprecationWarning, match=r"firstlight\.suggest\.Suggestions"):
        assert room.Suggestions is Suggestions
    with pytest.raises(ImportError, match=r"is now Checkpoint\.build"):
        _ = room.write_checkpoint
