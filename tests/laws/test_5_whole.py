"""Law 5: a checkpoint holds everything that its answer depends on, and using it needs no torch."""

import json
import subprocess
import sys

import numpy as np

from firstlight.classifier import load

ALONE = """
import json, sys
import numpy as np
import firstlight as fl
curves = fl.LightCurves.from_columns(
    object_id=["a"] * 4, time=[59000.0, 59003.0, 59005.0, 59009.0], passband=["g", "r", "g", "r"],
    flux=[2e4, 3e4, 4e4, 5e4], flux_err=[1e3] * 4, flux_unit="nJy", survey="ZTF")
p = fl.load(sys.argv[1]).classify(curves).probabilities
heavy = {"torch", "sklearn", "matplotlib", "h5py", "onnx"} & set(sys.modules)
print(json.dumps({"p": p.tolist(), "heavy": sorted(heavy)}))
"""


def test_saved_and_loaded_it_answers_the_same(classifier, bump, tmp_path) -> None:
    copy = load(classifier.save(tmp_path / "copy"))
    assert np.array_equal(
        copy.classify(bump).probabilities, classifier.classify(bump).probabilities, equal_nan=True
    )
    assert (copy.name, copy.version, copy.hash, copy.card) == (
        classifier.name,
        classifier.version,
        classifier.hash,
        classifier.card,
    )
    assert copy.preparation == classifier.preparation and copy.calibration == classifier.calibration


def test_another_process_without_torch_answers_the_same(classifier) -> None:
    """Also law 7: two processes, the same bits."""
    runs = [
        subprocess.run(
            [sys.executable, "-c", ALONE, str(classifier.checkpoint.path)],
            capture_output=True,
            text=True,
            check=True,
        )
        for _ in range(2)
    ]
    one, other = (json.loads(run.stdout) for run in runs)
    assert one["heavy"] == []
    assert one["p"] == other["p"] and np.isfinite(one["p"]).all()
    assert runs[0].stderr == ""


def test_its_card_and_training_are_not_empty(classifier) -> None:
    assert classifier.card.lstrip().startswith("#")
    assert classifier.checkpoint.config["training"]
    assert classifier.surveys and classifier.name and classifier.version
