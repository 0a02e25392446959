"""The one ONNX graph of a network: batch and step, with the hidden state in and out."""

from __future__ import annotations

import io
import warnings

import torch
from torch import Tensor, nn

from firstlight.learn.networks import NetworkConfig, first_hidden, restore

OPSET = 17  # LayerNormalization as one operator


class _WithoutContext(nn.Module):  # type: ignore[misc]  # torch is Any to mypy
    """A network without metadata, so that its graph has no empty inputs."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        empty = features.new_zeros(features.shape[0], 0)
        answer: tuple[Tensor, Tensor, Tensor] = self.network(features, empty, empty, hidden)
        return answer


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
