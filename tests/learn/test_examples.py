import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from firstlight.learn import Augmentation, Recipe, training_labels
from firstlight.learn.examples import EpochSampler, Examples, Pool, batches, label, plan_batches
from firstlight.learn.fitting import Training, replay_pool
from firstlight.preparation import Preparation

from .conftest import CLASSES, labelled


def examples(n=20, seed=0):
    curves = labelled(n, seed)
    return label(Preparation()(curves), np.arange(n) % 3, np.ones(n, np.float32))


@given(st.lists(st.integers(1, 40), min_size=1, max_size=300), st.integers(1, 64), st.integers(0, 9))
def test_every_sequence_is_in_exactly_one_batch(lengths, size, seed):
    cut = plan_batches(np.array(lengths), size, np.random.default_rng(seed))
    assert sorted(np.concatenate(cut)) == list(range(len(lengths)))
    assert max(map(len, cut)) <= size


def test_batches_hold_like_lengths_and_follow_the_seed():
    lengths = np.random.default_rng(0).integers(1, 200, 2000)

    def padding(cut):
        return sum(len(b) * lengths[b].max() for b in cut) / lengths.sum()

    cut = plan_batches(lengths, 64, np.random.default_rng(5))
    assert padding(cut) < 1.15
    again = plan_batches(lengths, 64, np.random.default_rng(5))
    assert all(np.array_equal(a, b) for a, b in zip(cut, again, strict=True))
    other = plan_batches(lengths, 64, np.random.default_rng(6))
    assert not all(np.array_equal(a, b) for a, b in zip(cut, other, strict=True))


def test_rows_of_a_batch_are_those_of_the_sequences_and_padding_is_not_issued():
    all_of_them = examples()
    for batch in batches(all_of_them, 7, np.random.default_rng(0)):
        for k, index in enumerate(batch.index):
            a, b = all_of_them.offsets[index : index + 2]
            assert np.array_equal(batch.features[k, : b - a], all_of_them.features[a:b])
            assert not batch.features[k, b - a :].any() and not batch.issued[k, b - a :].any()
            assert batch.target[k] == all_of_them.target[index]


def test_seasons_share_the_weight_of_their_object():
    curves = labelled(4)
    late = labelled(4)
    # The same objects once more, a year later.
    from firstlight.lightcurves import LightCurves

    both = LightCurves.from_columns(
        object_id=[
            i
            for c in (curves, late)
            for o, i in zip(np.diff(c.offsets), c.object_id, strict=True)
            for i in [i] * o
        ],
        time=np.concatenate([curves.time, late.time + 365]),
        passband=[c.passbands[b].rpartition("-")[2] for c in (curves, late) for b in c.passband],
        flux=np.concatenate([curves.flux, late.flux]),
        flux_err=np.concatenate([curves.flux_err, late.flux_err]),
        flux_unit="nJy",
        survey="ZTF",
    )
    made = label(Preparation()(both), np.arange(4) % 2, np.full(4, 2.0, np.float32))
    assert len(made) == 8
    np.testing.assert_allclose(np.bincount(made.owner, made.weight), 2.0, rtol=1e-6)


def test_objects_without_a_label_give_no_examples():
    curves = labelled(6)
    made = label(Preparation()(curves), np.array([0, -1, 1, -1, 0, 1]), np.ones(6, np.float32))
    assert made.owner.tolist() == [0, 2, 4, 5] and made.target.tolist() == [0, 1, 0, 1]
    assert len(made.features) == made.offsets[-1] == len(made.issued)


def test_parts_are_joined_with_owners_that_count_on():
    one, other = examples(5), examples(4, seed=1)
    both = Examples.concatenate([one, other])
    assert len(both) == 9 and np.array_equal(both.take(np.arange(5, 9)).features, other.features)
    assert both.owner.tolist() == list(range(9))


def test_an_epoch_draws_every_object_equally_often_whether_augmented_or_not():
    curves = labelled(10)
    target = np.arange(10) % 3
    for how in (Augmentation(), Augmentation(zero_point=0.01)):
        pool = Pool(curves, target, np.ones(10, np.float32), draws=25)
        (part,) = EpochSampler((pool,), Preparation(), how)(np.random.default_rng(0))
        assert len(part) == 25
        firsts = part.features[part.offsets[:-1], 4]  # gap of the first row: 0 for every object
        assert not firsts.any()
        counts = np.bincount(part.target, minlength=3)
        assert counts.min() >= 6


def test_light_curves_replayed_by_many_trainings_are_prepared_once():
    curves, preparation = labelled(12, 0), Preparation()
    labels = training_labels.index(training_labels.read_names(curves), CLASSES)
    pool = replay_pool(curves, labels, preparation, Recipe())
    training = Training(curves, labels, preparation, Recipe(), epochs=1, replay=pool)
    for one in (training, training.blended(0.5)):
        task = one.task(training.labelled, training.labelled[:0], seed=0)
        assert task.sampler.pools[1].sequences is pool.sequences is not None
    augmented = Recipe(augmentation=Augmentation(noise=0.1))  # prepared anew for every epoch
    assert replay_pool(curves, labels, preparation, augmented).sequences is None
