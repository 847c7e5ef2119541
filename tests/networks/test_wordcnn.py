"""Tests of WordCNN against Zhang, Zhao and LeCun (2015)."""

import pickle

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch import nn

from sktextconv.encoding import PAD
from sktextconv.networks.charcnn import CharCNN
from sktextconv.networks.convnet import VelocitySGD
from sktextconv.networks.wordcnn import WordCNN, WordCNNClassifier

from .test_charcnn import count_macs, random_ids

N_TOKENS = 50_002
DIM = 300

# By size and length: parameters without the embedding and multiply-accumulates, for
# 4 classes.
COUNTS = {
    ("small", 123): (3_101_188, 84_071_424),
    ("small", 231): (4_149_764, 169_133_056),
    ("small", 312): (4_936_196, 232_929_280),
    ("small", 501): (6_771_204, 381_787_136),
    ("small", 1014): (11_751_940, 785_829_888),
    ("large", 123): (28_383_236, 575_614_976),
    ("large", 231): (36_771_844, 1_231_482_880),
    ("large", 312): (43_063_300, 1_723_383_808),
    ("large", 501): (57_743_364, 2_871_152_640),
    ("large", 1014): (97_589_252, 5_986_525_184),
}


@pytest.mark.parametrize(("size", "length"), COUNTS)
def test_counts_match_derivation(size, length):
    """Parameters and multiply-accumulates match the derivation for each length."""
    n_parameters, n_macs = COUNTS[size, length]
    with torch.device("meta"):
        network = WordCNN(N_TOKENS, 4, size=size, max_length=length)
    count = sum(p.numel() for p in network.parameters())
    assert count == n_parameters + DIM * N_TOKENS
    assert count_macs(network, length) == n_macs


def test_static_embedding_is_no_parameter():
    """A frozen embedding adds no parameters."""
    with torch.device("meta"):
        network = WordCNN(N_TOKENS, 4, static=True)
    assert sum(p.numel() for p in network.parameters()) == COUNTS["small", 312][0]


def test_one_hot_vectors_give_charcnn():
    """With unit vectors as embedding the network equals `CharCNN`."""
    words = WordCNN(12, 3, max_length=123, embedding_dim=11, static=True).eval()
    characters = CharCNN(12, 3, max_length=123).eval()
    words.load_state_dict(
        characters.state_dict() | {"embedding.weight": characters.embedding.weight}
    )
    ids = torch.randint(12, (4, 123))
    assert torch.equal(words(ids), characters(ids))


@pytest.mark.parametrize(
    "lengths",
    [
        [0, 1, 2, 26, 27, 28, 54, 123, 124, 231] * 8,
        [5] * 40 + [0],
        [231] * 3 + [3] * 61,
        [0] * 32,
    ],
)
def test_packing_preserves_logits_and_gradients(lengths):
    """Packed texts have the logits and gradients of padded texts."""
    torch.manual_seed(0)
    network = WordCNN(20, 3, max_length=231, embedding_dim=8, dropout=0.0).double()
    ids = random_ids(lengths, 20, torch.Generator().manual_seed(0))
    n_positions = []
    convolve = network._convolve

    def count(ids):
        n_positions.append(ids.numel())
        return convolve(ids)

    network._convolve = count

    def logits_and_gradients(frames):
        network.zero_grad()
        logits = network.dense(frames.flatten(1))
        logits.square().sum().backward()
        return [logits, *(p.grad.clone() for p in network.parameters())]

    packed = logits_and_gradients(network._frames(ids))
    plain = logits_and_gradients(network._padded_frames(ids))
    assert n_positions[0] < n_positions[1]  # texts were packed
    assert "embedding.weight" in dict(network.named_parameters())
    for ours, theirs in zip(packed, plain, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_logits_are_independent_of_batch():
    """A text has the same logits alone and in a batch."""
    torch.manual_seed(0)
    network = WordCNN(20, 3, max_length=123, embedding_dim=8).eval()
    lengths = [0, 1, 5, 60, 123] * 5
    ids = random_ids(lengths, 20, torch.Generator().manual_seed(0))
    with torch.inference_mode():
        together = network(ids)
        for row, length, logits in zip(ids, lengths, together, strict=True):
            alone = network(row[None, : max(1, length)])
            torch.testing.assert_close(alone[0], logits, rtol=0, atol=1e-5)


@pytest.mark.parametrize("length", [0, 1, 27, 28, 100, 231])
def test_frames_of_one_text_are_those_of_batch(length):
    """Prediction of a single text computes the bits of the general layout."""
    torch.manual_seed(0)
    network = WordCNN(20, 3, max_length=312, embedding_dim=8).eval()
    ids = random_ids([length], 20, torch.Generator().manual_seed(0))
    general = network._frames(ids, torch.tensor([length]))
    with torch.inference_mode():
        alone = network._frames(ids, torch.tensor([length]))
    assert torch.equal(alone, general)


def test_network_exports():
    """The exported graph returns the network's logits."""
    network = WordCNN(20, 3, max_length=123, embedding_dim=8).eval()
    ids = torch.randint(20, (4, 123))
    exported = torch.export.export(network, (ids,)).module()
    torch.testing.assert_close(exported(ids), network(ids), rtol=1e-4, atol=1e-5)


def test_all_weights_get_gradients():
    """Every parameter has a gradient, but the vector of padding has none."""
    torch.manual_seed(0)
    network = WordCNN(20, 3, max_length=123, embedding_dim=8)
    network(torch.arange(20).repeat(4, 6)).square().sum().backward()
    for parameter in network.parameters():
        assert parameter.grad is not None
        assert parameter.grad.any()
    gradient = network.embedding.weight.grad
    assert gradient.any(1).tolist() == [False] + [True] * 19  # padding has none


@pytest.mark.parametrize(("size", "std"), [("small", 0.05), ("large", 0.02)])
def test_paper_init_is_normal(size, std):
    """`init="paper"` draws weights and word vectors from the normal distribution."""
    torch.manual_seed(0)
    network = WordCNN(1_000, 4, size=size, max_length=123, init="paper")
    for parameter in network.parameters():
        if parameter.numel() > 10_000:
            # The fourth moment of a normal distribution is 3, of a uniform one 1.8.
            standard = parameter.detach() / std
            assert standard.mean().item() == pytest.approx(0, abs=0.05)
            assert standard.std().item() == pytest.approx(1, rel=0.02)
            assert standard.pow(4).mean().item() == pytest.approx(3, rel=0.1)
    assert not network.embedding.weight[PAD].any()


def make_classifier(**settings):
    settings = {"max_epochs": 2, "random_state": 0, "epoch_size": 2} | settings
    return WordCNNClassifier(max_length=123, embedding_dim=8, batch_size=8, **settings)


def embedding_of(classifier):
    return classifier.net_.module_.embedding.weight.detach()


@pytest.mark.parametrize("recipe", ["modern", "paper"])
def test_padding_vector_stays_zero(corpus, recipe):
    """Training changes all word vectors but that of padding."""
    trained = embedding_of(make_classifier(recipe=recipe).fit(*corpus))
    start = embedding_of(
        make_classifier(recipe=recipe, learning_rate=1e-30).fit(*corpus)
    )
    assert not trained[PAD].any()
    moved = (trained != start).any(1)
    assert moved[2:].all()


VECTORS = {"good": np.arange(8.0), "xxzz": -np.ones(8), "unseen": np.ones(8)}


def test_static_vectors_stay_unchanged(corpus):
    """Frozen vectors are unchanged after training; trained ones are not."""
    classifier = make_classifier(vectors=VECTORS, tuning="static").fit(*corpus)
    embedding = embedding_of(classifier)
    ids = classifier.encoder_.encode(["good xxzz"])[0].astype(int)
    np.testing.assert_array_equal(
        embedding[ids], np.float32([VECTORS["good"], VECTORS["xxzz"]])
    )
    fine_tuned = embedding_of(make_classifier(vectors=VECTORS).fit(*corpus))
    assert (fine_tuned[ids] != embedding[ids]).any(1).all()
    loaded = pickle.loads(pickle.dumps(classifier))
    assert torch.equal(embedding_of(loaded), embedding)


def test_paper_recipe_settings(corpus):
    """`recipe="paper"` has the authors' settings and no dropout of word vectors."""
    classifier = make_classifier(recipe="paper", max_epochs=7).fit(*corpus)
    optimizer = classifier.net_.optimizer_
    assert isinstance(optimizer, VelocitySGD)
    group = optimizer.param_groups[0]
    assert (group["momentum"], group["weight_decay"]) == (0.9, 1e-5)
    rates = [row["learning_rate"] for row in classifier.history_]
    assert rates == pytest.approx([0.01] * 3 + [0.005] * 3 + [0.0025])
    assert classifier._recipes["paper"].epoch_size == 5_000
    modules = classifier.net_.module_.modules()
    dropouts = [m.p for m in modules if isinstance(m, nn.Dropout)]
    assert sorted(dropouts) == [0.0, 0.5, 0.5]


class _FirstSteps(Callback):
    """Losses of the first ten minibatches, after which training is interrupted."""

    def __init__(self, losses):
        self.losses = losses

    def on_batch_end(self, net, loss=None, **kwargs):
        self.losses.append(loss.item())
        if len(self.losses) == 10:
            raise KeyboardInterrupt


def draw_texts(n_texts):
    """Return texts of some frequent and many rare words, and labels of four classes."""
    rng = np.random.default_rng(0)
    chances = 1 / np.arange(1, 2_001)
    labels, texts = np.arange(n_texts) % 4, []
    for label in labels:
        size = rng.integers(30, 60)
        words = rng.choice(2_000, size, p=chances / chances.sum())
        # A tenth of the words belongs to the class.
        own = rng.random(size) < 0.1
        words[own] = 2_000 + 20 * label + rng.integers(0, 20, own.sum())
        texts.append(" ".join(f"word{word}" for word in words))
    return texts, labels


@pytest.mark.filterwarnings("ignore:Training interrupted by user")
def test_large_network_does_not_jump():
    """No loss of the first steps of a large network is twice that of chance."""
    losses = []
    classifier = WordCNNClassifier(
        size="large",
        max_length=123,
        batch_size=8,
        max_epochs=50,
        random_state=0,
        callbacks=[_FirstSteps(losses)],
    ).fit(*draw_texts(16))
    assert len(losses) == 10
    assert max(losses) < 2 * np.log(4)
    assert classifier._recipe().learning_rate == 5e-4
    assert WordCNNClassifier()._recipe().learning_rate == 3e-3
    paper = WordCNNClassifier(size="large", recipe="paper")
    assert paper._recipe().learning_rate == 0.01


def test_embedding_dropout():
    """Dropout sets that fraction of the dimensions to zero, in training only."""
    torch.manual_seed(0)
    network = WordCNN(20, 3, max_length=123, embedding_dropout=0.3)
    ids = torch.randint(1, 20, (4, 123))
    dropped = (network.embed(ids) == 0).float().mean().item()
    assert dropped == pytest.approx(0.3, abs=0.01)
    assert (network.eval().embed(ids) != 0).all()


def test_max_length_error_names_class():
    """The error names the class that was called, the network or the classifier."""
    sentence = r"of WordCNNClassifier must .* 300 instead; nearest: 285 and 312\."
    with pytest.raises(ValueError, match=sentence):
        WordCNNClassifier(max_length=300).fit(["a", "b"], [0, 1])
    with pytest.raises(ValueError, match=r"of WordCNN must"):
        WordCNN(20, 3, max_length=300)


def test_keep_selects_end_of_text(corpus):
    """Words beyond `max_length` are ignored; `keep="end"` reads the last words."""
    texts, labels = corpus
    long = " ".join(["good"] * 123)
    start = make_classifier().fit(texts, labels)
    same = start.predict_proba([long, long + " xxzz", long + " xxzz" * 200])
    np.testing.assert_allclose(same, same[[0, 0, 0]], rtol=0, atol=1e-5)
    end = make_classifier(keep="end").fit(texts, labels)
    assert np.ptp(end.predict_proba([long, long + " xxzz" * 50])[:, 0]) > 1e-5


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_two_threads_are_deterministic():
    """The gradient of the embedding is bitwise equal in each run with two threads."""
    torch.manual_seed(0)
    network = WordCNN(50, 3, max_length=123, embedding_dim=8)
    ids, gradient = torch.randint(50, (64, 123)), torch.randn(64, 123, 8)
    sums = []
    for _ in range(20):
        network.zero_grad()
        network.embed(ids).backward(gradient)
        sums.append(network.embedding.weight.grad)
    assert all(torch.equal(sums[0], other) for other in sums[1:])


def test_default_init_is_position_invariant():
    """By default, the first dense layer starts with equal weights for all frames."""
    texts = ["a good day", "good", "so bad a day", "bad, bad"]
    settings = {"max_epochs": 1, "embedding_dim": 8, "random_state": 0}
    settings |= {"learning_rate": 1e-9, "batch_size": 4, "epoch_size": 1}
    spread = {}
    for recipe in ("modern", "paper"):
        classifier = WordCNNClassifier(recipe=recipe, **settings)
        classifier.fit(texts, ["+", "+", "-", "-"])
        weight = classifier.net_.module_.dense[0].weight.detach()
        spread[recipe] = weight.view(1024, 8, 256).std(1).max()
    assert spread["modern"] < 1e-6 < spread["paper"]
