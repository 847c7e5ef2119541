"""Linear baselines: parameters, and use as pipelines of scikit-learn."""

import functools
import inspect
import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import LinearSVC

from sktextconv.baselines import (
    make_bag_of_means_classifier,
    make_bow_classifier,
    make_nb_ngram_classifier,
    make_ngram_classifier,
    make_tfidf_classifier,
)

FACTORIES = [make_bow_classifier, make_ngram_classifier]
SEEDED = functools.partial(make_bag_of_means_classifier, random_state=0)

GOOD = ["a fine film", "fine acting, fine plot", "a good film", "so good and fine"]
BAD = ["a dull film", "bad acting, dull plot", "a bad film", "so dull and bad"]
TEXTS, LABELS = 5 * (GOOD + BAD), 5 * (4 * ["good"] + 4 * ["bad"])


@pytest.fixture(params=FACTORIES, ids=lambda factory: factory.__name__)
def factory(request):
    return request.param


@pytest.fixture(
    params=[*FACTORIES, make_nb_ngram_classifier, make_tfidf_classifier, SEEDED],
    ids=["bow", "n-grams", "naive Bayes", "TF-IDF", "bag of means"],
)
def any_factory(request):
    return request.param


def test_default_ngram_lengths():
    """The bag of words has single words, the n-grams model up to five words."""
    text = "one two three four five six"
    words = make_bow_classifier()[0].fit([text]).get_feature_names_out()
    n_grams = make_ngram_classifier()[0].fit([text]).get_feature_names_out()
    assert len(words) == 6
    assert len(n_grams) == 6 + 5 + 4 + 3 + 2


def test_default_parameters_are_those_of_paper():
    assert make_bow_classifier()[0].get_params()["max_features"] == 50_000
    assert make_ngram_classifier()[0].get_params()["max_features"] == 500_000
    assert make_ngram_classifier()[0].get_params()["max_n"] == 5
    assert make_bag_of_means_classifier()[0].get_params()["n_means"] == 5_000


def n_parameters(pipeline):
    return pipeline[-1].coef_.size + pipeline[-1].intercept_.size


def test_parameter_count_four_classes():
    """There are four weights per feature and four biases."""
    # As in the paper: 200,004 for 50,000 words, 2,000,004 for 500,000 n-grams.
    texts = [f"{text} w{index}" for index, text in enumerate(TEXTS)]
    labels = np.arange(len(texts)) % 4
    bow = make_bow_classifier(max_features=20).fit(texts, labels)
    n_grams = make_ngram_classifier(max_features=50).fit(texts, labels)
    assert n_parameters(bow) == 20 * 4 + 4
    assert n_parameters(n_grams) == 50 * 4 + 4


def test_parameter_count_two_classes():
    pipeline = make_bow_classifier(max_features=5).fit(TEXTS, LABELS)
    assert n_parameters(pipeline) == 5 + 1


def test_parameter_count_bag_of_means():
    """Four classes have four weights per mean and four biases."""
    # As in the paper: 20,004 for 5,000 means.
    texts = [f"{text} w{index % 40}" for index, text in enumerate(TEXTS)] * 2
    labels = np.arange(len(texts)) % 4
    classifier = SEEDED(n_means=10, min_count=2, embedding_dim=4).fit(texts, labels)
    assert n_parameters(classifier) == (10 + 1) * 4


def test_factory_makes_new_pipeline(any_factory):
    one, other = any_factory(), any_factory()
    assert isinstance(one, Pipeline)
    assert one is not other
    assert one[0] is not other[0]


def test_factory_arguments_are_keyword_only(any_factory):
    kinds = {p.kind for p in inspect.signature(any_factory).parameters.values()}
    assert kinds == {inspect.Parameter.KEYWORD_ONLY}


@pytest.mark.parametrize("tfidf", [False, True])
def test_arguments_reach_steps(factory, tfidf):
    pipeline = factory(max_features=7, tfidf=tfidf, C=3.0, tokenizer=str.split)
    assert list(pipeline.named_steps) == [
        "ngramvectorizer",
        "countscaler",
        "logisticregression",
    ]
    params = pipeline.get_params()
    assert params["ngramvectorizer__tokenizer"] is str.split
    assert params["ngramvectorizer__max_features"] == 7
    assert params["countscaler__idf"] is tfidf
    assert params["logisticregression__C"] == 3.0


def test_arguments_reach_steps_of_bag_of_means():
    settings = {
        "n_means": 7,
        "embedding_dim": 3,
        "min_count": 2,
        "tokenizer": str.split,
        "random_state": 5,
    }
    pipeline = make_bag_of_means_classifier(**settings, C=3.0)
    assert list(pipeline.named_steps) == [
        "bagofmeansvectorizer",
        "countscaler",
        "logisticregression",
    ]
    assert pipeline[0].get_params() == settings
    assert pipeline[1].get_params() == {"idf": False}
    assert pipeline[2].C == 3.0


def test_arguments_reach_steps_of_tfidf():
    pipeline = make_tfidf_classifier(max_features=7, C="auto", tokenizer=str.split)
    assert list(pipeline.named_steps) == [
        "ngramvectorizer",
        "tfidftransformer",
        "probabilisticlinearsvc",
    ]
    assert pipeline[0].get_params()["max_features"] == 7
    assert pipeline[0].get_params()["max_n"] == 2
    assert pipeline[0].get_params()["tokenizer"] is str.split
    assert pipeline[1].sublinear_tf
    assert pipeline[2].C == "auto"


@pytest.mark.parametrize(
    ("arguments", "lengths"),
    [
        ({}, (1, 2)),
        ({"analyzer": "char"}, (2, 5)),
        ({"analyzer": "char", "min_n": 1, "max_n": 3}, (1, 3)),
    ],
)
def test_tfidf_lengths_suit_the_analyzer(arguments, lengths):
    """Defaults are 1 to 2 words or 2 to 5 characters."""
    vectorizer = make_tfidf_classifier(**arguments)[0]
    assert (vectorizer.min_n, vectorizer.max_n) == lengths
    assert vectorizer.analyzer == arguments.get("analyzer", "word")


def test_tfidf_of_characters_reads_misspelled_words():
    classifier = make_tfidf_classifier(analyzer="char").fit(
        ["wonderful film", "wonderful cast", "terrible film", "terrible cast"],
        ["good", "good", "bad", "bad"],
    )
    assert classifier.predict(["wonderfull", "terible"]).tolist() == ["good", "bad"]


@pytest.mark.parametrize("n_classes", [2, 3])
def test_tfidf_classifier_agrees_with_scikit_learn(n_classes):
    """Predictions are those of TfidfVectorizer with LinearSVC."""
    rng = np.random.RandomState(0)
    y = rng.randint(n_classes, size=120)
    texts = [
        " ".join(f"w{word}" for word in rng.randint(3 * label, 3 * label + 9, size=8))
        for label in y
    ]
    theirs = make_pipeline(
        TfidfVectorizer(
            ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\w+|[^\w\s]"
        ),
        LinearSVC(random_state=0),
    ).fit(texts[:60], y[:60])
    ours = make_tfidf_classifier().fit(texts[:60], y[:60])
    ours.set_params(probabilisticlinearsvc__tol=1e-4).fit(texts[:60], y[:60])
    np.testing.assert_allclose(
        ours.decision_function(texts), theirs.decision_function(texts), atol=1e-3
    )
    assert (ours.predict(texts) == theirs.predict(texts)).all()


def test_fit_separable_texts_tfidf():
    check_separates(make_tfidf_classifier())


@pytest.mark.parametrize("tfidf", [False, True])
def test_fit_separable_texts(factory, tfidf):
    check_separates(factory(tfidf=tfidf))


def test_fit_separable_texts_bag_of_means():
    check_separates(SEEDED())


def check_separates(pipeline):
    pipeline.fit(TEXTS, LABELS)
    assert pipeline.score(TEXTS, LABELS) == 1.0
    assert pipeline.classes_.tolist() == ["bad", "good"]
    assert pipeline.predict(["a fine plot", "dull"]).tolist() == ["good", "bad"]


@pytest.mark.parametrize(
    "pipeline",
    [
        *(factory(tfidf=tfidf) for factory in FACTORIES for tfidf in (False, True)),
        make_tfidf_classifier(),
        make_tfidf_classifier(C="auto"),
        *(SEEDED(min_count=1, n_means=n_means) for n_means in (2, 5_000)),
    ],
    ids=lambda pipeline: pipeline.steps[0][0],
)
def test_fit_tiny_data_without_warning(pipeline):
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


def test_cross_validation(any_factory):
    scores = cross_val_score(any_factory(), TEXTS, LABELS, cv=4)
    assert scores.tolist() == [1.0] * 4


def test_grid_search_over_regularization(factory):
    grid = {"logisticregression__C": [1e-6, 100.0], "countscaler__idf": [False, True]}
    search = GridSearchCV(factory(), grid, cv=2).fit(TEXTS, LABELS)
    assert search.best_score_ == 1.0
    assert search.cv_results_["params"][0]["logisticregression__C"] == 1e-6


def test_clone_and_pickle_predict_the_same(any_factory):
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
def test_methods_reject_invalid_texts(any_factory, method, X, error, message):
    pipeline = any_factory().fit(TEXTS, LABELS)
    with pytest.raises(error, match=message):
        pipeline.fit(X, [0, 1]) if method == "fit" else pipeline.predict(X)


def test_fit_rejects_inconsistent_lengths(any_factory):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        any_factory().fit(TEXTS, LABELS[:-1])


@pytest.mark.parametrize("tfidf", [False, True])
def test_fit_with_one_large_count(factory, tfidf):
    """A word repeated 3,000 times in one text does not stop the solver."""
    # All other features become tiny, in float32 too small for the solver.
    texts = [*TEXTS, "film " * 3000]
    classifier = factory(tfidf=tfidf, C=1e6).fit(texts, [*LABELS, "good"])
    assert classifier.score(TEXTS, LABELS) == 1.0


def make_planted_texts(n_classes, n_texts, seed=0):
    """Return texts of common words and, one in five, of words of their class."""
    rng = np.random.RandomState(seed)
    frequencies = 1 / np.arange(1, 2_001)
    frequencies /= frequencies.sum()
    y = np.arange(n_texts) % n_classes
    texts = []
    for label in y:
        common = rng.choice(2_000, size=16, p=frequencies)
        owned = rng.randint(2, size=4)
        words = [f"common{word}" for word in common]
        texts.append(" ".join([*words, *(f"class{label}x{word}" for word in owned)]))
    return texts, y


def mean_probability(classifier, texts, y):
    """Return the mean probability of the right class."""
    return classifier.predict_proba(texts)[np.arange(len(y)), y].mean()


@pytest.mark.parametrize("n_classes", [2, 16, 150])
def test_default_learns_many_classes(n_classes):
    """Words of the classes are learned with default settings, without a warning."""
    texts, y = make_planted_texts(n_classes, n_texts=10 * n_classes)
    others, y_other = make_planted_texts(n_classes, 2 * n_classes, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        classifier = make_bow_classifier().fit(texts, y)
    assert mean_probability(classifier, others, y_other) > 0.95


def test_default_learns_despite_one_large_count():
    """A word repeated 3,000 times in one text does not make the penalty too strong."""
    # All features are divided by 3,000 then.
    texts, y = make_planted_texts(10, 400)
    texts[0] += " common0" * 3_000
    classifier = make_bow_classifier().fit(texts, y)
    others, y_other = make_planted_texts(10, 100, seed=1)
    assert mean_probability(classifier, others, y_other) > 0.95
