"""Tests of the convolution: values and gradients against torch's own."""

import copy
from functools import partial

import pytest
import torch
from torch import nn
from torch.func import functional_call

from sktextconv.networks._convolution import Convolution

# Channels, outputs, kernel, padding, texts, length. The last two have more windows than
# are copied at a time: several texts, and one text.
SHAPES = [
    (5, 4, 1, 0, 3, 9),
    (5, 4, 3, 0, 3, 3),
    (5, 4, 3, 1, 7, 10),
    (3, 6, 7, 0, 2, 30),
    (2, 3, 5, 2, 1, 4),
    (3, 2, 3, 1, 9, 300),
    (3, 2, 3, 0, 2, 1500),
]


@pytest.fixture
def avx2(monkeypatch):
    """Have torch report a CPU with AVX2 but without AVX-512."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")


def draw(shape, *, dtype=torch.float64):
    """Return a convolution, the same as `nn.Conv2d`, and an input of both."""
    n_in, n_out, kernel, padding, n_texts, length = shape
    torch.manual_seed(0)
    ours = Convolution(n_in, n_out, kernel, padding=padding).to(dtype)
    theirs = nn.Conv2d(n_in, n_out, (1, kernel), padding=(0, padding)).to(dtype)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(n_texts, length, n_in, dtype=dtype).transpose(1, 2).unsqueeze(2)
    return ours, theirs, x


def is_torch(y):
    """Return whether `y` has torch's own gradient of a convolution."""
    return "_Convolve" not in y.grad_fn.name()


def gradients(convolution, x, *, layout=torch.channels_last):
    """Return the output, and the gradients of a random sum of it."""
    x = x.clone(memory_format=layout).requires_grad_()
    y = convolution(x)
    torch.manual_seed(1)
    (y * torch.randn(y.shape, dtype=y.dtype)).sum().backward()
    return y.detach(), x.grad, convolution.weight.grad, convolution.bias.grad


@pytest.mark.usefixtures("avx2")
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_equal_those_of_torch(shape, layout):
    """Output and gradients are those of `nn.Conv2d`."""
    ours, theirs, x = draw(shape)
    assert not is_torch(ours(x))
    for mine, expected in zip(
        gradients(ours, x, layout=layout), gradients(theirs, x), strict=True
    ):
        torch.testing.assert_close(mine, expected)


@pytest.mark.usefixtures("avx2")
def test_gradient_of_first_layer_and_without_bias():
    """An input without gradient, as of frozen vectors, and no bias."""
    _, theirs, x = draw(SHAPES[2])
    ours = Convolution(5, 4, 3, padding=1, bias=False).double()
    ours.weight.data.copy_(theirs.weight.data)
    ours(x).square().sum().backward()
    theirs.bias.data.zero_()
    theirs(x).square().sum().backward()
    torch.testing.assert_close(ours.weight.grad, theirs.weight.grad)


@pytest.mark.usefixtures("avx2")
@pytest.mark.parametrize("shape", SHAPES[:5])
def test_derivatives(shape):
    """Finite differences confirm the first and second derivatives."""
    ours, _, x = draw(shape)

    def convolve(x, weight, bias):
        return functional_call(ours, {"weight": weight, "bias": bias}, (x,))

    inputs = (x[..., :8].clone().requires_grad_(), ours.weight, ours.bias)
    assert torch.autograd.gradcheck(convolve, inputs)
    assert torch.autograd.gradgradcheck(convolve, inputs)


@pytest.mark.usefixtures("avx2")
def test_gradient_has_layout_of_weights():
    """Weights and gradients are channels-last, so that optimizers need no copy."""
    ours, _, x = draw(SHAPES[3], dtype=torch.float32)
    gradients(ours, x)
    weight = ours.weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert weight.grad.is_contiguous(memory_format=torch.channels_last)
    assert weight.grad.stride() == weight.stride()


@pytest.mark.parametrize("capability", ["AVX512", "DEFAULT"])
def test_other_processors_have_gradients_of_torch(monkeypatch, capability):
    """Where torch's gradient is fast, or was not measured, it is kept."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    ours, _, x = draw(SHAPES[0])
    assert is_torch(ours(x))


@pytest.mark.usefixtures("avx2")
def test_evaluation_and_frozen_weights_have_no_own_gradient():
    """Explanations, in evaluation, need gradients of the input only."""
    ours, _, x = draw(SHAPES[0])
    assert is_torch(ours.eval()(x))
    ours.train().weight.requires_grad_(False)
    assert is_torch(ours(x))
    strided = Convolution(5, 4, 3, stride=2, padding=1).double()
    assert is_torch(strided(x))


@pytest.mark.usefixtures("avx2")
def test_graphs_and_other_devices_have_gradients_of_torch(monkeypatch):
    """A compiled network is a graph of torch's operators."""
    ours, _, x = draw(SHAPES[0])
    assert is_torch(copy.deepcopy(ours).to("meta")(x.to("meta")))
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    assert is_torch(ours(x))


@pytest.mark.usefixtures("avx2")
def test_gradients_of_each_text():
    """`torch.func` gives them in training too."""
    ours, theirs, x = draw(SHAPES[2])

    def loss(weights, text, layer):
        return functional_call(layer, weights, (text[None],)).square().sum()

    each = [
        torch.func.vmap(torch.func.grad(partial(loss, layer=layer)), (None, 0))(
            {name: weight.detach() for name, weight in layer.named_parameters()}, x
        )
        for layer in (ours, theirs)
    ]
    torch.testing.assert_close(*each)


@pytest.mark.usefixtures("avx2")
def test_half_precision_is_left_to_torch():
    """Under autocast the convolution of torch computes in half precision."""
    ours, _, x = draw(SHAPES[0], dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        y = ours(x)
    assert y.dtype == torch.bfloat16
    assert is_torch(y)
