"""The n-grams that a character network starts from."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from sktextconv.encoding import PAD, CharEncoder, Ragged
from sktextconv.networks._ngram_init import discriminative_ngrams

N_TOKENS = 5


def ragged(rows):
    offsets = np.cumsum([0, *map(len, rows)])
    ids = np.array(list(itertools.chain.from_iterable(rows)), dtype=np.uint8)
    return Ragged(ids, offsets)


def choose(rows, codes, weights=None, *, n=2, n_ngrams=1000, seed=0):
    found = discriminative_ngrams(
        ragged(rows),
        np.array(codes),
        np.ones(len(rows)) if weights is None else np.array(weights, dtype=float),
        n_tokens=N_TOKENS,
        n=n,
        n_ngrams=n_ngrams,
        seed=seed,
    )
    return [tuple(ngram) for ngram in found.tolist()]


def statistics(rows, codes, weights, n):
    """Pearson's statistic of each n-gram, by scipy."""
    found = {}
    present = [
        {tuple(row[at : at + n]) for at in range(len(row) - n + 1)} for row in rows
    ]
    for ngram in set().union(*present):
        table = np.zeros((2, max(codes) + 1))
        for has, code, weight in zip(present, codes, weights, strict=True):
            table[int(ngram in has), code] += weight
        table = table[:, table.any(0)]
        tells = table.shape[1] > 1 and table.any(1).all()
        value = chi2_contingency(table, correction=False).statistic if tells else 0.0
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
def test_ngrams_are_those_of_the_highest_chi_squared_statistic(rows, n, data):
    codes = data.draw(
        st.lists(st.integers(0, 2), min_size=len(rows), max_size=len(rows))
    )
    weights = data.draw(
        st.lists(st.sampled_from([0.5, 1, 2]), min_size=len(rows), max_size=len(rows))
    )
    expected, taken = [], set()
    found = statistics(rows, codes, weights, n)
    for ngram in sorted(found, key=lambda ngram: (-found[ngram], ngram)):
        ends = {ngram[:-1], ngram[1:]}
        if n > 1 and ends & taken:
            continue
        if ngram.count(PAD) <= n // 2:
            taken |= ends
            expected.append(ngram)
    if n > 1:
        assert choose(rows, codes, weights, n=n) == expected
    else:  # every id is a shift of every other
        assert choose(rows, codes, weights, n=n) == expected[:1]


def test_a_text_of_weight_2_counts_as_twice():
    rows, codes = [[1, 2, 3], [2, 3, 4], [1, 4, 2], [3, 1, 1]], [0, 1, 0, 1]
    weighted = choose(rows, codes, [2, 1, 1, 1])
    assert weighted == choose([*rows, rows[0]], [*codes, 0])
    assert weighted != choose(rows, codes)


@pytest.mark.parametrize(
    ("rows", "codes"), [([[], []], [0, 1]), ([[1, 2], [2, 1]], [0, 0]), ([[1]], [1])]
)
def test_nothing_is_chosen_where_nothing_tells(rows, codes):
    assert choose(rows, codes) == []


def test_an_ngram_does_not_reach_into_the_next_text():
    assert choose([[1], [2], [1], [2]], [0, 1, 0, 1]) == []


def test_of_too_many_texts_some_of_each_class_are_read(monkeypatch):
    monkeypatch.setattr("sktextconv.networks._ngram_init._MAX_IDS", 60)
    rows, codes = [[1, 2]] * 500 + [[3, 4]] * 500, [0] * 500 + [1] * 500
    assert set(choose(rows, codes)) == {(1, 2), (3, 4)}


def test_large_alphabets_have_shorter_ngrams():
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
    assert found.shape == (0, 4)  # no text has four
