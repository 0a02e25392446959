"""Law 7: two runs, two threads, the same bits."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from firstlight.classifier import load


def test_two_runs_and_two_loads_give_the_same_bits(classifier, bump) -> None:
    first = classifier.classify(bump).probabilities
    assert np.array_equal(first, classifier.classify(bump).probabilities, equal_nan=True)
    assert np.array_equal(
        first, load(classifier.checkpoint.path).classify(bump).probabilities, equal_nan=True
    )


def test_eight_threads_share_one_classifier(classifier, bump) -> None:
    first = classifier.classify(bump).probabilities
    with ThreadPoolExecutor(8) as pool:
        for answers in pool.map(classifier.classify, [bump] * 64):
            assert np.array_equal(first, answers.probabilities, equal_nan=True)
