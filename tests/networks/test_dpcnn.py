"""Tests of DPCNN against Johnson and Zhang (2017) and the authors' code."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

from sktextconv.encoding import PAD
from sktextconv.networks.dpcnn import DPCNN, DPCNNClassifier


def small(n_tokens=30, n_classes=3, **settings):
    """Return a small network in double precision, with no weight of zero."""
    torch.manual_seed(0)
    settings = {"embedding_dim": 5, "n_filters": 5, "n_blocks": 3} | settings
    network = DPCNN(n_tokens, n_classes, **{"dropout": 0.0} | settings).double()
    for name, parameter in network.named_parameters():
        if "bias" in name or "convolution2" in name:
            nn.init.normal_(parameter, std=0.5)
    return network


def some_ids(lengths, n_tokens=30):
    generator = torch.Generator().manual_seed(0)
    ids = torch.full((len(lengths), max(*lengths, 1)), PAD)
    for row, length in enumerate(lengths):
        ids[row, :length] = torch.randint(1, n_tokens, (length,), generator=generator)
    return ids


# -- counts and shapes --------------------------------------------------------------


def test_parameter_count_matches_derivation():
    """The network of 15 layers has the derived number of parameters."""
    with torch.device("meta"):
        network = DPCNN(30_002, 4)
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) + 1 == 15  # with the region embedding
    parameters = {name: p.numel() for name, p in network.named_parameters()}
    assert parameters.pop("embedding.weight") == 7_500_500
    assert parameters.pop("bias") == 250
    assert parameters.pop("head.weight") + parameters.pop("head.bias") == 1_004
    assert sum(parameters.values()) == 14 * 187_750 == 2_628_500


def test_multiply_accumulates_match_derivation():
    """Blocks halve 64 words to 1; all cost less than twice the first."""
    network, lengths, macs = DPCNN(10, 4).eval(), [], []

    def record(module, inputs, output):
        lengths.append(output.shape[3])
        macs.append(output[0].numel() * module.weight[0].numel())

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(record)
    network(torch.ones(1, 64, dtype=torch.long))
    assert lengths[::2] == lengths[1::2] == [64, 32, 16, 8, 4, 2, 1]
    assert sum(macs) == 127 * 375_000
    assert sum(macs) < 2 * sum(macs[:2]) == 64 * 750_000


# -- forward pass -------------------------------------------------------------------


def convolve(steps, layer):
    """Return a convolution of width 3 over (n_steps, n_in), one step at a time."""
    weight, bias = (p.detach().numpy() for p in layer.parameters())
    outputs = np.zeros_like(steps)
    for step in range(len(steps)):
        outputs[step] = bias
        for tap in range(3):
            source = step + tap - 1
            if 0 <= source < len(steps):
                outputs[step] += weight[:, :, 0, tap] @ steps[source]
    return outputs


def reference_logits(network, text):
    """Return the logits of a text without padding, by loops."""
    vectors = network.embedding.weight.detach().numpy()[text]
    if network.projection is not None:
        vectors = vectors @ network.projection.weight.detach().numpy().T
    radius = network.region_size // 2
    bias = network.bias.detach().numpy()
    steps = np.array(
        [
            vectors[max(0, step - radius) : step + radius + 1].sum(0) + bias
            for step in range(len(vectors))
        ]
    )
    for number, block in enumerate(network.blocks):
        if number > 0:
            starts = range(0, len(steps), 2)
            steps = np.array([steps[max(0, s - 1) : s + 2].max(0) for s in starts])
        inputs = np.maximum(steps, 0.0) if number > 0 else steps
        hidden = np.maximum(convolve(inputs, block.convolution1), 0.0)
        steps = steps + convolve(hidden, block.convolution2)
    pooled = torch.tensor(steps.max(0))
    return network.head(pooled).detach().numpy()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"n_blocks": 1},
        {"n_blocks": 7},
        {"region_size": 1},
        {"region_size": 5},
        {"embedding_dim": 4},
    ],
)
def test_network_matches_reference(settings):
    """Logits equal those of loops over the words of each text."""
    network = small(**settings).eval()
    lengths = [7, 1, 2, 3, 33, 16, 64]
    ids = some_ids(lengths)
    expected = [
        reference_logits(network, row[:length].numpy())
        for row, length in zip(ids, lengths, strict=True)
    ]
    logits = network(ids).detach().numpy()
    np.testing.assert_allclose(logits, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("settings", [{}, {"n_blocks": 7, "region_size": 5}])
def test_logits_are_independent_of_padding(training, settings):
    """A text has the same logits for any padding of its batch, empty or long."""
    network = small(**settings).train(training)
    lengths = [0, 1, 2, 4, 9, 30]
    ids = some_ids(lengths)
    together = network(ids)
    assert together.isfinite().all()
    for row, length in enumerate(lengths):
        alone = ids[row : row + 1, : max(length, 1)]
        further = torch.cat([alone, torch.full((1, 50), PAD)], 1)
        for padded in (alone, further):
            torch.testing.assert_close(
                network(padded)[0], together[row], rtol=1e-12, atol=1e-12
            )


def test_gradients_are_independent_of_padding():
    """Padding changes no gradient, and none is infinite or missing."""
    network = small(embedding_dim=4)
    ids = some_ids([1, 5, 30])
    gradients = []
    for padded in (ids, torch.cat([ids, torch.full((3, 41), PAD)], 1)):
        network.zero_grad()
        network(padded).square().sum().backward()
        gradients.append([p.grad.clone() for p in network.parameters()])
    for (name, _), one, other in zip(
        network.named_parameters(), *gradients, strict=True
    ):
        assert one.isfinite().all(), name
        assert one.any(), name
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
    assert not network.embedding.weight.grad[PAD].any()


def test_shortcut_is_the_identity():
    """Blocks without weights pass the maximum of each region embedding on."""
    network = small(n_blocks=7)
    with torch.no_grad():
        for block in network.blocks:
            for parameter in block.parameters():
                parameter.zero_()
    ids = some_ids([40])
    regions = network._embed_regions(ids)
    torch.testing.assert_close(network(ids), network.head(regions.amax(1)))


def test_network_exports():
    """The exported graph returns the network's logits."""
    network = small().eval()
    ids = some_ids([5, 9])
    exported = torch.export.export(network, (ids,)).module()
    torch.testing.assert_close(exported(ids), network(ids))


# -- initialization and training ----------------------------------------------------

TINY = DPCNNClassifier(
    n_blocks=2, n_filters=16, max_epochs=2, batch_size=8, random_state=0
)


def test_paper_init():
    """All weights are normal with a standard deviation of 0.01, biases zero."""
    torch.manual_seed(0)
    network = DPCNN(1_000, 4, n_blocks=2, embedding_dim=100, init="paper")
    assert not network.embedding.weight[PAD].any()
    for name, parameter in network.named_parameters():
        if "bias" in name:
            assert not parameter.any(), name
        else:
            assert parameter.std().item() == pytest.approx(0.01, rel=0.05), name


def test_blocks_start_as_the_identity():
    """With the recipe "modern" the logits are those of the region embeddings."""
    torch.manual_seed(0)
    network = DPCNN(30, 3).eval()
    ids = some_ids([40, 1])
    regions = network._embed_regions(ids)
    expected = network.head(torch.stack([regions[0].amax(0), regions[1, 0]]))
    torch.testing.assert_close(network(ids), expected)


def test_paper_recipe_settings(corpus):
    """`recipe="paper"` has the optimizer and the schedule of the authors' code."""
    network = clone(TINY).set_params(recipe="paper", max_epochs=10).fit(*corpus)
    optimizer = network.net_.optimizer_
    group = optimizer.param_groups[0]
    assert isinstance(optimizer, torch.optim.SGD)
    assert (group["momentum"], group["weight_decay"]) == (0.9, 1e-4)
    rates = [row["learning_rate"] for row in network.history_]
    np.testing.assert_allclose(rates, [0.05] * 8 + [0.005] * 2)
    module = network.net_.module_
    assert (module.dropout.p, module.embedding_dropout.p) == (0.5, 0.0)
    assert DPCNNClassifier._recipes["paper"].batch_size == 100


@pytest.mark.parametrize(
    ("n_epochs", "n_steps", "first"),
    [(1, 10, 8), (1, 1, 1), (2, 3, 4), (3, 5, 12), (5, 7, 28), (10, 3, 24)],
)
def test_paper_schedule_of_any_length(n_epochs, n_steps, first):
    """The rate falls after four fifths of all steps, and never before the first."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.05)
    schedule = DPCNNClassifier._recipes["paper"].schedule(
        optimizer, steps_per_epoch=n_steps, n_epochs=n_epochs
    )
    rates = []
    for _ in range(n_epochs * n_steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    n_low = n_epochs * n_steps - first
    np.testing.assert_allclose(rates, [0.05] * first + [0.005] * n_low)


def test_modern_recipe_learns(corpus):
    """The default separates the classes of a small corpus in a few epochs."""
    network = clone(TINY).set_params(max_epochs=8).fit(*corpus)
    assert network.score(*corpus) == 1.0
    assert network.net_.module_.embedding_dropout.p == 0.2


def test_vectors_of_another_size(corpus):
    """A linear layer maps vectors of another size than the filters, also frozen."""
    vectors = {"good": np.ones(7), "xxzz": -np.ones(7)}
    network = clone(TINY).set_params(vectors=vectors, tuning="static").fit(*corpus)
    module = network.net_.module_
    assert tuple(module.projection.weight.shape) == (16, 7)
    assert not module.embedding.weight.requires_grad
    assert clone(TINY).fit(*corpus).net_.module_.projection is not None
    same = clone(TINY).set_params(embedding_dim=16).fit(*corpus)
    assert same.net_.module_.projection is None


@pytest.mark.parametrize("region_size", [0, 2, 7])
def test_region_size_is_checked(corpus, region_size):
    """`region_size` takes the sizes of the paper."""
    with pytest.raises(ValueError, match="The 'region_size' parameter of DPCNN"):
        clone(TINY).set_params(region_size=region_size).fit(*corpus)
