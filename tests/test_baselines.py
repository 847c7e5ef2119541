"""Linear baselines: the paper's features, and pipelines like any other."""

import functools
import inspect
import math
import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline

from sktextconv.baselines import (
    make_bag_of_means_classifier,
    make_bow_classifier,
    make_nb_ngram_classifier,
    make_ngram_classifier,
)
from sktextconv.feature_extraction import CountScaler

FACTORIES = [make_bow_classifier, make_ngram_classifier]
SEEDED = functools.partial(make_bag_of_means_classifier, random_state=0)
COUNTS = scipy.sparse.csr_matrix([[3, 1, 0], [1, 0, 0], [2, 0, 2], [1, 4, 0]])

GOOD = ["a fine film", "fine acting, fine plot", "a good film", "so good and fine"]
BAD = ["a dull film", "bad acting, dull plot", "a bad film", "so dull and bad"]
TEXTS, LABELS = 5 * (GOOD + BAD), 5 * (4 * ["good"] + 4 * ["bad"])


@pytest.fixture(params=FACTORIES, ids=lambda factory: factory.__name__)
def factory(request):
    return request.param


@pytest.fixture(
    params=[*FACTORIES, make_nb_ngram_classifier, SEEDED],
    ids=["bow", "n-grams", "naive Bayes", "bag of means"],
)
def any_factory(request):
    return request.param


def test_idf_is_log_of_documents_over_documents_with_the_word():
    scaler = CountScaler(idf=True).fit(COUNTS)
    expected = [math.log(4 / 4), math.log(4 / 2), math.log(4 / 1)]
    np.testing.assert_allclose(scaler.idf_, expected, rtol=1e-12, atol=1e-15)


def test_tfidf_of_a_tiny_corpus_is_what_the_hand_computes():
    # Largest: 4 ln 2, and 2 ln 4 is the same number.
    features = CountScaler(idf=True).fit_transform(COUNTS)
    expected = [[0, 0.25, 0], [0, 0, 0], [0, 0, 1], [0, 1, 0]]
    np.testing.assert_allclose(features.toarray(), expected, rtol=1e-12, atol=1e-15)


def test_counts_are_divided_by_the_largest_of_all_documents():
    features = CountScaler().fit_transform(COUNTS)
    np.testing.assert_array_equal(features.toarray(), COUNTS.toarray() / 4)


def test_word_of_every_document_has_no_weight():
    features = CountScaler(idf=True).fit_transform(COUNTS)
    assert features[:, 0].count_nonzero() == 0


@pytest.mark.parametrize("idf", [False, True])
def test_largest_training_feature_is_exactly_one(idf):
    counts = np.random.default_rng(0).poisson(0.3, size=(50, 40))
    features = CountScaler(idf=idf).fit_transform(scipy.sparse.csr_matrix(counts))
    assert features.max() == 1.0
    assert features.dtype == np.float64


def test_new_documents_are_scaled_as_the_training_documents():
    scaler = CountScaler().fit(COUNTS)
    assert scaler.transform([[8.0, 0, 1]]).toarray().tolist() == [[2.0, 0, 0.25]]


def test_scaling_keeps_the_counts_and_shares_their_indices():
    counts = COUNTS.astype(np.float32)
    before = counts.copy()
    scaler = CountScaler(idf=True).fit(counts)
    features = scaler.transform(counts)
    assert (counts != before).nnz == 0
    assert np.shares_memory(features.indices, counts.indices)
    assert np.shares_memory(features.indptr, counts.indptr)


@pytest.mark.parametrize("counts", [[[0.0, 0.0]], [[2.0, 1.0]]])
def test_features_without_any_weight_are_zeros_not_nan(counts):
    features = CountScaler(idf=True).fit_transform(counts)
    assert features.toarray().tolist() == [[0.0, 0.0]]


def test_word_of_no_training_document_has_the_idf_of_a_word_of_one():
    scaler = CountScaler(idf=True).fit([[1.0, 0.0], [0.0, 0.0]])
    assert scaler.idf_[1] == scaler.idf_[0] == math.log(2)


def test_scaler_names_its_columns_as_it_found_them():
    scaler = CountScaler().fit(COUNTS)
    assert scaler.get_feature_names_out(["a", "b", "c"]).tolist() == ["a", "b", "c"]


def test_unfitted_scaler_and_another_width_are_refused():
    with pytest.raises(NotFittedError):
        CountScaler().transform(COUNTS)
    with pytest.raises(ValueError, match="3 features"):
        CountScaler().fit(COUNTS).transform([[1.0, 2.0]])
    with pytest.raises(ValueError, match="The 'idf' parameter of CountScaler"):
        CountScaler(idf="yes").fit(COUNTS)


def test_bag_of_words_counts_single_words_and_n_grams_up_to_five():
    text = "one two three four five six"
    words = make_bow_classifier()[0].fit([text]).get_feature_names_out()
    n_grams = make_ngram_classifier()[0].fit([text]).get_feature_names_out()
    assert len(words) == 6
    assert len(n_grams) == 6 + 5 + 4 + 3 + 2


def test_defaults_are_those_of_the_paper():
    assert make_bow_classifier()[0].get_params()["max_features"] == 50_000
    assert make_ngram_classifier()[0].get_params()["max_features"] == 500_000
    assert make_ngram_classifier()[0].get_params()["max_n"] == 5
    assert make_bag_of_means_classifier()[0].get_params()["n_means"] == 5_000


def n_parameters(pipeline):
    return pipeline[-1].coef_.size + pipeline[-1].intercept_.size


def test_four_classes_take_four_weights_a_feature_and_four_biases():
    # The table of the paper: 200,004 for 50,000 words, 2,000,004 for 500,000 n-grams.
    texts = [f"{text} w{number}" for number, text in enumerate(TEXTS)]
    labels = np.arange(len(texts)) % 4
    bow = make_bow_classifier(max_features=20).fit(texts, labels)
    n_grams = make_ngram_classifier(max_features=50).fit(texts, labels)
    assert n_parameters(bow) == 20 * 4 + 4
    assert n_parameters(n_grams) == 50 * 4 + 4


def test_two_classes_take_one_weight_a_feature():
    pipeline = make_bow_classifier(max_features=5).fit(TEXTS, LABELS)
    assert n_parameters(pipeline) == 5 + 1


def test_four_classes_take_four_weights_a_mean_and_four_biases():
    # The table of the paper: 20,004 for 5,000 means.
    texts = [f"{text} w{number % 40}" for number, text in enumerate(TEXTS)] * 2
    labels = np.arange(len(texts)) % 4
    classifier = SEEDED(n_means=10, min_count=2, embedding_dim=4).fit(texts, labels)
    assert n_parameters(classifier) == (10 + 1) * 4


def test_each_call_makes_a_new_pipeline(any_factory):
    one, other = any_factory(), any_factory()
    assert isinstance(one, Pipeline)
    assert one is not other
    assert one[0] is not other[0]


def test_arguments_are_keywords_only(any_factory):
    kinds = {p.kind for p in inspect.signature(any_factory).parameters.values()}
    assert kinds == {inspect.Parameter.KEYWORD_ONLY}


@pytest.mark.parametrize("tfidf", [False, True])
def test_arguments_reach_the_steps(factory, tfidf):
    pipeline = factory(max_features=7, tfidf=tfidf, C=3.0)
    assert list(pipeline.named_steps) == [
        "ngramvectorizer",
        "countscaler",
        "logisticregression",
    ]
    params = pipeline.get_params()
    assert params["ngramvectorizer__max_features"] == 7
    assert params["countscaler__idf"] is tfidf
    assert params["logisticregression__C"] == 3.0


def test_arguments_reach_the_steps_of_the_bag_of_means():
    settings = {"n_means": 7, "embedding_dim": 3, "min_count": 2, "random_state": 5}
    pipeline = make_bag_of_means_classifier(**settings, C=3.0)
    assert list(pipeline.named_steps) == [
        "bagofmeansvectorizer",
        "countscaler",
        "logisticregression",
    ]
    assert pipeline[0].get_params() == settings
    assert pipeline[1].get_params() == {"idf": False}
    assert pipeline[2].C == 3.0


@pytest.mark.parametrize("tfidf", [False, True])
def test_separable_texts_are_learnt(factory, tfidf):
    check_learnt(factory(tfidf=tfidf))


def test_separable_texts_are_learnt_by_a_bag_of_means():
    check_learnt(SEEDED())


def check_learnt(pipeline):
    pipeline.fit(TEXTS, LABELS)
    assert pipeline.score(TEXTS, LABELS) == 1.0
    assert pipeline.classes_.tolist() == ["bad", "good"]
    assert pipeline.predict(["a fine plot", "dull"]).tolist() == ["good", "bad"]


@pytest.mark.parametrize(
    "pipeline",
    [
        *(factory(tfidf=tfidf) for factory in FACTORIES for tfidf in (False, True)),
        *(SEEDED(min_count=1, n_means=n_means) for n_means in (2, 5_000)),
    ],
    ids=lambda pipeline: pipeline.steps[0][0],
)
def test_tiny_data_fits_without_a_warning(pipeline):
    for texts, labels in [
        (["a", "b"], [0, 1]),
        (["a", "a"], [0, 1]),
        (["a b c", ""], [0, 1]),
        (["x", "y", "z"], ["one", "two", "three"]),
    ]:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            pipeline.fit(texts, labels)
        probabilities = pipeline.predict_proba([*texts, "", "new words"])
        np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-12)


def test_pipelines_work_in_cross_validation(any_factory):
    scores = cross_val_score(any_factory(), TEXTS, LABELS, cv=4)
    assert scores.tolist() == [1.0] * 4


def test_regularization_can_be_searched(factory):
    grid = {"logisticregression__C": [1e-6, 100.0], "countscaler__idf": [False, True]}
    search = GridSearchCV(factory(), grid, cv=2).fit(TEXTS, LABELS)
    assert search.best_score_ == 1.0
    assert search.cv_results_["params"][0]["logisticregression__C"] == 1e-6


def test_clone_and_pickle_agree(any_factory):
    pipeline = any_factory().fit(TEXTS, LABELS)
    expected = pipeline.predict_proba(TEXTS)
    restored = pickle.loads(pickle.dumps(pipeline)).predict_proba(TEXTS)
    refitted = clone(pipeline).fit(TEXTS, LABELS).predict_proba(TEXTS)
    np.testing.assert_array_equal(restored, expected)
    np.testing.assert_array_equal(refitted, expected)


@pytest.mark.parametrize("method", ["fit", "predict"])
@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ("a text", ValueError, "Iterable over raw text documents expected"),
        ([], ValueError, "Found array with 0 sample"),
        (["a", None], ValueError, "Input X contains NaN or None"),
        ([b"a", b"b"], TypeError, "got bytes at index 0; decode the documents first"),
        ([1, 2], TypeError, "X must contain only str, got int at index 0"),
        (
            np.array([["a"], ["b"]]),
            ValueError,
            "Expected a 1D array-like of str, got 2D",
        ),
        ({"a": 0, "b": 1}, TypeError, "Expected sequence or array-like"),
    ],
)
def test_non_texts_are_refused(any_factory, method, X, error, message):
    pipeline = any_factory().fit(TEXTS, LABELS)
    with pytest.raises(error, match=message):
        pipeline.fit(X, [0, 1]) if method == "fit" else pipeline.predict(X)


def test_texts_and_labels_of_different_number_are_refused(any_factory):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        any_factory().fit(TEXTS, LABELS[:-1])


@pytest.mark.parametrize("tfidf", [False, True])
def test_one_text_of_many_repetitions_does_not_stop_training(factory, tfidf):
    # It makes all other features tiny: in float32, too tiny for the solver.
    texts = [*TEXTS, "film " * 3000]
    classifier = factory(tfidf=tfidf, C=1e6).fit(texts, [*LABELS, "good"])
    assert classifier.score(TEXTS, LABELS) == 1.0
