"""NGramVectorizer: n-grams of characters and shortest lengths."""

import csv
import lzma

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from sktextconv.feature_extraction import NGramVectorizer

from .test_ngrams import CORPUS, assert_same_matrix, random_corpus

any_text = st.text(st.sampled_from("abAİß日 \t\n\u00a0🙂\ud800"), max_size=20)


@settings(max_examples=60)
@given(
    st.lists(any_text, min_size=1, max_size=6),
    st.tuples(st.integers(1, 6), st.integers(1, 6)).map(sorted),
    st.booleans(),
    st.sampled_from(["char", "word"]),
)
def test_shortest_ngrams_agree_with_count_vectorizer(corpus, range_, lowercase, unit):
    """N-grams of a range of lengths, of words and of characters, are counted alike."""
    min_n, max_n = range_
    pattern = {"token_pattern": r"\w+"} if unit == "word" else {}
    ours = NGramVectorizer(
        max_features=None,
        analyzer=unit,
        min_n=min_n,
        max_n=max_n,
        lowercase=lowercase,
        **pattern,
    )
    theirs = CountVectorizer(
        analyzer=unit,
        ngram_range=(min_n, max_n),
        lowercase=lowercase,
        **pattern,
    )
    try:
        expected = theirs.fit_transform(corpus)
    except ValueError:  # no n-gram
        with pytest.raises(ValueError, match="empty vocabulary"):
            ours.fit(corpus)
        return
    counts = ours.fit_transform(corpus)
    names = ours.get_feature_names_out().tolist()
    assert names == sorted(names, key=lambda name: (_count_units(name, unit), name))
    assert set(names) == set(theirs.vocabulary_)
    columns = [theirs.vocabulary_[name] for name in names]
    assert_same_matrix(counts, expected[:, columns].astype(np.float32).sorted_indices())
    assert_same_matrix(ours.transform(corpus), counts)


def _count_units(name, unit):
    return len(name.split()) if unit == "word" else len(name)


@pytest.mark.data
@pytest.mark.parametrize("name", ["ag_news_test", "imdb_test"])
def test_characters_of_real_texts_agree(data_folder, name):
    """Counts of 2 to 5 characters are those of CountVectorizer."""
    with lzma.open(data_folder / f"{name}.csv.xz", "rt", encoding="utf-8") as file:
        corpus = [row[-1] for _, row in zip(range(200), csv.reader(file), strict=False)]
    ours = NGramVectorizer(max_features=None, analyzer="char", min_n=2, max_n=5)
    counts = ours.fit_transform(corpus)
    theirs = CountVectorizer(analyzer="char", ngram_range=(2, 5), dtype=np.float32)
    expected = theirs.fit_transform(corpus)
    columns = [theirs.vocabulary_[name] for name in ours.get_feature_names_out()]
    assert_same_matrix(counts, expected[:, columns].sorted_indices())
    assert_same_matrix(ours.transform(corpus[:9]), counts[:9])


@pytest.mark.parametrize("unit", ["word", "char"])
@pytest.mark.parametrize("max_features", [1, 2, 5, 20, 1000])
def test_max_features_ignores_short_ngrams(unit, max_features):
    """N-grams below `min_n` take no place; ties prefer the shorter, then the first."""
    corpus = random_corpus(n_texts=12, n_words=4, seed=1)
    params = {"analyzer": unit, "min_n": 2, "max_n": 4}
    every = NGramVectorizer(max_features=None, **params)
    totals = np.asarray(every.fit_transform(corpus).sum(axis=0)).ravel()
    expected = np.sort(np.argsort(-totals, kind="stable")[:max_features])
    some = NGramVectorizer(max_features=max_features, **params)
    assert_same_matrix(
        some.fit_transform(corpus),
        every.transform(corpus)[:, expected].sorted_indices(),
    )
    assert (
        some.get_feature_names_out() == every.get_feature_names_out()[expected]
    ).all()
    assert_same_matrix(some.transform(corpus), some.fit_transform(corpus))


@pytest.mark.parametrize("name", ["tokenizer", "token_pattern"])
def test_fit_rejects_words_with_characters(name):
    """Parameters that define words are errors for n-grams of characters."""
    value = {"tokenizer": str.split, "token_pattern": r"\w"}[name]
    with pytest.raises(ValueError, match=f"The '{name}' parameter .* must be None"):
        NGramVectorizer(analyzer="char", **{name: value}).fit(CORPUS)


def test_fit_rejects_empty_range_of_lengths():
    with pytest.raises(ValueError, match=r"'min_n' .* at most 'max_n'"):
        NGramVectorizer(min_n=3, max_n=2).fit(CORPUS)


def test_unpickle_of_earlier_versions():
    """A pickle without the parameters of characters counts words."""
    vectorizer = NGramVectorizer(max_n=2).fit(CORPUS)
    expected = vectorizer.transform(CORPUS)
    state = vectorizer.__getstate__()
    for name in ("analyzer", "min_n", "_n_short", "_of_characters"):
        del state[name]
    earlier = NGramVectorizer.__new__(NGramVectorizer)
    earlier.__setstate__(state)
    assert_same_matrix(earlier.transform(CORPUS), expected)
    assert earlier.get_params() == vectorizer.get_params()
