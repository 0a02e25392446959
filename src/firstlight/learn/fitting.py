"""From labelled light curves to trained members: splits, class weights, starts and seeds."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from firstlight._types import Floats, Ints
from firstlight.learn.examples import OBJECTS_AT_ONCE, EpochSampler, Examples, Pool, label
from firstlight.learn.networks import DefaultNetwork, NetworkConfig, Weights, build, restore
from firstlight.learn.recipe import Recipe
from firstlight.learn.training import HistoryRow, Progress, Task, train
from firstlight.learn.training_labels import Labels, class_weights, held_out
from firstlight.lightcurves import LightCurves
from firstlight.preparation import Preparation


@dataclass(frozen=True, eq=False)
class Training:
    """All that decides the weights beside where they start and the seed.

    Attributes
    ----------
    curves, labels : LightCurves, Labels
        What is to be learnt.
    replay : Pool or None
        Base light curves mixed in, so that what they taught is not forgotten (`replay_pool`).
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
    replay: Pool | None = None
    start_shares: Floats | None = None

    @property
    def labelled(self) -> Ints:
        """The objects with a label."""
        return np.flatnonzero(self.labels.target >= 0)

    @cached_property
    def without_rows(self) -> int:
        """Labelled objects that give the network no row: no detection that the preparation reads."""
        parts = np.array_split(self.labelled, max(1, -(-len(self.labelled) // OBJECTS_AT_ONCE)))
        read = [len(np.unique(self.preparation(self.curves.take(part)).owner)) for part in parts]
        return len(self.labelled) - sum(read)

    def split(self, seed: int) -> tuple[Ints, Ints]:
        """Objects to learn from, and objects held out for early stopping (none without `validation`)."""
        if not self.recipe.validation:
            return self.labelled, np.empty(0, np.int64)
        held = held_out(self.labels.target, self.recipe.validation, seed)
        return np.flatnonzero((self.labels.target >= 0) & ~held), np.flatnonzero(held)

    def weights(self, objects: Ints) -> Floats:
        """Class weights [C] from these objects alone."""
        return class_weights(self.labels.target[objects], len(self.labels.classes), self.recipe.weight_power)

    def pool(self, objects: Ints) -> Pool:
        """These labelled objects as a source of examples."""
        target = self.labels.target[objects]
        return Pool(
            curves=self.curves.take(objects),
            target=target,
            weight=self.weights(objects)[target].astype(np.float32),
            draws=max(len(objects), self.recipe.draws),
        )

    def task(self, objects: Ints, held_out: Ints, seed: int) -> Task:
        """What a member learns from these objects."""
        pools = [self.pool(objects)]
        if self.replay is not None:
            draws = round(self.recipe.replay_ratio * pools[0].draws)
            pools.append(dataclasses.replace(self.replay, draws=draws))
        seen = np.unique(np.concatenate([pool.target for pool in pools]))
        return Task(
            sampler=EpochSampler(tuple(pools), self.preparation, self.recipe.augmentation),
            recipe=self.recipe,
            epochs=self.epochs,
            strategy=self.strategy,
            seed=seed,
            validation=self.examples(held_out, self.weights(objects)) if len(held_out) else None,
            kept_rows=np.setdiff1d(np.arange(len(self.labels.classes)), seen),
        )

    def examples(self, objects: Ints, weights: Floats) -> Examples:
        """These objects as they are, for validation."""
        target = self.labels.target[objects]
        weight = weights[target].astype(np.float32)
        return label(self.preparation(self.curves.take(objects)), target, weight)

    def expected_shares(self) -> Floats:
        """The class shares [C] that the result expects: those that the weighted loss saw.

        A class without labels gets the smallest. A network that went only part of the way expects something
        between these and what it expected at the start.
        """
        own = np.bincount(self.labels.target[self.labelled], minlength=len(self.labels.classes))
        shares = own * self.weights(self.labelled) / max(own.sum(), 1)
        if self.replay is not None:
            total = np.bincount(self.replay.target, self.replay.weight, minlength=len(shares))
            shares = shares + self.recipe.replay_ratio * total / max(total.sum(), 1e-12)
        shares = np.where(shares > 0, shares, shares[shares > 0].min(initial=1.0))
        if self.recipe.blend < 1 and self.start_shares is not None:
            shares = shares**self.recipe.blend * self.start_shares ** (1 - self.recipe.blend)
        return np.asarray(shares / shares.sum())

    def label_shares(self) -> Floats:
        """The class shares [C] among the labels, half an object added to each: no label is not impossible."""
        counts = np.bincount(self.labels.target[self.labelled], minlength=len(self.labels.classes)) + 0.5
        return np.asarray(counts / counts.sum())

    def blended(self, share: float) -> Training:
        """The same training, whose result lies this share of the way from where it starts."""
        return dataclasses.replace(self, recipe=self.recipe.with_(blend=share))

    def fingerprint(self, start: Sequence[Weights], seed: int) -> str:
        """A hash of everything that decides the result, by which a resumed run is recognised."""
        digest = hashlib.sha256(json.dumps(self.recipe.to_dict(), sort_keys=True).encode())
        plain = [self.preparation.to_dict(), self.epochs, self.strategy, seed, self.labels.classes]
        digest.update(json.dumps(plain, sort_keys=True).encode())
        learnt = [(self.curves, self.labels.target)]
        learnt += [] if self.replay is None else [(self.replay.curves, self.replay.target)]
        for curves, target in learnt:
            digest.update(target.tobytes() + curves.time.tobytes() + curves.flux.tobytes())
        for name, tensor in ((name, tensor) for one in start for name, tensor in one.items()):
            digest.update(name.encode() + tensor.detach().cpu().numpy().tobytes())
        return digest.hexdigest()


def replay_pool(curves: LightCurves, labels: Labels, preparation: Preparation, recipe: Recipe) -> Pool | None:
    """Labelled light curves to be replayed, None where no class asked for is among them.

    They are prepared here, once for all trainings, where the recipe replays them as they are.
    """
    objects = np.flatnonzero(labels.target >= 0)
    if not len(objects):
        return None
    target = labels.target[objects]
    curves = curves if len(objects) == len(curves) else curves.take(objects)
    return Pool(
        curves=curves,
        target=target,
        weight=class_weights(target, len(labels.classes), recipe.weight_power)[target].astype(np.float32),
        draws=0,  # set by `Training.task`
        sequences=None if recipe.augmentation.changes_curves else preparation(curves),
    )


def member_seed(seed: int, member: int) -> int:
    """The seed of one member; the first member's does not depend on how many there are."""
    return int(np.random.SeedSequence([seed, member]).generate_state(1)[0])


def fit(
    training: Training,
    config: NetworkConfig,
    starts: Sequence[Weights],
    *,
    seed: int,
    run: Path | None,
    progress: Progress | None,
    device: str,
) -> tuple[list[Weights], list[HistoryRow]]:
    """The trained tensors of each member, and the history of all.

    Parameters
    ----------
    training : Training
    config : NetworkConfig
        Of one member.
    starts : sequence of dict
        Tensors from which each member starts.
    """
    mark = training.fingerprint(starts, seed)
    objects, held_out = training.split(seed)
    trained: list[Weights] = []
    history: list[HistoryRow] = []
    for member, start in enumerate(starts):
        task = training.task(objects, held_out, member_seed(seed, member))
        report = None if progress is None else _of_member(progress, member)
        network = restore(config, start)
        file = None if run is None else run / f"member-{member}.pt"
        rows = train(network, config, task, run=file, fingerprint=mark, progress=report, device=device)
        trained.append(blend(start, network.state_dict(), training.recipe.blend))
        history += [{"member": member, **row} for row in rows]
    return trained, history


def _of_member(progress: Progress, member: int) -> Progress:
    return lambda row: progress({"member": member, **row})


def blend(start: Weights, trained: Weights, share: float) -> Weights:
    """The tensors on the CPU that lie this share of the way from `start` to `trained` (arXiv:2109.01903)."""
    ends = {name: (start[name].detach().cpu(), tensor.detach().cpu()) for name, tensor in trained.items()}
    if share in (0.0, 1.0):  # to the last bit
        return {name: pair[int(share)] for name, pair in ends.items()}
    return {name: torch.lerp(*pair, share) for name, pair in ends.items()}


def fresh_starts(training: Training, config: NetworkConfig, seed: int) -> list[Weights]:
    """Fresh weights of each member; the default network's inputs standardised over the first objects."""
    some = training.labelled[:4096]
    examples = training.examples(some, np.ones(len(training.labels.classes)))
    mean, scale = examples.features.mean(axis=0), examples.features.std(axis=0)
    scale = np.where(scale > 1e-6, scale, 1.0).astype(np.float32)
    starts: list[Weights] = []
    for member in range(training.recipe.members or 1):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(member_seed(seed, member))
            network = build(config)
        if isinstance(network, DefaultNetwork):
            network.standardise(torch.from_numpy(mean), torch.from_numpy(scale))
        starts.append({key: tensor.clone() for key, tensor in network.state_dict().items()})
    return starts
