"""BagOfMeansVectorizer: clusters of words and their counts."""

import os
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings, strategies as st
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


def count_in_loop(texts, column_of, n_columns):
    counts = np.zeros((len(texts), n_columns))
    for row, text in enumerate(texts):
        for word in re.findall(r"\w+|[^\w\s]", text.lower()):
            if word in column_of:
                counts[row, column_of[word]] += 1
    return counts


@settings(max_examples=50)
@given(
    st.lists(
        st.lists(st.sampled_from(["Fine", "film", ",", "new", "so", "bad!"])).map(
            " ".join
        ),
        min_size=1,
        max_size=6,
    )
)
def test_transform_agrees_with_python_loop(texts):
    counts = FITTED.transform(texts)
    assert isinstance(counts, scipy.sparse.csr_matrix)
    assert counts.dtype == np.float32
    assert counts.has_sorted_indices
    expected = count_in_loop(texts, FITTED.vocabulary_, 4)
    np.testing.assert_array_equal(counts.toarray(), expected)


def test_transform_independent_of_chunk_size(monkeypatch):
    whole = FITTED.transform(TEXTS)
    monkeypatch.setattr(_bag_of_means, "_TEXTS_PER_CHUNK", 5)
    assert (FITTED.transform(TEXTS) != whole).nnz == 0


def test_transform_reads_long_texts_whole():
    assert FITTED.transform(["so " * 20_000]).max() == 20_000


def test_cluster_assigns_each_vector_to_nearest_mean():
    vectors = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32)
    clusters = _bag_of_means._cluster(vectors, 12, seed=0)
    means = np.stack(
        [vectors[clusters == cluster].mean(axis=0) for cluster in range(12)]
    )
    distances = np.linalg.norm(vectors[:, None] - means, axis=2)
    np.testing.assert_array_equal(distances.argmin(axis=1), clusters)


def test_cluster_with_minibatches(monkeypatch):
    """Minibatch k-means separates distant clusters and is reproducible."""
    corners = np.random.default_rng(0).normal(size=(8, 5)).astype(np.float32) * 100
    nearest = np.random.default_rng(1).integers(0, 8, 400)
    vectors = corners[nearest] + np.random.default_rng(2).normal(size=(400, 5))
    monkeypatch.setattr(_bag_of_means, "_MAX_WORDS_OF_KMEANS", 100)
    clusters = _bag_of_means._cluster(vectors.astype(np.float32), 40, seed=0)
    assert clusters.max() < 40
    # The corners are far apart, so that no cluster contains words of two corners.
    pairs = set(zip(clusters.tolist(), nearest.tolist(), strict=True))
    assert len(pairs) == len(set(clusters))
    again = _bag_of_means._cluster(vectors.astype(np.float32), 40, seed=0)
    np.testing.assert_array_equal(clusters, again)


def test_cluster_numbers_by_first_word():
    corners = np.array([[0, 9], [9, 0], [0, 0]], dtype=np.float32)
    order = [2, 0, 0, 2, 1, 0, 1]
    clusters = _bag_of_means._cluster(corners[order], 3, seed=0)
    assert clusters.tolist() == [0, 1, 1, 0, 2, 1, 2]


def test_fit_clusters_words_with_same_contexts():
    rng = np.random.default_rng(0)
    animals = [f"animal{i}" for i in range(8)]
    colors = [f"color{i}" for i in range(8)]
    texts = [
        " ".join(rng.choice(words, size=12))
        for words in (animals, colors)
        for _ in range(500)
    ]
    columns = make(n_means=2, embedding_dim=20).fit(texts).vocabulary_
    (one,), (other,) = ({columns[w] for w in words} for words in (animals, colors))
    assert one != other


def test_fit_fewer_words_than_means():
    """Each word gets a column of its own."""
    vectorizer = make(n_means=5_000).fit(["so so so good good film"])
    assert vectorizer.vocabulary_ == {"so": 0, "good": 1, "film": 2}
    assert vectorizer.transform(["film film so"]).toarray().tolist() == [[1, 0, 2]]


def test_fit_fewer_words_than_means_trains_no_vectors(monkeypatch):
    """They would change nothing, so that gensim is not needed."""
    for name in [name for name in sys.modules if name.startswith("gensim")]:
        monkeypatch.setitem(sys.modules, name, None)
    words = make(n_means=3).fit(["so so so good good film"]).vocabulary_
    assert words == {"so": 0, "good": 1, "film": 2}
    with pytest.raises(ImportError):
        make(n_means=2).fit(["so so so good good film"])


def test_fit_drops_words_below_min_count():
    """The default `min_count` drops words that occur five times."""
    text = " ".join(["six"] * 6 + ["five"] * 5)
    vectorizer = BagOfMeansVectorizer(random_state=0).fit([text])
    assert list(vectorizer.vocabulary_) == ["six"]
    assert vectorizer.transform(["five six new", "five"]).toarray().tolist() == [
        [1],
        [0],
    ]


@pytest.mark.parametrize("texts", [["", " "], ["each word once"]])
def test_fit_without_frequent_words(texts):
    with pytest.raises(ValueError, match=r"empty vocabulary: .* min_count=6"):
        BagOfMeansVectorizer().fit(texts)


def test_feature_names_are_most_frequent_words():
    """Columns are named after the most frequent word and ordered by its count."""
    names = FITTED.get_feature_names_out()
    words = " ".join(TEXTS).split()
    clusters = [
        [word for word, column in FITTED.vocabulary_.items() if column == index]
        for index in range(4)
    ]
    for name, cluster in zip(names, clusters, strict=True):
        assert name in cluster
        assert words.count(name) == max(map(words.count, cluster))
    assert [words.count(name) for name in names] == sorted(
        (words.count(name) for name in names), reverse=True
    )


def test_default_parameters_are_those_of_paper():
    params = BagOfMeansVectorizer().get_params()
    assert (params["n_means"], params["embedding_dim"]) == (5_000, 300)
    assert params["min_count"] == 6  # seen more than five times


def test_fit_is_reproducible_across_processes():
    """The same seed gives the same columns, whatever the hash seed of Python."""
    script = (
        "from sktextconv.feature_extraction._bag_of_means import BagOfMeansVectorizer\n"
        "vectorizer = BagOfMeansVectorizer("
        "n_means=4, embedding_dim=8, min_count=1, random_state=0)\n"
        f"print(vectorizer.fit({TEXTS}).vocabulary_)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONHASHSEED": "1"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert result.stdout == f"{FITTED.vocabulary_}\n"


def test_fit_depends_on_random_state():
    others = [make(random_state=seed).fit(TEXTS).vocabulary_ for seed in (1, 2, 3)]
    assert any(other != FITTED.vocabulary_ for other in others)


def test_fit_leaves_global_generator_unchanged():
    before = np.random.get_state()[1].copy()
    make().fit(TEXTS)
    assert np.array_equal(np.random.get_state()[1], before)


def test_clone_and_pickle_give_same_counts():
    restored = pickle.loads(pickle.dumps(FITTED))
    refitted = clone(FITTED).fit(TEXTS)
    for other in (restored, refitted):
        assert other.vocabulary_ == FITTED.vocabulary_
        assert (other.transform(TEXTS) != FITTED.transform(TEXTS)).nnz == 0


def test_failed_fit_leaves_vectorizer_unfitted():
    vectorizer = make()
    with pytest.raises(ValueError, match="empty vocabulary"):
        vectorizer.fit([""])
    for method in (
        lambda: vectorizer.transform(["a"]),
        vectorizer.get_feature_names_out,
    ):
        with pytest.raises(NotFittedError):
            method()
    assert not hasattr(vectorizer, "vocabulary_")


@pytest.mark.parametrize("name", ["n_means", "embedding_dim", "min_count"])
@pytest.mark.parametrize("value", [0, 2.5, True, None])
def test_fit_rejects_invalid_parameters(name, value):
    message = f"The '{name}' parameter of BagOfMeansVectorizer must be an int in the"
    with pytest.raises(ValueError, match=message):
        make(**{name: value}).fit(TEXTS)


def test_input_tags_declare_texts():
    tags = get_tags(FITTED).input_tags
    assert (tags.string, tags.one_d_array, tags.two_d_array) == (True, True, False)
