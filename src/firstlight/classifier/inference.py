"""A network as ONNX Runtime runs it: many sequences at once, or one row after the other.

The graph reads rows from left to right and keeps what it saw in its hidden state, so padding on the right
changes no row, and one row after the other gives what the whole sequence gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from firstlight._types import Bools, Floats32, Ints
from firstlight.errors import CheckpointError

_INPUTS = {"features", "hidden"}
_CONTEXT = {"context", "context_mask"}
_OUTPUTS = ("logits", "hidden_out", "embedding")
# Rows in one call: beyond this a batch gains nothing, and leaves the cache.
_ROWS_A_CALL = 4096


class Sizes(NamedTuple):
    """Sizes of a graph."""

    features: int
    context: int
    layers: int
    hidden: int
    classes: int
    embedding: int

    def require(self, *, features: int, context: int, classes: int, where: str) -> None:
        """Raise CheckpointError when a config states another size than the graph has."""
        for what, stated, found in (
            ("features", features, self.features),
            ("metadata columns", context, self.context),
            ("classes", classes, self.classes),
        ):
            if stated != found:
                raise CheckpointError(
                    f"config.json states {stated} {what}, but network.onnx has {found}", where=where
                )


class Network:
    """One ONNX graph, loaded. It may be used by several threads at once.

    Parameters
    ----------
    onnx : bytes
    threads : int
        Threads of one call.
    where : str
        Named in errors.
    """

    def __init__(self, onnx: bytes, *, threads: int = 1, where: str = "network.onnx") -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise CheckpointError(f"cannot be loaded ({first[:200]})", where=where) from error
        self.sizes = self._sizes(where)

    def _sizes(self, where: str) -> Sizes:
        inputs = {item.name: list(item.shape) for item in self._session.get_inputs()}
        outputs = {item.name: list(item.shape) for item in self._session.get_outputs()}
        allowed = (_INPUTS, _INPUTS | _CONTEXT)
        if set(inputs) not in allowed or not set(_OUTPUTS) <= set(outputs):
            raise CheckpointError(
                f"has inputs {sorted(inputs)} and outputs {sorted(outputs)}; needed are {sorted(_INPUTS)} "
                f"(with metadata {sorted(_CONTEXT)} too) and {list(_OUTPUTS)}",
                where=where,
            )
        layers, _, hidden = inputs["hidden"]
        sizes = (
            inputs["features"][-1],
            inputs["context"][-1] if "context" in inputs else 0,
            layers,
            hidden,
            outputs["logits"][-1],
            outputs["embedding"][-1],
        )
        if not all(isinstance(size, int) for size in sizes[:4]):
            raise CheckpointError("leaves the number of its inputs open", where=where)
        if not all(isinstance(size, int) for size in sizes[4:]):
            sizes = (*sizes[:4], *self._measured(*sizes[:4]))
        return Sizes(*sizes)

    def _measured(self, features: int, context: int, layers: int, hidden: int) -> tuple[int, int]:
        """Numbers of classes and of the embedding, where the graph does not say them: by asking it once."""
        feed = self._feed(
            np.zeros((1, 1, features), np.float32),
            np.zeros((1, context), np.float32),
            np.zeros((1, context), np.float32),
            np.zeros((layers, 1, hidden), np.float32),
        )
        logits, embedding = self._session.run(["logits", "embedding"], feed)
        return logits.shape[-1], embedding.shape[-1]

    @staticmethod
    def _feed(features: Floats32, context: Floats32, mask: Floats32, hidden: Floats32) -> dict[str, Any]:
        feed = {"features": features, "hidden": hidden}
        if context.shape[1]:
            feed |= {"context": context, "context_mask": mask}
        return feed

    def first_hidden(self, batch: int = 1) -> Floats32:
        """The hidden state before the first row, float32 [L, B, H]."""
        return np.zeros((self.sizes.layers, batch, self.sizes.hidden), np.float32)

    def run(
        self,
        features: Floats32,
        offsets: Ints,
        context: Floats32,
        known: Bools,
        *,
        outputs: Sequence[str] = ("logits",),
        batch_size: int = 64,
    ) -> list[Floats32]:
        """Each of the outputs for every row of every sequence, float32 [M, C] or [M, E].

        Parameters
        ----------
        features : float32 [M, F]
        offsets : int64 [s + 1]
            Sequence k holds rows ``offsets[k]`` to ``offsets[k + 1]``.
        context, known : float32 [s, K], bool [s, K]
        outputs : sequence of {"logits", "embedding"}
        batch_size : int
            Sequences in one call at most; changes the speed only.
        """
        out = self._blank(outputs, len(features))
        mask = known.astype(np.float32)
        lengths = np.diff(offsets)
        order = np.argsort(lengths, kind="stable")
        begin = 0
        while begin < len(order):
            end = _batch_end(lengths, order, begin, batch_size)
            chosen = order[begin:end]
            begin = end
            steps = int(lengths[chosen[-1]])
            # Shorter sequences repeat their last row on the right; nothing reads what follows it.
            place = offsets[chosen, None] + np.minimum(np.arange(steps), lengths[chosen, None] - 1)
            feed = self._feed(features[place], context[chosen], mask[chosen], self.first_hidden(len(chosen)))
            answers = self._session.run(list(outputs), feed)
            if lengths[chosen[0]] == steps:
                for whole, answer in zip(out, answers, strict=True):
                    whole[place.reshape(-1)] = answer.reshape(-1, whole.shape[1])
            else:
                real = np.arange(steps) < lengths[chosen, None]
                for whole, answer in zip(out, answers, strict=True):
                    whole[place[real]] = answer[real]
        return out

    def steps(
        self,
        features: Floats32,
        offsets: Ints,
        context: Floats32,
        known: Bools,
        hidden: Floats32,
        *,
        outputs: Sequence[str] = ("logits",),
    ) -> tuple[list[Floats32], Floats32]:
        """Each of the outputs at every row, and the hidden state of every sequence after its last row.

        One call of the graph for all sequences that go on by as many rows, as a rule by one; to the last bit
        what a call for each would give.

        Parameters
        ----------
        features, offsets, context, known, outputs
            As in `run`, with at least one row a sequence: those that came since `hidden`.
        hidden : float32 [L, s, H]
            After the rows before.
        """
        mask = known.astype(np.float32)
        if len(offsets) == 2:
            feed = self._feed(features[None], context, mask, hidden)
            *answers, after = self._session.run([*outputs, "hidden_out"], feed)
            return [answer[0] for answer in answers], after
        out, after, lengths = self._blank(outputs, len(features)), np.empty_like(hidden), np.diff(offsets)
        for length in np.unique(lengths):
            alike, at_once = np.flatnonzero(lengths == length), max(1, _ROWS_A_CALL // int(length))
            for begin in range(0, len(alike), at_once):
                chosen = alike[begin : begin + at_once]
                place = offsets[chosen, None] + np.arange(length)
                feed = self._feed(features[place], context[chosen], mask[chosen], hidden[:, chosen])
                *answers, after[:, chosen] = self._session.run([*outputs, "hidden_out"], feed)
                for whole, answer in zip(out, answers, strict=True):
                    whole[place] = answer
        return out, after

    def _blank(self, outputs: Sequence[str], rows: int) -> list[Floats32]:
        """Arrays to be filled with the outputs at so many rows."""
        widths = {"logits": self.sizes.classes, "embedding": self.sizes.embedding}
        return [np.empty((rows, widths[name]), np.float32) for name in outputs]


def _batch_end(lengths: Ints, order: Ints, begin: int, batch_size: int) -> int:
    """End of the batch that starts at `begin` in `order`, which goes from short to long."""
    end = min(begin + batch_size, len(order))
    while end - begin > 1 and (end - begin) * int(lengths[order[end - 1]]) > _ROWS_A_CALL:
        end = begin + max(1, min(end - begin - 1, _ROWS_A_CALL // int(lengths[order[end - 1]])))
    return end
