"""Tests of the class probabilities of windows, against a slow implementation."""

import math
from collections import Counter

import numpy as np
import pytest
import torch

from sktextconv import CharCNNClassifier, VDCNNClassifier
from sktextconv.encoding._ragged import Ragged
from sktextconv.networks._batch_norm import BatchNorm
from sktextconv.training import _windows
from sktextconv.training._data import EncodedDataset
from sktextconv.training._net import window_cross_entropy
from sktextconv.training._windows import Windows, WindowTargets

CPU = torch.device("cpu")
WINDOWS = Windows(first=-3, size=9, stride=4, max_windows=5)


def make_ragged(rows):
    offsets = np.cumsum([0, *map(len, rows)])
    ids = [each for row in rows for each in row]
    return Ragged(np.array(ids, dtype=np.uint8), offsets)


def draw_corpus(n_texts=40, n_classes=3, n_tokens=3, seed=0):
    """Return texts of few ids, so that they share n-grams, labels and weights."""
    rng = np.random.RandomState(seed)
    rows = [
        rng.randint(n_tokens, size=rng.randint(0, 30)).tolist() for _ in range(n_texts)
    ]
    targets = np.arange(n_texts) % n_classes
    return rows, targets, rng.randint(1, 4, n_texts).astype(float)


def make_targets(rows, targets, weights, n_tokens=3, **options):
    options = {"windows": WINDOWS, "n_classes": targets.max() + 1} | options
    return WindowTargets(
        make_ragged(rows), targets, weights, n_tokens=n_tokens, **options
    )


def ngrams_of(row, n=5):
    return [tuple(row[start : start + n]) for start in range(len(row) - n + 1)]


def expected_probabilities(rows, text, window, targets, weights):
    """Return the probabilities of a window by counting in all texts but its own."""
    n_classes = targets.max() + 1
    mass = np.array([weights[targets == c].sum() for c in range(n_classes)])
    prior = mass / mass.sum()
    logits = np.log(prior)
    for start in range(len(rows[text]) - 4):
        first = WINDOWS.first + WINDOWS.stride * window
        if not first <= start <= first + WINDOWS.size - 5:
            continue
        ngram = tuple(rows[text][start : start + 5])
        has = [ngram in ngrams_of(row) for row in rows]
        if sum(has) < 2:
            continue
        for c in range(n_classes):
            count = total = 0.0
            for other in range(len(rows)):
                if other != text and targets[other] == c:
                    total += weights[other]
                    count += weights[other] * has[other]
            added = 0.5 * n_classes * prior[c]
            logits[c] += 0.3 * math.log((count + added) / (total + 2 * added))
    return np.exp(logits) / np.exp(logits).sum()


@pytest.mark.parametrize("max_scores", [2**22, 100])
def test_window_targets_match_slow_counts(monkeypatch, max_scores):
    """Probabilities equal naive Bayes on the other texts, whatever is done at once."""
    monkeypatch.setattr(_windows, "_MAX_SCORES", max_scores)
    corpus = draw_corpus()
    rows = corpus[0]
    probabilities, offsets = make_targets(*corpus)(make_ragged(rows))
    assert probabilities.dtype == np.float32
    for text, row in enumerate(rows):
        windows = probabilities[offsets[text] : offsets[text + 1]]
        assert len(windows) == min(math.ceil(len(row) / 4), 5)
        for number, found in enumerate(windows):
            expected = expected_probabilities(rows, text, number, *corpus[1:])
            np.testing.assert_allclose(found, expected, atol=1e-6)


def test_window_targets_do_not_see_own_label():
    """The probabilities of a text's windows do not change with its own label."""
    rows, targets, weights = draw_corpus()
    text = int(np.argmax(list(map(len, rows))))
    other = targets.copy()
    other[text] = (targets[text] + 1) % 3
    # Equal class weights, which are the prior, of all texts but this one.
    weights[:] = 1.0
    found = []
    for labels in (targets, other):
        probabilities, offsets = make_targets(rows, labels, weights)(make_ragged(rows))
        prior = np.bincount(labels) / len(labels)
        part = probabilities[offsets[text] : offsets[text + 1]] / prior
        found.append(part / part.sum(1, keepdims=True))
    np.testing.assert_allclose(found[0], found[1], atol=0.02)


def test_windows_of_sample_only(monkeypatch):
    """Only texts of a sample, of a limited number of ids, have windows."""
    monkeypatch.setattr(_windows, "_MAX_IDS", 200)
    rows, targets, weights = draw_corpus()
    probabilities, offsets = make_targets(rows, targets, weights)(make_ragged(rows))
    lengths = np.array(list(map(len, rows)))
    sampled = np.diff(offsets) > 0
    assert 100 < lengths[sampled].sum() <= 200
    assert len(probabilities) == offsets[-1]


def test_windows_keep_most_frequent_ngrams(monkeypatch):
    """With a limit, the n-grams of most texts are counted."""
    monkeypatch.setattr(_windows, "_MAX_COUNTS", 3 * 20)
    rows, labels, _ = draw_corpus()
    targets = make_targets(rows, labels, np.ones(len(rows)))
    n_texts = Counter(ngram for row in rows for ngram in set(ngrams_of(row)))
    expected = [number for _, number in n_texts.most_common(20)]
    assert sorted(targets._counts.sum(1), reverse=True) == expected


def test_windows_of_texts_without_ngrams():
    """Texts shorter than an n-gram have windows with the frequencies of the classes."""
    rows, targets = [[1], [], [2, 1], [1]], np.array([0, 0, 1, 0])
    probabilities, offsets = make_targets(rows, targets, np.ones(4))(make_ragged(rows))
    assert np.diff(offsets).tolist() == [1, 0, 1, 1]
    np.testing.assert_allclose(probabilities, [[0.75, 0.25]] * 3, atol=1e-6)


def test_windows_follow_augmented_ids():
    """New ids of the texts of an epoch have new probabilities."""
    rows, targets, weights = draw_corpus()
    calls = make_targets(rows, targets, weights)
    dataset = EncodedDataset(
        make_ragged(rows), CPU, targets=targets, weights=weights, window_targets=calls
    )
    before = dataset.batch(torch.arange(40))[1][2]
    dataset.set_ids(make_ragged([row[::-1] for row in rows]))
    after = dataset.batch(torch.arange(40))[1][2]
    assert before.shape == after.shape == (40, 5, 3)
    assert not torch.equal(before, after)
    mask = torch.arange(5) < -(-dataset.lengths(torch.arange(40)) // 4)[:, None]
    torch.testing.assert_close(after.sum(2), mask.float())


def test_window_cross_entropy():
    """Each window counts once, with the weight of its text; padding does not count."""
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 4)
    probabilities = torch.zeros(2, 2, 4)
    probabilities[0] = torch.rand(2, 4).softmax(1)
    probabilities[1, 0] = torch.rand(4).softmax(0)
    weights = torch.tensor([0.5, 2.0])
    found = window_cross_entropy(logits, (None, weights, probabilities, 3.0))
    losses = [
        torch.nn.functional.cross_entropy(
            logits[text, window], probabilities[text, window]
        )
        for text, window in ((0, 0), (0, 1), (1, 0))
    ]
    expected = (0.5 * losses[0] + 0.5 * losses[1] + 2 * losses[2]) / 3
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("weight", [0.25, 2.0])
def test_trained_loss_adds_weighted_windows(weight):
    texts, labels = (
        ["a fine film", "so good", "what a bore", "too long"] * 4,
        [1, 0] * 8,
    )
    classifier = CharCNNClassifier(
        max_length=150, dropout=0.0, window_loss=weight, max_epochs=1, random_state=0
    )
    net = classifier.fit(texts, labels).net_
    lengths = torch.full((4,), 150)
    ids = torch.randint(2, 9, (4, 150), generator=torch.Generator().manual_seed(0))
    targets, probabilities = torch.tensor([0, 1, 0, 1]), torch.full((4, 2, 2), 0.5)
    target = targets, torch.ones(4), probabilities, 8.0
    net.module_.train()
    logits, loss, total = net.losses(((ids, lengths), target))
    _, window_logits = net.infer((ids, lengths))
    torch.testing.assert_close(
        loss, torch.nn.functional.cross_entropy(logits, target[0])
    )
    windows = window_cross_entropy(window_logits, target)
    torch.testing.assert_close(total, loss + weight * windows)


@pytest.mark.parametrize("classifier", [CharCNNClassifier, VDCNNClassifier])
def test_window_loss_has_upper_bound(classifier):
    """A weight near the largest float32 would overflow in the gradients."""
    with pytest.raises(ValueError, match=r"The 'window_loss' .* in the range \[0"):
        classifier(window_loss=3.4e38).fit(["a fine film", "a bore"], [1, 0])


def test_batch_norm_forgets_initial_statistics():
    """Running statistics are means of minibatches, then follow torch's average."""
    torch.manual_seed(0)
    batches = 0.01 * torch.randn(12, 8, 3, 1, 5) + 7.0
    norm = BatchNorm(3)
    for batch in batches[:10]:
        norm(batch)
    means = batches[:10].mean((1, 3, 4))
    torch.testing.assert_close(norm.running_mean, means.mean(0))
    variances = batches[:10].transpose(1, 2).flatten(2).var(2)
    torch.testing.assert_close(norm.running_var, variances.mean(0))
    norm(batches[10])
    last = 0.9 * means.mean(0) + 0.1 * batches[10].mean((0, 2, 3))
    torch.testing.assert_close(norm.running_mean, last)
