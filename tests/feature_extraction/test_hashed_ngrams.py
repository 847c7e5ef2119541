"""HashedNGramVectorizer, compared with NGramVectorizer."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import HashingVectorizer

from sktextconv import HashedNGramVectorizer, NGramVectorizer, TextStore
from sktextconv.encoding._tokenize import PLAIN_PATTERN

TEXTS = ["So good, so GOOD!", "", "not good", "naïve 日本語 word_1", "so", "x" * 40]


@pytest.mark.parametrize("max_n", [1, 2, 3, 7])
def test_counts_are_those_of_ngrams(max_n):
    """With more columns than n-grams, each has the counts of one n-gram."""
    exact = NGramVectorizer(max_features=None, max_n=max_n).fit_transform(TEXTS)
    hashed = HashedNGramVectorizer(n_features=2**22, max_n=max_n).transform(TEXTS)
    assert hashed.shape == (len(TEXTS), 2**22)
    assert hashed.dtype == np.float32
    assert hashed.has_sorted_indices
    columns = np.unique(hashed.indices)
    assert len(columns) == exact.shape[1]
    assert sorted(map(tuple, hashed[:, columns].toarray().T)) == sorted(
        map(tuple, exact.toarray().T)
    )


def test_shared_columns_add_counts():
    """N-grams with the same column add up, so that no word is lost."""
    counts = HashedNGramVectorizer(n_features=3, max_n=2).transform(TEXTS)
    exact = NGramVectorizer(max_features=None, max_n=2).fit_transform(TEXTS)
    np.testing.assert_array_equal(counts.sum(axis=1), exact.sum(axis=1))
    assert counts.indices.max() < 3


def test_columns_are_spread():
    """As many of the columns are used as by MurmurHash3, within its noise."""
    texts = [f"word{row} {row * 7919}" for row in range(20_000)]
    settings = {"alternate_sign": False, "norm": None, "token_pattern": PLAIN_PATTERN}
    reference = HashingVectorizer(n_features=2**14, ngram_range=(1, 2), **settings)
    used, expected = (
        len(np.unique(vectorizer.transform(texts).indices))
        for vectorizer in (HashedNGramVectorizer(n_features=2**14), reference)
    )
    assert abs(used - expected) < 100  # about four standard deviations


def test_columns_stay_the_same():
    """Models that were saved depend on the hash function."""
    counts = HashedNGramVectorizer().transform(["so good"])
    assert counts.indices.tolist() == [328287, 1112571, 1835276]


def test_parts_and_stores_have_the_same_counts(tmp_path, monkeypatch):
    """A row does not depend on the other texts or on their number."""
    texts = [f"w{row % 700} {row} so" for row in range(9000)]
    vectorizer = HashedNGramVectorizer()
    whole = vectorizer.transform(texts)
    monkeypatch.setattr("sktextconv.feature_extraction._hashed_ngrams._MAX_WORDS", 50)
    store = TextStore.from_texts(texts, tmp_path / "texts")
    for other in (
        vectorizer.transform(store),
        vectorizer.transform(texts[:10] + texts[10:]),
    ):
        assert (whole != other).nnz == 0
    assert (vectorizer.transform(texts[8990:]) != whole[8990:]).nnz == 0


def test_splitting_is_that_of_ngram_vectorizer():
    settings = {"lowercase": False, "token_pattern": r"[A-Z]+"}
    counts = HashedNGramVectorizer(max_n=1, **settings).transform(TEXTS)
    exact = NGramVectorizer(max_n=1, **settings).fit(TEXTS).transform(TEXTS)
    np.testing.assert_array_equal(counts.sum(axis=1), exact.sum(axis=1))
    halves = HashedNGramVectorizer(tokenizer=str.split).transform(["a-b c"])
    assert halves.sum() == 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_features": 0}, "'n_features' parameter of HashedNGramVectorizer must be"),
        ({"n_features": 2**26}, "'n_features' parameter of HashedNGramVectorizer must"),
        ({"max_n": 0}, "'max_n' parameter of HashedNGramVectorizer must be"),
        ({"token_pattern": "("}, "must be a regular expression"),
    ],
)
def test_invalid_parameters(settings, message):
    with pytest.raises(ValueError, match=message):
        HashedNGramVectorizer(**settings).fit(TEXTS)
    with pytest.raises(ValueError, match=message):
        HashedNGramVectorizer(**settings).transform(TEXTS)


def test_single_text_is_an_error():
    with pytest.raises(ValueError, match="Iterable over raw text documents expected"):
        HashedNGramVectorizer().transform("so good")
