"""Networks inside the searches, ensembles and pipelines of scikit-learn."""

import functools

import numpy as np
import pytest
import sklearn
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline as make_resampling_pipeline
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    validation_curve,
)
from sklearn.multiclass import (
    OneVsOneClassifier,
    OneVsRestClassifier,
    OutputCodeClassifier,
)
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import FunctionTransformer, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from sktextconv import NGramVectorizer, document_vectors
from sktextconv.baselines import make_bow_classifier, make_tfidf_classifier

from .classifiers import NETWORKS


@pytest.fixture(params=NETWORKS)
def network(request):
    return clone(NETWORKS[request.param]).set_params(max_epochs=1, n_jobs=1)


def first_words(texts):
    return [text.split()[0] for text in texts]


def test_cross_validation(network, corpus):
    """Scores are the same with one and with two worker processes."""
    scores = cross_val_score(network, *corpus, cv=2)
    assert scores.shape == (2,)
    assert np.array_equal(scores, cross_val_score(network, *corpus, cv=2, n_jobs=2))
    proba = cross_val_predict(network, *corpus, cv=2, method="predict_proba")
    assert proba.shape == (24, 2)
    scoring = ["accuracy", "roc_auc", "neg_log_loss"]
    results = cross_validate(network, *corpus, cv=2, scoring=scoring)
    assert np.isfinite(results["test_neg_log_loss"]).all()


def test_grid_and_random_search(network, corpus):
    """Searches find the learning rate that learns, with the same scores in workers."""
    grid = {"learning_rate": [1e-12, 1e-3], "max_epochs": [4]}
    search = GridSearchCV(network, grid, cv=2, n_jobs=2, scoring="neg_log_loss")
    assert search.fit(*corpus).best_params_["learning_rate"] == 1e-3
    serial = GridSearchCV(network, grid, cv=2, scoring="neg_log_loss").fit(*corpus)
    # Both use one thread, so the bits are the same.
    key = "mean_test_score"
    assert np.array_equal(serial.cv_results_[key], search.cv_results_[key])
    random = RandomizedSearchCV(network, grid, n_iter=2, cv=2, random_state=0)
    assert random.fit(*corpus).best_estimator_.predict(corpus[0]).shape == (24,)


def test_halving_search(network, corpus):
    """`max_epochs` can be the resource of a successive halving."""
    search = HalvingGridSearchCV(
        network,
        {"learning_rate": [1e-4, 1e-3]},
        resource="max_epochs",
        min_resources=1,
        max_resources=2,
        factor=2,
        cv=2,
    )
    assert search.fit(*corpus).best_params_["max_epochs"] == 2


# The methods depend on the version: "temperature" came with scikit-learn 1.8.
(_OPTIONS,) = CalibratedClassifierCV._parameter_constraints["method"]


@pytest.mark.parametrize("method", sorted(_OPTIONS.options))
@pytest.mark.parametrize("ensemble", [True, False])
def test_calibration(network, corpus, method, ensemble):
    calibrated = CalibratedClassifierCV(network, method=method, cv=2, ensemble=ensemble)
    proba = calibrated.fit(*corpus).predict_proba(corpus[0])
    np.testing.assert_allclose(proba.sum(axis=1), 1)


def test_frozen_network(network, corpus):
    """A frozen network can be calibrated and given a fixed or tuned threshold."""
    frozen = FrozenEstimator(network.fit(*corpus))
    assert CalibratedClassifierCV(frozen).fit(*corpus).classes_.tolist() == [
        "neg",
        "pos",
    ]
    fixed = FixedThresholdClassifier(frozen, threshold=0.0, pos_label="pos")
    assert set(fixed.fit(*corpus).predict(corpus[0])) == {"pos"}
    tuned = TunedThresholdClassifierCV(
        network, cv=2, scoring="balanced_accuracy", thresholds=5
    )
    assert tuned.fit(*corpus).predict(corpus[0]).shape == (24,)


def test_ensembles_with_linear_models(network, corpus):
    """Voting and stacking combine networks and linear models."""
    # A network of one epoch may be at chance level, so the linear models decide.
    members = [("net", network), ("bow", make_bow_classifier())]
    members.append(("tfidf", make_bow_classifier(tfidf=True)))
    for voting in ("hard", "soft"):
        voter = VotingClassifier(members, voting=voting).fit(*corpus)
        assert voter.score(*corpus) > 0.9
    stack = StackingClassifier(members, cv=2).fit(*corpus)
    assert stack.score(*corpus) > 0.9


def test_multiclass_and_multioutput(network, corpus):
    """One network is trained per class, per code bit and per output."""
    texts, labels = corpus
    three = np.arange(24) % 3
    for wrapper in (OneVsRestClassifier, OutputCodeClassifier):
        predicted = wrapper(network).fit(texts, three).predict(texts)
        assert set(predicted) <= {0, 1, 2}
    indicators = np.c_[labels == "pos", three == 0].astype(int)
    assert OneVsRestClassifier(network).fit(texts, indicators).predict(texts).shape == (
        24,
        2,
    )
    outputs = MultiOutputClassifier(network).fit(texts, indicators)
    assert outputs.predict(texts).shape == (24, 2)


def test_learning_and_validation_curves(network, corpus):
    _, train, test = learning_curve(
        network, *corpus, cv=2, train_sizes=[0.5, 1.0], shuffle=True, random_state=0
    )
    assert train.shape == test.shape == (2, 2)
    train, _ = validation_curve(
        network, *corpus, cv=2, param_name="batch_size", param_range=[4, 12]
    )
    assert train.shape == (2, 2)
    _, _, p_value = permutation_test_score(network, *corpus, cv=2, n_permutations=2)
    assert 0 < p_value <= 1


def test_pipeline_with_text_transformer(network, corpus):
    """A pipeline equals its steps applied by hand."""
    texts, labels = corpus
    pipeline = make_pipeline(FunctionTransformer(first_words), network)
    pipeline.set_output(transform="default").fit(texts, labels)
    direct = clone(network).fit(first_words(texts), labels)
    expected = direct.predict_proba(first_words(texts))
    assert np.array_equal(pipeline.predict_proba(texts), expected)


def test_pandas_output(network, corpus):
    """`transform_output="pandas"` does not change results."""
    for model in (network, make_bow_classifier()):
        expected = clone(model).fit(*corpus).predict_proba(corpus[0])
        with sklearn.config_context(transform_output="pandas"):
            found = clone(model).fit(*corpus).predict_proba(corpus[0])
        assert np.array_equal(found, expected)
    members = [("bow", make_bow_classifier()), ("net", network)]
    final = make_pipeline(StandardScaler(), LogisticRegression())
    stack = StackingClassifier(members, final_estimator=final, cv=2)
    expected = clone(stack).fit(*corpus).predict_proba(corpus[0])
    stack.final_estimator.set_output(transform="pandas")
    found = stack.fit(*corpus).predict_proba(corpus[0])
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_grid_search_over_pipeline_step(network, corpus):
    """A search can replace a step by another classifier."""
    pipeline = make_pipeline(FunctionTransformer(), network)
    name = pipeline.steps[-1][0]
    others = [network, make_pipeline(TfidfVectorizer(), LogisticRegression())]
    search = GridSearchCV(pipeline, {name: others}, cv=2).fit(*corpus)
    assert len(search.cv_results_["mean_test_score"]) == 2


def test_metadata_routing(network, corpus):
    """Sample weights and classes are routed to fit, score and partial_fit."""
    texts, labels = corpus
    weights = np.where(labels == "pos", 5.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        requested = clone(network).set_fit_request(sample_weight=True)
        requested.set_score_request(sample_weight=True)
        pipeline = make_pipeline(FunctionTransformer(), requested)
        pipeline.fit(texts, labels, sample_weight=weights)
        direct = clone(network).fit(texts, labels, weights)
        expected = direct.predict_proba(texts)
        assert np.array_equal(pipeline.predict_proba(texts), expected)
        scores = cross_val_score(
            requested, texts, labels, cv=2, params={"sample_weight": weights}
        )
        assert scores.shape == (2,)
        with pytest.raises(ValueError, match="not explicitly set as requested"):
            cross_val_score(network, texts, labels, params={"sample_weight": weights})
        partial = clone(network).set_partial_fit_request(classes=True)
        assert partial.partial_fit(texts, labels, classes=["neg", "pos"])


def test_fit_with_multilabel_target(network, corpus):
    with pytest.raises(ValueError, match="y should be a 1d array"):
        network.fit(corpus[0], np.zeros((24, 2), dtype=int))


# -- tools that require tables -------------------------------------------------------


def find_texts(rows, texts):
    return [texts[row] for row in rows[:, 0]]


def as_pairs(labels):
    """Return a second output beside the labels, as 0 and 1."""
    return np.c_[labels == "pos", np.arange(len(labels)) % 3 == 0].astype(int)


def with_unlabeled(labels):
    """Return the labels as 0 and 1, with every fourth one missing."""
    return np.where(np.arange(len(labels)) % 4 < 3, (labels == "pos").astype(int), -1)


def test_tools_on_column_of_texts(network, corpus):
    """Bagging and resampling draw rows of a column of texts."""
    texts, labels = corpus
    column = np.array(texts, dtype=object)[:, None]
    model = make_pipeline(FunctionTransformer(np.ravel), network)
    bagging = BaggingClassifier(model, n_estimators=2, random_state=0)
    assert bagging.fit(column, labels).predict_proba(column).shape == (24, 2)
    sampler = RandomOverSampler(random_state=0)
    resampled, classes = sampler.fit_resample(column[1:], labels[1:])
    assert (classes == "pos").sum() == (classes == "neg").sum()
    assert set(resampled.ravel()) <= set(texts)
    balanced = make_resampling_pipeline(
        sampler, FunctionTransformer(np.ravel), network
    ).fit(column[1:], labels[1:])
    direct = clone(network).fit(resampled.ravel().tolist(), classes)
    expected = direct.predict_proba(texts)
    assert np.array_equal(balanced.predict_proba(column), expected)


def test_tools_on_row_numbers(network, corpus):
    """Tools for numbers work on row numbers that a transformer turns into texts."""
    texts, labels = corpus
    rows = np.arange(len(texts))[:, None]
    find = FunctionTransformer(find_texts, kw_args={"texts": texts})
    model = make_pipeline(find, network)
    partly = with_unlabeled(labels)
    trained = SelfTrainingClassifier(model, max_iter=1).fit(rows, partly)
    assert trained.predict_proba(rows).shape == (24, 2)
    pairwise = OneVsOneClassifier(model).fit(rows, np.arange(24) % 3)
    assert set(pairwise.predict(rows)) <= {0, 1, 2}


def test_tools_on_document_vectors(network, corpus):
    texts, labels = corpus
    network.fit(*corpus)
    vectorize = FunctionTransformer(functools.partial(document_vectors, network))
    linear = LogisticRegression(max_iter=1_000)
    chain = make_pipeline(vectorize, ClassifierChain(linear))
    assert chain.fit(texts, as_pairs(labels)).predict(texts).shape == (24, 2)
    boosted = make_pipeline(vectorize, AdaBoostClassifier(n_estimators=2))
    assert boosted.fit(*corpus).predict(texts).shape == (24,)


@pytest.mark.parametrize(
    ("tool", "make_y"),
    [
        (BaggingClassifier(LogisticRegression(), n_estimators=2), np.asarray),
        (SelfTrainingClassifier(LogisticRegression()), with_unlabeled),
        (OneVsOneClassifier(LogisticRegression()), np.asarray),
        (ClassifierChain(LogisticRegression()), as_pairs),
        (AdaBoostClassifier(n_estimators=2), np.asarray),
    ],
    ids=lambda value: type(value).__name__,
)
def test_tools_after_vectorizer(tool, make_y, corpus):
    """Tools for numbers work behind a vectorizer, and refuse texts."""
    texts, labels = corpus
    y = make_y(labels)
    model = make_pipeline(NGramVectorizer(), tool)
    assert model.fit(texts, y).predict(texts).shape == y.shape
    with pytest.raises(ValueError, match=r"1D array|convert string|bytes/strings"):
        clone(tool).fit(texts, y)


def test_resampling_after_vectorizer(corpus):
    texts, labels = corpus
    sampler = RandomOverSampler(random_state=0)
    with pytest.raises(ValueError, match="Expected 2D array"):
        sampler.fit_resample(texts, labels)
    model = make_resampling_pipeline(NGramVectorizer(), sampler, LogisticRegression())
    assert model.fit(*corpus).score(*corpus) > 0.9


@pytest.mark.parametrize("name", ["tfidf", "kimcnn"])
def test_skore_report(name, corpus):
    """A report of skore has the accuracy of the classifier on the test texts."""
    skore = pytest.importorskip("skore", reason="skore is no requirement of the tests")
    texts, labels = corpus
    classifier = make_tfidf_classifier() if name == "tfidf" else clone(NETWORKS[name])
    data = {"X_train": texts, "y_train": labels, "X_test": texts, "y_test": labels}
    report = skore.EstimatorReport(classifier, **data)
    expected = clone(classifier).fit(texts, labels).score(texts, labels)
    assert report.metrics.accuracy() == expected
