"""Labels held back in turn: how far from the base to stop, and calibration, class sets and novelty."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from firstlight._types import Floats, Ints
from firstlight.classifier import Calibration, Trust
from firstlight.learn.augmentation import mask_metadata
from firstlight.learn.calibrating import (
    EDGES,
    NetworkOutputs,
    fit_calibration,
    fit_geometry,
    fit_sets,
    one_a_bin,
    outputs_of,
    rank,
)
from firstlight.learn.fitting import Training, blend, member_seed
from firstlight.learn.networks import NetworkConfig, Weights, join_members, restore
from firstlight.learn.training import train, validate
from firstlight.learn.training_labels import folds

CALIBRATION_ROWS = 60_000
FOLDS = 3  # on which losses are compared
HELD_OUT = 5  # folds, one of which is held out for the score of a card
ONE_FOLD = 1000  # labels, above which one fold tells enough


def held_back_losses(
    training: Training,
    config: NetworkConfig,
    starts: Sequence[Weights],
    *,
    seed: int,
    device: str,
    shares: Sequence[float],
) -> dict[float, float]:
    """The loss on labels that were held back, for each share of the way; members are averaged."""
    target = training.labels.target
    fold = folds(target, FOLDS, np.random.default_rng([seed, 4]))
    rounds = FOLDS if len(training.labelled) <= ONE_FOLD else 1
    sums, total = dict.fromkeys(shares, 0.0), 0.0
    weights = training.weights(training.labelled)
    whole = dataclasses.replace(config, members=len(starts))
    for one in range(rounds):
        task = training.task(np.flatnonzero((fold >= 0) & (fold != one)), np.empty(0, np.int64), seed)
        networks = [restore(config, start) for start in starts]
        for network in networks:
            train(network, config, task, device=device)
        held = training.examples(np.flatnonzero(fold == one), np.ones(config.classes))
        for share in shares:
            ends = zip(starts, networks, strict=True)
            members = [blend(start, network.state_dict(), share) for start, network in ends]
            averaged = restore(whole, join_members(members)).to(device).eval()
            outputs = outputs_of(averaged, whole, held, device)
            truth, weight = outputs.target, outputs.weight
            part = training.blended(share)
            # All on the same footing: with the shares that the weighted labels have.
            logits = outputs.logits.astype(np.float64)
            logits += np.log(training.blended(1.0).expected_shares() / part.expected_shares())
            top = logits.max(axis=1)
            loss = top + np.log(np.exp(logits - top[:, None]).sum(axis=1))
            loss -= logits[np.arange(len(truth)), truth]
            sums[share] += float((loss * weight * weights[truth]).sum())
        total += float((weight * weights[truth]).sum())
    return {share: value / total for share, value in sums.items()}


def held_out_score(
    training: Training, config: NetworkConfig, starts: Sequence[Weights], *, seed: int, device: str
) -> dict[str, Any]:
    """How a training of the same kind without a fifth of the labels answers these; why there is none else.

    Keys: ``objects``, ``macro_auroc`` and ``log_loss`` of the last observations, or ``reason``.
    """
    fold = folds(training.labels.target, HELD_OUT, np.random.default_rng([seed, 5]))
    held, others = np.flatnonzero(fold == 0), np.flatnonzero(fold > 0)
    if len(np.unique(training.labels.target[held])) < 2 or not len(others):
        return {"reason": "too few labels to hold any out"}
    task = training.task(others, np.empty(0, np.int64), seed)
    members = []
    for member, start in enumerate(starts):
        network = restore(config, start)
        train(network, config, dataclasses.replace(task, seed=member_seed(seed, member)), device=device)
        members.append(blend(start, network.state_dict(), training.recipe.blend))
    whole = dataclasses.replace(config, members=len(members))
    answering = restore(whole, join_members(members)).to(device).eval()
    examples = training.examples(held, np.ones(config.classes))
    if len(np.unique(examples.target)) < 2:
        return {"reason": "too few of the objects held out have a detection that is read"}
    found = validate(answering, whole, training.recipe, examples, device)
    return {
        "objects": len(np.unique(examples.owner)),
        "macro_auroc": found["val_macro_auroc"],
        "log_loss": found["val_loss"],
    }


def calibrate(
    training: Training,
    config: NetworkConfig,
    starts: Sequence[Weights],
    trained: Sequence[Weights],
    *,
    seed: int,
    device: str,
    prior: Floats | None = None,
) -> tuple[Calibration, Trust | None]:
    """Training shares, and with `recipe.calibration_folds` what is fitted on labels that were held back.

    Each fold is answered by a network trained on the others in the same way as the real one. From its answers
    come temperatures and offsets, class sets, and the distances of known objects.

    Parameters
    ----------
    config : NetworkConfig
        Of one member.
    starts, trained : sequence of dict
        Tensors from which each member started, and to which it came.
    prior : float64 [C], optional
        Shares that the classifier is to expect; None leaves those of training.
    """
    classes, shares = training.labels.classes, training.expected_shares()

    def by_name(values: Floats) -> dict[str, float]:
        return {name: float(value) for name, value in zip(classes, values, strict=True)}

    plain = Calibration(by_name(shares), None if prior is None else by_name(prior))
    count = training.recipe.calibration_folds
    if count < 2:
        return plain, None
    fold = folds(training.labels.target, count, np.random.default_rng([seed, 2]))
    rng = np.random.default_rng([seed, 3])

    def outputs(members: Sequence[Weights], objects: Ints) -> NetworkOutputs:
        return _outputs(training, config, members, objects, device=device, rng=rng)

    held: list[NetworkOutputs] = []
    drawn: list[NetworkOutputs] = []  # of these, one an object and bin
    distances = []
    for one in range(count):
        others, left_out = np.flatnonzero((fold >= 0) & (fold != one)), np.flatnonzero(fold == one)
        task = training.task(others, np.empty(0, np.int64), seed)
        members = []
        for member, start in enumerate(starts):
            network = restore(config, start)
            train(network, config, dataclasses.replace(task, seed=member_seed(seed, member)), device=device)
            members.append(blend(start, network.state_dict(), training.recipe.blend))
        held.append(outputs(members, left_out))
        drawn.append(one_a_bin(held[-1], rng))
        geometry = fit_geometry(one_a_bin(outputs(members, others), rng), len(classes))
        distances.append(geometry.distance(drawn[-1]))
    rows, few = NetworkOutputs.concatenate(held), NetworkOutputs.concatenate(drawn)
    if len(rows.target) > CALIBRATION_ROWS:  # more of them tell little and cost much
        rows = rows.take(np.sort(rng.choice(len(rows.target), CALIBRATION_ROWS, replace=False)))
    shift = np.log(training.label_shares()) - np.log(shares)
    temperatures, offsets = fit_calibration(
        logits=rows.logits,
        target=rows.target,
        n_detections=rows.n_detections,
        weight=rows.weight,
        shift=shift,
    )
    calibration = dataclasses.replace(
        plain,
        temperature_edges=EDGES,
        temperatures=tuple(temperatures.tolist()),
        offsets=dict(zip(classes, map(tuple, offsets.T.tolist()), strict=True)),
    )
    probability = calibration.apply(few.logits, few.n_detections, classes)
    sets = fit_sets(probability, few.target, few.n_detections, len(classes))
    known = one_a_bin(outputs(trained, np.flatnonzero(fold >= 0)), rng)
    ranked = rank(np.concatenate(distances), few.n_detections)
    return calibration, Trust(sets, fit_geometry(known, len(classes)).novelty(ranked))


def _outputs(
    training: Training,
    config: NetworkConfig,
    members: Sequence[Weights],
    objects: Ints,
    *,
    device: str,
    rng: np.random.Generator,
) -> NetworkOutputs:
    """What the network of these members puts out, metadata masked as often as in training."""
    whole = dataclasses.replace(config, members=len(members))
    network = restore(whole, join_members(members)).to(device).eval()
    examples = training.examples(objects, np.ones(len(training.labels.classes)))
    if training.recipe.augmentation.metadata:
        mask = mask_metadata(examples.context_mask, training.recipe.augmentation.metadata, rng)
        examples = dataclasses.replace(examples, context_mask=mask)
    return outputs_of(network, whole, examples, device)
