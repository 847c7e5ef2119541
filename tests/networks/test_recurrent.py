"""Tests of `Recurrent` against torch's layers on packed sequences."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import nn

from sktextconv.networks.recurrent import CELLS, POOLINGS, Recurrent, pool_steps

INPUT_DIM, HIDDEN_DIM = 3, 4


def packed_layer(recurrent, cell):
    """Return torch's layer with the weights of `recurrent`."""
    n_layers, bidirectional = len(recurrent.layers), len(recurrent.layers[0]) == 2
    layer = CELLS[cell](
        INPUT_DIM,
        HIDDEN_DIM,
        batch_first=True,
        num_layers=n_layers,
        bidirectional=bidirectional,
    ).double()
    weights = {
        name.replace("_l0", f"_l{number}") + suffix: weight
        for number, directions in enumerate(recurrent.layers)
        for direction, suffix in zip(directions, ("", "_reverse"), strict=False)
        for name, weight in direction.state_dict().items()
    }
    layer.load_state_dict(weights)
    return layer


def run_packed(layer, x, lengths):
    """Return the outputs on packed sequences, and zeros for empty sequences."""
    nonempty = lengths > 0
    packed = nn.utils.rnn.pack_padded_sequence(
        x[nonempty], lengths[nonempty], batch_first=True, enforce_sorted=False
    )
    outputs, _ = nn.utils.rnn.pad_packed_sequence(
        layer(packed)[0], batch_first=True, total_length=x.shape[1]
    )
    padded = x.new_zeros(*x.shape[:2], outputs.shape[2])
    padded[nonempty] = outputs
    return padded


def gradients_of(outputs, x, weights):
    # Distinct factors, so that errors do not cancel.
    shape = outputs.shape
    factors = torch.linspace(-1, 2, shape.numel(), dtype=torch.double).view(shape)
    return torch.autograd.grad((outputs.square() * factors).sum(), [x, *weights])


def in_order(recurrent):
    """Return the weights in the order of torch's layer."""
    return list(recurrent.parameters())


@pytest.mark.parametrize("method", ["forward", "_forward_packed"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("n_layers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
@settings(max_examples=10)
@given(
    lengths=st.lists(st.integers(0, 7), min_size=1, max_size=6).filter(any),
    more=st.integers(0, 3),
)
def test_layer_matches_packed_sequence(
    cell, n_layers, bidirectional, method, lengths, more
):
    """Outputs and gradients equal those of torch's layer, on a CPU and on CUDA."""
    torch.manual_seed(0)
    recurrent = Recurrent(
        cell, INPUT_DIM, HIDDEN_DIM, bidirectional=bidirectional, n_layers=n_layers
    ).double()
    layer = packed_layer(recurrent, cell)
    lengths = torch.tensor(lengths)
    # Steps after the end of a sequence hold noise, not zeros.
    x = torch.randn(len(lengths), int(lengths.max()) + more, INPUT_DIM).double()
    x.requires_grad_()
    ours = getattr(recurrent, method)(x, lengths)
    theirs = run_packed(layer, x, lengths)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    for our, their in zip(
        gradients_of(ours, x, in_order(recurrent)),
        gradients_of(theirs, x, list(layer.parameters())),
        strict=True,
    ):
        torch.testing.assert_close(our, their, rtol=1e-12, atol=1e-12)


def test_packed_layer_follows_moved_weights():
    """The layer for CUDA has the weights of a network that was moved, or copied."""
    recurrent = Recurrent("gru", INPUT_DIM, HIDDEN_DIM, bidirectional=True)
    names, state = list(recurrent.state_dict()), copy.deepcopy(recurrent.state_dict())
    x, lengths = torch.randn(2, 5, INPUT_DIM), torch.tensor([5, 3])
    before = recurrent._forward_packed(x, lengths)
    assert recurrent._join_directions(0) is recurrent._join_directions(0)
    assert list(recurrent.state_dict()) == names
    other = copy.deepcopy(recurrent)
    recurrent.to("meta").to_empty(device="cpu").load_state_dict(state, assign=True)
    with torch.no_grad():
        for weight in recurrent.parameters():
            weight += 1.0
        assert torch.equal(other._forward_packed(x, lengths), before)
        moved = recurrent._forward_packed(x, lengths)
        torch.testing.assert_close(moved, recurrent(x, lengths))
        assert not torch.allclose(moved, before)


@pytest.mark.parametrize("cell", CELLS)
def test_empty_sequences_give_zeros(cell):
    """Sequences of length 0 have zero outputs and no gradient."""
    recurrent = Recurrent(cell, INPUT_DIM, HIDDEN_DIM, bidirectional=True)
    x = torch.randn(2, 3, INPUT_DIM, requires_grad=True)
    outputs = recurrent(x, torch.zeros(2, dtype=torch.long))
    assert torch.equal(outputs, torch.zeros(2, 3, 2 * HIDDEN_DIM))
    outputs.sum().backward()
    assert torch.equal(x.grad, torch.zeros_like(x))
    assert not any(weight.grad.any() for weight in recurrent.parameters())


def test_dropout_applies_between_layers():
    """Dropout applies to the inputs of the second layer, in training only."""
    options = {"bidirectional": True, "n_layers": 2}
    dropping = Recurrent("gru", INPUT_DIM, HIDDEN_DIM, dropout=1.0, **options)
    plain = Recurrent("gru", INPUT_DIM, HIDDEN_DIM, **options)
    plain.load_state_dict(dropping.state_dict())
    x, lengths = torch.randn(2, 5, INPUT_DIM), torch.tensor([5, 3])
    second = Recurrent("gru", 2 * HIDDEN_DIM, HIDDEN_DIM, bidirectional=True)
    second.layers[0].load_state_dict(dropping.layers[1].state_dict())
    of_zeros = second(torch.zeros(2, 5, 2 * HIDDEN_DIM), lengths)
    assert torch.equal(dropping(x, lengths), of_zeros)
    assert torch.equal(dropping.eval()(x, lengths), plain(x, lengths))


@pytest.mark.parametrize("cell", CELLS)
def test_two_threads_are_deterministic(cell):
    """Gradients with two threads are bitwise equal in each run."""

    def gradients():
        torch.manual_seed(0)
        recurrent = Recurrent(cell, 48, 32, bidirectional=True)
        x = torch.randn(64, 12, 48, requires_grad=True)
        lengths = torch.randint(0, 13, (64,))
        outputs = recurrent(x, lengths)
        pooled = [
            pool_steps(outputs, lengths, pooling, bidirectional=True)
            for pooling in POOLINGS
        ]
        torch.cat(pooled).square().sum().backward()
        return [x.grad, *(weight.grad for weight in recurrent.parameters())]

    torch.set_num_threads(2)
    try:
        first, *others = (gradients() for _ in range(3))
    finally:
        torch.set_num_threads(1)
    assert all(
        torch.equal(one, other)
        for again in others
        for one, other in zip(first, again, strict=True)
    )


@pytest.mark.parametrize("cell", CELLS)
# Exporting torch's recurrent layers raises this warning.
@pytest.mark.filterwarnings("ignore:The tensor attributes:UserWarning")
def test_layer_exports(cell):
    """The exported graph returns the outputs for other lengths."""
    recurrent = Recurrent(cell, INPUT_DIM, HIDDEN_DIM, bidirectional=True).eval()
    x, lengths = torch.randn(3, 5, INPUT_DIM), torch.tensor([5, 0, 2])
    exported = torch.export.export(recurrent, (x, lengths)).module()
    other = torch.tensor([1, 4, 0])
    torch.testing.assert_close(exported(x, other), recurrent(x, other))


@pytest.mark.parametrize("cell", CELLS)
def test_orthogonal_init(cell):
    """Hidden-to-hidden weights are orthogonal, input weights Glorot's, biases 0."""
    torch.manual_seed(0)
    recurrent = Recurrent(cell, 6, 5, bidirectional=True, init="orthogonal")
    for direction in recurrent.layers[0]:
        for gate in direction.weight_hh_l0.split(5):
            torch.testing.assert_close(gate @ gate.T, torch.eye(5))
        bound = (6 / (6 + 5)) ** 0.5
        assert 0.9 * bound < direction.weight_ih_l0.abs().max() <= bound
        assert not direction.bias_hh_l0.any()


@pytest.mark.parametrize(("input_dim", "dim"), [(32, 32), (128, 64)])
@pytest.mark.parametrize(("cell", "n_gates"), [("lstm", 4), ("gru", 3), ("rnn", 1)])
def test_keras_init(cell, n_gates, input_dim, dim):
    """Weights of all gates are one matrix: Glorot's limit of it, and orthogonal."""
    torch.manual_seed(0)
    recurrent = Recurrent(
        cell, input_dim, dim, bidirectional=True, n_layers=2, init="keras"
    )
    for number, layer in enumerate(recurrent.layers):
        n_in = 2 * dim if number else input_dim
        limit = np.sqrt(6 / (n_in + n_gates * dim))
        for direction in layer:
            weight = direction.weight_ih_l0.detach().numpy()
            assert 0.98 * limit < abs(weight).max() <= limit
            assert weight.std() == pytest.approx(limit / np.sqrt(3), rel=0.05)
            hidden = direction.weight_hh_l0.detach().numpy().astype(float)
            assert hidden.shape == (n_gates * dim, dim)
            np.testing.assert_allclose(hidden.T @ hidden, np.eye(dim), atol=1e-5)
            biases = (direction.bias_ih_l0 + direction.bias_hh_l0).detach().numpy()
            expected = np.zeros((n_gates, dim))
            if cell == "lstm":
                expected[1] = 1  # the forget gate
            np.testing.assert_array_equal(biases, expected.ravel())


def test_layers_of_different_sizes():
    """A sequence has the outputs of each layer; counts are those that Keras prints."""
    recurrent = Recurrent("rnn", 32, (np.int64(64), 32, 32))
    counts = [
        sum(w.numel() for name, w in layer.named_parameters() if "bias_hh" not in name)
        for layer in recurrent.layers
    ]
    assert counts == [6_208, 3_104, 2_080]
    assert recurrent.output_dim == 32
    outputs = recurrent(torch.randn(2, 5, 32), torch.tensor([5, 3]))
    assert outputs.shape == (2, 5, 32)
    both = Recurrent("lstm", 3, [5, 2], bidirectional=True)
    assert both(torch.randn(1, 4, 3), torch.tensor([4])).shape == (1, 4, 4)
    assert both.output_dim == 4


def test_orthogonal_init_opens_forget_gate():
    """The forget gate of an LSTM starts at sigmoid(1)."""
    cell = Recurrent("lstm", 1, 1, init="orthogonal").layers[0][0]
    with torch.no_grad():
        for weight in (cell.weight_ih_l0, cell.weight_hh_l0):
            weight.zero_()
    state = torch.ones(1, 1, 1)
    _, (_, kept) = cell(torch.zeros(1, 1, 1), (torch.zeros(1, 1, 1), state))
    assert kept.item() == pytest.approx(1 / (1 + np.exp(-1)))


@pytest.mark.parametrize("pooling", POOLINGS)
@given(lengths=st.lists(st.integers(0, 5), min_size=1, max_size=5))
@settings(max_examples=30)
def test_pooling_ignores_padding(pooling, lengths):
    """Pooling uses the steps within each sequence only."""
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(len(lengths), 6, 4, generator=generator) - 3  # below zero
    for row, length in enumerate(lengths):
        outputs[row, length:] = 0.0
    pooled = pool_steps(outputs, torch.tensor(lengths), pooling, bidirectional=True)
    for row, length in enumerate(lengths):
        steps = outputs[row, :length]
        if length == 0:
            expected = torch.zeros(4)
        elif pooling == "mean":
            expected = steps.mean(0)
        elif pooling == "max":
            expected = steps.max(0).values
        else:
            expected = torch.cat([steps[-1, :2], steps[0, 2:]])
        torch.testing.assert_close(pooled[row], expected)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_last_pooling_is_final_state(cell, bidirectional):
    """Pooling "last" returns the final hidden state of torch's layer."""
    recurrent = Recurrent(
        cell, INPUT_DIM, HIDDEN_DIM, bidirectional=bidirectional
    ).double()
    x, lengths = torch.randn(3, 5, INPUT_DIM).double(), torch.tensor([2, 5, 1])
    packed = nn.utils.rnn.pack_padded_sequence(
        x, lengths, batch_first=True, enforce_sorted=False
    )
    _, state = packed_layer(recurrent, cell)(packed)
    state = state[0] if cell == "lstm" else state  # (n_directions, 3, HIDDEN_DIM)
    last = pool_steps(
        recurrent(x, lengths), lengths, "last", bidirectional=bidirectional
    )
    expected = torch.cat(list(state), 1)
    torch.testing.assert_close(last, expected, rtol=0, atol=1e-12)
