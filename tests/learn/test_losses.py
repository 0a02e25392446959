import numpy as np
import pytest
import torch

from firstlight.learn.training import cross_entropy, pull, row_weights
from firstlight.learn.training_labels import class_weights


def test_class_weights_come_from_the_counts_alone_and_have_mean_one():
    target = np.array([0] * 90 + [1] * 10)
    weights = class_weights(target, 3, 0.5)
    assert weights[2] == 0 and weights[1] / weights[0] == pytest.approx(3.0)
    assert weights[target].mean() == pytest.approx(1.0)
    assert class_weights(target, 3, 0.0)[:2].tolist() == [1, 1]


def test_rows_of_a_light_curve_sum_to_one_whatever_its_length():
    issued = torch.tensor([[0, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1], [0, 0, 1, 0, 0, 0]], dtype=torch.bool)
    for prefixes in (True, False):
        rows = row_weights(issued, prefixes=prefixes, power=0.5)
        torch.testing.assert_close(rows.sum(1), torch.ones(3))
        assert not rows[~issued].any()
    rows = row_weights(issued, prefixes=True, power=0.5)
    assert rows[1, 3] / rows[1, 0] == pytest.approx(2.0)


def test_without_prefixes_only_the_last_issued_row_counts():
    issued = torch.tensor([[0, 1, 1, 0], [1, 1, 1, 1]], dtype=torch.bool)
    assert row_weights(issued, prefixes=False, power=0.5).tolist() == [[0, 0, 1, 0], [0, 0, 0, 1]]


def test_a_long_light_curve_counts_no_more_than_a_short_one():
    torch.manual_seed(0)
    logits = torch.zeros(2, 50, 4)
    issued = torch.zeros(2, 50, dtype=torch.bool)
    issued[0, :3], issued[1] = True, True
    rows = row_weights(issued, prefixes=True, power=0.5)
    for one in range(2):
        weight = torch.tensor([0.0, 0.0])
        weight[one] = 1
        loss = cross_entropy(logits, torch.tensor([1, 2]), weight, rows)
        assert float(loss) == pytest.approx(np.log(4) / 2)


def test_the_loss_is_torch_cross_entropy_and_smoothing_too():
    torch.manual_seed(0)
    logits, target = torch.randn(6, 1, 4), torch.randint(4, (6,))
    for smoothing in (0.0, 0.1):
        ours = cross_entropy(logits, target, torch.ones(6), torch.ones(6, 1), smoothing=smoothing)
        theirs = torch.nn.functional.cross_entropy(logits[:, 0], target, label_smoothing=smoothing)
        torch.testing.assert_close(ours, theirs)


def test_the_pull_is_half_the_squared_distance():
    assert float(pull([torch.tensor([3.0, 4.0])], [torch.zeros(2)])) == 12.5
