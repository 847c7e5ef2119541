"""Words used alike share a column, and every word of a text is counted in its own."""

import os
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags

from sktextconv.feature_extraction import BagOfMeansVectorizer, _bag_of_means

TEXTS = [
    "a fine film , so fine and good",
    "a dull film , so dull and bad",
    "so good , so fine",
    "so bad , so dull",
] * 3


def make(n_means=4, **settings):
    settings = {"embedding_dim": 8, "min_count": 1, "random_state": 0} | settings
    return BagOfMeansVectorizer(n_means=n_means, **settings)


FITTED = make().fit(TEXTS)


def slow_counts(texts, column_of, n_columns):
    counts = np.zeros((len(texts), n_columns))
    for row, text in enumerate(texts):
        for word in re.findall(r"\w+|[^\w\s]", text.lower()):
            if word in column_of:
                counts[row, column_of[word]] += 1
    return counts


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.lists(st.sampled_from(["Fine", "film", ",", "new", "so", "bad!"])).map(
            " ".join
        ),
        min_size=1,
        max_size=6,
    )
)
def test_counts_agree_with_the_slow_loop(texts):
    counts = FITTED.transform(texts)
    assert isinstance(counts, scipy.sparse.csr_matrix)
    assert counts.dtype == np.float32
    assert counts.has_sorted_indices
    expected = slow_counts(texts, FITTED.vocabulary_, 4)
    np.testing.assert_array_equal(counts.toarray(), expected)


def test_chunks_join_without_a_seam(monkeypatch):
    whole = FITTED.transform(TEXTS)
    monkeypatch.setattr(_bag_of_means, "_TEXTS_PER_CHUNK", 5)
    assert (FITTED.transform(TEXTS) != whole).nnz == 0


def test_texts_are_read_whole():
    assert FITTED.transform(["so " * 20_000]).max() == 20_000


def test_vectors_are_grouped_around_their_means():
    vectors = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32)
    groups = _bag_of_means._cluster(vectors, 12, seed=0)
    means = np.stack([vectors[groups == group].mean(axis=0) for group in range(12)])
    distances = np.linalg.norm(vectors[:, None] - means, axis=2)
    np.testing.assert_array_equal(distances.argmin(axis=1), groups)


def test_many_words_are_grouped_by_minibatches(monkeypatch):
    corners = np.random.default_rng(0).normal(size=(8, 5)).astype(np.float32) * 100
    nearest = np.random.default_rng(1).integers(0, 8, 400)
    vectors = corners[nearest] + np.random.default_rng(2).normal(size=(400, 5))
    monkeypatch.setattr(_bag_of_means, "_MAX_WORDS_OF_KMEANS", 100)
    groups = _bag_of_means._cluster(vectors.astype(np.float32), 40, seed=0)
    assert groups.max() < 40
    # Corners are far apart, so that no group has words of two.
    pairs = set(zip(groups.tolist(), nearest.tolist(), strict=True))
    assert len(pairs) == len(set(groups))
    again = _bag_of_means._cluster(vectors.astype(np.float32), 40, seed=0)
    np.testing.assert_array_equal(groups, again)


def test_groups_are_numbered_as_their_first_words_come():
    corners = np.array([[0, 9], [9, 0], [0, 0]], dtype=np.float32)
    order = [2, 0, 0, 2, 1, 0, 1]
    groups = _bag_of_means._cluster(corners[order], 3, seed=0)
    assert groups.tolist() == [0, 1, 1, 0, 2, 1, 2]


def test_words_used_alike_share_a_column():
    rng = np.random.default_rng(0)
    animals = [f"animal{i}" for i in range(8)]
    colours = [f"colour{i}" for i in range(8)]
    texts = [
        " ".join(rng.choice(words, size=12))
        for words in (animals, colours)
        for _ in range(500)
    ]
    columns = make(n_means=2, embedding_dim=20).fit(texts).vocabulary_
    (one,), (other,) = ({columns[w] for w in words} for words in (animals, colours))
    assert one != other


def test_where_words_are_few_each_is_a_group():
    vectorizer = make(n_means=5_000).fit(["so so so good good film"])
    assert vectorizer.vocabulary_ == {"so": 0, "good": 1, "film": 2}
    assert vectorizer.transform(["film film so"]).toarray().tolist() == [[1, 0, 2]]


def test_words_seen_five_times_are_in_no_group():
    text = " ".join(["six"] * 6 + ["five"] * 5)
    vectorizer = BagOfMeansVectorizer(random_state=0).fit([text])
    assert list(vectorizer.vocabulary_) == ["six"]
    assert vectorizer.transform(["five six new", "five"]).toarray().tolist() == [
        [1],
        [0],
    ]


@pytest.mark.parametrize("texts", [["", " "], ["each word once"]])
def test_no_frequent_word_is_an_empty_vocabulary(texts):
    with pytest.raises(ValueError, match=r"empty vocabulary: .* min_count=6"):
        BagOfMeansVectorizer().fit(texts)


def test_column_bears_the_name_of_its_most_frequent_word():
    names = FITTED.get_feature_names_out()
    words = " ".join(TEXTS).split()
    groups = [
        [word for word, column in FITTED.vocabulary_.items() if column == number]
        for number in range(4)
    ]
    for name, group in zip(names, groups, strict=True):
        assert name in group
        assert words.count(name) == max(map(words.count, group))
    assert [words.count(name) for name in names] == sorted(
        (words.count(name) for name in names), reverse=True
    )


def test_paper_is_the_default():
    params = BagOfMeansVectorizer().get_params()
    assert (params["n_means"], params["embedding_dim"]) == (5_000, 300)
    assert params["min_count"] == 6  # seen more than five times


def test_same_seed_gives_the_same_columns_in_another_process():
    script = (
        "from sktextconv.feature_extraction._bag_of_means import BagOfMeansVectorizer\n"
        "made = BagOfMeansVectorizer("
        "n_means=4, embedding_dim=8, min_count=1, random_state=0)\n"
        f"print(made.fit({TEXTS}).vocabulary_)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONHASHSEED": "1"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert result.stdout == f"{FITTED.vocabulary_}\n"


def test_another_seed_gives_other_groups():
    others = [make(random_state=seed).fit(TEXTS).vocabulary_ for seed in (1, 2, 3)]
    assert any(other != FITTED.vocabulary_ for other in others)


def test_global_generator_stays_where_it_was():
    before = np.random.get_state()[1].copy()
    make().fit(TEXTS)
    assert np.array_equal(np.random.get_state()[1], before)


def test_clone_and_pickle_agree():
    restored = pickle.loads(pickle.dumps(FITTED))
    refitted = clone(FITTED).fit(TEXTS)
    for other in (restored, refitted):
        assert other.vocabulary_ == FITTED.vocabulary_
        assert (other.transform(TEXTS) != FITTED.transform(TEXTS)).nnz == 0


def test_failed_fit_leaves_it_unfitted():
    vectorizer = make()
    with pytest.raises(ValueError, match="empty vocabulary"):
        vectorizer.fit([""])
    for ask in (lambda: vectorizer.transform(["a"]), vectorizer.get_feature_names_out):
        with pytest.raises(NotFittedError):
            ask()
    assert not hasattr(vectorizer, "vocabulary_")


@pytest.mark.parametrize("name", ["n_means", "embedding_dim", "min_count"])
@pytest.mark.parametrize("value", [0, 2.5, True, None])
def test_parameters_are_checked_in_fit(name, value):
    message = f"The '{name}' parameter of BagOfMeansVectorizer must be an int in the"
    with pytest.raises(ValueError, match=message):
        make(**{name: value}).fit(TEXTS)


def test_it_says_that_it_takes_texts():
    tags = get_tags(FITTED).input_tags
    assert (tags.string, tags.one_d_array, tags.two_d_array) == (True, True, False)
