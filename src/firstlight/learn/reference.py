"""The packaged classifiers ``reference`` and ``reference-host``, made from the PyPI wheel of astromcad 1.2.7.

::

    pip download --no-deps astromcad==1.2.7 -d wheel
    python -m firstlight.learn.reference wheel src/firstlight/classifier/packaged
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from firstlight.classifier import Calibration, Classifier
from firstlight.learn.cards import card
from firstlight.learn.keras_weights import CLASSES, SHA256, load_keras
from firstlight.learn.publishing import publish
from firstlight.preparation import Preparation

NAMES = {"reference": False, "reference-host": True}
# Simulated objects a class, as the authors count them; 80 % of them were trained on (arXiv:2403.14742).
OBJECTS = {
    "AGN": 10_561, "SLSN-I": 12_880, "SN II": 13_000, "SN IIb": 12_323, "SN IIn": 13_000, "SN Ia": 11_587,
    "SN Ia-91bg-like": 13_000, "SN Iax[02cx-like]": 13_000, "SN Ib": 5_267, "SN Ic": 1_583, "SN Ic-BL": 1_423,
    "TDE": 11_354,
}  # fmt: skip

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
            "made with `python -m firstlight.learn.reference`; equal to the original framework within 1e-5",
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
    """Write both classifiers: ``python -m firstlight.learn.reference WHEEL_OR_FOLDER OUT``."""
    if len(arguments) != 2:
        sys.stderr.write(f"usage: python -m firstlight.learn.reference WHEEL_OR_FOLDER OUT\n\n{__doc__}")
        return 2
    for name in NAMES:
        classifier = package(arguments[0], arguments[1], name)
        sys.stderr.write(f"{classifier.checkpoint.path}: weights {classifier.hash[:12]}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
