"""Facts of Zhang, Zhao and LeCun (2015) and of their code, and the exact packing."""

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
    """Multiply-accumulates of one document, from the shapes that come out."""
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
def test_parameters_are_counted_as_published(size, n_rows):
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
def test_parameters_of_other_alphabets(size, n_rows, expected):
    network = on_meta(n_rows, size=size)
    assert sum(p.numel() for p in network.parameters()) == expected


@pytest.mark.parametrize("size", MACS)
def test_macs_are_counted_as_derived(size):
    for n_rows, expected in MACS[size].items():
        assert count_macs(on_meta(n_rows, size=size), 1014) == expected


def test_alphabets_have_the_rows_of_the_counts():
    names = ("paper", "code", "unique", "space", "full")
    assert [len(ALPHABETS[name]) for name in names] == [70, 69, 68, 69, 96]


@pytest.mark.parametrize(
    ("max_length", "n_frames"), [(123, 1), (231, 5), (312, 8), (501, 15), (1014, 34)]
)
def test_frames_are_the_length_less_96_by_27(max_length, n_frames):
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
def test_illegal_lengths_name_the_nearest_legal_ones(max_length, nearest):
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
def test_packed_documents_give_the_plain_logits_and_gradients(lengths):
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
    # A document may end in zeros; the length that is given counts them.
    for given in (None, torch.tensor(lengths)):
        packed = logits_and_gradients(network._frames(ids, given))
        assert calls[-1].numel() < calls[0].numel()  # it was packed
        for ours, theirs in zip(packed, plain, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", ["small", "large"])
def test_adding_up_what_characters_answer_is_the_convolution(size):
    torch.manual_seed(0)
    network = CharCNN(12, 3, size=size, max_length=123).double()
    ids = torch.randint(12, (3, 40))
    first = network.convolutions[0]
    nn.init.normal_(first.bias)

    def answers_and_gradients(convolve):
        network.zero_grad()
        answers = convolve(ids)
        weights = torch.arange(answers.numel()).view_as(answers).sin()
        (answers * weights).sum().backward()
        return [answers, first.weight.grad.clone(), first.bias.grad.clone()]

    ours = answers_and_gradients(network.first_convolution)
    plain = answers_and_gradients(super(CharCNN, network).first_convolution)
    for each, expected in zip(ours, plain, strict=True):
        torch.testing.assert_close(each, expected, rtol=1e-12, atol=1e-12)


FORWARDS = ("register_forward_hook", "register_forward_pre_hook")
BACKWARDS = ("register_full_backward_hook", "register_full_backward_pre_hook")


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")  # ids have none
@pytest.mark.parametrize(
    ("name", "registers"),
    [("embedding", FORWARDS), ("convolutions.0", FORWARDS + BACKWARDS)],
)
def test_hooks_see_the_first_convolution(name, registers):
    network = CharCNN(12, 3, max_length=123).eval()
    ids = torch.randint(12, (123, 4)).t()  # in another order of memory
    expected, module = network(ids), network.get_submodule(name)
    for register in registers:
        seen = []
        handle = getattr(module, register)(lambda *given, seen=seen: seen.append(1))
        logits = network(ids)
        logits.sum().backward()
        handle.remove()
        assert seen == [1]
        torch.testing.assert_close(logits, expected)


def test_two_threads_give_the_same_bits_each_time():
    texts = ["one short text", "another, longer one " * 4, "x"] * 64
    labels = [0, 1, 0] * 64
    network = CharCNNClassifier(
        max_length=501, max_epochs=1, batch_size=96, random_state=0, n_jobs=2
    )
    first, *others = (network.fit(texts, labels).predict_proba(texts) for _ in range(4))
    assert all(np.array_equal(first, other) for other in others)


def test_long_documents_are_not_packed():
    network = CharCNN(12, 3, max_length=231)
    calls = []
    convolve = network._convolve
    network._convolve = lambda ids: calls.append(ids.shape) or convolve(ids)
    network(torch.ones(20, 231, dtype=torch.long))
    assert calls == [(20, 231)]


def test_pooling_before_relu_is_the_papers_relu_before_pooling():
    x = torch.randn(2, 3, 1, 30)
    pooled = nn.functional.max_pool2d(x, (1, 3)).relu()
    assert torch.equal(pooled, nn.functional.max_pool2d(x.relu(), (1, 3)))


def test_network_exports():
    network = CharCNN(12, 3, max_length=123).eval()
    ids = torch.randint(12, (4, 123))
    exported = torch.export.export(network, (ids,)).module()
    torch.testing.assert_close(exported(ids), network(ids), rtol=1e-4, atol=1e-5)


def test_every_weight_gets_a_gradient():
    network = CharCNN(12, 3, max_length=123)
    network(torch.randint(1, 12, (4, 123))).sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in network.parameters())


@pytest.mark.parametrize(("size", "std"), [("small", 0.05), ("large", 0.02)])
def test_papers_weights_are_normal(size, std):
    torch.manual_seed(0)
    network = CharCNN(71, 4, size=size, max_length=123, init="paper")
    for parameter in network.parameters():
        if parameter.numel() > 10_000:
            assert parameter.mean().item() == pytest.approx(0, abs=std / 20)
            assert parameter.std().item() == pytest.approx(std, rel=0.02)


def test_velocity_sgd_is_the_authors_update():
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


def test_recipe_paper_trains_with_the_authors_settings(corpus):
    network = CharCNNClassifier(
        recipe="paper", max_length=123, epoch_size=2, max_epochs=7, batch_size=4
    ).fit(*corpus)
    group = network.net_.optimizer_.param_groups[0]
    assert isinstance(network.net_.optimizer_, VelocitySGD)
    assert (group["momentum"], group["weight_decay"]) == (0.9, 1e-5)
    rates = [row["learning_rate"] for row in network.history_]
    assert rates == pytest.approx([0.01] * 3 + [0.005] * 3 + [0.0025])
    assert network._recipes["paper"].epoch_size == 5_000


def started(ngrams, **settings):
    """A network of detectors alone, without the random weights it would start with."""
    network = CharCNN(12, 3, max_length=231, **settings)
    with torch.no_grad():
        for parameter in network.convolutions.parameters():
            parameter.zero_()
        network.init_from_ngrams(np.array(ngrams))
    return network


@pytest.mark.parametrize("place", [0, 1, 20, 77, 130])
def test_a_filter_answers_to_its_ngram_alone_wherever_it_stands(place):
    network = started([[3, 1, 4, 1, 5], [PAD, 2, 7, 1, PAD]])
    others = torch.randint(6, 12, (64,), generator=torch.Generator().manual_seed(0))
    ids = torch.zeros(4, 231, dtype=torch.long)
    ids[:, :64] = others
    ids[0, place : place + 5] = torch.tensor([3, 1, 4, 1, 5])
    ids[1, place : place + 5] = torch.tensor([PAD, 2, 7, 1, PAD])
    ids[2, place : place + 5] = torch.tensor([3, 1, 4, 1, 6])
    ids[3, place : place + 5] = torch.tensor([8, 2, 7, 1, PAD])
    answers = network._frames(ids).amax(1)  # (4, width)
    expected = torch.zeros(4, 256)
    expected[0, 0] = expected[1, 1] = 1.0
    torch.testing.assert_close(answers, expected)


def test_frames_count_alike_at_the_start():
    dense = started([[3, 1, 4]]).dense[0].weight.view(1024, 5, 256)
    assert dense.std() > 0
    for frame in range(5):
        torch.testing.assert_close(dense[:, frame], dense[:, 0])


def test_default_starts_from_ngrams_and_others_at_random():
    texts = ["some goods", "goods", "so badly", "badly, badly"]
    settings = {"max_epochs": 1, "max_length": 123, "random_state": 0}
    settings |= {"learning_rate": 1e-9, "batch_size": 4, "epoch_size": 1}
    answers = {}
    for recipe, init in (
        ("modern", "ngrams"),
        ("modern", "random"),
        ("paper", "ngrams"),
    ):
        classifier = CharCNNClassifier(recipe=recipe, init=init, **settings)
        classifier.fit(texts, ["+", "+", "-", "-"])
        ids = torch.tensor(classifier.encoder_.encode(["goods"])[0].astype(int))
        window = torch.nn.functional.one_hot(ids, 71)[:, 1:].T.float()
        first = classifier.net_.module_.convolutions[0]
        template = first.weight[:, :, 0, : len(ids)]
        answers[recipe, init] = (template * window).sum((1, 2)) / len(ids)
    assert answers.pop(("modern", "ngrams")).max() > 0.9
    assert all(each.abs().max() < 0.2 for each in answers.values())
