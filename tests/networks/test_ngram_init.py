"""Tests of the selection of discriminative n-grams."""

import itertools

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.stats import chi2_contingency

from sktextconv.encoding import PAD, CharEncoder, Ragged
from sktextconv.networks._ngram_init import discriminative_ngrams
from sktextconv.training._ngrams import sample_rows

N_TOKENS = 5


def ragged(rows):
    offsets = np.cumsum([0, *map(len, rows)])
    ids = np.array(list(itertools.chain.from_iterable(rows)), dtype=np.uint8)
    return Ragged(ids, offsets)


def select(rows, targets, weights=None, *, n=2, n_ngrams=1000, seed=0):
    found = discriminative_ngrams(
        ragged(rows),
        np.array(targets),
        np.ones(len(rows)) if weights is None else np.array(weights, dtype=float),
        n_tokens=N_TOKENS,
        n=n,
        n_ngrams=n_ngrams,
        seed=seed,
    )
    return [tuple(ngram) for ngram in found.tolist()]


def chi_squared(rows, targets, weights, n):
    """Return Pearson's statistic of each n-gram by SciPy, without zeros."""
    found = {}
    present = [
        {tuple(row[start : start + n]) for start in range(len(row) - n + 1)}
        for row in rows
    ]
    for ngram in set().union(*present):
        table = np.zeros((2, max(targets) + 1))
        for has, target, weight in zip(present, targets, weights, strict=True):
            table[int(ngram in has), target] += weight
        table = table[:, table.any(0)]
        informative = table.shape[1] > 1 and table.any(1).all()
        value = (
            chi2_contingency(table, correction=False).statistic if informative else 0.0
        )
        if round(value / sum(weights), 9) > 0:
            found[ngram] = round(value / sum(weights), 9)
    return found


@given(
    rows=st.lists(
        st.lists(st.integers(0, N_TOKENS - 1), max_size=12), min_size=2, max_size=12
    ),
    n=st.integers(1, 3),
    data=st.data(),
)
def test_ngrams_have_highest_chi_squared(rows, n, data):
    """The selection equals a greedy one by SciPy's chi-squared statistic."""
    targets = data.draw(
        st.lists(st.integers(0, 2), min_size=len(rows), max_size=len(rows))
    )
    weights = data.draw(
        st.lists(st.sampled_from([0.5, 1, 2]), min_size=len(rows), max_size=len(rows))
    )
    expected, taken = [], set()
    found = chi_squared(rows, targets, weights, n)
    for ngram in sorted(found, key=lambda ngram: (-found[ngram], ngram)):
        ends = {ngram[:-1], ngram[1:]}
        if n > 1 and ends & taken:
            continue
        if ngram.count(PAD) <= n // 2:
            taken |= ends
            expected.append(ngram)
    assert select(rows, targets, weights, n=n) == expected


def test_weight_2_equals_repetition():
    """A text of weight 2 counts like two copies of the text."""
    rows, targets = [[1, 2, 3], [2, 3, 4], [1, 4, 2], [3, 1, 1]], [0, 1, 0, 1]
    weighted = select(rows, targets, [2, 1, 1, 1])
    assert weighted == select([*rows, rows[0]], [*targets, 0])
    assert weighted != select(rows, targets)


@pytest.mark.parametrize(
    ("rows", "targets"), [([[], []], [0, 1]), ([[1, 2], [2, 1]], [0, 0]), ([[1]], [1])]
)
def test_uninformative_texts_give_no_ngrams(rows, targets):
    """Empty texts, one class or one short text give no n-grams."""
    assert select(rows, targets) == []


def test_ngrams_end_with_their_text():
    """No n-gram extends from one text into the next."""
    assert select([[1], [2], [1], [2]], [0, 1, 0, 1]) == []


def test_large_data_is_sampled(monkeypatch):
    """A sample of too many texts contains texts of each class."""
    monkeypatch.setattr("sktextconv.networks._ngram_init._MAX_IDS", 60)
    rows, targets = [[1, 2]] * 500 + [[3, 4]] * 500, [0] * 500 + [1] * 500
    assert set(select(rows, targets)) == {(1, 2), (3, 4)}


def test_sample_is_compared_with_its_own_classes(monkeypatch):
    """The statistic of a sample is that of its texts, whatever the others are."""
    rng = np.random.RandomState(0)
    rows = [rng.randint(1, N_TOKENS, 10).tolist() for _ in range(60)]
    targets, weights = np.arange(60) % 3, rng.uniform(0.5, 2.0, 60)
    sampled = sample_rows(ragged(rows), 200, seed=0)
    texts = [rows[row] for row in sampled]
    expected = select(texts, targets[sampled], weights[sampled], n=3)
    monkeypatch.setattr("sktextconv.networks._ngram_init._MAX_IDS", 200)
    assert len(expected) > 5
    assert select(rows, targets, weights, n=3) == expected


def test_large_alphabet_shortens_ngrams():
    """N-grams are shortened so that their keys fit into an int64."""
    texts = [chr(0x4E00 + number) + "好坏" for number in range(10_000)] + ["坏好"]
    alphabet = "".join(sorted(set("".join(texts))))
    encoder = CharEncoder(alphabet)
    found = discriminative_ngrams(
        encoder.encode(texts),
        np.array([0] * 10_000 + [1]),
        np.ones(len(texts)),
        n_tokens=encoder.n_tokens,
        n=5,
        n_ngrams=1,
        seed=0,
    )
    assert found.shape == (0, 4)  # each text has three characters
