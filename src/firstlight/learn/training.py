"""The training loop: one for every strategy, deterministic by its seed, resumed to the last bit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from firstlight.errors import TrainingError, UsageError
from firstlight.learn import losses, strategies
from firstlight.learn.batches import Batch, Examples, batches, pad, plan
from firstlight.learn.means import Means
from firstlight.learn.networks import NetworkConfig, first_hidden
from firstlight.learn.recipe import Recipe

Row = dict[str, Any]
Progress = Callable[[Mapping[str, Any]], None]


class Source(Protocol):
    """Where the examples of an epoch come from, in parts that fit into memory."""

    @property
    def parts(self) -> int:
        """Parts that an epoch comes in."""

    def __call__(self, rng: np.random.Generator) -> Iterator[Examples]:
        """The parts of one epoch."""


@dataclass(frozen=True)
class Task:
    """What one network is to learn.

    Attributes
    ----------
    source : Source
        Examples of an epoch, drawn and augmented anew.
    recipe : Recipe
    epochs : int
    strategy : str
    seed : int
    validation : Examples or None
        Held-out examples for early stopping.
    kept_rows : int64 array
        Classes without any label: their rows of the head stay as they are.
    """

    source: Source
    recipe: Recipe
    epochs: int
    strategy: str = "full"
    seed: int = 0
    validation: Examples | None = None
    kept_rows: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))


@dataclass
class _State:
    """All that a resumed run needs beside the network; saved after every epoch."""

    phase: int = 0
    epoch: int = 0  # of the phase
    steps: int = 0
    waited: int = 0
    best_loss: float = math.inf
    best: dict[str, Tensor] | None = None
    history: list[Row] = field(default_factory=list)


def train(
    network: nn.Module,
    config: NetworkConfig,
    task: Task,
    *,
    run: Path | None = None,
    fingerprint: str = "",
    progress: Progress | None = None,
    device: str = "cpu",
) -> list[Row]:
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
        first = str(error).splitlines()[0]
        raise UsageError(f"'{device}' cannot be used: {first}", where="device", hint="Say 'cpu'.") from error
    loop = _Loop(network, config, task, device)
    state, saved = _resume(loop, run, fingerprint)
    recipe = task.recipe
    phases = strategies.phases(task.strategy, head_share=recipe.head_share, later_rate=recipe.later_rate)
    while state.phase < len(phases):
        phase = phases[state.phase]
        epochs = max(1, round(phase.share * task.epochs))
        means = Means.of(network, phase, recipe, seed=task.seed, device=device)
        if saved is not None:
            means.resume(saved, loop.start)
            saved = None
        while state.epoch < epochs and state.waited < recipe.patience:
            row = loop.epoch(state, phase, epochs, means)
            _judge(network, state, row, recipe)
            state.history.append(row)
            state.epoch += 1
            _save(loop, run, fingerprint, state, means)
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

    def epoch(
        self,
        state: _State,
        phase: strategies.Phase,
        epochs: int,
        means: Means,
    ) -> Row:
        """One pass over the source: the row of history that it makes."""
        began = time.perf_counter()
        recipe, source = self.task.recipe, self.task.source
        # The randomness of an epoch comes from its number alone, so a resumed run needs no random state.
        rng = np.random.default_rng([self.task.seed, state.phase, state.epoch])
        self.network.train()
        total, done, fall = 0.0, 0, 1.0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**62)))
            for part, examples in enumerate(source(rng)):
                planned = plan(examples.lengths, recipe.batch_size, rng)
                for k, index in enumerate(planned):
                    passed = state.epoch + (part + k / len(planned)) / source.parts
                    fall = (
                        0.5 * (1 + math.cos(math.pi * passed / epochs))
                        if recipe.schedule == "cosine"
                        else 1.0
                    )
                    means.set_rate(recipe.rate * phase.rate * fall)
                    batch = pad(examples, index, self.device)
                    total += self._step(batch, means, recipe.pull or phase.pull)
                    done += 1
        if not done:
            raise TrainingError("no light curve gives a row to learn from")
        state.steps += done
        row: Row = {"phase": phase.moving, "epoch": state.epoch + 1, "step": state.steps}
        row |= {"rate": recipe.rate * phase.rate * fall, "loss": total / done}
        if self.task.validation is not None:
            row |= validate(self.network, self.config, recipe, self.task.validation, self.device)
        return row | {"seconds": time.perf_counter() - began}

    def _step(self, batch: Batch, means: Means, strength: float) -> float:
        recipe, kept, moving = self.task.recipe, self.task.kept_rows, means.moving
        means.optimiser.zero_grad(set_to_none=True)
        logits, rows = _answers(self.network, self.config, recipe, batch)
        loss = losses.cross_entropy(logits, batch.target, batch.weight, rows, smoothing=recipe.smoothing)
        if strength:
            distance = losses.pull(list(moving.values()), [self.start[name] for name in moving])
            loss = loss + strength * distance
        value = float(loss.detach())
        if not math.isfinite(value):
            raise TrainingError(
                "the loss is no longer finite", hint="Lower the rate, or look for absurd fluxes or errors."
            )
        loss.backward()
        means.step(recipe.gradient_norm)
        if len(kept):
            with torch.no_grad():
                for name in ("output.weight", "output.bias"):
                    if name in moving:
                        moving[name][kept] = self.start[name][kept]
        return value


def _answers(
    network: nn.Module, config: NetworkConfig, recipe: Recipe, batch: Batch
) -> tuple[Tensor, Tensor]:
    """Logits [B, T, C], and what each row counts [B, T]."""
    hidden = first_hidden(config, len(batch.target), batch.features.device)
    logits, _, _ = network(batch.features, batch.context, batch.context_mask, hidden)
    rows = losses.row_weights(batch.issued, prefixes=recipe.prefixes, power=recipe.prefix_power)
    return logits, rows


def batch_loss(network: nn.Module, config: NetworkConfig, recipe: Recipe, batch: Batch) -> Tensor:
    """The loss of one batch as it is, without smoothing."""
    logits, rows = _answers(network, config, recipe, batch)
    return losses.cross_entropy(logits, batch.target, batch.weight, rows)


def validate(
    network: nn.Module, config: NetworkConfig, recipe: Recipe, examples: Examples, device: str = "cpu"
) -> Row:
    """``val_loss``, class-weighted as in training, and ``val_macro_auroc`` of the last observations."""
    network.eval()
    total = 0.0
    shares = np.empty((len(examples), config.classes))
    with torch.no_grad():
        for batch in batches(examples, 256, device=device):
            total += float(batch_loss(network, config, recipe, batch)) * len(batch.target)
            shares[batch.index] = _last(network, config, batch)
    return {
        "val_loss": total / max(len(examples), 1),
        "val_macro_auroc": macro_auroc(shares, examples.target),
    }


def _last(network: nn.Module, config: NetworkConfig, batch: Batch) -> NDArray[np.float64]:
    """Probabilities [B, C] at the last issued row."""
    hidden = first_hidden(config, len(batch.target), batch.features.device)
    logits, _, _ = network(batch.features, batch.context, batch.context_mask, hidden)
    return np.asarray(torch.softmax(last_rows(logits, batch.issued).double(), dim=-1).cpu())


def last_rows(values: Tensor, issued: Tensor) -> Tensor:
    """The values [B, C] at the last issued row of each light curve, of values [B, T, C]."""
    step = torch.arange(issued.shape[1], device=issued.device)
    last = (issued * step).argmax(dim=1)
    return values[torch.arange(len(last), device=last.device), last]


def macro_auroc(shares: NDArray[np.float64], target: NDArray[np.int64]) -> float:
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


def _judge(network: nn.Module, state: _State, row: Row, recipe: Recipe) -> None:
    """Remember the best weights so far, by the validation loss."""
    if "val_loss" not in row:
        return
    state.waited = 0 if row["val_loss"] < state.best_loss - recipe.min_delta else state.waited + 1
    if row["val_loss"] < state.best_loss:
        state.best_loss = row["val_loss"]
        state.best = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


def _save(loop: _Loop, run: Path | None, fingerprint: str, state: _State, means: Means) -> None:
    if run is None:
        return
    values = {"fingerprint": fingerprint, "state": vars(state), "start": loop.start}
    values |= {"network": loop.network.state_dict(), **means.state()}
    run.parent.mkdir(parents=True, exist_ok=True)
    part = run.with_suffix(".part")
    torch.save(values, part)
    part.replace(run)  # a killed run leaves the last whole epoch


def _resume(loop: _Loop, run: Path | None, fingerprint: str) -> tuple[_State, dict[str, Any] | None]:
    """The saved state and what `Means.resume` takes, or a fresh one."""
    if run is None or not run.exists():
        return _State(), None
    values = torch.load(run, weights_only=True, map_location=loop.device)
    if values["fingerprint"] != fingerprint:
        raise UsageError(
            "holds a run with other settings, labels or seed",
            where=str(run),
            hint="Give another folder, or remove this one to start afresh.",
        )
    loop.network.load_state_dict(values["network"])
    loop.start = values["start"]
    return _State(**values["state"]), {name: values[name] for name in ("optimiser", "factors")}
