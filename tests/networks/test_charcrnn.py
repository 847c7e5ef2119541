"""Tests of CharCRNN against Xiao and Cho (2016)."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from sktextconv.encoding import PAD
from sktextconv.networks.charcrnn import CharCRNN, CharCRNNClassifier

N_TOKENS = 98  # 96 characters, padding and one id for all other characters
# Networks of the paper by the sizes of their convolutions, and their parameters for
# four classes, with the two vectors of biases of PyTorch's LSTM.
PAPER = {
    "C2R1D128": ((5, 3), 128, 320_532),
    "C3R1D128": ((5, 5, 3), 128, 402_580),
    "C4R1D256": ((5, 5, 3, 3), 256, 1_787_668),
    "C5R1D128": ((5, 5, 3, 3, 3), 128, 501_140),
    "C2R1D1024": ((5, 3), 1024, 19_991_316),
}


def small(n_tokens=30, n_classes=3, **settings):
    """Return a small network in double precision with random biases."""
    torch.manual_seed(0)
    settings = {"n_filters": 5, "hidden_dim": 4, "dropout": 0.0} | settings
    network = CharCRNN(n_tokens, n_classes, **settings).double()
    for name, parameter in network.named_parameters():
        if "bias" in name:
            nn.init.normal_(parameter)
    return network


def some_ids(lengths, n_tokens=30):
    generator = torch.Generator().manual_seed(0)
    ids = torch.full((len(lengths), max(*lengths, 1)), PAD)
    for row, length in enumerate(lengths):
        ids[row, :length] = torch.randint(1, n_tokens, (length,), generator=generator)
    return ids


# -- counts -------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAPER)
def test_parameter_count_matches_derivation(name):
    """The networks of the paper have the derived numbers of parameters."""
    widths, width, expected = PAPER[name]
    sizes = {"n_filters": width, "hidden_dim": width}
    with torch.device("meta"):
        network = CharCRNN(N_TOKENS, 4, widths=widths, **sizes)
    embedding = 8 * N_TOKENS
    inputs = [8, *[width] * (len(widths) - 1)]
    convolutions = sum(
        size * n_in * width + width for size, n_in in zip(widths, inputs, strict=True)
    )
    lstm = 2 * 4 * (2 * width * width + 2 * width)
    head = 2 * width * 4 + 4
    assert embedding + convolutions + lstm + head == expected
    assert sum(p.numel() for p in network.parameters()) == expected


def test_parameter_count_of_another_implementation():
    """C5R1D128 has the count that a public implementation states for five classes."""
    with torch.device("meta"):
        network = CharCRNN(96, 5, widths=(5, 5, 3, 3, 3))
    assert sum(p.numel() for p in network.parameters()) == 501_381


def test_multiply_accumulates_match_derivation():
    """A text of 64 characters takes 32 and 16 steps and the derived work."""
    network = CharCRNN(N_TOKENS, 4).double().eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.ones(1, 64, dtype=torch.long))
    convolutions = 64 * 5 * 8 * 128 + 32 * 3 * 128 * 128
    lstm = 16 * 2 * 4 * (128 + 128) * 128
    assert counter.get_total_flops() == 2 * (convolutions + lstm + 256 * 4)
    assert round((convolutions + lstm) / 64, -3) == 95_000
    # The default sizes of the recipe "modern".
    convolutions = 5 * 32 * 256 + 3 * 256 * 256 / 2
    assert round(convolutions + 2 * 4 * (256 + 128) * 128 / 4, -3) == 238_000


# -- forward pass -------------------------------------------------------------------


def convolve(steps, weight, bias):
    """Return ReLU of a convolution over (n_steps, n_in), one step at a time."""
    n_out, _, size = weight.shape
    before = size // 2
    outputs = np.zeros((len(steps), n_out))
    for step in range(len(steps)):
        outputs[step] = bias
        for tap in range(size):
            source = step - before + tap
            if 0 <= source < len(steps):
                outputs[step] += weight[:, :, tap] @ steps[source]
    return np.maximum(outputs, 0.0)


def reference_logits(network, text):
    """Return the logits of a text without padding: loops, then torch's LSTM."""
    vectors = network.embedding.weight.detach().numpy()
    steps = vectors[text]
    for layer in network.convolutions:
        weight, bias = (p.detach().numpy() for p in layer.parameters())
        steps = convolve(steps, weight[:, :, 0], bias)
        pairs = [steps[start : start + 2] for start in range(0, len(steps), 2)]
        steps = np.array([pair.max(0) for pair in pairs]).reshape(-1, len(bias))
    forward, backward = network.recurrent.layers[0]
    n_hidden = forward.hidden_size
    pooled = torch.zeros(2 * n_hidden, dtype=torch.double)
    if len(steps):
        lstm = nn.LSTM(forward.input_size, n_hidden, bidirectional=True).double()
        lstm.load_state_dict(
            forward.state_dict()
            | {f"{key}_reverse": value for key, value in backward.state_dict().items()}
        )
        outputs, (last, _) = lstm(torch.tensor(steps))
        pooled = {
            "last": last.flatten(),
            "mean": outputs.mean(0),
            "max": outputs.max(0).values,
        }[network.pooling]
    return network.head(pooled).detach().numpy()


@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
@pytest.mark.parametrize("widths", [(5, 3), (5, 5, 3, 3, 3), (4, 2, 1)])
def test_network_matches_reference(widths, pooling):
    """Logits equal those of loops over the steps and of torch's LSTM."""
    network = small(widths=widths, pooling=pooling).eval()
    lengths = [7, 0, 1, 2, 3, 33, 16, 64]
    ids = some_ids(lengths)
    expected = [
        reference_logits(network, row[:length].numpy())
        for row, length in zip(ids, lengths, strict=True)
    ]
    logits = network(ids).detach().numpy()
    np.testing.assert_allclose(logits, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
def test_logits_are_independent_of_padding(training, pooling):
    """A text has the same logits for any padding of its batch."""
    network = small(pooling=pooling).train(training)
    lengths = [0, 1, 4, 9, 30]
    ids = some_ids(lengths)
    together = network(ids)
    for row, length in enumerate(lengths):
        alone = ids[row : row + 1, : max(length, 1)]
        further = torch.cat([alone, torch.full((1, 50), PAD)], 1)
        for padded in (alone, further):
            torch.testing.assert_close(
                network(padded)[0], together[row], rtol=1e-12, atol=1e-12
            )


def test_dropout_after_convolutions_and_lstm():
    """Dropout applies to the input and to the pooled output of the LSTM."""
    network, shapes = small(dropout=0.5).train(), []
    network.dropout.register_forward_hook(
        lambda module, inputs, output: shapes.append(tuple(output.shape))
    )
    network(some_ids([16, 5]))
    assert shapes == [(2, 4, 5), (2, 8)]
    assert network.dropout.p == 0.5


def test_all_weights_get_gradients():
    """Every weight but the vector of padding has a gradient."""
    network = small().train()
    network(some_ids([40] * 40)).square().sum().backward()
    for name, parameter in network.named_parameters():
        if name.startswith("embedding"):
            assert parameter.grad[1:].any(1).all()
            assert not parameter.grad[PAD].any()
        else:
            assert parameter.grad.any(), name


# -- training -----------------------------------------------------------------------

TINY = CharCRNNClassifier(
    n_filters=16, hidden_dim=16, max_epochs=2, batch_size=8, random_state=0
)


def test_initial_weights():
    """Character vectors have variance 1; convolutions are as He et al. propose."""
    torch.manual_seed(0)
    network = CharCRNN(1_000, 4)
    vectors = network.embedding.weight.detach()
    assert not vectors[PAD].any()
    assert vectors[1:].std().item() == pytest.approx(1.0, rel=0.02)
    for layer in network.convolutions:
        fan_in = layer.weight[0].numel()
        expected = (2 / fan_in) ** 0.5
        assert layer.weight.std().item() == pytest.approx(expected, rel=0.05)
        assert not layer.bias.any()


def test_ngrams_initialize_detectors():
    """Filters respond with 1 to their n-gram and least of all to others."""
    network = small(n_filters=8, hidden_dim=6, embedding_dim=20)
    ngrams = np.array([[3, 4, 5, 6, 7], [7, 9, 8, 2, 1], [11, 12, 13, 14, 15]])
    first = network.convolutions[0]
    with torch.no_grad():
        first.weight.zero_()  # no noise
        network.init_from_ngrams(ngrams)
        padded = torch.cat([torch.zeros(3, 1).long(), torch.tensor(ngrams)], 1)
        vectors = network.embedding(padded).transpose(1, 2).unsqueeze(2)
        responses = first(vectors)[:, :3, 0].amax(2)
    torch.testing.assert_close(responses.diag(), torch.ones(3).double())
    assert (responses - 2 * responses.diag().diag() < 0).all()
    for layer in network.convolutions[1:]:
        assert (layer.weight[:, :, 0, 1].diag() == 1.0).all()
    for cell in network.recurrent.layers[0]:
        assert (cell.weight_ih_l0.split(6)[2].diag() == 2.0).all()


@pytest.mark.parametrize("recipe", ["modern", "paper"])
def test_random_init_ignores_texts(corpus, recipe):
    """Only `init="ngrams"` of the recipe "modern" has filters of n-grams."""
    texts, labels = corpus
    network = clone(TINY).set_params(recipe=recipe, init="random", max_epochs=1)
    network.set_params(learning_rate=1e-9).fit(texts, labels)
    assert network.net_.module_.convolutions[0].bias.abs().max() < 1e-6
    network.set_params(init="ngrams").fit(texts, labels)
    biases = network.net_.module_.convolutions[0].bias.detach()
    assert (biases.min() < -3.9) == (recipe == "modern")


def test_paper_recipe_settings(corpus):
    """`recipe="paper"` has Adadelta, the 96 characters and the last outputs."""
    network = clone(TINY).set_params(recipe="paper").fit(*corpus)
    optimizer = network.net_.optimizer_
    group = optimizer.param_groups[0]
    assert isinstance(optimizer, torch.optim.Adadelta)
    assert (group["lr"], group["rho"], group["eps"]) == (1.0, 0.95, 1e-5)
    assert {row["learning_rate"] for row in network.history_} == {1.0}
    recipe = CharCRNNClassifier._recipes["paper"]
    assert (recipe.batch_size, recipe.clip_norm) == (128, 5.0)
    assert network.net_.module_.pooling == "last"
    encoder = network.encoder_
    assert len(encoder.characters) == 96
    assert encoder.n_tokens == N_TOKENS
    ids = encoder.encode(["Aa \n~é"])[0]
    assert len({*ids.tolist()}) == 6
    assert ids.min() > PAD


def test_modern_recipe_learns(corpus):
    """The default separates the classes of a small corpus in a few epochs."""
    network = clone(TINY).set_params(max_epochs=8).fit(*corpus)
    assert network.score(*corpus) == 1.0
    assert network.net_.module_.pooling == "max"
    assert network.encoder_.alphabet == "auto"


@pytest.mark.parametrize(
    ("recipe", "n_vectors", "n_filters"), [("modern", 32, 256), ("paper", 8, 128)]
)
def test_sizes_of_recipes(corpus, recipe, n_vectors, n_filters):
    """Each recipe has its own sizes of vectors and convolutions by default."""
    network = CharCRNNClassifier(recipe=recipe, max_epochs=1, random_state=0)
    shapes = [
        tuple(layer.weight.shape)
        for layer in network.fit(*corpus).net_.module_.convolutions
    ]
    expected = [(n_filters, n_vectors, 1, 5), (n_filters, n_filters, 1, 3)]
    assert shapes == expected


def test_texts_are_read_from_the_start(corpus):
    """`max_length` cuts the end of a text off unless `keep` says otherwise."""
    network = clone(TINY).set_params(max_length=9).fit(*corpus)
    found = network.predict_proba(["good fine abc", "good fine xxzz"])
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)
    network.set_params(keep="end").fit(*corpus)
    found = network.predict_proba(["abc good fine", "xxzz good fine"])
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)


def test_bytes_are_read_to_the_end(corpus):
    """With `alphabet="bytes"` no byte counts as padding."""
    texts, labels = corpus
    network = clone(TINY).set_params(alphabet="bytes", max_epochs=1)
    network.fit(texts, labels)
    ids = network.encoder_.encode(["a\x00é"])[0]
    assert len(ids) == 4
    assert ids.min() > PAD


def test_sizes_are_checked(corpus):
    """`widths` takes one or more positive ints."""
    assert clone(TINY).set_params(widths=[1]).fit(*corpus).score(*corpus) > 0
    for sizes in ((), (3, 0), 3):
        with pytest.raises(ValueError, match="The 'widths' parameter of CharCR"):
            clone(TINY).set_params(widths=sizes).fit(*corpus)
