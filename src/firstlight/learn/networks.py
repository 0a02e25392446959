"""The networks: what turns prepared rows into logits, in the order in which one reads them; and their graph.

Two presets share one signature::

    forward(features [B, T, F], context [B, K], context_mask [B, K], hidden [L, B, H])
        -> (logits [B, T, C], hidden [L, B, H], embedding [B, T, E])

Both are recurrent, so row t sees rows 0..t only, zero padding on the right never reaches a real row, and the
hidden state that comes out continues the light curve when it goes in again. Without metadata (K = 0) pass
``context`` and ``context_mask`` of width 0.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from firstlight._types import Floats
from firstlight.errors import UnknownNameError, UsageError
from firstlight.facts import class_tree
from firstlight.learn.recipe import PRESETS, Preset

Weights = Mapping[str, Tensor]
"""The tensors of a network by name."""
OPSET = 17  # of ONNX: LayerNormalization as one operator


@dataclass(frozen=True)
class NetworkConfig:
    """The sizes of a network: all that `build` needs, saved in ``config.json``.

    Parameters
    ----------
    preset : {"default", "reference"}
        Which network; the reference's sizes are fixed.
    inputs, context, classes : int
        Numbers a row (F), metadata an object (K, may be 0), classes (C).
    width, hidden, layers, embedding : int
        Input projection (default preset only), GRU state, GRU layers, and embedding a member.
    dropout : float
        Share of numbers dropped between the layers while training.
    members : int
        Networks whose mean probability is the answer.
    """

    preset: Preset
    inputs: int
    classes: int
    context: int = 0
    width: int = 32  # 96 instead costs 14 % of the speed of inference
    hidden: int = 96
    layers: int = 2
    embedding: int = 64
    dropout: float = 0.1
    members: int = 1

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise UnknownNameError("preset", self.preset, PRESETS)
        for name in ("inputs", "classes", "width", "hidden", "layers", "embedding", "members"):
            if getattr(self, name) < 1:
                raise UsageError(f"network size '{name}' is {getattr(self, name)}; it must be at least 1")
        if self.context < 0 or not 0 <= self.dropout < 1:
            raise UsageError("context must be at least 0 and dropout in [0, 1)", where="network")
        if self.preset == "reference" and (self.inputs, self.hidden, self.layers, self.embedding) != (
            4,
            100,
            2,
            100,
        ):
            raise UsageError(
                "the reference network has 4 inputs and two GRU layers of 100; use reference_config()"
            )

    def to_dict(self) -> dict[str, Any]:
        """The sizes as plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> NetworkConfig:
        """The sizes from `to_dict`; an unknown key is refused.

        Raises
        ------
        UnknownNameError
            When a key is none of the sizes.
        """
        known = [field.name for field in fields(cls)]
        for key in values:
            if key not in known:
                raise UnknownNameError("network size", key, known)
        return cls(**values)

    @property
    def hidden_shape(self) -> tuple[int, int]:
        """First and last axis (L, H) of the hidden state; members lie one after the other on the first."""
        return self.layers * self.members, self.hidden


def reference_config(*, classes: int = 12, context: int = 0, members: int = 1) -> NetworkConfig:
    """The sizes of the network of arXiv:2502.18558."""
    return NetworkConfig(
        preset="reference",
        inputs=4,
        classes=classes,
        context=context,
        hidden=100,
        embedding=100,
        dropout=0.0,
        members=members,
    )


class ReferenceNetwork(nn.Module):  # type: ignore[misc]  # torch is Any to mypy
    """The reference: two GRU layers, a tanh layer, an optional linear metadata branch, two ReLU layers."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        H = config.hidden
        host = 10 if config.context else 0
        self.recurrent = nn.GRU(config.inputs, H, config.layers, batch_first=True)
        self.dense = nn.Linear(H, H)
        self.host = nn.Linear(config.context, host) if host else None
        self.merge = nn.Linear(H + host, H)
        self.latent = nn.Linear(H, config.embedding)
        self.output = nn.Linear(config.embedding, config.classes)

    def forward(
        self, features: Tensor, context: Tensor, context_mask: Tensor, hidden: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Logits, next hidden state and embedding."""
        state, hidden = self.recurrent(features, hidden)  # (B, T, H), (L, B, H)
        x = torch.tanh(self.dense(state))  # (B, T, H)
        if self.host is not None:
            host = self.host(context * context_mask)  # (B, 10); a missing value enters as 0
            x = torch.cat([x, host.unsqueeze(1).expand(-1, x.shape[1], -1)], dim=-1)  # (B, T, H + 10)
        x = torch.relu(self.merge(x))  # (B, T, H)
        embedding = torch.relu(self.latent(x))  # (B, T, E)
        return self.output(embedding), hidden, embedding  # (B, T, C)


class DefaultNetwork(nn.Module):  # type: ignore[misc]  # torch is Any to mypy
    """The default: projection and layer norm, GRU layers, metadata with masks added before the embedding."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        H, E = config.hidden, config.embedding
        self.project = nn.Linear(config.inputs, config.width)
        self.norm = nn.LayerNorm(config.width)
        between = config.dropout if config.layers > 1 else 0.0
        self.recurrent = nn.GRU(config.width, H, config.layers, batch_first=True, dropout=between)
        self.metadata: nn.Module | None = None
        if config.context:
            self.metadata = nn.Sequential(nn.Linear(2 * config.context, 32), nn.ReLU(), nn.Linear(32, E))
        self.latent = nn.Linear(H, E)
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(E, config.classes)

    def forward(
        self, features: Tensor, context: Tensor, context_mask: Tensor, hidden: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Logits, next hidden state and embedding."""
        x = self.norm(self.project(features))  # (B, T, W)
        state, hidden = self.recurrent(x, hidden)  # (B, T, H), (L, B, H)
        x = self.latent(self.dropout(state))  # (B, T, E)
        if self.metadata is not None:
            known = torch.cat(
                [context * context_mask, context_mask], dim=-1
            )  # (B, 2K): value 0 is not "missing"
            x = x + self.metadata(known).unsqueeze(1)  # (B, 1, E): the same at every row
        embedding = torch.relu(x)  # (B, T, E)
        return self.output(self.dropout(embedding)), hidden, embedding  # (B, T, C)

    def standardise(self, mean: Tensor, scale: Tensor) -> None:
        """Fold the features' mean and scale (each [F]) into the projection, to start at unit inputs."""
        with torch.no_grad():
            self.project.weight /= scale
            self.project.bias -= self.project.weight @ mean


class Ensemble(nn.Module):  # type: ignore[misc]  # torch is Any to mypy
    """Several networks in one graph: the logits are the log of their mean probability."""

    def __init__(self, members: list[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(
        self, features: Tensor, context: Tensor, context_mask: Tensor, hidden: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Logits, next hidden states and the members' embeddings side by side."""
        states = hidden.chunk(len(self.members), dim=0)  # each (L, B, H)
        answers = [m(features, context, context_mask, h) for m, h in zip(self.members, states, strict=True)]
        shares = torch.stack(
            [functional.softmax(logits, dim=-1) for logits, _, _ in answers]
        )  # (members, B, T, C)
        logits = torch.log(shares.mean(dim=0).clamp_min(1e-30))  # (B, T, C); the floor keeps float32 finite
        hidden = torch.cat([state for _, state, _ in answers], dim=0)  # (members L, B, H)
        return logits, hidden, torch.cat([e for _, _, e in answers], dim=-1)  # (B, T, members E)


def build(config: NetworkConfig) -> nn.Module:
    """The network of these sizes, weights drawn from torch's current random state."""
    kind = ReferenceNetwork if config.preset == "reference" else DefaultNetwork
    if config.members == 1:
        return kind(config)
    return Ensemble([kind(config) for _ in range(config.members)])


def restore(config: NetworkConfig, weights: Weights) -> nn.Module:
    """The network of these sizes and tensors (copied), on the CPU; torch's random state stays as it is."""
    with torch.random.fork_rng(devices=[]):
        network = build(config)
    network.load_state_dict({name: tensor.detach().cpu() for name, tensor in weights.items()})
    return network


def first_hidden(config: NetworkConfig, batch: int, device: torch.device | str = "cpu") -> Tensor:
    """The hidden state [L, B, H] before the first row: zeros."""
    layers, hidden = config.hidden_shape
    return torch.zeros(layers, batch, hidden, device=device)


def split_members(weights: Weights, config: NetworkConfig) -> list[Weights]:
    """The tensors of each member alone, ready for a network with one member."""
    if config.members == 1:
        return [dict(weights)]
    prefixes = [f"members.{k}." for k in range(config.members)]
    return [{n.removeprefix(p): t for n, t in weights.items() if n.startswith(p)} for p in prefixes]


def join_members(members: Sequence[Weights]) -> Weights:
    """The tensors of one network of several members."""
    if len(members) == 1:
        return dict(members[0])
    return {f"members.{k}.{name}": tensor for k, one in enumerate(members) for name, tensor in one.items()}


def head_mixture(old: Sequence[str], new: Sequence[str]) -> Floats:
    """The weights [new, old] with which rows of an old head start the rows of a new one; each row sums to 1.

    A new class starts from the mean of the old classes that it covers; one that covers none from its nearest
    relatives: the mean of the old classes at or under its nearest ancestor that has any; a stranger to the
    whole tree from the mean of all.

    Examples
    --------
    >>> head_mixture(["SN Ib", "SN Ic", "TDE"], ["SN Ib/c", "TDE"]).tolist()
    [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]
    """
    tree = class_tree()
    mixture = tree.collapse_matrix(old, new).T.copy()
    for row, name in enumerate(new):
        if not mixture[row].any():
            for ancestor in (name, *tree.ancestors(name)):
                kin = np.array([tree.is_a(other, ancestor) for other in old], float)
                if kin.any():
                    mixture[row] = kin
                    break
            else:
                mixture[row] = 1.0
    return np.asarray(mixture / mixture.sum(axis=1, keepdims=True))


def match_head(weight: Tensor, bias: Tensor, old: Sequence[str], new: Sequence[str]) -> tuple[Tensor, Tensor]:
    """The output layer's weight [C, E] and bias [C] for the new classes, from that of the old ones."""
    mixture = torch.from_numpy(head_mixture(old, new)).to(weight.dtype)
    # Rows with one source are copied, not multiplied, so that a kept class stays the same to the last bit.
    single = mixture.max(dim=1).values == 1
    source = mixture.argmax(dim=1)
    rows = torch.where(single[:, None], weight[source], mixture @ weight)
    return rows, torch.where(single, bias[source], mixture @ bias)


def to_onnx(network: nn.Module, config: NetworkConfig) -> bytes:
    """The network as one serialised ONNX graph with free batch and time axes.

    Inputs: ``features`` [B, T, F], ``hidden`` [L, B, H]; with metadata ``context``, ``context_mask`` [B, K].
    Outputs: ``logits`` [B, T, C], ``hidden_out`` [L, B, H], ``embedding`` [B, T, E]. All float32. A GRU stays
    one operator, whose ONNX Runtime kernel gives bitwise the same answer for any batch and step.
    """
    copy = restore(config, network.state_dict()).eval()  # the caller's network stays as it is
    example = {"features": torch.zeros(2, 3, config.inputs)}
    if config.context:
        example |= {name: torch.zeros(2, config.context) for name in ("context", "context_mask")}
    else:
        copy = _WithoutContext(copy)
    example["hidden"] = first_hidden(config, 2)
    rows = {0: "batch", 1: "time"}
    axes = {
        "features": rows,
        "logits": rows,
        "embedding": rows,
        "hidden": {1: "batch"},
        "hidden_out": {1: "batch"},
    }
    axes |= {"context": {0: "batch"}, "context_mask": {0: "batch"}} if config.context else {}
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls this exporter legacy; the new one takes the GRU apart
        torch.onnx.export(
            copy,
            tuple(example.values()),
            buffer,
            dynamo=False,
            opset_version=OPSET,
            input_names=list(example),
            output_names=["logits", "hidden_out", "embedding"],
            dynamic_axes=axes,
        )
    return buffer.getvalue()


class _WithoutContext(nn.Module):  # type: ignore[misc]  # torch is Any to mypy
    """A network without metadata, so that its graph has no empty inputs."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        empty = features.new_zeros(features.shape[0], 0)
        answer: tuple[Tensor, Tensor, Tensor] = self.network(features, empty, empty, hidden)
        return answer
