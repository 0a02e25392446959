"""Law 2: the same probabilities for a table, one object, any batch, a stream, any order, any partition."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from firstlight.lightcurves import LightCurves


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_alone_in_batches_and_in_any_order_of_objects(classifier, light_curves, same, data) -> None:
    curves = data.draw(light_curves)
    whole = classifier.classify(curves)
    alone = [classifier.classify(one).probabilities for one in curves]
    same(np.concatenate(alone), whole.probabilities)
    size = data.draw(st.integers(1, 5))
    same(classifier.classify(curves, batch_size=size).probabilities, whole.probabilities)
    order = data.draw(st.permutations(range(len(curves))))
    same(classifier.classify(curves.take(np.array(order))).final(), whole.final()[order])


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_one_observation_at_a_time(classifier, light_curves, same, stream, data) -> None:
    curves = data.draw(light_curves)
    whole = classifier.classify(curves).probabilities
    for k in range(len(curves)):
        same(stream(classifier, curves, k), whole[curves.offsets[k] : curves.offsets[k + 1]])


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_many_objects_at_once_in_any_deliveries(classifier, light_curves, same, stream, data) -> None:
    """Round by round what the stream of each object says, to the last bit; at the end what the table says."""
    curves = data.draw(light_curves)
    whole = classifier.classify(curves).final()
    alone = [stream(classifier, curves, k) for k in range(len(curves))]
    random = np.random.default_rng(data.draw(st.integers(0, 1_000)))
    turn = np.concatenate([np.sort(random.integers(0, 4, size)) for size in curves.n_observations])
    states, taken = classifier.start_many(curves), np.zeros(len(curves), int)
    for now in range(4):
        part = curves.where(turn == now)
        states, found, late = classifier.step_many(states, part)
        assert not late.any()
        taken += part.n_observations
        for k, count in enumerate(taken):
            expected = alone[k][count - 1] if count else np.full(len(classifier.classes), np.nan)
            assert np.array_equal(found[k], expected, equal_nan=True)
    same(found, whole)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_shuffled_or_repeated_delivery(classifier, light_columns, same, data) -> None:
    found = data.draw(light_columns)
    names = [name for name in found if name not in ("objects", "survey", "flux_unit")]
    size = len(found["time"])
    order = np.array(data.draw(st.permutations(range(size))), int)
    again = np.concatenate([order, order[: data.draw(st.integers(0, size))]])
    moved = {**found, **{name: np.asarray(found[name])[again] for name in names}}
    one, other = (LightCurves.from_columns(**columns) for columns in (found, moved))
    whole = dict(zip(one.object_id, classifier.classify(one).final(), strict=True))
    for name, p in zip(other.object_id, classifier.classify(other).final(), strict=True):
        same(p, whole[name])


def test_many_light_curves_of_every_length(classifier, same) -> None:
    random = np.random.default_rng(0)
    lengths = np.r_[random.integers(0, 80, 150), 700, 1, 2_000]
    size = int(lengths.sum())
    curves = LightCurves.from_columns(
        object_id=np.repeat(np.arange(len(lengths)), lengths),
        time=59_000.0 + random.uniform(0.0, 150.0, size),
        passband=random.choice(["g", "r"], size),
        flux=random.lognormal(10.0, 1.0, size),
        flux_err=np.full(size, 500.0),
        flux_unit="nJy",
        survey="ZTF",
    )
    whole = classifier.classify(curves).final()
    for size in (1, 7, 1_000):
        same(classifier.classify(curves, batch_size=size).final(), whole)
    parts = [classifier.classify(curves[k : k + 22]).final() for k in range(0, len(curves), 22)]
    same(np.concatenate(parts), whole)
