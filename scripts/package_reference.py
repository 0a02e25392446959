"""Make the packaged ``reference`` and ``reference-host`` from the PyPI wheel of astromcad 1.2.7 (MIT).

::

    pip download --no-deps astromcad==1.2.7 -d wheel
    python scripts/package_reference.py wheel src/firstlight/classifier/packaged

The wheel's Keras 2 files are read with h5py. The package's own code is not used: it pins a framework that no
longer loads these files.
"""

from __future__ import annotations

import hashlib
import io
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from firstlight._types import Floats32
from firstlight.classifier import Calibration, Classifier
from firstlight.errors import CheckpointError, DataError
from firstlight.learn.cards import card
from firstlight.learn.networks import NetworkConfig, reference_config
from firstlight.learn.publishing import publish
from firstlight.preparation import Preparation

NAMES = {"reference": False, "reference-host": True}
# Simulated objects a class, as the authors count them; 80 % of them were trained on (arXiv:2403.14742).
OBJECTS = {
    "AGN": 10_561, "SLSN-I": 12_880, "SN II": 13_000, "SN IIb": 12_323, "SN IIn": 13_000, "SN Ia": 11_587,
    "SN Ia-91bg-like": 13_000, "SN Iax[02cx-like]": 13_000, "SN Ib": 5_267, "SN Ic": 1_583, "SN Ic-BL": 1_423,
    "TDE": 11_354,
}  # fmt: skip
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


MIT_NOTICE = """\
MIT License

Copyright (c) 2025 Rithwik-G

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE."""


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
    tensors: dict[str, Floats32] = {}
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


def _read(weights: Any, path: str, where: str) -> Floats32:
    if path not in weights:
        raise CheckpointError(f"tensor '{path}' is missing", where=where)
    return np.asarray(weights[path], np.float32)


def _gates(block: Floats32) -> Floats32:
    """Column blocks z, r, h of Keras in PyTorch's order r, z, n."""
    z, r, h = np.split(block, 3, axis=-1)
    return np.concatenate([r, z, h], axis=-1)


def package(source: str | Path, out: str | Path, name: str) -> Classifier:
    """One of the two reference classifiers, written to ``out/name``.

    Parameters
    ----------
    source : path
        The wheel of astromcad 1.2.7, or a folder that holds it or its weights.
    out : path
    name : {"reference", "reference-host"}
    """
    host = NAMES[name]
    config, weights = load_keras(source, host=host)
    # Detections alone: which weak points and limits a table holds differs between sources of data, and
    # would tell the source instead of the class.
    preparation = Preparation.reference(rows="detections", metadata=("redshift", "mwebv") if host else ())
    file = "HostClassifier.h5" if host else "NoHostClassifier.h5"
    training = {
        "kind": "foreign weights",
        "source": "PyPI astromcad 1.2.7",
        "file": file,
        "sha256": SHA256[file],
        "licence": "MIT",
        "objects": OBJECTS,
    }
    return publish(
        weights,
        config,
        name=name,
        classes=CLASSES,
        preparation=preparation,
        passbands=preparation.passbands or (),
        calibration=Calibration(training_shares=_shares()),
        training=training,
        card=_card(name, host, preparation, training),
        path=Path(out) / name,
    )


def _shares() -> dict[str, float]:
    # Its authors weight classes by N / n_c, so the loss sees every class equally often.
    return {one: 1 / len(CLASSES) for one in CLASSES}


def _card(name: str, host: bool, preparation: Preparation, training: Mapping[str, object]) -> str:
    return card(
        name=name,
        summary=(
            "The recurrent network of Gupta, Muthukrishna & Lochner (arXiv:2403.14742) with its published "
            "weights: " + ("light curves, redshift and E(B-V)." if host else "light curves alone.")
        ),
        counts=OBJECTS,
        preparation=preparation.to_dict(),
        recipe=[
            f"weights: `{training['file']}` of the PyPI package astromcad 1.2.7",
            f"SHA-256 of that file: `{training['sha256']}`",
            "trained by its authors on 80 % of the simulated ZTF light curves counted above "
            f"({'19' if host else '24'} epochs, whole light curves)",
            "made with `python scripts/package_reference.py`; equal to the original framework within 1e-5",
        ],
        notes=["Simulated light curves in g and r, from 30 days before to 70 days after the trigger."],
        limits=[
            "- Its training data carry the wavelengths of g and r exchanged, and so does its preparation.",
            "- Trained on whole light curves only: early probabilities are poor.",
            "- Fluxes are scaled by a constant, so another survey's depth is outside of what it knows.",
            "- Not calibrated on real objects.",
        ]
        + (["- It knows no missing metadata: without a redshift use `reference`."] if host else []),
        licence="The weights are under the MIT licence; cite arXiv:2403.14742 and arXiv:2502.18558.\n\n"
        f"```\n{MIT_NOTICE}\n```",
    )


def main(arguments: Sequence[str]) -> int:
    """Write both classifiers: ``python scripts/package_reference.py WHEEL_OR_FOLDER OUT``."""
    if len(arguments) != 2:
        sys.stderr.write(f"usage: python scripts/package_reference.py WHEEL_OR_FOLDER OUT\n\n{__doc__}")
        return 2
    for name in NAMES:
        classifier = package(arguments[0], arguments[1], name)
        sys.stderr.write(f"{classifier.checkpoint.path}: hash {classifier.hash[:12]}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
