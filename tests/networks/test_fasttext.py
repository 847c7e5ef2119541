"""Tests of FastText against Joulin et al. (2017) and naive Bayes features."""

import os
import pickle
from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import CountVectorizer
from torch import nn

from sktextconv import FastTextClassifier, explain, save
from sktextconv.encoding import PAD
from sktextconv.feature_extraction import LogCountRatio
from sktextconv.networks.fasttext import FastText

TEXTS = ["so good so good", "a fine film", "so bad", "a long bad bore", "good"] * 3
LABELS = ["pos", "pos", "neg", "neg", "pos"] * 3


def find_ngrams(ids, max_n):
    """Return the n-grams of a text in the order of `find_features`."""
    return [
        tuple(ids[start : start + n])
        for n in range(1, max_n + 1)
        for start in range(len(ids) - n + 1)
    ]


# -- n-grams ------------------------------------------------------------------------


def test_parameter_count_of_paper():
    """A vector of 10 numbers for each word and bucket, and a linear layer."""
    network = FastText(1_002, 4, n_buckets=2_000)
    sizes = {name: p.numel() for name, p in network.named_parameters()}
    assert sizes == {"vectors.weight": 30_020, "head.weight": 40, "head.bias": 4}
    assert FastText(1_002, 4, max_n=1).vectors.weight.shape == (1_002, 10)


@pytest.mark.parametrize("max_n", [1, 2, 3])
def test_features_name_the_ngrams(max_n):
    """Equal n-grams have one number, others differ; none crosses the end of a text."""
    network = FastText(20, 2, max_n=max_n, n_buckets=500_000)
    texts = [[3, 4, 3, 4, 7], [4, 3], [9], []]
    ids = torch.full((4, 6), PAD)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = torch.tensor(text, dtype=torch.long)
    numbers = {}
    for text, features in zip(texts, network.find_features(ids), strict=True):
        found = features[features != PAD].tolist()
        ngrams = find_ngrams(text, max_n)
        assert len(found) == len(ngrams)
        for ngram, number in zip(ngrams, found, strict=True):
            assert numbers.setdefault(ngram, number) == number
            assert (number < 20) == (len(ngram) == 1)
    assert len(set(numbers.values())) == len(numbers)


def test_hash_fills_buckets_evenly():
    """Pairs of frequent words fall into buckets as if these were drawn at random."""
    n_buckets = 1_000
    network = FastText(302, 2, n_buckets=n_buckets)
    pairs = torch.cartesian_prod(torch.arange(2, 302), torch.arange(2, 302))
    buckets = network.find_features(pairs)[:, -1] - 302
    counts = torch.bincount(buckets, minlength=n_buckets).double()
    # The chi-squared statistic has a mean of 999 and a standard deviation of 45.
    expected = len(pairs) / n_buckets
    assert ((counts - expected) ** 2 / expected).sum() < 999 + 4 * 45


# -- forward pass -------------------------------------------------------------------


def test_logits_are_linear_in_mean_of_vectors():
    torch.manual_seed(0)
    network = FastText(12, 3, embedding_dim=5, n_buckets=50).double()
    torch.nn.init.normal_(network.head.weight)
    ids = torch.tensor([[4, 9, 2, 9], [5, 3, PAD, PAD], [PAD] * 4])
    features = network.find_features(ids)
    for row, logits in enumerate(network(ids)):
        vectors = network.vectors.weight[features[row][features[row] != PAD]]
        mean = vectors.sum(0) / max(len(vectors), 1)
        torch.testing.assert_close(logits, network.head(mean))


@pytest.mark.parametrize("size", [0.01, 1.0])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_naive_bayes_scores_match_formula(n_classes, size):
    """A score is ``r @ w / max(1, sqrt(r @ r))`` over every occurrence."""
    torch.manual_seed(0)
    network = FastText(12, n_classes, n_buckets=50, naive_bayes=True).double()
    dim = 1 if n_classes == 2 else n_classes
    assert not network(torch.tensor([[3, 4]])).any()
    ids = torch.tensor([[4, 9, 4, 9, 7]])
    features = network.find_features(ids)[0].numpy()
    known = np.setdiff1d(np.arange(1, 62), features[1])  # all but a word
    random = np.random.RandomState(0)
    ratios, weights = np.zeros((62, dim)), np.zeros((62, dim))
    ratios[known] = random.normal(scale=size, size=(len(known), dim))
    weights[known] = random.normal(size=(len(known), dim))
    network.load_ratios(known, ratios[known])
    assert network.vectors.weight.shape == (len(known) + 1, dim)
    with torch.no_grad():
        network.vectors.weight[network.rows] = torch.from_numpy(weights)
    r, w = ratios[features], weights[features]
    scores = (r * w).sum(0) / np.maximum(1, np.sqrt((r * r).sum(0)))
    expected = [-scores[0], scores[0]] if n_classes == 2 else scores
    np.testing.assert_allclose(network(ids)[0].detach().numpy(), expected)


def test_padding_does_not_change_logits():
    torch.manual_seed(0)
    network = FastText(12, 2, max_n=3, n_buckets=50).double()
    torch.nn.init.normal_(network.head.weight)
    ids = torch.tensor([[4, 9, 2]])
    padded = torch.nn.functional.pad(ids, (0, 5))
    torch.testing.assert_close(network(padded), network(ids), rtol=0, atol=1e-15)


def test_word_dropout_drops_ngrams_of_the_word():
    """A dropped word is in no n-gram; the kept fraction is as asked."""
    torch.manual_seed(0)
    network = FastText(5_000, 2, n_buckets=50, word_dropout=0.25)
    seen = []
    network.vectors.register_forward_hook(lambda module, args, out: seen.append(args))
    ids = torch.arange(2, 4_002)[None]
    network.train()(ids)
    network.eval()(ids)
    (dropped,), (whole,) = seen
    words, pairs = dropped[0, :4_000] != PAD, dropped[0, 4_000:] != PAD
    assert torch.equal(pairs, words[:-1] & words[1:])
    assert words.double().mean() == pytest.approx(0.75, abs=0.03)
    assert torch.equal(whole, network.find_features(ids))


# -- training -----------------------------------------------------------------------


def fit_once(labels, **params):
    """Return a classifier after one epoch, which leaves the ratios as they are."""
    classifier = FastTextClassifier(n_buckets=500_000, max_epochs=1, **params)
    return classifier.set_params(random_state=0).fit(TEXTS, labels)


@pytest.mark.parametrize("max_n", [1, 2])
def test_ratios_are_those_of_naive_bayes(max_n):
    """They equal those of `LogCountRatio` on scikit-learn's counts."""
    classifier = fit_once(LABELS, max_n=max_n)
    counter = CountVectorizer(ngram_range=(1, max_n), token_pattern=r"\w+")
    counts = counter.fit_transform(TEXTS).astype(np.float32)
    ratios = LogCountRatio().fit(counts, LABELS).log_ratio_
    ratios = dict(zip(counter.get_feature_names_out(), ratios, strict=True))
    network = classifier.net_.module_
    for text in TEXTS[:5]:
        ids = torch.tensor(classifier.encoder_.encode([text])[0].astype(np.int64))
        features = network.find_features(ids[None])[0]
        names = find_ngrams(text.split(), max_n)
        expected = [ratios[" ".join(name)] for name in names]
        found = network.ratios[network.rows[features]].flatten()
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert len(network.vectors.weight) == len(ratios) + 1


def test_weights_of_samples_count_in_ratios():
    """A text counts with its weight; one of weight 0 counts as absent."""
    kept = ["so good so good", "a fine film", "so bad"]
    classifier = FastTextClassifier(max_n=1, random_state=0)
    classifier.fit([*kept, "so so"], ["pos", "pos", "neg", "neg"], [1.5, 0.5, 1.0, 0.0])
    # Weights of the texts with each word, and one text of each class on average.
    counts = {
        "so": (1.5, 1.0),
        "good": (1.5, 0.0),
        "a": (0.5, 0.0),
        "fine": (0.5, 0.0),
        "film": (0.5, 0.0),
        "bad": (0.0, 1.0),
    }
    smoothed = np.array(list(counts.values())) + 2 * np.array([2 / 3, 1 / 3])
    pos, neg = np.log(smoothed / smoothed.sum(0)).T
    ids = [classifier.encoder_.vocabulary_[word] for word in counts]
    network = classifier.net_.module_
    ratios = network.ratios[network.rows[ids], 0]
    np.testing.assert_allclose(ratios, pos - neg, rtol=1e-5)


def test_first_partial_fit_without_a_class():
    """The ratios of a class without texts are finite, and it can be learned later."""
    classifier = FastTextClassifier(n_buckets=500, learning_rate=0.1, random_state=0)
    classifier.partial_fit(TEXTS[:2], LABELS[:2], classes=["neg", "odd", "pos"])
    ratios = classifier.net_.module_.ratios.clone()
    assert torch.isfinite(ratios).all()
    for _ in range(20):
        classifier.partial_fit(TEXTS, LABELS)
    assert torch.equal(classifier.net_.module_.ratios, ratios)
    assert classifier.predict(["so good"]) == ["pos"]


def test_recipes():
    """The paper's recipe has vectors of 10 numbers and a rate that falls to zero."""
    paper = FastTextClassifier(recipe="paper", n_buckets=50, batch_size=5, max_epochs=2)
    paper.set_params(random_state=0).fit(TEXTS, LABELS)
    network = paper.net_.module_
    assert (network.ratios, network.word_dropout) == (None, 0.0)
    assert network.vectors.weight.shape[1] == 10
    rates = [row["learning_rate"] for row in paper.history_]
    assert rates == pytest.approx([8.0, 4.0])
    modern = fit_once(LABELS)
    assert modern.net_.module_.word_dropout == 0.3
    assert modern.net_.module_.ratios is not None


def test_paper_recipe_learns():
    classifier = FastTextClassifier(
        recipe="paper", n_buckets=500, batch_size=4, max_epochs=10, random_state=0
    )
    assert classifier.fit(TEXTS, LABELS).score(TEXTS, LABELS) == 1.0


def test_explanation_is_by_occlusion():
    """A word counts with its neighbors, so that it has no gradient of its own."""
    classifier = FastTextClassifier(n_buckets=500, batch_size=4, random_state=0)
    classifier.fit(TEXTS, LABELS)
    weights = explain(classifier, "so good", target="pos").weights
    assert weights[1] > weights[0]
    with pytest.raises(ValueError, match=r"FastTextClassifier, \['occlusion'\], got"):
        explain(classifier, "so good", method="gradient")


# -- saving -------------------------------------------------------------------------


def test_rows_are_those_of_the_training_texts(tmp_path):
    """Words and pairs of the texts have a row; a file with other numbers is refused."""
    classifier = fit_once(LABELS)
    restored = pickle.loads(pickle.dumps(classifier))
    shape = restored.net_.module_.vectors.weight.shape
    pairs = {pair for text in TEXTS for pair in pairwise(text.split())}
    words = {word for text in TEXTS for word in text.split()}
    assert shape == (1 + len(words) + len(pairs), 1)
    n_rows = len(classifier.net_.module_.ratios)
    classifier.net_.module_.rows[5] = n_rows
    match = f"Expected rows from 0 to {n_rows - 1}, got {n_rows}"
    with pytest.raises(ValueError, match=match):
        save(classifier, tmp_path / "model")
    classifier.net_.module_.rows[[PAD, 5]] = 1
    with pytest.raises(ValueError, match="Expected row 0 for padding, got 1"):
        save(classifier, tmp_path / "model")


def test_state_dict_of_a_part():
    """A network inside of another one takes the number of rows from its state dict."""
    whole, other = (
        nn.Sequential(FastText(12, 2, n_buckets=9, naive_bayes=True)) for _ in range(2)
    )
    whole[0].load_ratios(np.array([3, 7]), np.ones((2, 1)))
    other.load_state_dict(whole.state_dict())
    ids = torch.tensor([[3, 5]])
    assert len(other[0].ratios) == 3
    assert torch.equal(other(ids), whole(ids))


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="needs os.sysconf")
def test_many_classes_need_memory(monkeypatch):
    """The error comes before the ratios of all features and classes are made."""
    classifier = FastTextClassifier(n_buckets=500_000)
    texts = [" ".join(f"w{i}x{j}" for j in range(30)) for i in range(200)]
    pages = {"SC_PAGE_SIZE": 1, "SC_PHYS_PAGES": 10_000_000}
    monkeypatch.setattr(os, "sysconf", pages.get)
    with pytest.raises(ValueError, match=r"vectors.weight, is [0-9,]+ x 90:"):
        classifier.fit(texts, np.arange(200) % 90)
