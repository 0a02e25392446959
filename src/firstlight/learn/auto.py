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
from numpy.typing import NDArray
from torch import Tensor

from firstlight.classifier import Classifier
from firstlight.learn.fitting import Lesson, blend, fresh_starts
from firstlight.learn.heads import head_mixture
from firstlight.learn.labels import folds
from firstlight.learn.networks import NetworkConfig, join_members, restore
from firstlight.learn.recipe import LONG
from firstlight.learn.sources import Draws
from firstlight.learn.training import Task, train
from firstlight.learn.trusting import rows_of
from firstlight.preparation import Preparation

Floats = NDArray[np.float64]
Start = dict[str, Tensor]

WORTH = 50  # labels at which, with replay, the result lies half way
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the way, tried without replay
TOO_FEW = 30  # labels, below which folds decide nothing
CAUTIOUS = 0.25  # of the way with so few
FOLDS = 3
ONE_FOLD = 1000  # labels, above which one fold tells enough
MANY = 500  # labels, from which long trainings are tried
WINDOW = 60.0, 300.0  # days around the trigger that they read, as the packaged bases of LSST do
HEAD_EPOCHS, HEAD_DRAWS = 3, 6_000


@dataclass(frozen=True, eq=False)
class Plan:
    """What "auto" decided.

    Attributes
    ----------
    lesson : Lesson
    starts : list of dict
        Tensors from which each member starts.
    reasons : dict
        Plain values for the checkpoint: the share of the way, and what was compared.
    """

    lesson: Lesson
    starts: list[Start]
    reasons: dict[str, Any]


def expected_shares(base: Classifier, classes: Sequence[str]) -> Floats:
    """The shares [C] that the base expects of these classes, where its head is matched by name."""
    known = base.calibration.training_shares
    own = np.array([1.0 if known is None else known[name] for name in base.classes])
    shares = np.exp(head_mixture(base.classes, classes) @ np.log(np.maximum(own, 1e-6)))
    return np.asarray(shares / shares.sum())


def decide(
    lesson: Lesson, config: NetworkConfig, starts: list[Start], base: Classifier, *, seed: int, device: str
) -> Plan:
    """The plan for these labels.

    Parameters
    ----------
    lesson : Lesson
        With `start_shares`.
    config : NetworkConfig
        Of one member.
    starts : list of dict
        The base's tensors, its head matched by name.
    base : Classifier
    """
    count = len(lesson.labelled)
    if lesson.replay_pool is not None:
        share = count / (count + WORTH)
        if (np.count_nonzero(head_mixture(base.classes, lesson.labels.classes), axis=1) > 1).any():
            # The mean of finer classes' rows is a poor head: what the base knows of their union is asked.
            lesson, starts = _with_head(lesson, config, starts, seed=seed, device=device)
        reasons = {"labels": count, "by": "number of labels", "blend": share}
        return Plan(_blended(lesson, share), starts, reasons)
    if count < TOO_FEW:
        return Plan(_blended(lesson, CAUTIOUS), starts, {"labels": count, "by": "too few", "blend": CAUTIOUS})
    losses = _losses(lesson, config, starts[:1], seed=seed, device=device)
    best = min(losses, key=lambda share: losses[share])
    compared = {f"{share:g}": loss for share, loss in losses.items()}
    reasons = {"labels": count, "by": "cross-validation", "blend": best, "losses": compared}
    if count < MANY:
        return Plan(_blended(lesson, best), starts, reasons)
    long = _long(lesson)
    pairs = _pairs(long, config, starts, seed)
    compared["long"] = _losses(long, config, pairs[:2], seed=seed, device=device, shares=(1.0,))[1.0]
    if compared["long"] >= compared[f"{best:g}"]:
        return Plan(_blended(lesson, best), starts, reasons)
    return Plan(long, pairs, reasons | {"blend": 1.0, "long": True})


def _pairs(lesson: Lesson, config: NetworkConfig, starts: list[Start], seed: int) -> list[Start]:
    """A fresh start beside each of the base's: what they become errs in different ways.

    Their mean is worth .01 of macro AUROC more than either (2,400 labels of simulated LSST from `ztf-sim`,
    other pool objects, one seed: .933, of .922 from the base and .919 from scratch, this in 60 epochs; as
    much with 800, and of PLAsTiCC). Where the recipe says how many members there are, it holds.
    """
    fresh = fresh_starts(lesson, config, seed)
    both = [start for k, own in enumerate(starts) for start in (own, fresh[k % len(fresh)])]
    return both[: lesson.recipe.members]


def _blended(lesson: Lesson, share: float) -> Lesson:
    return dataclasses.replace(lesson, recipe=lesson.recipe.with_(blend=share))


def _long(lesson: Lesson) -> Lesson:
    """The same labels for a training that may forget where it starts, and how its light curves were read.

    Forced photometry between detections is worth much to whoever has the labels to learn it (2,400 labels of
    simulated LSST from `ztf-sim`, other pool objects: macro AUROC .916, of detections alone .898).
    """
    own = lesson.recipe
    recipe = LONG.with_(
        augmentation=dataclasses.replace(LONG.augmentation, metadata=own.augmentation.metadata),
        members=own.members,
        calibration_folds=own.calibration_folds,
    )
    assert recipe.epochs is not None
    return dataclasses.replace(
        lesson, recipe=recipe, epochs=recipe.epochs, preparation=_wide(lesson.preparation)
    )


def _wide(preparation: Preparation) -> Preparation:
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


def _losses(
    lesson: Lesson,
    config: NetworkConfig,
    starts: list[Start],
    *,
    seed: int,
    device: str,
    shares: Sequence[float] = SHARES,
) -> dict[float, float]:
    """The loss on labels that were held back, for each share of the way; members are averaged."""
    target = lesson.labels.target
    fold = folds(target, FOLDS, np.random.default_rng([seed, 4]))
    rounds = FOLDS if len(lesson.labelled) <= ONE_FOLD else 1
    sums, total = dict.fromkeys(shares, 0.0), 0.0
    weights = lesson.weights(lesson.labelled)
    whole = dataclasses.replace(config, members=len(starts))
    for one in range(rounds):
        task = lesson.task(np.flatnonzero((fold >= 0) & (fold != one)), np.empty(0, np.int64), seed)
        networks = [restore(config, start) for start in starts]
        for network in networks:
            train(network, config, task, device=device)
        held = lesson.examples(np.flatnonzero(fold == one), np.ones(config.classes))
        for share in shares:
            ends = zip(starts, networks, strict=True)
            members = [blend(start, network.state_dict(), share) for start, network in ends]
            there = restore(whole, join_members(members)).to(device).eval()
            said = rows_of(there, whole, held, device)
            truth, weight = said.target, said.weight
            part = _blended(lesson, share)
            # All on the same footing: with the shares that the weighted labels have.
            logits = said.logits.astype(np.float64)
            logits += np.log(_blended(lesson, 1.0).training_shares() / part.training_shares())
            top = logits.max(axis=1)
            loss = top + np.log(np.exp(logits - top[:, None]).sum(axis=1))
            loss -= logits[np.arange(len(truth)), truth]
            sums[share] += float((loss * weight * weights[truth]).sum())
        total += float((weight * weights[truth]).sum())
    return {share: value / total for share, value in sums.items()}


def _with_head(
    lesson: Lesson, config: NetworkConfig, starts: list[Start], *, seed: int, device: str
) -> tuple[Lesson, list[Start]]:
    """The starts with their heads fitted to the replayed light curves alone, and what they then expect."""
    pool = lesson.replay_pool
    assert pool is not None
    pool = dataclasses.replace(pool, draws=min(len(pool.target), HEAD_DRAWS))
    task = Task(
        source=Draws((pool,), lesson.preparation),
        recipe=lesson.recipe,
        epochs=HEAD_EPOCHS,
        strategy="output",
        seed=seed,
        kept_rows=np.setdiff1d(np.arange(config.classes), pool.target),
    )
    fitted = []
    for start in starts:
        network = restore(config, start)
        train(network, config, task, device=device)
        fitted.append({name: tensor.detach().cpu() for name, tensor in network.state_dict().items()})
    shares = np.bincount(pool.target, pool.weight, minlength=config.classes)
    shares = np.where(shares > 0, shares, shares[shares > 0].min())
    return dataclasses.replace(lesson, start_shares=shares / shares.sum()), fitted
