"""Tests of CharCNN against Zhang, Zhao and LeCun (2015) and the authors' code."""

import numpy as np
import pytest
import torch
from torch import nn

from sktextconv import CharCNNClassifier
from sktextconv.encoding import ALPHABETS, PAD
from sktextconv.networks.charcnn import CharCNN
from sktextconv.networks.convnet import VelocitySGD, check_max_length

# Parameters for 2, 4, 5, 10 and 14 classes.
PARAMETERS = {
    ("small", 70): (11_337_730, 11_339_780, 11_340_805, 11_345_930, 11_350_030),
    ("small", 69): (11_335_938, 11_337_988, 11_339_013, 11_344_138, 11_348_238),
    ("large", 70): (95_936_514, 95_940_612, 95_942_661, 95_952_906, 95_961_102),
    ("large", 69): (95_929_346, 95_933_444, 95_935_493, 95_945_738, 95_953_934),
}

MACS = {  # for 4 classes, by rows of the alphabet
    "small": {
        68: 366_759_936,
        69: 368_566_272,
        70: 370_372_608,
        96: 417_337_344,
    },
    "large": {
        68: 4_310_245_376,
        69: 4_317_470_720,
        70: 4_324_696_064,
        96: 4_512_555_008,
    },
}


def on_meta(n_rows, n_classes=4, **settings):
    with torch.device("meta"):
        return CharCNN(n_rows + 1, n_classes, **settings)


def count_macs(network, length):
    """Return the multiply-accumulates of one text, from the output shapes."""
    macs = 0

    def count(module, inputs, output):
        nonlocal macs
        if isinstance(module, nn.Conv2d):
            macs += output[0].numel() * module.weight[0].numel()
        else:
            macs += module.weight.numel()

    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.register_forward_hook(count)
    ids = torch.zeros(1, length, dtype=torch.long, device="meta")
    network.dense(network._padded_frames(ids).flatten(1))
    return macs


@pytest.mark.parametrize(("size", "n_rows"), PARAMETERS)
def test_parameter_count_is_published(size, n_rows):
    """Each size and alphabet has the published number of parameters."""
    for n_classes, expected in zip(
        (2, 4, 5, 10, 14), PARAMETERS[size, n_rows], strict=True
    ):
        network = on_meta(n_rows, n_classes, size=size)
        assert sum(p.numel() for p in network.parameters()) == expected


@pytest.mark.parametrize(
    ("size", "n_rows", "expected"),
    [
        ("small", 68, 11_336_196),
        ("small", 96, 11_386_372),
        ("large", 68, 95_926_276),
        ("large", 96, 96_126_980),
    ],
)
def test_parameter_count_of_other_alphabets(size, n_rows, expected):
    """Alphabets that the paper does not use have the derived number of parameters."""
    network = on_meta(n_rows, size=size)
    assert sum(p.numel() for p in network.parameters()) == expected


@pytest.mark.parametrize("size", MACS)
def test_multiply_accumulates_match_derivation(size):
    """The layers take the multiply-accumulates derived from Tables 1 and 2."""
    for n_rows, expected in MACS[size].items():
        assert count_macs(on_meta(n_rows, size=size), 1014) == expected


def test_alphabet_sizes():
    """The alphabets have the sizes for which the counts are derived."""
    names = ("paper", "code", "unique", "space", "full")
    assert [len(ALPHABETS[name]) for name in names] == [70, 69, 68, 69, 96]


@pytest.mark.parametrize(
    ("max_length", "n_frames"), [(123, 1), (231, 5), (312, 8), (501, 15), (1014, 34)]
)
def test_n_frames_by_max_length(max_length, n_frames):
    """A length of 96 + 27 k gives k frames."""
    network = on_meta(70, max_length=max_length)
    assert network.n_frames == n_frames
    ids = torch.zeros(1, max_length, dtype=torch.long, device="meta")
    assert network._padded_frames(ids).shape == (1, n_frames, 256)


@pytest.mark.parametrize(
    ("max_length", "nearest"),
    [
        (1000, "987 and 1014"),
        (1015, "1014 and 1041"),
        (122, "123"),
        (96, "123"),
        (1, "123"),
    ],
)
def test_max_length_error_names_nearest(max_length, nearest):
    """The error names the nearest valid lengths, and these pass the check."""
    sentence = (
        rf"^The 'max_length' parameter of CharCNNClassifier must .* Got {max_length} "
        rf"instead; nearest: {nearest}\.$"
    )
    with pytest.raises(ValueError, match=sentence):
        CharCNNClassifier(max_length=max_length).fit(["a", "b"], [0, 1])
    for legal in map(int, nearest.split(" and ")):
        check_max_length(legal, required_by="CharCNN")


def random_ids(lengths, n_tokens, generator):
    ids = torch.zeros(len(lengths), max(*lengths, 1), dtype=torch.long)
    for row, length in enumerate(lengths):
        ids[row, :length] = torch.randint(n_tokens, (length,), generator=generator)
    return ids


@pytest.mark.parametrize(
    "lengths",
    [
        [0, 1, 2, 26, 27, 28, 54, 123, 124, 231] * 12,
        [5] * 90 + [0],
        [231] * 3 + [3] * 61,
        [0] * 64,
    ],
)
def test_packing_preserves_logits_and_gradients(lengths):
    """Packed texts have the logits and gradients of padded texts."""
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    network = CharCNN(12, 3, max_length=231, dropout=0.0).double()
    ids = random_ids(lengths, 12, generator)
    calls = []
    convolve = network._convolve
    network._convolve = lambda ids: calls.append(ids.shape) or convolve(ids)

    def logits_and_gradients(frames):
        network.zero_grad()
        logits = network.dense(frames.flatten(1))
        logits.square().sum().backward()
        return [logits, *(p.grad.clone() for p in network.parameters())]

    plain = logits_and_gradients(network._padded_frames(ids))
    # Given lengths count ids of 0 at the end of a text.
    for given in (None, torch.tensor(lengths)):
        packed = logits_and_gradients(network._frames(ids, given))
        assert calls[-1].numel() < calls[0].numel()  # texts were packed
        for ours, theirs in zip(packed, plain, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", ["small", "large"])
@pytest.mark.parametrize("method", ["first_convolution", "_aligned_convolution"])
def test_first_convolution_is_exact(size, method):
    """Both ways to compute it have the output and gradients of the convolution."""
    torch.manual_seed(0)
    network = CharCNN(12, 3, size=size, max_length=123).double()
    ids = torch.randint(12, (3, 40))
    first = network.convolutions[0]
    nn.init.normal_(first.bias)

    def outputs_and_gradients(convolve):
        network.zero_grad()
        outputs = convolve(ids)
        weights = torch.arange(outputs.numel()).view_as(outputs).sin()
        (outputs * weights).sum().backward()
        return [outputs, first.weight.grad.clone(), first.bias.grad.clone()]

    ours = outputs_and_gradients(getattr(network, method))
    plain = outputs_and_gradients(super(CharCNN, network).first_convolution)
    for found, expected in zip(ours, plain, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


FORWARDS = ("register_forward_hook", "register_forward_pre_hook")
BACKWARDS = ("register_full_backward_hook", "register_full_backward_pre_hook")


# torch warns of backward hooks, because ids have no gradient.
@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
@pytest.mark.parametrize(
    ("name", "registers"),
    [("embedding", FORWARDS), ("convolutions.0", FORWARDS + BACKWARDS)],
)
def test_hooks_fire_on_first_convolution(name, registers):
    """Hooks on the embedding and first convolution fire; the logits are unchanged."""
    network = CharCNN(12, 3, max_length=123).eval()
    ids = torch.randint(12, (123, 4)).t()  # not contiguous
    expected, module = network(ids), network.get_submodule(name)
    for register in registers:
        seen = []
        handle = getattr(module, register)(lambda *given, seen=seen: seen.append(1))
        logits = network(ids)
        logits.sum().backward()
        handle.remove()
        assert seen == [1]
        torch.testing.assert_close(logits, expected)


def test_two_threads_are_deterministic():
    """Repeated fits with two threads give bitwise equal probabilities."""
    texts = ["one short text", "another, longer one " * 4, "x"] * 64
    labels = [0, 1, 0] * 64
    network = CharCNNClassifier(
        max_length=501, max_epochs=1, batch_size=96, random_state=0, n_jobs=2
    )
    first, *others = (network.fit(texts, labels).predict_proba(texts) for _ in range(4))
    assert all(np.array_equal(first, other) for other in others)


def test_long_texts_are_not_packed():
    """Texts of the full length are convolved as they are."""
    network = CharCNN(12, 3, max_length=231)
    calls = []
    convolve = network._convolve
    network._convolve = lambda ids: calls.append(ids.shape) or convolve(ids)
    network(torch.ones(20, 231, dtype=torch.long))
    assert calls == [(20, 231)]


def test_max_pooling_commutes_with_relu():
    """Pooling before ReLU equals the paper's ReLU before pooling."""
    x = torch.randn(2, 3, 1, 30)
    pooled = nn.functional.max_pool2d(x, (1, 3)).relu()
    assert torch.equal(pooled, nn.functional.max_pool2d(x.relu(), (1, 3)))


def test_network_exports():
    """The exported graph returns the network's logits."""
    network = CharCNN(12, 3, max_length=123).eval()
    ids = torch.randint(12, (4, 123))
    exported = torch.export.export(network, (ids,)).module()
    torch.testing.assert_close(exported(ids), network(ids), rtol=1e-4, atol=1e-5)


def test_all_weights_get_gradients():
    """Every parameter has a gradient that is not zero."""
    network = CharCNN(12, 3, max_length=123)
    network(torch.randint(1, 12, (4, 123))).sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in network.parameters())


@pytest.mark.parametrize(("size", "std"), [("small", 0.05), ("large", 0.02)])
def test_paper_init_is_normal(size, std):
    """`init="paper"` draws weights with the mean and deviation of section 2.3."""
    torch.manual_seed(0)
    network = CharCNN(71, 4, size=size, max_length=123, init="paper")
    for parameter in network.parameters():
        if parameter.numel() > 10_000:
            assert parameter.mean().item() == pytest.approx(0, abs=std / 20)
            assert parameter.std().item() == pytest.approx(std, rel=0.02)


def test_velocity_sgd_matches_authors_update():
    """The optimizer follows the authors' formula when the rate is halved."""
    rng = np.random.RandomState(0)
    weights, gradients = rng.randn(5), rng.randn(8, 5)
    parameter = nn.Parameter(torch.tensor(weights))
    optimizer = VelocitySGD([parameter], lr=0.1, momentum=0.9, weight_decay=1e-2)
    velocity = np.zeros(5)
    for step, gradient in enumerate(gradients):
        rate = 0.1 if step < 4 else 0.05  # halved
        optimizer.param_groups[0]["lr"] = rate
        parameter.grad = torch.tensor(gradient)
        optimizer.step()
        velocity = 0.9 * velocity - rate * gradient
        weights = weights * (1 - rate * 1e-2) + velocity
    np.testing.assert_allclose(parameter.detach().numpy(), weights, rtol=1e-12)


def test_paper_recipe_settings(corpus):
    """`recipe="paper"` has the authors' optimizer, weight decay and schedule."""
    network = CharCNNClassifier(
        recipe="paper", max_length=123, epoch_size=2, max_epochs=7, batch_size=4
    ).fit(*corpus)
    group = network.net_.optimizer_.param_groups[0]
    assert isinstance(network.net_.optimizer_, VelocitySGD)
    assert (group["momentum"], group["weight_decay"]) == (0.9, 1e-5)
    rates = [row["learning_rate"] for row in network.history_]
    assert rates == pytest.approx([0.01] * 3 + [0.005] * 3 + [0.0025])
    assert network._recipes["paper"].epoch_size == 5_000


def make_detector(ngrams, **settings):
    """Return a network that `init_from_ngrams` initializes without noise."""
    network = CharCNN(12, 3, max_length=231, **settings)
    with torch.no_grad():
        for parameter in network.convolutions.parameters():
            parameter.zero_()
        network.init_from_ngrams(np.array(ngrams))
    return network


@pytest.mark.parametrize("position", [0, 1, 20, 77, 130])
def test_ngram_filter_is_position_invariant(position):
    """A filter responds with 1 to its n-gram at any position, and to no other."""
    network = make_detector([[3, 1, 4, 1, 5], [PAD, 2, 7, 1, PAD]])
    others = torch.randint(6, 12, (64,), generator=torch.Generator().manual_seed(0))
    ids = torch.zeros(4, 231, dtype=torch.long)
    ids[:, :64] = others
    ids[0, position : position + 5] = torch.tensor([3, 1, 4, 1, 5])
    ids[1, position : position + 5] = torch.tensor([PAD, 2, 7, 1, PAD])
    ids[2, position : position + 5] = torch.tensor([3, 1, 4, 1, 6])
    ids[3, position : position + 5] = torch.tensor([8, 2, 7, 1, PAD])
    responses = network._frames(ids).amax(1)  # (4, width)
    expected = torch.zeros(4, 256)
    expected[0, 0] = expected[1, 1] = 1.0
    torch.testing.assert_close(responses, expected)


def test_init_from_ngrams_shares_frame_weights():
    """The first dense layer starts with equal weights for all frames."""
    dense = make_detector([[3, 1, 4]]).dense[0].weight.view(1024, 5, 256)
    assert dense.std() > 0
    for frame in range(5):
        torch.testing.assert_close(dense[:, frame], dense[:, 0])


def test_default_init_is_from_ngrams():
    """Filters match n-grams of the training texts by default only."""
    texts = ["some goods", "goods", "so badly", "badly, badly"]
    settings = {"max_epochs": 1, "max_length": 123, "random_state": 0}
    settings |= {"learning_rate": 1e-9, "batch_size": 4, "epoch_size": 1}
    responses = {}
    for recipe, init in (
        ("modern", "ngrams"),
        ("modern", "random"),
        ("paper", "ngrams"),
    ):
        classifier = CharCNNClassifier(recipe=recipe, init=init, **settings)
        classifier.fit(texts, ["+", "+", "-", "-"])
        n_tokens = classifier.encoder_.n_tokens
        ids = torch.tensor(classifier.encoder_.encode(["goods"])[0].astype(int))
        window = torch.nn.functional.one_hot(ids, n_tokens)[:, 1:].T.float()
        first = classifier.net_.module_.convolutions[0]
        template = first.weight[:, :, 0, : len(ids)]
        responses[recipe, init] = (template * window).sum((1, 2)) / len(ids)
    assert responses.pop(("modern", "ngrams")).max() > 0.9
    assert all(each.abs().max() < 0.2 for each in responses.values())
