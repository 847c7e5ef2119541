"""Counts of Zhang, Zhao and LeCun (2015) over words, and the exact packing there."""

import pickle

import numpy as np
import pytest
import torch
from torch import nn

from sktextconv.encoding import PAD
from sktextconv.networks.charcnn import CharCNN
from sktextconv.networks.convnet import VelocitySGD
from sktextconv.networks.wordcnn import WordCNN, WordCNNClassifier

from .test_charcnn import count_macs, random_ids

N_TOKENS = 50_002
DIM = 300

# Parameters without the table, and multiply-accumulates, for 4 classes, by words read.
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
def test_parameters_and_macs_are_counted_as_derived(size, length):
    n_parameters, n_macs = COUNTS[size, length]
    with torch.device("meta"):
        network = WordCNN(N_TOKENS, 4, size=size, max_length=length)
    counted = sum(p.numel() for p in network.parameters())
    assert counted == n_parameters + DIM * N_TOKENS
    assert count_macs(network, length) == n_macs


def test_a_static_table_is_no_parameter():
    with torch.device("meta"):
        network = WordCNN(N_TOKENS, 4, static=True)
    assert sum(p.numel() for p in network.parameters()) == COUNTS["small", 312][0]


def test_over_one_hot_vectors_it_is_the_network_over_characters():
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
def test_packed_documents_give_the_plain_logits_and_gradients(lengths):
    torch.manual_seed(0)
    network = WordCNN(20, 3, max_length=231, embedding_dim=8, dropout=0.0).double()
    ids = random_ids(lengths, 20, torch.Generator().manual_seed(0))
    n_positions = []
    convolve = network._convolve

    def counted(ids):
        n_positions.append(ids.numel())
        return convolve(ids)

    network._convolve = counted

    def logits_and_gradients(frames):
        network.zero_grad()
        logits = network.dense(frames.flatten(1))
        logits.square().sum().backward()
        return [logits, *(p.grad.clone() for p in network.parameters())]

    packed = logits_and_gradients(network._frames(ids))
    plain = logits_and_gradients(network._padded_frames(ids))
    assert n_positions[0] < n_positions[1]  # it was packed
    assert "embedding.weight" in dict(network.named_parameters())
    for ours, theirs in zip(packed, plain, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_rows_do_not_depend_on_their_batch():
    torch.manual_seed(0)
    network = WordCNN(20, 3, max_length=123, embedding_dim=8).eval()
    lengths = [0, 1, 5, 60, 123] * 5
    ids = random_ids(lengths, 20, torch.Generator().manual_seed(0))
    with torch.inference_mode():
        together = network(ids)
        for row, length, logits in zip(ids, lengths, together, strict=True):
            alone = network(row[None, : max(1, length)])
            torch.testing.assert_close(alone[0], logits, rtol=0, atol=1e-5)


def test_network_exports():
    network = WordCNN(20, 3, max_length=123, embedding_dim=8).eval()
    ids = torch.randint(20, (4, 123))
    exported = torch.export.export(network, (ids,)).module()
    torch.testing.assert_close(exported(ids), network(ids), rtol=1e-4, atol=1e-5)


def test_every_weight_gets_a_gradient():
    torch.manual_seed(0)
    network = WordCNN(20, 3, max_length=123, embedding_dim=8)
    network(torch.arange(20).repeat(4, 6)).square().sum().backward()
    for parameter in network.parameters():
        assert parameter.grad is not None
        assert parameter.grad.any()
    gradient = network.embedding.weight.grad
    assert gradient.any(1).tolist() == [False] + [True] * 19  # padding has none


@pytest.mark.parametrize(("size", "std"), [("small", 0.05), ("large", 0.02)])
def test_papers_weights_are_normal_those_of_the_table_too(size, std):
    torch.manual_seed(0)
    network = WordCNN(1_000, 4, size=size, max_length=123, init="paper")
    for parameter in network.parameters():
        if parameter.numel() > 10_000:
            # The fourth moment of a normal law; that of a uniform one is 1.8.
            standard = parameter.detach() / std
            assert standard.mean().item() == pytest.approx(0, abs=0.05)
            assert standard.std().item() == pytest.approx(1, rel=0.02)
            assert standard.pow(4).mean().item() == pytest.approx(3, rel=0.1)
    assert not network.embedding.weight[PAD].any()


def tiny(**settings):
    settings = {"max_epochs": 2, "random_state": 0, "epoch_size": 2} | settings
    return WordCNNClassifier(max_length=123, embedding_dim=8, batch_size=8, **settings)


def table_of(classifier):
    return classifier.net_.module_.embedding.weight.detach()


@pytest.mark.parametrize("recipe", ["modern", "paper"])
def test_vector_of_padding_is_zero_after_training_and_others_moved(corpus, recipe):
    trained = table_of(tiny(recipe=recipe).fit(*corpus))
    start = table_of(tiny(recipe=recipe, learning_rate=1e-30).fit(*corpus))
    assert not trained[PAD].any()
    moved = (trained != start).any(1)
    assert moved[2:].all()


VECTORS = {"good": np.arange(8.0), "xxzz": -np.ones(8), "unseen": np.ones(8)}


def test_static_vectors_stay_as_given(corpus):
    classifier = tiny(vectors=VECTORS, tuning="static").fit(*corpus)
    table = table_of(classifier)
    ids = classifier.encoder_.encode(["good xxzz"])[0].astype(int)
    np.testing.assert_array_equal(
        table[ids], np.float32([VECTORS["good"], VECTORS["xxzz"]])
    )
    fine_tuned = table_of(tiny(vectors=VECTORS).fit(*corpus))
    assert (fine_tuned[ids] != table[ids]).any(1).all()
    again = pickle.loads(pickle.dumps(classifier))
    assert torch.equal(table_of(again), table)


def test_recipe_paper_has_nothing_that_the_paper_has_not(corpus):
    classifier = tiny(recipe="paper", max_epochs=7).fit(*corpus)
    optimizer = classifier.net_.optimizer_
    assert isinstance(optimizer, VelocitySGD)
    group = optimizer.param_groups[0]
    assert (group["momentum"], group["weight_decay"]) == (0.9, 1e-5)
    rates = [row["learning_rate"] for row in classifier.history_]
    assert rates == pytest.approx([0.01] * 3 + [0.005] * 3 + [0.0025])
    assert classifier._recipes["paper"].epoch_size == 5_000
    dropouts = [m.p for m in classifier.net_.module_.modules() if type(m) is nn.Dropout]
    assert sorted(dropouts) == [0.0, 0.5, 0.5]


def test_dropout_of_word_vectors_drops_that_share_and_in_training_alone():
    torch.manual_seed(0)
    network = WordCNN(20, 3, max_length=123, embedding_dropout=0.3)
    ids = torch.randint(1, 20, (4, 123))
    dropped = (network.embed(ids) == 0).float().mean().item()
    assert dropped == pytest.approx(0.3, abs=0.01)
    assert (network.eval().embed(ids) != 0).all()


def test_illegal_length_is_told_by_the_class_that_asks():
    sentence = r"of WordCNNClassifier must .* 300 instead; nearest: 285 and 312\."
    with pytest.raises(ValueError, match=sentence):
        WordCNNClassifier(max_length=300).fit(["a", "b"], [0, 1])
    with pytest.raises(ValueError, match=r"of WordCNN must"):
        WordCNN(20, 3, max_length=300)


def test_words_past_the_length_are_not_read_and_the_end_can_be_kept(corpus):
    texts, labels = corpus
    long = " ".join(["good"] * 123)
    start = tiny().fit(texts, labels)
    same = start.predict_proba([long, long + " xxzz", long + " xxzz" * 200])
    np.testing.assert_allclose(same, same[[0, 0, 0]], rtol=0, atol=1e-5)
    end = tiny(keep="end").fit(texts, labels)
    assert np.ptp(end.predict_proba([long, long + " xxzz" * 50])[:, 0]) > 1e-5


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_two_threads_sum_the_gradients_of_the_table_in_one_order():
    torch.manual_seed(0)
    network = WordCNN(50, 3, max_length=123, embedding_dim=8)
    ids, gradient = torch.randint(50, (64, 123)), torch.randn(64, 123, 8)
    sums = []
    for _ in range(20):
        network.zero_grad()
        network.embed(ids).backward(gradient)
        sums.append(network.embedding.weight.grad)
    assert all(torch.equal(sums[0], other) for other in sums[1:])


def test_default_sees_a_word_alike_wherever_it_stands_and_the_papers_recipe_does_not():
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
