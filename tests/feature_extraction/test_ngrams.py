"""NGramVectorizer: counts, order of columns, independence of chunks."""

import collections
import csv
import lzma
import os
import pathlib
import pickle
import random
import re
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings, strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.utils import estimator_checks

from sktextconv.encoding._tokenize import TOKEN_PATTERN
from sktextconv.feature_extraction import NGramVectorizer, _ngram_selection

CORPUS = [
    "the cat sat on the mat. the cat slept",
    "",
    "The dog, the cat and the dog",
    "a a a a a a",
    "   ",
    "déjà vu — Straße İstanbul ΣΑΣ 日本 語 🙂 🙂",
]

words = st.sampled_from(["a", "b", "c", "ab", "É", "é", "日", "B", "."])
texts = st.lists(words, max_size=12).map(" ".join)
corpora = st.lists(texts, min_size=1, max_size=8).filter(lambda docs: "".join(docs))


def tokenize(text, *, lowercase=True):
    return re.findall(r"\w+|[^\w\s]", text.lower() if lowercase else text)


def grams(text, max_n):
    tokens = tokenize(text)
    return [
        tuple(tokens[start : start + n])
        for n in range(1, max_n + 1)
        for start in range(len(tokens) - n + 1)
    ]


def reference(corpus, max_features, max_n):
    """Return names and counts by the rule in the docstring, in plain Python."""
    counts = collections.Counter(gram for text in corpus for gram in grams(text, max_n))
    ranked = sorted(counts, key=lambda gram: (-counts[gram], len(gram), gram))
    selected = sorted(ranked[:max_features], key=lambda gram: (len(gram), gram))
    rows = [collections.Counter(grams(text, max_n)) for text in corpus]
    matrix = np.array(
        [[row[gram] for gram in selected] for row in rows], dtype=np.float32
    )
    return list(map(" ".join, selected)), matrix


def assert_same_matrix(one, other):
    assert one.shape == other.shape
    for part in ("data", "indices", "indptr"):
        ours, theirs = getattr(one, part), getattr(other, part)
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


def random_corpus(n_texts=60, n_words=12, seed=0):
    draw = random.Random(seed)
    names = [f"w{index}" for index in range(n_words)]
    return [
        " ".join(
            draw.choices(names, weights=range(1, n_words + 1), k=draw.randrange(25))
        )
        for _ in range(n_texts)
    ]


@settings(max_examples=150)
@given(corpora, st.integers(1, 6), st.booleans())
def test_counts_agree_with_count_vectorizer(corpus, max_n, lowercase):
    """Without a limit on features, all counts equal those of scikit-learn."""
    ours = NGramVectorizer(max_features=None, max_n=max_n, lowercase=lowercase)
    theirs = CountVectorizer(
        ngram_range=(1, max_n), lowercase=lowercase, token_pattern=TOKEN_PATTERN
    )
    counts = ours.fit_transform(corpus)
    expected = theirs.fit_transform(corpus)
    columns = [theirs.vocabulary_[name] for name in ours.get_feature_names_out()]
    assert sorted(columns) == list(range(expected.shape[1]))
    np.testing.assert_array_equal(counts.toarray(), expected[:, columns].toarray())


@settings(max_examples=300)
@given(corpora, st.integers(1, 30), st.integers(1, 6))
def test_fit_transform_agrees_with_reference(corpus, max_features, max_n):
    """Vocabulary and counts follow the rule in the docstring."""
    names, expected = reference(corpus, max_features, max_n)
    vectorizer = NGramVectorizer(max_features=max_features, max_n=max_n)
    counts = vectorizer.fit_transform(corpus)
    assert vectorizer.get_feature_names_out().tolist() == names
    np.testing.assert_array_equal(counts.toarray(), expected)


@pytest.mark.parametrize("max_features", [1, 11, 12, 13, 50, 144, 145, 400, 10_000])
def test_max_features_agrees_with_reference(max_features):
    """The rule holds for small, large and tied limits on a larger corpus."""
    corpus = random_corpus()
    names, expected = reference(corpus, max_features, 5)
    vectorizer = NGramVectorizer(max_features=max_features)
    counts = vectorizer.fit_transform(corpus)
    assert vectorizer.get_feature_names_out().tolist() == names
    np.testing.assert_array_equal(counts.toarray(), expected)


@pytest.mark.parametrize("max_features", [20, 200])
def test_max_features_agrees_with_count_vectorizer(max_features):
    """All n-grams more frequent than the least frequent column are equal."""
    corpus = random_corpus(seed=1)
    assert_equal_above_threshold(corpus, max_features)


def assert_equal_above_threshold(corpus, max_features):
    ours = NGramVectorizer(max_features=max_features)
    theirs = CountVectorizer(
        ngram_range=(1, 5), max_features=max_features, token_pattern=TOKEN_PATTERN
    )
    counts, expected = ours.fit_transform(corpus), theirs.fit_transform(corpus)
    our_totals = np.asarray(counts.sum(axis=0)).ravel()
    their_totals = np.asarray(expected.sum(axis=0)).ravel()
    np.testing.assert_array_equal(np.sort(our_totals), np.sort(their_totals))
    above = np.flatnonzero(our_totals > our_totals.min())
    assert len(above)
    names = ours.get_feature_names_out()[above]
    columns = [theirs.vocabulary_[name] for name in names]
    assert (counts[:, above] != expected[:, columns]).nnz == 0


@pytest.mark.data
def test_imdb_agrees_with_count_vectorizer(data_folder):
    """All n-grams more frequent than the least frequent column are equal."""
    path = data_folder / "imdb_train.csv.xz"
    with lzma.open(path, "rt", encoding="utf-8", newline="") as file:
        corpus = [text for _, text in csv.reader(file)][::12]
    assert len(corpus) > 2_000
    assert_equal_above_threshold(corpus, 50_000)


def test_max_features_breaks_ties():
    """Shorter n-grams are preferred, then those first in the alphabet."""
    vectorizer = NGramVectorizer(max_features=4, max_n=2)
    vectorizer.fit(["b c", "a d"])
    assert vectorizer.get_feature_names_out().tolist() == ["a", "b", "c", "d"]
    vectorizer.set_params(max_features=5).fit(["b c", "a d"])
    assert vectorizer.get_feature_names_out().tolist() == ["a", "b", "c", "d", "a d"]


def test_columns_are_sorted_word_by_word():
    """N-grams are compared as sequences of words, not as joined texts."""
    # Joined, "a\x01 b" would sort before "a z", because \x01 sorts before the space.
    vectorizer = NGramVectorizer(max_n=2, token_pattern=r"\S+").fit(["a z", "a\x01 b"])
    assert vectorizer.get_feature_names_out()[4:].tolist() == ["a z", "a\x01 b"]


def test_ngrams_do_not_cross_texts():
    vectorizer = NGramVectorizer(max_features=None).fit(["a b", "c d"])
    assert "b c" not in vectorizer.vocabulary_


@pytest.mark.parametrize("analyzer", ["word", "char"])
@pytest.mark.parametrize("texts_per_chunk", [1, 7])
@pytest.mark.parametrize("pairs_per_pass", [1, 10, 100])
@pytest.mark.parametrize("max_features", [40, 400, None])
def test_result_does_not_depend_on_chunks(
    monkeypatch, texts_per_chunk, pairs_per_pass, max_features, analyzer
):
    corpus = [*CORPUS, *random_corpus(seed=2)]
    params = {"max_features": max_features, "analyzer": analyzer}
    whole = NGramVectorizer(**params)
    expected = whole.fit_transform(corpus)
    monkeypatch.setattr(
        "sktextconv.encoding._tokenize._TEXTS_PER_CHUNK", texts_per_chunk
    )
    monkeypatch.setattr(
        "sktextconv.encoding._characters._CHARACTERS_PER_CHUNK", texts_per_chunk
    )
    monkeypatch.setattr(_ngram_selection, "_PAIRS_PER_PASS", pairs_per_pass)
    monkeypatch.setattr(_ngram_selection, "_MAX_SPARSITY", pairs_per_pass / 4)
    parts = NGramVectorizer(**params)
    assert_same_matrix(parts.fit_transform(corpus), expected)
    assert_same_matrix(parts.transform(corpus), expected)
    assert parts.vocabulary_ == whole.vocabulary_


@settings(max_examples=100)
@given(corpora, st.lists(texts, min_size=1, max_size=4), st.integers(1, 30))
def test_transform_counts_unseen_texts(corpus, unseen, max_features):
    vectorizer = NGramVectorizer(max_features=max_features, max_n=4).fit(corpus)
    names = vectorizer.get_feature_names_out()
    rows = [collections.Counter(map(" ".join, grams(text, 4))) for text in unseen]
    expected = [[row[name] for name in names] for row in rows]
    np.testing.assert_array_equal(vectorizer.transform(unseen).toarray(), expected)


@settings(max_examples=100)
@given(corpora, st.integers(1, 30), st.integers(1, 6))
def test_fit_transform_equals_fit_then_transform(corpus, max_features, max_n):
    vectorizer = NGramVectorizer(max_features=max_features, max_n=max_n)
    counts = vectorizer.fit_transform(corpus)
    assert_same_matrix(clone(vectorizer).fit(corpus).transform(corpus), counts)


def test_output_is_canonical_csr_matrix():
    """The data are float32, the indices int32, sorted and unique."""
    counts = NGramVectorizer().fit_transform(CORPUS)
    assert scipy.sparse.issparse(counts)
    assert counts.format == "csr"
    assert counts.dtype == np.float32
    assert counts.indices.dtype == counts.indptr.dtype == np.int32
    recomputed = scipy.sparse.csr_matrix(
        (counts.data, counts.indices, counts.indptr), shape=counts.shape
    )
    assert recomputed.has_canonical_format
    assert (counts.data > 0).all()


def test_texts_without_words_give_empty_rows():
    counts = NGramVectorizer().fit_transform(CORPUS)
    assert counts.shape[0] == len(CORPUS)
    assert counts[[1, 4]].nnz == 0
    only_blank = NGramVectorizer().fit(CORPUS).transform(["", " "])
    assert only_blank.shape == (2, counts.shape[1])
    assert only_blank.nnz == 0


def test_vocabulary_agrees_with_feature_names():
    vectorizer = NGramVectorizer().fit(CORPUS)
    names = vectorizer.get_feature_names_out()
    assert names.dtype == object
    assert [vectorizer.vocabulary_[name] for name in names] == list(range(len(names)))
    assert all(type(column) is int for column in vectorizer.vocabulary_.values())


def test_token_pattern_with_group():
    """The group is the word."""
    vectorizer = NGramVectorizer(max_n=1, token_pattern=r"#(\w+)").fit(["#one two #3"])
    assert vectorizer.get_feature_names_out().tolist() == ["3", "one"]


def test_fit_rejects_pattern_with_two_groups():
    with pytest.raises(ValueError, match="at most one group"):
        NGramVectorizer(token_pattern=r"(a)(b)").fit(["ab"])


def test_words_with_any_characters():
    """Empty words, NULs and lone surrogates are counted and survive a pickle."""
    corpus = ["a\0b \udc80 x", "x \udc80"]
    vectorizer = NGramVectorizer(token_pattern=r"[^ ]*", max_n=3)
    theirs = CountVectorizer(token_pattern=r"[^ ]*", ngram_range=(1, 3))
    counts, expected = vectorizer.fit_transform(corpus), theirs.fit_transform(corpus)
    assert counts.sum() == expected.sum()
    restored = pickle.loads(pickle.dumps(vectorizer))
    assert_same_matrix(restored.transform(corpus), counts)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_contains_no_training_text(protocol):
    """A pickled vectorizer gives the same counts and stores its vocabulary only."""
    vectorizer = NGramVectorizer(max_features=3).fit([*CORPUS, "secret " * 2])
    stored = pickle.dumps(vectorizer, protocol)
    assert b"secret" not in stored
    assert_same_matrix(
        pickle.loads(stored).transform(CORPUS), vectorizer.transform(CORPUS)
    )


def test_pickle_independent_of_hash_seed():
    script = (
        "import pickle, sys; from sktextconv import NGramVectorizer; "
        "model = NGramVectorizer(max_features=15).fit(sys.argv[1:]); "
        "sys.stdout.buffer.write(pickle.dumps(model))"
    )
    corpus = ["the cat sat on a mat", "a dog sat on the cat"]
    elsewhere = subprocess.run(
        [sys.executable, "-c", script, *corpus],
        env=os.environ | {"PYTHONHASHSEED": "1"},
        cwd=pathlib.Path(_ngram_selection.__file__).parents[1],
        capture_output=True,
        check=True,
    ).stdout
    assert pickle.dumps(NGramVectorizer(max_features=15).fit(corpus)) == elsewhere


def test_clone_is_unfitted_with_same_parameters():
    vectorizer = NGramVectorizer(max_features=np.int64(7), max_n=2, lowercase=False)
    copy = clone(vectorizer.fit(CORPUS))
    assert copy.get_params() == vectorizer.get_params()
    with pytest.raises(NotFittedError):
        copy.transform(CORPUS)
    with pytest.raises(NotFittedError):
        copy.get_feature_names_out()
    assert not hasattr(copy, "vocabulary_")


def test_second_fit_replaces_the_first():
    vectorizer = NGramVectorizer().fit(["one two three"])
    counts = vectorizer.fit(CORPUS).transform(CORPUS)
    assert_same_matrix(counts, NGramVectorizer().fit_transform(CORPUS))


def test_transform_ignores_changed_parameters():
    """`transform` uses the parameters of the last `fit`."""
    vectorizer = NGramVectorizer().fit(CORPUS)
    expected = vectorizer.transform(CORPUS)
    vectorizer.set_params(max_features=1, max_n=1, lowercase=False, token_pattern="x")
    assert_same_matrix(vectorizer.transform(CORPUS), expected)


def test_failed_fit_leaves_vectorizer_unfitted():
    vectorizer = NGramVectorizer()
    with pytest.raises(ValueError, match="empty vocabulary"):
        vectorizer.fit(["", " \n"])
    with pytest.raises(NotFittedError):
        vectorizer.transform(["a"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_features", 0),
        ("max_features", 1.5),
        ("max_n", 0),
        ("max_n", True),
        ("max_n", None),
        ("lowercase", 1),
        ("token_pattern", 3),
        ("tokenizer", "jieba"),
        ("analyzer", "char_wb"),
        ("min_n", 0),
    ],
)
def test_fit_rejects_invalid_parameters(name, value):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of NGramVectorizer"):
        NGramVectorizer(**{name: value}).fit(CORPUS)


@pytest.mark.parametrize("kind", [np.uint8, np.int64])
def test_parameters_accept_numpy_integers(kind):
    vectorizer = NGramVectorizer(max_features=kind(9), max_n=kind(3))
    expected = NGramVectorizer(max_features=9, max_n=3).fit_transform(CORPUS)
    assert_same_matrix(vectorizer.fit_transform(CORPUS), expected)


def test_parameters_beyond_int64():
    vectorizer = NGramVectorizer(max_features=10**30, max_n=10**30)
    counts = vectorizer.fit_transform(["a b c", "a b"])
    assert counts.toarray().tolist() == [[1] * 6, [1, 1, 0, 1, 0, 0]]


@pytest.mark.parametrize("method", ["fit", "fit_transform", "transform"])
@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ("a text", ValueError, "Iterable over raw text documents expected"),
        ([], ValueError, "minimum of 1 is required by NGramVectorizer"),
        (["a", None], ValueError, r"NaN or None \(first at index 1\)"),
        ([b"a"], TypeError, "got bytes at index 0; decode the documents first"),
        ([1], TypeError, "X must contain only str, got int at index 0"),
        (np.array([["a"]]), ValueError, "Expected a 1D array-like of str, got 2D"),
        ({"a": 1}, TypeError, "Expected sequence or array-like"),
    ],
)
def test_methods_reject_invalid_texts(method, X, error, message):
    vectorizer = NGramVectorizer().fit(CORPUS)
    with pytest.raises(error, match=message):
        getattr(vectorizer, method)(X)


@pytest.mark.parametrize(
    "check",
    [
        "check_estimator_cloneable",
        "check_estimator_tags_renamed",
        "check_valid_tag_types",
        "check_estimator_repr",
        "check_no_attributes_set_in_init",
        "check_mixin_order",
        "check_parameters_default_constructible",
        "check_get_params_invariance",
        "check_set_params",
        "check_estimators_unfitted",
    ],
)
def test_scikit_learn_checks(check):
    """The checks of scikit-learn that need no numeric input pass."""
    getattr(estimator_checks, check)("NGramVectorizer", NGramVectorizer())
