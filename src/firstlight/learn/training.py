"""Training one network: the loss, and one loop for every strategy, resumed to the last bit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from firstlight._types import Floats, Ints
from firstlight.errors import Arg, TrainingError, UsageError
from firstlight.files import replacing
from firstlight.learn.examples import Batch, EpochSampler, Examples, batches, pad, plan_batches
from firstlight.learn.networks import NetworkConfig, first_hidden
from firstlight.learn.optimiser import Optimiser
from firstlight.learn.recipe import Phase, Recipe, phases

HistoryRow = dict[str, Any]
Progress = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True)
class Task:
    """What one network is to learn.

    Attributes
    ----------
    sampler : EpochSampler
        Draws and augments the examples of each epoch.
    recipe : Recipe
    epochs : int
    strategy : str
    seed : int
    validation : Examples or None
        Held-out examples for early stopping.
    kept_rows : int64 array
        Classes without any label: their rows of the head stay as they are.
    """

    sampler: EpochSampler
    recipe: Recipe
    epochs: int
    strategy: str = "full"
    seed: int = 0
    validation: Examples | None = None
    kept_rows: Ints = field(default_factory=lambda: np.empty(0, np.int64))


@dataclass
class _RunState:
    """All that a resumed run needs beside the network; saved after every epoch."""

    phase: int = 0
    epoch: int = 0  # of the phase
    steps: int = 0
    waited: int = 0
    best_loss: float = math.inf
    best: dict[str, Tensor] | None = None
    history: list[HistoryRow] = field(default_factory=list)


def train(
    network: nn.Module,
    config: NetworkConfig,
    task: Task,
    *,
    run: Path | None = None,
    fingerprint: str = "",
    progress: Progress | None = None,
    device: str = "cpu",
) -> list[HistoryRow]:
    """The history of training `network` in place, one row an epoch.

    With validation examples the weights of the best epoch are restored, stopped early or not.

    Parameters
    ----------
    network : Module
        Of `config`, with one member.
    config : NetworkConfig
    task : Task
    run : Path, optional
        File that holds the state after every epoch; an existing one is continued, bit for bit.
    fingerprint : str
        What the run was started with; a file of another run is refused.
    progress : callable, optional
        Called with each row of the history.
    device : str
        Where torch computes.

    Raises
    ------
    TrainingError
        When there is nothing to learn from, or the loss is no longer finite.
    UsageError
        When `run` belongs to another run.
    """
    try:
        network.to(device)
    except (RuntimeError, AssertionError) as error:  # torch knows which devices there are
        what = f"'{device}' cannot be used: {str(error).splitlines()[0]}"
        hint = ("Say ", Arg("device", "cpu"), ".")
        raise UsageError(what, where=Arg("device"), hint=hint) from error
    loop = _Loop(network, config, task, device)
    state, saved = _resume(loop, run, fingerprint)
    recipe = task.recipe
    planned = phases(task.strategy, recipe)
    while state.phase < len(planned):
        phase = planned[state.phase]
        epochs = max(1, round(phase.share * task.epochs))
        optimiser = Optimiser.of(network, phase, recipe, seed=task.seed)
        if saved is not None:
            optimiser.resume(saved, loop.start)
            saved = None
        while state.epoch < epochs and state.waited < recipe.patience:
            row = loop.epoch(state, phase, epochs, optimiser)
            _judge(network, state, row, recipe)
            state.history.append(row)
            state.epoch += 1
            _save(loop, run, fingerprint, state, optimiser)
            if progress is not None:
                progress(row)
        if state.best is not None:
            network.load_state_dict(state.best)
        state.phase, state.epoch, state.waited = state.phase + 1, 0, 0
    for tensor in network.parameters():
        tensor.requires_grad_(True)
    network.eval()
    return state.history


class _Loop:
    """One network and its task: what stays the same from epoch to epoch."""

    def __init__(self, network: nn.Module, config: NetworkConfig, task: Task, device: str) -> None:
        self.network, self.config, self.task, self.device = network, config, task, device
        self.start = {name: tensor.detach().clone() for name, tensor in network.named_parameters()}

    def epoch(self, state: _RunState, phase: Phase, epochs: int, optimiser: Optimiser) -> HistoryRow:
        """One pass over what is drawn: the row of history that it makes."""
        began = time.perf_counter()
        recipe, sampler = self.task.recipe, self.task.sampler
        # The randomness of an epoch comes from its number alone, so a resumed run needs no random state.
        rng = np.random.default_rng([self.task.seed, state.phase, state.epoch])
        self.network.train()
        total, done, fall = 0.0, 0, 1.0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**62)))
            for part, examples in enumerate(sampler(rng)):
                planned = plan_batches(examples.lengths, recipe.batch_size, rng)
                for k, index in enumerate(planned):
                    passed = state.epoch + (part + k / len(planned)) / sampler.parts
                    if recipe.schedule == "cosine":
                        fall = 0.5 * (1 + math.cos(math.pi * passed / epochs))
                    optimiser.set_rate(recipe.rate * phase.rate * fall)
                    batch = pad(examples, index, self.device)
                    total += self._step(batch, optimiser, recipe.pull or phase.pull)
                    done += 1
        if not done:
            raise TrainingError("no light curve gives a row to learn from")
        state.steps += done
        row: HistoryRow = {"phase": phase.moving, "epoch": state.epoch + 1, "step": state.steps}
        row |= {"rate": recipe.rate * phase.rate * fall, "loss": total / done}
        if self.task.validation is not None:
            row |= validate(self.network, self.config, recipe, self.task.validation, self.device)
        return row | {"seconds": time.perf_counter() - began}

    def _step(self, batch: Batch, optimiser: Optimiser, strength: float) -> float:
        recipe, kept, moving = self.task.recipe, self.task.kept_rows, optimiser.moving
        optimiser.adam.zero_grad(set_to_none=True)
        logits, _ = answer(self.network, self.config, batch)
        rows = row_weights(batch.issued, prefixes=recipe.prefixes, power=recipe.prefix_power)
        loss = cross_entropy(logits, batch.target, batch.weight, rows, smoothing=recipe.smoothing)
        if strength:
            distance = pull(list(moving.values()), [self.start[name] for name in moving])
            loss = loss + strength * distance
        value = float(loss.detach())
        if not math.isfinite(value):
            raise TrainingError(
                "the loss is no longer finite", hint="Lower the rate, or look for absurd fluxes or errors."
            )
        loss.backward()
        optimiser.step(recipe.gradient_norm)
        if len(kept):
            with torch.no_grad():
                for name in ("output.weight", "output.bias"):
                    if name in moving:
                        moving[name][kept] = self.start[name][kept]
        return value


def answer(network: nn.Module, config: NetworkConfig, batch: Batch) -> tuple[Tensor, Tensor]:
    """Logits [B, T, C] and embedding [B, T, E] of whole light curves."""
    hidden = first_hidden(config, len(batch.target), batch.features.device)
    logits, _, embedding = network(batch.features, batch.context, batch.context_mask, hidden)
    return logits, embedding


def validate(
    network: nn.Module, config: NetworkConfig, recipe: Recipe, examples: Examples, device: str = "cpu"
) -> HistoryRow:
    """``val_loss``, class-weighted as in training, and ``val_macro_auroc`` of the last observations."""
    network.eval()
    total = 0.0
    shares = np.empty((len(examples), config.classes))
    with torch.no_grad():
        for batch in batches(examples, 256, device=device):
            logits, _ = answer(network, config, batch)
            rows = row_weights(batch.issued, prefixes=recipe.prefixes, power=recipe.prefix_power)
            loss = cross_entropy(logits, batch.target, batch.weight, rows)
            total += float(loss) * len(batch.target)
            last = last_rows(logits, batch.issued).double()
            shares[batch.index] = np.asarray(torch.softmax(last, dim=-1).cpu())
    auroc = macro_auroc(shares, examples.target)
    return {"val_loss": total / max(len(examples), 1), "val_macro_auroc": auroc}


def last_rows(values: Tensor, issued: Tensor) -> Tensor:
    """The values [B, C] at the last issued row of each light curve, of values [B, T, C]."""
    step = torch.arange(issued.shape[1], device=issued.device)
    last = (issued * step).argmax(dim=1)
    return values[torch.arange(len(last), device=last.device), last]


def macro_auroc(shares: Floats, target: Ints) -> float:
    """Mean one-vs-rest AUROC (ties count half) of the classes that are there; NaN for fewer than two."""
    values = []
    present = np.unique(target)
    for one in present if len(present) > 1 else ():
        _, place, counts = np.unique(shares[:, one], return_inverse=True, return_counts=True)
        rank = (np.cumsum(counts) - (counts - 1) / 2)[place]  # midranks
        is_one = target == one
        p, q = int(is_one.sum()), int((~is_one).sum())
        values.append((rank[is_one].sum() - p * (p + 1) / 2) / (p * q))
    return float(np.mean(values)) if values else math.nan


def _judge(network: nn.Module, state: _RunState, row: HistoryRow, recipe: Recipe) -> None:
    """Remember the best weights so far, by the validation loss."""
    if "val_loss" not in row:
        return
    state.waited = 0 if row["val_loss"] < state.best_loss - recipe.min_delta else state.waited + 1
    if row["val_loss"] < state.best_loss:
        state.best_loss = row["val_loss"]
        state.best = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


def _save(loop: _Loop, run: Path | None, fingerprint: str, state: _RunState, optimiser: Optimiser) -> None:
    if run is None:
        return
    values = {"fingerprint": fingerprint, "state": vars(state), "start": loop.start}
    values |= {"network": loop.network.state_dict(), **optimiser.state()}
    with replacing(run) as part:  # a killed run leaves the last whole epoch
        torch.save(values, part)


def _resume(loop: _Loop, run: Path | None, fingerprint: str) -> tuple[_RunState, dict[str, Any] | None]:
    """The saved state and what `Optimiser.resume` takes, or a fresh one."""
    if run is None or not run.exists():
        return _RunState(), None
    try:
        values = torch.load(run, weights_only=True, map_location=loop.device)
        mark = values["fingerprint"]
    except Exception as error:  # whatever torch makes of bytes that are none of its own
        raise UsageError(
            "is no state of a training, or a damaged one",
            where=str(run),
            hint="Remove it: the training then starts afresh.",
        ) from error
    if mark != fingerprint:
        raise UsageError(
            "holds a run with other settings, labels or seed",
            where=str(run),
            hint="Give another folder, or remove this one to start afresh.",
        )
    loop.network.load_state_dict(values["network"])
    loop.start = values["start"]
    return _RunState(**values["state"]), {name: values[name] for name in ("optimiser", "factors")}


def row_weights(issued: Tensor, *, prefixes: bool, power: float) -> Tensor:
    """What each row [B, T] counts within its light curve: each light curve's rows sum to 1.

    Parameters
    ----------
    issued : bool [B, T]
        Rows at which a probability is given.
    prefixes : bool
        Every row counts, as (position / length) ** power; else the last one only.
    """
    position = issued.cumsum(dim=1)  # 1, 2, ... over the issued rows
    length = position[:, -1:].clamp_min(1)
    if not prefixes:
        return (issued & (position == length)).float()
    weight = (position / length) ** power * issued
    return weight / weight.sum(dim=1, keepdim=True).clamp_min(1e-12)


def cross_entropy(
    logits: Tensor, target: Tensor, weight: Tensor, rows: Tensor, *, smoothing: float = 0.0
) -> Tensor:
    """Mean over the batch of weight times cross-entropy.

    Parameters
    ----------
    logits : float [B, T, C]
    target : int64 [B]
    weight : float [B]
        What each light curve counts.
    rows : float [B, T]
        What each row counts within it (`row_weights`).
    smoothing : float
        Share of the label spread evenly over all classes.
    """
    log_shares = functional.log_softmax(logits, dim=-1)  # (B, T, C)
    index = target[:, None, None].expand(-1, logits.shape[1], 1)
    loss = -log_shares.gather(-1, index).squeeze(-1)  # (B, T)
    if smoothing:
        loss = (1 - smoothing) * loss - smoothing * log_shares.mean(dim=-1)
    return (loss * rows).sum(dim=1).mul(weight).sum() / max(len(target), 1)


def pull(parameters: list[Tensor], start: list[Tensor]) -> Tensor:
    """Half the squared distance from where the parameters started (L2-SP, arXiv:1802.01483)."""
    return 0.5 * torch.stack([(p - s).square().sum() for p, s in zip(parameters, start, strict=True)]).sum()
