"""Weights of the reference: the Keras 2 files in the PyPI package ``astromcad`` 1.2.7 (MIT), read with h5py.

The package's own code is not used: it pins a framework that no longer loads these files.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from firstlight.errors import CheckpointError, DataError, MissingExtraError
from firstlight.learn.networks import NetworkConfig, reference_config

SHA256 = {
    "NoHostClassifier.h5": "b88ee390393d98804487bebc7b3fea16948dec0676b1ae1ad770f0121e43f841",
    "HostClassifier.h5": "a26948c180187f34bdc1380d39a9d310532f30937a80dbe3169bb339f4da5087",
}
# Order of the outputs: alphabetical by the package's own labels (one-hot encoder), here under TNS names.
CLASSES = (
    "AGN", "SLSN-I", "SN II", "SN IIb", "SN IIn", "SN Ia", "SN Ia-91bg-like", "SN Iax[02cx-like]",
    "SN Ib", "SN Ic", "SN Ic-BL", "TDE",
)  # fmt: skip
# Ours -> Keras. The Host network's "dense_1" is the metadata branch, so later layers shift by one.
_LAYERS = {
    False: {"dense": "dense", "merge": "dense_1", "latent": "latent", "output": "dense_2"},
    True: {"dense": "dense", "host": "dense_1", "merge": "dense_2", "latent": "latent", "output": "dense_3"},
}


def load_keras(
    source: str | Path, *, host: bool = False, verify: bool = True
) -> tuple[NetworkConfig, dict[str, torch.Tensor]]:
    """The sizes and tensors of one of the two reference networks, ready for ``load_state_dict``.

    Parameters
    ----------
    source : path
        ``NoHostClassifier.h5`` or ``HostClassifier.h5``, the wheel that holds them, or a folder with either.
    host : bool
        The network with the metadata branch (redshift, E(B-V)).
    verify : bool
        Compare the file's SHA-256 with the one on record.

    Raises
    ------
    DataError
        When the file is not there.
    CheckpointError
        When its hash differs, or a layer is missing or has another shape.
    """
    name = "HostClassifier.h5" if host else "NoHostClassifier.h5"
    content = _bytes_of(Path(source), name)
    digest = hashlib.sha256(content).hexdigest()
    if verify and digest != SHA256[name]:
        raise CheckpointError(
            f"SHA-256 is {digest}, expected {SHA256[name]}",
            where=str(source),
            hint="Take the file from astromcad 1.2.7 on PyPI.",
        )
    return reference_config(classes=len(CLASSES), context=2 if host else 0), _tensors(
        content, host, str(source)
    )


def _bytes_of(source: Path, name: str) -> bytes:
    if source.is_dir():
        found = sorted(source.rglob(name)) or sorted(source.glob("astromcad-1.2.7-*.whl"))
        if not found:
            raise DataError(
                f"neither {name} nor the wheel of astromcad 1.2.7 is in this folder", where=str(source)
            )
        source = found[0]
    if not source.exists():
        raise DataError("no such file", where=str(source), hint="pip download --no-deps astromcad==1.2.7")
    if source.suffix == ".whl":
        with zipfile.ZipFile(source) as wheel:
            return wheel.read(f"astromcad/Models/{name}")
    return source.read_bytes()


def _tensors(content: bytes, host: bool, where: str) -> dict[str, torch.Tensor]:
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError("h5py", "learn", where="load_keras") from error
    tensors: dict[str, NDArray[np.float32]] = {}
    with h5py.File(io.BytesIO(content), "r") as file:
        weights = file["model_weights"]
        for layer, path in enumerate(("gru/gru/gru_cell", "gru_1/gru_1/gru_cell_1")):
            kernel, recurrent, bias = (
                _read(weights, f"{path}/{part}:0", where) for part in ("kernel", "recurrent_kernel", "bias")
            )  # (4 or 100, 300), (100, 300), (2, 300)
            tensors[f"recurrent.weight_ih_l{layer}"] = _gates(kernel).T
            tensors[f"recurrent.weight_hh_l{layer}"] = _gates(recurrent).T
            tensors[f"recurrent.bias_ih_l{layer}"] = _gates(bias[0])
            tensors[f"recurrent.bias_hh_l{layer}"] = _gates(bias[1])
        for ours, keras in _LAYERS[host].items():
            tensors[f"{ours}.weight"] = _read(weights, f"{keras}/{keras}/kernel:0", where).T
            tensors[f"{ours}.bias"] = _read(weights, f"{keras}/{keras}/bias:0", where)
    return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in tensors.items()}


def _read(weights: Any, path: str, where: str) -> NDArray[np.float32]:
    if path not in weights:
        raise CheckpointError(f"tensor '{path}' is missing", where=where)
    return np.asarray(weights[path], np.float32)


def _gates(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Column blocks z, r, h of Keras in PyTorch's order r, z, n."""
    z, r, h = np.split(block, 3, axis=-1)
    return np.concatenate([r, z, h], axis=-1)
