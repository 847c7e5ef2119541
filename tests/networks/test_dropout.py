"""Tests of the masks of dropout: rate, independence, seed, gradient."""

import pytest
import torch
from scipy.stats import binomtest
from sklearn.base import clone
from torch import nn

from sktextconv.networks._dropout import Dropout, dropout

from ..classifiers import NETWORKS

N = 2**18


def draw_mask(p, n=N, *, seed=0, dtype=torch.float32):
    """Return the factors by which dropout multiplies `n` values."""
    torch.manual_seed(seed)
    return dropout(torch.ones(n, dtype=dtype), p, True)


def is_binomial(n_hits, n, probability):
    """Return whether a count is one that the binomial distribution gives."""
    return binomtest(int(n_hits), n, probability).pvalue > 1e-6


@pytest.mark.parametrize("p", [1 / 256, 0.2, 0.3, 0.5, 0.9, 255 / 256])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dropout_has_rounded_rate(p, dtype):
    """The rate is the multiple of 1/256 next to `p`, and the mean of the mask is 1."""
    rate = round(256 * p) / 256
    assert abs(rate - p) <= 1 / 512
    mask = draw_mask(p, dtype=dtype)
    kept = mask != 0
    assert is_binomial(N - kept.sum(), N, rate)
    expected = torch.tensor(1 / (1 - rate), dtype=dtype)
    torch.testing.assert_close(mask[kept], expected.expand(int(kept.sum())))
    # Mean and variance of a Bernoulli variable scaled by 1 / (1 - rate).
    variance = rate / (1 - rate)
    assert mask.double().mean().item() == pytest.approx(
        1, abs=5 * (variance / N) ** 0.5
    )
    assert mask.double().var().item() == pytest.approx(variance, rel=0.05)


@pytest.mark.parametrize("p", [0.0, 0.001, 0.999, 1.0])
def test_dropout_has_extreme_rates_of_torch(p):
    """A rate that is too close to 0 or 1 for a byte is not rounded."""
    torch.manual_seed(0)
    expected = nn.functional.dropout(torch.ones(N), p)
    assert torch.equal(draw_mask(p), expected)


@pytest.mark.parametrize("shift", [1, 2, 7, 8, 256, 4096])
def test_dropout_values_are_independent(shift):
    """Two places of a mask agree as often as independent draws do."""
    kept = draw_mask(0.3) != 0
    rate = 77 / 256
    # Pairs that share no place.
    blocks = kept[: N // (2 * shift) * 2 * shift].view(-1, 2, shift)
    agree = blocks[:, 0] == blocks[:, 1]
    assert is_binomial(agree.sum(), agree.numel(), rate**2 + (1 - rate) ** 2)


def test_dropout_masks_are_independent():
    """Masks of one training, and of neighboring seeds, agree as by chance."""
    torch.manual_seed(0)
    masks = [dropout(torch.ones(N), 0.5, True) != 0 for _ in range(3)]
    masks += [draw_mask(0.5, seed=seed) != 0 for seed in (1, 2, 3)]
    for number, one in enumerate(masks):
        for other in masks[:number]:
            assert is_binomial((one == other).sum(), N, 0.5)


def test_dropout_follows_seed_of_torch():
    """A seed gives a mask, whatever the number of threads; the next one differs."""
    mask = draw_mask(0.5)
    following = dropout(torch.ones(N), 0.5, True)
    assert not torch.equal(mask, following)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert torch.equal(draw_mask(0.5), mask)
    finally:
        torch.set_num_threads(threads)


def test_dropout_stream_is_its_own():
    """Draws after dropout do not depend on the number of its values."""
    draws = []
    for n in (1, 1000, 100_003):
        draw_mask(0.5, n)
        draws.append(torch.rand(5))
    assert torch.equal(draws[0], draws[1])
    assert torch.equal(draws[0], draws[2])


@pytest.mark.parametrize("shape", [(0, 3), (), (7,), (3, 5, 7)])
def test_dropout_gradient_is_mask(shape):
    """Values and gradients are multiplied by the same mask, in any shape."""
    torch.manual_seed(0)
    x = torch.randn(shape, requires_grad=True)
    gradient = torch.randn(shape)
    torch.manual_seed(1)
    y = dropout(x, 0.5, True)
    torch.manual_seed(1)
    mask = dropout(torch.ones(shape), 0.5, True)
    assert torch.equal(y, x * mask)
    y.backward(gradient)
    assert torch.equal(x.grad, gradient * mask)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_dropout_preserves_half_precision(dtype):
    """Values of half precision stay of half precision."""
    mask = draw_mask(0.5, dtype=dtype)
    assert mask.dtype == dtype
    assert mask.unique().tolist() == [0, 2]


def test_dropout_does_nothing_in_prediction():
    """In prediction, values pass unchanged and no random number is drawn."""
    x = torch.randn(9)
    layer = Dropout(0.5).eval()
    state = torch.get_rng_state()
    assert torch.equal(layer(x), x)
    assert torch.equal(torch.get_rng_state(), state)
    assert not layer.state_dict()


def test_dropout_is_torchs_when_compiled():
    """A compiled layer is one graph, with the masks of `torch.nn.Dropout`."""
    x = torch.ones(1000)
    compiled = torch.compile(Dropout(0.3), backend="eager", fullgraph=True)
    torch.manual_seed(0)
    found = compiled(x)
    torch.manual_seed(0)
    assert torch.equal(found, nn.Dropout(0.3)(x))


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_have_fast_dropout(name, corpus):
    """No network has `torch.nn.Dropout` itself, and none draws from `bernoulli_`."""
    classifier = clone(NETWORKS[name]).set_params(max_epochs=1, device="cpu")
    with torch.profiler.profile() as profile:
        classifier.fit(*corpus)
    assert "aten::bernoulli_" not in {event.key for event in profile.key_averages()}
    types = {type(module) for module in classifier.net_.module_.modules()}
    assert nn.Dropout not in types
