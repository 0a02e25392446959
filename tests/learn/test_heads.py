import numpy as np
import torch

from firstlight.classifier import load
from firstlight.learn import head_mixture, match_head, merged_classes

CLASSES = load("reference").classes
ZTF = ("SN Ia", "SN II", "SN Ib/c", "SLSN-I", "TDE")


def test_finer_classes_of_the_base_merge_into_the_labels_and_the_others_stay():
    assert merged_classes(CLASSES, ZTF) == ("AGN", "SLSN-I", "SN II", "SN Ia", "SN Ib/c", "TDE")
    assert merged_classes(("SN Ia", "TDE"), ("SN Ia-91bg-like",)) == ("SN Ia", "TDE", "SN Ia-91bg-like")


def test_a_coarser_class_starts_from_the_mean_of_what_it_covers():
    mixture = head_mixture(CLASSES, ZTF)
    np.testing.assert_allclose(mixture.sum(1), 1)
    members = {one for one, share in zip(CLASSES, mixture[2], strict=True) if share}
    assert members == {"SN Ib", "SN Ic", "SN Ic-BL"}
    members = {one for one, share in zip(CLASSES, mixture[0], strict=True) if share}
    assert members == {"SN Ia", "SN Ia-91bg-like", "SN Iax[02cx-like]"}


def test_a_new_class_starts_from_its_nearest_relatives():
    assert head_mixture(ZTF, ("SN IIn", "SN Ia")).tolist() == [[0, 1, 0, 0, 0], [1, 0, 0, 0, 0]]
    stranger = head_mixture(("SN Ia", "SN II"), ("AGN",))
    assert stranger.tolist() == [[0.5, 0.5]]


def test_kept_rows_are_copied_to_the_last_bit_in_any_order():
    torch.manual_seed(0)
    weight, bias = torch.randn(5, 7), torch.randn(5)
    rows, biases = match_head(weight, bias, ZTF, ("TDE", "SN Ia"))
    assert torch.equal(rows, weight[[4, 0]]) and torch.equal(biases, bias[[4, 0]])
