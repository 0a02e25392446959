"""What a label would teach: the parts of the score, and how one choice changes the next."""

import numpy as np
import pytest

from firstlight.errors import UsageError
from firstlight.suggest.acquisition import BALANCE, DIVERSITY, UNCERTAINTY, choose, wanted

TIGHT = np.zeros((3, 2))


def test_the_weights_of_the_parts_add_up_to_one_so_that_a_score_lies_between_0_and_1() -> None:
    assert sum((UNCERTAINTY, BALANCE, DIVERSITY)) == pytest.approx(1.0)
    random = np.random.default_rng(1)
    choice = choose(random.dirichlet(np.ones(4), 50), random.normal(size=(50, 3)), 20)
    for part in choice[1:]:
        assert ((part >= 0) & (part <= 1)).all()
    parts = UNCERTAINTY * choice.uncertainty + BALANCE * choice.balance + DIVERSITY * choice.diversity
    assert choice.score == pytest.approx(parts)


def test_an_uncertain_answer_is_asked_before_a_certain_one() -> None:
    choice = choose([[0.9, 0.1], [0.5, 0.5], [0.99, 0.01]], TIGHT, 3, counts=[5, 5])
    assert choice.chosen.tolist() == [1, 0, 2]
    assert choice.uncertainty.tolist() == pytest.approx([1.0, 0.2, 0.02])


def test_a_class_with_few_labels_is_asked_before_one_with_many() -> None:
    choice = choose([[0.9, 0.1], [0.1, 0.9], [0.9, 0.1]], TIGHT, 1, counts=[100, 1])
    assert choice.chosen.tolist() == [1]
    assert wanted([99, 0]).tolist() == [0.01, 1.0]


def test_what_is_chosen_counts_for_the_balance_of_the_next() -> None:
    """Of two classes without labels both are asked for, not the same one twice."""
    answers = [[0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.9, 0.05, 0.05]]
    assert set(choose(answers, TIGHT, 2).chosen.tolist()) == {0, 1}


def test_of_equal_answers_the_one_unlike_what_is_labelled_comes_first() -> None:
    places = [[0.1, 0.0], [5.0, 5.0], [0.0, 0.2]]
    choice = choose(np.full((3, 2), 0.5), places, 3, labelled=[[0.0, 0.0]])
    assert choice.chosen[0] == 1
    assert choice.diversity[0] > 0.9


def test_of_equal_answers_the_list_does_not_ask_for_two_twins() -> None:
    places = [[0.0, 0.0], [0.0, 0.01], [3.0, 3.0]]
    assert choose(np.full((3, 2), 0.5), places, 2).chosen.tolist() == [0, 2]


def test_an_embedding_number_in_other_units_changes_nothing() -> None:
    random = np.random.default_rng(2)
    answers, places = random.dirichlet(np.ones(3), 40), random.normal(size=(40, 4))
    known = random.normal(size=(7, 4))
    units = np.array([1.0, 1e4, 1e-3, 1.0])
    one, other = (choose(answers, places * u, 10, labelled=known * u) for u in (1.0, units))
    assert one.chosen.tolist() == other.chosen.tolist()
    assert one.score == pytest.approx(other.score)


def test_at_most_all_are_chosen_and_of_nothing_nothing() -> None:
    assert sorted(choose(np.full((3, 2), 0.5), TIGHT, 10).chosen.tolist()) == [0, 1, 2]
    assert len(choose(np.empty((0, 2)), np.empty((0, 4)), 5).chosen) == 0
    assert choose(np.ones((2, 1)), np.zeros((2, 2)), 1).uncertainty.tolist() == [0.0]


def test_distances_in_pieces_are_those_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    args = random.dirichlet(np.ones(3), 60), random.normal(size=(60, 5)), 15
    known = random.normal(size=(9, 5))
    whole = choose(*args, labelled=known)
    monkeypatch.setattr("firstlight.suggest.acquisition._PAIRS_AT_ONCE", 20)
    assert choose(*args, labelled=known).chosen.tolist() == whole.chosen.tolist()


def test_arrays_of_different_objects_are_refused() -> None:
    with pytest.raises(UsageError, match="not of the same objects"):
        choose(np.ones((2, 2)), np.ones((3, 2)), 1)
