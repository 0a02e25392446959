import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from firstlight.errors import UnknownNameError, UsageError
from firstlight.learn import NetworkConfig, build, first_hidden, reference_config, to_onnx
from firstlight.learn.networks import join_members, split_members

CONFIGS = {
    "default": NetworkConfig("default", 7, 4, hidden=12, embedding=6),
    "default with metadata": NetworkConfig("default", 7, 4, 3, hidden=12, embedding=6),
    "three members": NetworkConfig("default", 7, 4, 3, hidden=12, embedding=6, members=3),
    "reference": reference_config(),
    "reference with host": reference_config(context=2),
}


@pytest.fixture(params=CONFIGS, name="config")
def _config(request: pytest.FixtureRequest) -> NetworkConfig:
    return CONFIGS[request.param]


def ask(network, config, features, context, mask, hidden):
    with torch.no_grad():
        return network(features, context, mask, hidden)


def inputs(config: NetworkConfig, B: int = 5, T: int = 9):
    torch.manual_seed(1)
    context = torch.randn(B, config.context)
    mask = (torch.rand(B, config.context) > 0.5).float()
    return torch.randn(B, T, config.inputs), context, mask, first_hidden(config, B)


def test_one_row_after_the_other_gives_what_the_whole_light_curve_gives(config):
    network = build(config).eval()
    features, context, mask, hidden = inputs(config)
    whole, last, embedding = ask(network, config, features, context, mask, hidden)
    for t in range(features.shape[1]):
        step, hidden, embedded = ask(network, config, features[:, t : t + 1], context, mask, hidden)
        torch.testing.assert_close(step[:, 0], whole[:, t], atol=1e-6, rtol=0)
        torch.testing.assert_close(embedded[:, 0], embedding[:, t], atol=1e-6, rtol=0)
    torch.testing.assert_close(hidden, last, atol=1e-6, rtol=0)


def test_padding_on_the_right_changes_no_row(config):
    network = build(config).eval()
    features, context, mask, hidden = inputs(config)
    padded = torch.cat([features, torch.zeros(5, 4, config.inputs)], dim=1)
    one = ask(network, config, features, context, mask, hidden)[0]
    other = ask(network, config, padded, context, mask, hidden)[0]
    torch.testing.assert_close(other[:, : features.shape[1]], one, atol=1e-6, rtol=0)


def test_a_masked_metadata_value_is_not_read(config):
    if not config.context:
        return
    network = build(config).eval()
    features, context, mask, hidden = inputs(config)
    changed = torch.where(mask == 0, context + 100, context)
    one = ask(network, config, features, context, mask, hidden)[0]
    assert torch.equal(one, ask(network, config, features, changed, mask, hidden)[0])


def test_the_exported_graph_is_the_network_for_any_batch_and_length(config):
    network = build(config).eval()
    graph = to_onnx(network, config)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    for B, T in ((1, 1), (5, 9)):
        features, context, mask, hidden = inputs(config, B, T)
        feed = {"features": features.numpy(), "hidden": hidden.numpy()}
        if config.context:
            feed |= {"context": context.numpy(), "context_mask": mask.numpy()}
        answers = session.run(["logits", "hidden_out", "embedding"], feed)
        for ours, theirs in zip(ask(network, config, features, context, mask, hidden), answers, strict=True):
            np.testing.assert_allclose(theirs, ours.numpy(), atol=2e-6)


def test_every_recurrent_layer_is_one_operator_of_the_graph(config):
    kinds = [node.op_type for node in onnx.load_from_string(to_onnx(build(config), config)).graph.node]
    assert kinds.count("GRU") == config.layers * config.members
    assert not {"Loop", "Scan"} & set(kinds)


def test_exporting_leaves_network_and_random_state_alone():
    config = CONFIGS["default"]
    network = build(config).train()
    before = torch.get_rng_state()
    to_onnx(network, config)
    assert network.training and torch.equal(before, torch.get_rng_state())


def test_the_reference_has_as_many_weights_as_published():
    # As its authors print it.
    assert sum(tensor.numel() for tensor in build(reference_config()).parameters()) == 123_912


def test_members_answer_with_their_mean_probability():
    config = CONFIGS["three members"]
    network = build(config).eval()
    features, context, mask, hidden = inputs(config)
    logits = ask(network, config, features, context, mask, hidden)[0]
    alone = NetworkConfig(**{**config.to_dict(), "members": 1})
    shares = []
    for tensors in split_members(network.state_dict(), config):
        member = build(alone)
        member.load_state_dict(tensors)
        answer = ask(member.eval(), alone, features, context, mask, first_hidden(alone, 5))[0]
        shares.append(torch.softmax(answer, -1))
    torch.testing.assert_close(torch.softmax(logits, -1), torch.stack(shares).mean(0), atol=1e-6, rtol=0)


def test_members_split_and_joined_are_the_same():
    config = CONFIGS["three members"]
    tensors = build(config).state_dict()
    again = join_members(split_members(tensors, config))
    assert set(again) == set(tensors) and all(torch.equal(again[name], tensors[name]) for name in tensors)


def test_sizes_travel_as_json_and_unknown_ones_are_refused():
    config = CONFIGS["default"]
    assert NetworkConfig.from_dict(config.to_dict()) == config
    with pytest.raises(UnknownNameError, match="hidden"):
        NetworkConfig.from_dict({**config.to_dict(), "hiden": 3})
    with pytest.raises(UnknownNameError, match="reference"):
        NetworkConfig("referense", 4, 2)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="members"):
        NetworkConfig("default", 4, 2, members=0)
    with pytest.raises(UsageError, match="reference_config"):
        NetworkConfig("reference", 5, 2)
