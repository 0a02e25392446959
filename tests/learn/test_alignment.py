import numpy as np
import pytest
import torch

from firstlight.learn import history, pretrain
from firstlight.learn.alignment import Critic, contrast, last_rows
from firstlight.learn.batches import label
from firstlight.lightcurves import LightCurves
from firstlight.preparation import Preparation

from .conftest import SMALL, labelled


def critic(strength: float = 1.0) -> Critic:
    curves = labelled(6)
    examples = label(Preparation()(curves), np.zeros(6, np.int64), np.ones(6, np.float32))
    return Critic.of(examples, 4, strength, 0, "cpu")


def test_the_gradient_that_reaches_the_embedding_is_reversed():
    torch.manual_seed(0)
    rows = torch.full((3, 2), 0.5)
    gradients = []
    for strength in (1.0, -2.0):
        one = torch.ones(3, 2, 4, requires_grad=True)
        critic(strength).loss(one, rows, torch.zeros(3, 2, 4), rows).backward()
        gradients.append(one.grad)
    assert torch.allclose(gradients[1], -2 * gradients[0]) and gradients[0].abs().sum() > 0


def test_embeddings_of_one_class_that_lie_together_have_a_small_contrast_loss():
    apart = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    target = torch.tensor([0, 0, 1, 1])
    assert contrast(apart, target) < 0.1 < contrast(apart, torch.tensor([0, 1, 0, 1]))
    assert contrast(apart, torch.arange(4)) == 0


def test_the_last_issued_row_is_found():
    values = torch.arange(6.0).reshape(2, 3, 1)
    issued = torch.tensor([[True, True, False], [False, True, True]])
    assert last_rows(values, issued).tolist() == [[1.0], [5.0]]


def test_unlabelled_light_curves_take_part_and_their_labels_do_not(curves: LightCurves):
    other = labelled(20, seed=7)
    settings = {"sizes": SMALL, "epochs": 2, "validation": 0.0}
    plain = pretrain(curves, **settings)
    one = pretrain(curves, unlabelled=other, **settings)
    two = pretrain(curves, unlabelled=other.with_labels([None] * 20), **settings)
    assert one.hash == two.hash != plain.hash
    assert pretrain(curves, unlabelled=other, alignment=0.0, **settings).hash == plain.hash
    assert one.checkpoint.config["training"]["aligned"] == 20
    assert pretrain(curves, contrast=0.1, **settings).hash != plain.hash


def test_an_aligned_run_that_was_stopped_goes_on_to_the_same_bits(tmp_path, curves: LightCurves):
    other = labelled(20, seed=7)
    settings = {"sizes": SMALL, "epochs": 3, "validation": 0.0, "unlabelled": other, "contrast": 0.1}
    whole = pretrain(curves, **settings)

    def interrupt(row):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretrain(curves, run=tmp_path, progress=interrupt, **settings)
    again = pretrain(curves, run=tmp_path, **settings)
    assert again.hash == whole.hash
    assert history(again).column("loss").equals(history(whole).column("loss"))
