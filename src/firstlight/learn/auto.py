"""The strategy "auto": from which weights to start and how far to go, decided by the labels at hand.

Tuned weights lie on a line from those of the base, along which the loss is smooth (arXiv:2109.01903). Few
labels are a reason to stop on the way: the result then keeps what the base knew, at no cost when it is used.
Where base light curves are replayed, the number of labels alone decides; where none are, tuning can spoil a
base, and how far to go is chosen by cross-validation among the labels. With many of them a long training is
tried too, which a base from another survey needs. It reads all that was measured, also where the base knew
detections alone; and its result is averaged with one of the same training from scratch.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from firstlight._types import Floats
from firstlight.classifier import Classifier
from firstlight.learn.cross_validation import held_back_losses
from firstlight.learn.examples import EpochSampler
from firstlight.learn.fitting import Training, fresh_starts
from firstlight.learn.networks import NetworkConfig, Weights, head_mixture, restore
from firstlight.learn.recipe import LONG
from firstlight.learn.training import Task, train
from firstlight.preparation import Preparation

WORTH = 50  # labels at which, with replay, the result lies half way
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the way, tried without replay
TOO_FEW = 30  # labels, below which folds decide nothing
CAUTIOUS = 0.25  # of the way with so few
MANY = 500  # labels, from which long trainings are tried
WINDOW = 60.0, 300.0  # days around the trigger that they read, as the packaged bases of LSST do
HEAD_EPOCHS, HEAD_DRAWS = 3, 6_000


@dataclass(frozen=True, eq=False)
class Decision:
    """What "auto" decided.

    Attributes
    ----------
    training : Training
    starts : list of dict
        Tensors from which each member starts.
    reasons : dict
        Plain values for the checkpoint: the share of the way, and what was compared.
    """

    training: Training
    starts: list[Weights]
    reasons: dict[str, Any]


def expected_shares(base: Classifier, classes: Sequence[str]) -> Floats:
    """The shares [C] that the base expects of these classes, where its head is matched by name."""
    known = base.calibration.training_shares
    own = np.array([1.0 if known is None else known[name] for name in base.classes])
    shares = np.exp(head_mixture(base.classes, classes) @ np.log(np.maximum(own, 1e-6)))
    return np.asarray(shares / shares.sum())


def decide(
    training: Training,
    config: NetworkConfig,
    starts: list[Weights],
    base: Classifier,
    *,
    seed: int,
    device: str,
) -> Decision:
    """How far to go with these labels, from which weights.

    Parameters
    ----------
    training : Training
        With `start_shares`.
    config : NetworkConfig
        Of one member.
    starts : list of dict
        The base's tensors, its head matched by name.
    base : Classifier
    """
    count = len(training.labelled)
    if training.replay is not None:
        share = count / (count + WORTH)
        if (np.count_nonzero(head_mixture(base.classes, training.labels.classes), axis=1) > 1).any():
            # The mean of finer classes' rows is a poor head: what the base knows of their union is asked.
            training, starts = _with_head(training, config, starts, seed=seed, device=device)
        reasons = {"labels": count, "by": "number of labels", "blend": share}
        return Decision(training.blended(share), starts, reasons)
    if count < TOO_FEW:
        return Decision(
            training.blended(CAUTIOUS), starts, {"labels": count, "by": "too few", "blend": CAUTIOUS}
        )
    losses = held_back_losses(training, config, starts[:1], seed=seed, device=device, shares=SHARES)
    best = min(losses, key=lambda share: losses[share])
    compared = {f"{share:g}": loss for share, loss in losses.items()}
    reasons = {"labels": count, "by": "cross-validation", "blend": best, "losses": compared}
    if count < MANY:
        return Decision(training.blended(best), starts, reasons)
    long = _long_training(training)
    both = _with_fresh_starts(long, config, starts, seed)
    compared["long"] = held_back_losses(long, config, both[:2], seed=seed, device=device, shares=(1.0,))[1.0]
    if compared["long"] >= compared[f"{best:g}"]:
        return Decision(training.blended(best), starts, reasons)
    return Decision(long, both, reasons | {"blend": 1.0, "long": True})


def _with_fresh_starts(
    training: Training, config: NetworkConfig, starts: list[Weights], seed: int
) -> list[Weights]:
    """A fresh start beside each of the base's: what they become errs in different ways.

    Their mean is worth .01 of macro AUROC more than either (2,400 labels of simulated LSST from `ztf-sim`,
    other pool objects, one seed: .933, of .922 from the base and .919 from scratch, this in 60 epochs; as
    much with 800, and of PLAsTiCC). Where the recipe says how many members there are, it holds.
    """
    fresh = fresh_starts(training, config, seed)
    both = [start for k, own in enumerate(starts) for start in (own, fresh[k % len(fresh)])]
    return both[: training.recipe.members]


def _long_training(training: Training) -> Training:
    """The same labels for a training that may forget where it starts, and how its light curves were read.

    Forced photometry between detections is worth much to whoever has the labels to learn it (2,400 labels of
    simulated LSST from `ztf-sim`, other pool objects: macro AUROC .916, of detections alone .898).
    """
    own = training.recipe
    recipe = LONG.with_(
        augmentation=dataclasses.replace(LONG.augmentation, metadata=own.augmentation.metadata),
        members=own.members,
        calibration_folds=own.calibration_folds,
    )
    assert recipe.epochs is not None
    return dataclasses.replace(
        training, recipe=recipe, epochs=recipe.epochs, preparation=_reading_all_measured(training.preparation)
    )


def _reading_all_measured(preparation: Preparation) -> Preparation:
    """The preparation, made to read every measured row of a window at least as long as `WINDOW`.

    That of the reference networks, whose inputs mean nothing else, stays as it is.
    """
    if preparation.features == "reference":
        return preparation
    before, after = WINDOW
    return dataclasses.replace(
        preparation,
        rows="measured" if preparation.rows == "detections" else preparation.rows,
        before_days=max(preparation.before_days, before),
        after_days=max(preparation.after_days, after),
    )


def _with_head(
    training: Training, config: NetworkConfig, starts: list[Weights], *, seed: int, device: str
) -> tuple[Training, list[Weights]]:
    """The starts with their heads fitted to the replayed light curves alone, and what they then expect."""
    assert training.replay is not None
    pool = dataclasses.replace(training.replay, draws=min(len(training.replay.target), HEAD_DRAWS))
    task = Task(
        sampler=EpochSampler((pool,), training.preparation),
        recipe=training.recipe,
        epochs=HEAD_EPOCHS,
        strategy="output",
        seed=seed,
        kept_rows=np.setdiff1d(np.arange(config.classes), pool.target),
    )
    fitted: list[Weights] = []
    for start in starts:
        network = restore(config, start)
        train(network, config, task, device=device)
        fitted.append({name: tensor.detach().cpu() for name, tensor in network.state_dict().items()})
    shares = np.bincount(pool.target, pool.weight, minlength=config.classes)
    shares = np.where(shares > 0, shares, shares[shares > 0].min())
    return dataclasses.replace(training, start_shares=shares / shares.sum()), fitted
