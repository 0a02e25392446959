"""The packaged reference: its answers, and the script that reads the original weights."""

import hashlib
import importlib.util
from pathlib import Path

import h5py
import numpy as np
import onnxruntime
import pytest
import torch

from firstlight.classifier import load
from firstlight.errors import CheckpointError, DataError
from firstlight.learn import NetworkConfig, build, first_hidden

SCRIPT = Path(__file__).parents[2] / "scripts/package_reference.py"
_spec = importlib.util.spec_from_file_location("package_reference", SCRIPT)
making = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(making)

NAMES = ("reference", "reference-host")


def softmax(logits):
    z = np.exp(logits - logits.max(-1, keepdims=True))
    return z / z.sum(-1, keepdims=True)


@pytest.fixture(params=NAMES, name="name")
def _name(request):
    return request.param


@pytest.fixture(params=["torch", "onnx"], name="answer")
def _answer(request, name):
    """Logits and embedding [T, .] of one light curve, by the weights in torch or by the packaged graph."""
    checkpoint = load(name).checkpoint
    config = NetworkConfig.from_dict(checkpoint.config["network"])
    network = build(config)
    network.load_state_dict({key: torch.tensor(value) for key, value in checkpoint.weights.items()})
    network.eval()
    session = onnxruntime.InferenceSession(checkpoint.onnx, providers=["CPUExecutionProvider"])

    def by_torch(rows, host):
        context = torch.from_numpy(host[None, : config.context])
        with torch.no_grad():
            logits, _, embedding = network(
                torch.from_numpy(rows[None]), context, torch.ones_like(context), first_hidden(config, 1)
            )
        return logits[0].numpy(), embedding[0].numpy()

    def by_onnx(rows, host):
        feed = {"features": rows[None], "hidden": first_hidden(config, 1).numpy()}
        if config.context:
            feed |= {"context": host[None], "context_mask": np.ones((1, 2), np.float32)}
        logits, embedding = session.run(["logits", "embedding"], feed)
        return logits[0], embedding[0]

    return by_torch if request.param == "torch" else by_onnx


def test_probabilities_equal_the_original_framework_to_1e_5_at_every_prefix(shared: Path, name, answer):
    golden = np.load(shared / "data" / "reference" / "golden.npz")
    key = "host" if name == "reference-host" else "nohost"
    for k in range(len(golden["names"])):
        rows = golden["rows"][golden["offsets"][k] : golden["offsets"][k + 1]]
        # The original skips a row of zeros, its padding; no preparation makes one, for a wavelength is > 0.
        rows = rows[(rows != 0).any(axis=1)]
        logits, embedding = answer(rows, golden["host"][k])
        np.testing.assert_allclose(softmax(logits[-1]), golden[f"{key}_prob"][k], atol=1e-5)
        np.testing.assert_allclose(embedding[-1], golden[f"{key}_latent"][k], atol=1e-4, rtol=1e-5)
        if k == int(golden["prefix_object"]):
            np.testing.assert_allclose(softmax(logits), golden[f"{key}_prefix_prob"], atol=1e-5)


def test_classes_stand_in_the_order_of_the_outputs(shared: Path, name):
    golden = np.load(shared / "data" / "reference" / "golden.npz")
    ours = load(name).classes
    assert len(ours) == 12 and [one[:5] for one in ours][:3] == ["AGN", "SLSN-", "SN II"]
    from firstlight.facts import class_tree

    assert [class_tree().canonical(str(one)) for one in golden["classes"]] == list(ours)


def test_the_mit_notice_is_kept_in_card_and_notice(name):
    assert making.MIT_NOTICE in load(name).card
    notice = Path(__file__).parents[2] / "NOTICE"
    assert making.MIT_NOTICE in notice.read_text()


def keras_file(path: Path, host: bool) -> Path:
    """The packaged weights written back as Keras 2 lays them out."""
    weights = load("reference-host" if host else "reference").checkpoint.weights
    shift = {"dense": "dense", "host": "dense_1", "merge": "dense_2", "latent": "latent", "output": "dense_3"}
    plain = {"dense": "dense", "merge": "dense_1", "latent": "latent", "output": "dense_2"}

    def gates(block):  # r, z, n -> z, r, h
        r, z, n = np.split(block, 3, axis=-1)
        return np.concatenate([z, r, n], axis=-1)

    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights")
        for layer, home in enumerate(("gru/gru/gru_cell", "gru_1/gru_1/gru_cell_1")):
            root[f"{home}/kernel:0"] = gates(weights[f"recurrent.weight_ih_l{layer}"].T)
            root[f"{home}/recurrent_kernel:0"] = gates(weights[f"recurrent.weight_hh_l{layer}"].T)
            biases = [weights[f"recurrent.bias_{part}_l{layer}"] for part in ("ih", "hh")]
            root[f"{home}/bias:0"] = np.stack([gates(bias) for bias in biases])
        for ours, keras in (shift if host else plain).items():
            root[f"{keras}/{keras}/kernel:0"] = weights[f"{ours}.weight"].T
            root[f"{keras}/{keras}/bias:0"] = weights[f"{ours}.bias"]
    return path


@pytest.mark.parametrize("host", [False, True])
def test_keras_layers_are_read_by_their_names(tmp_path, host):
    path = keras_file(tmp_path / "own.h5", host)
    config, tensors = making.load_keras(path, host=host, verify=False)
    packaged = load("reference-host" if host else "reference").checkpoint.weights
    assert config.context == (2 if host else 0)
    assert set(tensors) == set(packaged)
    assert all(np.array_equal(tensors[name].numpy(), packaged[name]) for name in packaged)


def test_another_file_is_refused_by_its_hash(tmp_path):
    path = keras_file(tmp_path / "own.h5", False)
    with pytest.raises(CheckpointError, match=hashlib.sha256(path.read_bytes()).hexdigest()):
        making.load_keras(path)


def test_a_missing_layer_is_named(tmp_path):
    path = keras_file(tmp_path / "own.h5", False)
    with h5py.File(path, "a") as file:
        del file["model_weights/latent/latent/bias:0"]
    with pytest.raises(CheckpointError, match="latent/latent/bias:0"):
        making.load_keras(path, verify=False)


def test_a_missing_file_says_where_to_get_it(tmp_path):
    with pytest.raises(DataError, match="astromcad"):
        making.load_keras(tmp_path)
    with pytest.raises(DataError, match="pip download"):
        making.load_keras(tmp_path / "none.whl")
