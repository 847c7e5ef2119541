"""scikit-learn's searches, ensembles and pipelines take ours as their own."""

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
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
from sklearn.multiclass import OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import FunctionTransformer, make_pipeline
from sklearn.preprocessing import StandardScaler

from sktextconv.baselines import make_bow_classifier

from .classifiers import NETWORKS


@pytest.fixture(params=NETWORKS)
def network(request):
    return clone(NETWORKS[request.param]).set_params(max_epochs=1, n_jobs=1)


def first_words(texts):
    return [text.split()[0] for text in texts]


def test_cross_validation_scores_texts(network, corpus):
    scores = cross_val_score(network, *corpus, cv=2)
    assert scores.shape == (2,)
    assert np.array_equal(scores, cross_val_score(network, *corpus, cv=2, n_jobs=2))
    proba = cross_val_predict(network, *corpus, cv=2, method="predict_proba")
    assert proba.shape == (24, 2)
    scoring = ["accuracy", "roc_auc", "neg_log_loss"]
    results = cross_validate(network, *corpus, cv=2, scoring=scoring)
    assert np.isfinite(results["test_neg_log_loss"]).all()


def test_searches_find_the_setting_that_learns(network, corpus):
    grid = {"learning_rate": [1e-12, 1e-3], "max_epochs": [4]}
    search = GridSearchCV(network, grid, cv=2, n_jobs=2, scoring="neg_log_loss")
    assert search.fit(*corpus).best_params_["learning_rate"] == 1e-3
    serial = GridSearchCV(network, grid, cv=2, scoring="neg_log_loss").fit(*corpus)
    # One thread each way: the same bits with workers as without.
    key = "mean_test_score"
    assert np.array_equal(serial.cv_results_[key], search.cv_results_[key])
    random = RandomizedSearchCV(network, grid, n_iter=2, cv=2, random_state=0)
    assert random.fit(*corpus).best_estimator_.predict(corpus[0]).shape == (24,)


def test_halving_search_grows_epochs(network, corpus):
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


# scikit-learn calibrates by temperature from 1.8 on.
(_OPTIONS,) = CalibratedClassifierCV._parameter_constraints["method"]


@pytest.mark.parametrize("method", sorted(_OPTIONS.options))
@pytest.mark.parametrize("ensemble", [True, False])
def test_calibration_takes_our_scores(network, corpus, method, ensemble):
    calibrated = CalibratedClassifierCV(network, method=method, cv=2, ensemble=ensemble)
    proba = calibrated.fit(*corpus).predict_proba(corpus[0])
    np.testing.assert_allclose(proba.sum(axis=1), 1)


def test_a_frozen_network_calibrates_and_takes_thresholds(network, corpus):
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


def test_ensembles_mix_networks_and_linear_rows(network, corpus):
    # A network of one pass may know nothing: the majority does.
    members = [("net", network), ("bow", make_bow_classifier())]
    members.append(("tfidf", make_bow_classifier(tfidf=True)))
    for voting in ("hard", "soft"):
        voter = VotingClassifier(members, voting=voting).fit(*corpus)
        assert voter.score(*corpus) > 0.9
    stack = StackingClassifier(members, cv=2).fit(*corpus)
    assert stack.score(*corpus) > 0.9


def test_one_network_per_class_and_per_output(network, corpus):
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


def test_curves_and_permutations(network, corpus):
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


def test_a_pipeline_cleans_then_classifies(network, corpus):
    texts, labels = corpus
    pipeline = make_pipeline(FunctionTransformer(first_words), network)
    pipeline.set_output(transform="default").fit(texts, labels)
    direct = clone(network).fit(first_words(texts), labels)
    expected = direct.predict_proba(first_words(texts))
    assert np.array_equal(pipeline.predict_proba(texts), expected)


def test_pandas_output_elsewhere_changes_nothing_here(network, corpus):
    for model in (network, make_bow_classifier()):
        expected = clone(model).fit(*corpus).predict_proba(corpus[0])
        with sklearn.config_context(transform_output="pandas"):
            found = clone(model).fit(*corpus).predict_proba(corpus[0])
        assert np.array_equal(found, expected)
    members = [("rows", make_bow_classifier()), ("net", network)]
    tables = make_pipeline(StandardScaler(), LogisticRegression())
    stack = StackingClassifier(members, final_estimator=tables, cv=2)
    expected = clone(stack).fit(*corpus).predict_proba(corpus[0])
    stack.final_estimator.set_output(transform="pandas")
    found = stack.fit(*corpus).predict_proba(corpus[0])
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_architectures_are_searched_inside_one_step(network, corpus):
    pipeline = make_pipeline(FunctionTransformer(), network)
    name = pipeline.steps[-1][0]
    others = [network, make_pipeline(TfidfVectorizer(), LogisticRegression())]
    search = GridSearchCV(pipeline, {name: others}, cv=2).fit(*corpus)
    assert len(search.cv_results_["mean_test_score"]) == 2


def test_weights_are_routed_to_fit_and_score(network, corpus):
    texts, labels = corpus
    weights = np.where(labels == "pos", 5.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        asked = clone(network).set_fit_request(sample_weight=True)
        asked.set_score_request(sample_weight=True)
        pipeline = make_pipeline(FunctionTransformer(), asked)
        pipeline.fit(texts, labels, sample_weight=weights)
        direct = clone(network).fit(texts, labels, weights)
        expected = direct.predict_proba(texts)
        assert np.array_equal(pipeline.predict_proba(texts), expected)
        scores = cross_val_score(
            asked, texts, labels, cv=2, params={"sample_weight": weights}
        )
        assert scores.shape == (2,)
        with pytest.raises(ValueError, match="not explicitly set as requested"):
            cross_val_score(network, texts, labels, params={"sample_weight": weights})
        partial = clone(network).set_partial_fit_request(classes=True)
        assert partial.partial_fit(texts, labels, classes=["neg", "pos"])


def test_multilabel_is_refused_with_a_sentence(network, corpus):
    with pytest.raises(ValueError, match="y should be a 1d array"):
        network.fit(corpus[0], np.zeros((24, 2), dtype=int))
