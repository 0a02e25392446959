"""From labelled light curves to trained members: splits, class weights, seeds and temperatures."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from firstlight.classifier import Calibration, Trust
from firstlight.learn.augment import mask_metadata
from firstlight.learn.batches import Examples, label
from firstlight.learn.calibrating import EDGES, fit_calibration
from firstlight.learn.labels import Labels, folds, held_out
from firstlight.learn.losses import class_weights
from firstlight.learn.networks import DefaultNetwork, NetworkConfig, build, join_members, restore
from firstlight.learn.recipe import Recipe
from firstlight.learn.sources import PART, Draws, Pool
from firstlight.learn.training import Progress, Row, Task, train
from firstlight.learn.trusting import Rows, concatenate, fit_geometry, fit_sets, one_a_bin, rank, rows_of
from firstlight.lightcurves import LightCurves
from firstlight.preparation import Preparation

Indices = NDArray[np.int64]
CALIBRATION_ROWS = 60_000


@dataclass(frozen=True, eq=False)
class Lesson:
    """All that decides the weights beside where they start and the seed.

    Attributes
    ----------
    curves, labels : LightCurves, Labels
        What is to be learnt.
    replay, replay_labels : LightCurves, Labels or None
        Base light curves mixed in, so that what they taught is not forgotten.
    preparation : Preparation
    recipe : Recipe
    epochs : int
    strategy : str
    start_shares : float64 [C] or None
        The class shares that the network expects where it starts; needed for `recipe.blend`.
    """

    curves: LightCurves
    labels: Labels
    preparation: Preparation
    recipe: Recipe
    epochs: int
    strategy: str = "full"
    replay: LightCurves | None = None
    replay_labels: Labels | None = None
    start_shares: NDArray[np.float64] | None = None

    @property
    def labelled(self) -> Indices:
        """The objects with a label."""
        return np.flatnonzero(self.labels.target >= 0)

    def silent(self) -> int:
        """Labelled objects that give the network no row: no detection that the preparation reads."""
        parts = np.array_split(self.labelled, max(1, -(-len(self.labelled) // PART)))
        speaking = [len(np.unique(self.preparation(self.curves.take(part)).owner)) for part in parts]
        return len(self.labelled) - sum(speaking)

    def split(self, seed: int) -> tuple[Indices, Indices]:
        """Objects to learn from, and objects held out for early stopping (none without `validation`)."""
        if not self.recipe.validation:
            return self.labelled, np.empty(0, np.int64)
        held = held_out(self.labels.target, self.recipe.validation, seed)
        return np.flatnonzero((self.labels.target >= 0) & ~held), np.flatnonzero(held)

    def weights(self, objects: Indices) -> NDArray[np.float64]:
        """Class weights [C] from these objects alone."""
        return class_weights(self.labels.target[objects], len(self.labels.classes), self.recipe.weight_power)

    def pool(self, objects: Indices) -> Pool:
        """These labelled objects as a source of examples."""
        target = self.labels.target[objects]
        draws = max(len(objects), self.recipe.draws)
        weight = self.weights(objects)[target].astype(np.float32)
        return Pool(self.curves.take(objects), target, weight, draws)

    @cached_property
    def replay_pool(self) -> Pool | None:
        """The replayed objects; their draws are set by `task`."""
        if self.replay is None or self.replay_labels is None:
            return None
        objects = np.flatnonzero(self.replay_labels.target >= 0)
        if not len(objects):  # none of their classes is asked for
            return None
        target = self.replay_labels.target[objects]
        weight = class_weights(target, len(self.labels.classes), self.recipe.weight_power)
        # The very same object where nothing is left out, so that it is prepared once for many trainings.
        curves = self.replay if len(objects) == len(self.replay) else self.replay.take(objects)
        return Pool(curves, target, weight[target].astype(np.float32), 0)

    def task(self, objects: Indices, held_out: Indices, seed: int) -> Task:
        """What a member learns from these objects."""
        pools = [self.pool(objects)]
        if self.replay_pool is not None:
            draws = round(self.recipe.replay_ratio * pools[0].draws)
            pools.append(dataclasses.replace(self.replay_pool, draws=draws))
        seen = np.unique(np.concatenate([pool.target for pool in pools]))
        return Task(
            source=Draws(tuple(pools), self.preparation, self.recipe.augmentation),
            recipe=self.recipe,
            epochs=self.epochs,
            strategy=self.strategy,
            seed=seed,
            validation=self.examples(held_out, self.weights(objects)) if len(held_out) else None,
            kept_rows=np.setdiff1d(np.arange(len(self.labels.classes)), seen),
        )

    def examples(self, objects: Indices, weights: NDArray[np.float64]) -> Examples:
        """These objects as they are, for validation."""
        target = self.labels.target[objects]
        weight = weights[target].astype(np.float32)
        return label(self.preparation(self.curves.take(objects)), target, weight)

    def training_shares(self) -> NDArray[np.float64]:
        """The class shares [C] that the result expects: those that the weighted loss saw.

        A class without labels gets the smallest. A network that went only part of the way expects something
        between these and what it expected at the start.
        """
        own = np.bincount(self.labels.target[self.labelled], minlength=len(self.labels.classes))
        shares = own * self.weights(self.labelled) / max(own.sum(), 1)
        if self.replay_pool is not None:
            total = np.bincount(self.replay_pool.target, self.replay_pool.weight, minlength=len(shares))
            shares = shares + self.recipe.replay_ratio * total / max(total.sum(), 1e-12)
        shares = np.where(shares > 0, shares, shares[shares > 0].min(initial=1.0))
        if self.recipe.blend < 1 and self.start_shares is not None:
            shares = shares**self.recipe.blend * self.start_shares ** (1 - self.recipe.blend)
        return np.asarray(shares / shares.sum())

    def label_shares(self) -> NDArray[np.float64]:
        """The class shares [C] among the labels, half an object added to each: no label is not impossible."""
        counts = np.bincount(self.labels.target[self.labelled], minlength=len(self.labels.classes)) + 0.5
        return np.asarray(counts / counts.sum())

    def fingerprint(self, start: Sequence[dict[str, Tensor]], seed: int) -> str:
        """A hash of everything that decides the result, by which a resumed run is recognised."""
        digest = hashlib.sha256(json.dumps(self.recipe.to_dict(), sort_keys=True).encode())
        plain = [self.preparation.to_dict(), self.epochs, self.strategy, seed, self.labels.classes]
        digest.update(json.dumps(plain, sort_keys=True).encode())
        for curves, labels in ((self.curves, self.labels), (self.replay, self.replay_labels)):
            if curves is not None and labels is not None:
                digest.update(labels.target.tobytes() + curves.time.tobytes() + curves.flux.tobytes())
        for name, tensor in ((name, tensor) for one in start for name, tensor in one.items()):
            digest.update(name.encode() + tensor.detach().cpu().numpy().tobytes())
        return digest.hexdigest()


def member_seed(seed: int, member: int) -> int:
    """The seed of one member; the first member's does not depend on how many there are."""
    return int(np.random.SeedSequence([seed, member]).generate_state(1)[0])


def fit(
    lesson: Lesson,
    config: NetworkConfig,
    starts: Sequence[dict[str, Tensor]],
    *,
    seed: int,
    run: Path | None,
    progress: Progress | None,
    device: str,
) -> tuple[list[dict[str, Tensor]], list[Row]]:
    """The trained tensors of each member, and the history of all.

    Parameters
    ----------
    lesson : Lesson
    config : NetworkConfig
        Of one member.
    starts : sequence of dict
        Tensors from which each member starts.
    """
    mark = lesson.fingerprint(starts, seed)
    objects, held_out = lesson.split(seed)
    trained: list[dict[str, Tensor]] = []
    history: list[Row] = []
    for member, start in enumerate(starts):
        task = lesson.task(objects, held_out, member_seed(seed, member))
        report = None if progress is None else _numbered(progress, member)
        network = restore(config, start)
        file = None if run is None else run / f"member-{member}.pt"
        rows = train(network, config, task, run=file, fingerprint=mark, progress=report, device=device)
        trained.append(blend(start, network.state_dict(), lesson.recipe.blend))
        history += [{"member": member, **row} for row in rows]
    return trained, history


def blend(start: Mapping[str, Tensor], trained: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """The tensors on the CPU that lie this share of the way from `start` to `trained` (arXiv:2109.01903)."""
    ends = {name: (start[name].detach().cpu(), tensor.detach().cpu()) for name, tensor in trained.items()}
    if share in (0.0, 1.0):  # to the last bit
        return {name: pair[int(share)] for name, pair in ends.items()}
    return {name: torch.lerp(*pair, share) for name, pair in ends.items()}


def fresh_starts(lesson: Lesson, config: NetworkConfig, seed: int) -> list[dict[str, Tensor]]:
    """Fresh weights of each member; the default network's inputs standardised over the first objects."""
    some = lesson.labelled[:4096]
    examples = lesson.examples(some, np.ones(len(lesson.labels.classes)))
    mean, scale = examples.features.mean(axis=0), examples.features.std(axis=0)
    scale = np.where(scale > 1e-6, scale, 1.0).astype(np.float32)
    starts = []
    for member in range(lesson.recipe.members or 1):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(member_seed(seed, member))
            network = build(config)
        if isinstance(network, DefaultNetwork):
            network.standardise(torch.from_numpy(mean), torch.from_numpy(scale))
        starts.append({key: tensor.clone() for key, tensor in network.state_dict().items()})
    return starts


def _numbered(progress: Progress, member: int) -> Progress:
    return lambda row: progress({"member": member, **row})


def calibrate(
    lesson: Lesson,
    config: NetworkConfig,
    starts: Sequence[dict[str, Tensor]],
    trained: Sequence[dict[str, Tensor]],
    *,
    seed: int,
    device: str,
    prior: NDArray[np.float64] | None = None,
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
    classes, shares = lesson.labels.classes, lesson.training_shares()

    def by_name(values: NDArray[np.float64]) -> dict[str, float]:
        return {name: float(value) for name, value in zip(classes, values, strict=True)}

    plain = Calibration(by_name(shares), None if prior is None else by_name(prior))
    count = lesson.recipe.calibration_folds
    if count < 2:
        return plain, None
    fold = folds(lesson.labels.target, count, np.random.default_rng([seed, 2]))
    rng = np.random.default_rng([seed, 3])
    held: list[Rows] = []
    drawn: list[Rows] = []  # of these, one an object and bin
    distances = []
    for one in range(count):
        task = lesson.task(np.flatnonzero((fold >= 0) & (fold != one)), np.empty(0, np.int64), seed)
        members = []
        for member, start in enumerate(starts):
            network = restore(config, start)
            train(network, config, dataclasses.replace(task, seed=member_seed(seed, member)), device=device)
            members.append(blend(start, network.state_dict(), lesson.recipe.blend))
        held.append(_said(lesson, config, members, np.flatnonzero(fold == one), device, rng))
        drawn.append(one_a_bin(held[-1], rng))
        learnt = _said(lesson, config, members, np.flatnonzero((fold >= 0) & (fold != one)), device, rng)
        distances.append(fit_geometry(one_a_bin(learnt, rng), len(classes)).distance(drawn[-1]))
    rows, few = concatenate(held), concatenate(drawn)
    if len(rows.target) > CALIBRATION_ROWS:  # more of them tell little and cost much
        rows = rows.take(np.sort(rng.choice(len(rows.target), CALIBRATION_ROWS, replace=False)))
    shift = np.log(lesson.label_shares()) - np.log(shares)
    temperatures, offsets = fit_calibration(rows.logits, rows.target, rows.n_detections, rows.weight, shift)
    calibration = dataclasses.replace(
        plain,
        temperature_edges=EDGES,
        temperatures=tuple(temperatures.tolist()),
        offsets=dict(zip(classes, map(tuple, offsets.T.tolist()), strict=True)),
    )
    probability = calibration.apply(few.logits, few.n_detections, classes)
    sets = fit_sets(probability, few.target, few.n_detections, len(classes))
    known = one_a_bin(_said(lesson, config, trained, np.flatnonzero(fold >= 0), device, rng), rng)
    ranked = rank(np.concatenate(distances), few.n_detections)
    return calibration, Trust(sets, fit_geometry(known, len(classes)).novelty(ranked))


def _said(
    lesson: Lesson,
    config: NetworkConfig,
    members: Sequence[dict[str, Tensor]],
    objects: Indices,
    device: str,
    rng: np.random.Generator,
) -> Rows:
    """What the network of these members says about these objects, told as little of them as in training."""
    whole = dataclasses.replace(config, members=len(members))
    network = restore(whole, join_members(members)).to(device).eval()
    examples = lesson.examples(objects, np.ones(len(lesson.labels.classes)))
    if lesson.recipe.augmentation.metadata:
        mask = mask_metadata(examples.context_mask, lesson.recipe.augmentation.metadata, rng)
        examples = dataclasses.replace(examples, context_mask=mask)
    return rows_of(network, whole, examples, device)
