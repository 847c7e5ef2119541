"""Checks of predictions and scores."""

from unittest import SkipTest

import joblib
import numpy as np
from scipy.stats import rankdata

from ._check import check, require
from ._fixtures import METHODS, corpus, scores

ONE_SOURCE = "Compute both from the same scores."


@check(
    "Train for more epochs, or set the tag poor_score to True.",
    needs="good_score",
    replaces="check_classifiers_train",
)
def check_learns(under_test):
    """`fit` with at least 20 epochs reaches a training accuracy above 83 %."""
    estimator, (texts, labels) = under_test.fitted(), corpus()
    if name := under_test.iterations:
        n_epochs = max(20, under_test.new().get_params()[name])
        estimator = under_test.fit(texts, labels, params={name: n_epochs})
    accuracy = np.mean(estimator.predict(texts) == labels)
    require(accuracy > 0.83, "a training accuracy above 83 %", f"{accuracy:.0%}")


@check("Inherit score from ClassifierMixin.", replaces="check_fit_score_takes_y")
def check_score_is_the_accuracy(under_test):
    """`score` returns the accuracy."""
    texts, labels = corpus()
    labels = np.r_[labels[:9], labels[:15]]
    accuracy = np.mean(under_test.fitted().predict(texts) == labels)
    score = under_test.fitted().score(texts, labels)
    require(abs(score - accuracy) < 1e-9, f"a score of {accuracy}", score)


@check(
    "Use scipy.special.softmax over columns in the order of classes_.",
    needs="predict_proba",
    replaces="check_classifiers_train",
)
def check_probabilities(under_test):
    """`predict_proba` returns a column per class, in [0, 1]; rows sum to 1."""
    texts, _ = corpus()
    for n_classes, estimator in under_test.fitted_by_n_classes():
        proba, shape = estimator.predict_proba(texts), (len(texts), n_classes)
        require(np.shape(proba) == shape, f"shape {shape}", np.shape(proba))
        extremes = f"from {proba.min():.3g} to {proba.max():.3g}"
        require(((proba >= 0) & (proba <= 1)).all(), "numbers in [0, 1]", extremes)
        sums = proba.sum(axis=1)
        same = np.allclose(sums, 1, rtol=0, atol=1e-6)
        require(same, "rows that sum to 1", f"{sums.min():.9g} to {sums.max():.9g}")


@check("Compute the softmax in float64.", needs="predict_proba", strict=True)
def check_probabilities_are_float64(under_test):
    """Probabilities are writeable float64, and rows sum to 1 within 1e-12."""
    proba = under_test.fitted().predict_proba(corpus()[0])
    plain = proba.dtype == np.float64 and proba.flags.writeable
    require(plain, "writeable float64", f"{proba.dtype}, {proba.flags.writeable=}")
    error = np.abs(proba.sum(axis=1) - 1).max()
    require(error <= 1e-12, "sums within 1e-12 of 1", f"an error of {error:.2g}")


@check(
    "Use scipy.special.log_softmax in float64, not the log of probabilities.",
    needs="predict_proba predict_log_proba",
    replaces="check_classifiers_train",
)
def check_log_probabilities(under_test):
    """`predict_log_proba` returns finite logarithms of `predict_proba`."""
    texts, _ = corpus()
    logs = under_test.fitted().predict_log_proba(texts)
    proba = under_test.fitted().predict_proba(texts)
    finite = np.isfinite(logs)
    if not under_test.strict:
        finite |= proba == 0
    require(finite.all(), "finite logarithms", logs.min())
    error = np.abs(np.exp(logs) - proba).max()
    require(error <= 1e-6, "logarithms of predict_proba", f"an error of {error:.2g}")


@check(
    "For two classes return the score of classes_[1] minus the score of classes_[0].",
    needs="decision_function",
    replaces="check_classifiers_train",
)
def check_decision_function(under_test):
    """`decision_function` is 1D for two classes; else it has a column per class."""
    texts, _ = corpus()
    for n_classes, estimator in under_test.fitted_by_n_classes():
        shape = (len(texts),) if n_classes == 2 else (len(texts), n_classes)
        got = np.shape(estimator.decision_function(texts))
        require(got == shape, f"shape {shape} for {n_classes} classes", got)


@check(
    ONE_SOURCE,
    needs="decision_function predict_proba",
    replaces="check_decision_proba_consistency",
)
def check_decisions_agree_with_probabilities(under_test):
    """Decisions increase with the probability of `classes_[1]`, and are 0 at 0.5."""
    texts, _ = corpus()
    decisions = np.asarray(under_test.fitted().decision_function(texts))
    if decisions.ndim == 2:
        raise SkipTest("decision_function is not 1D: see check_decision_function")
    proba = under_test.fitted().predict_proba(texts)[:, 1].round(10)
    ranks = rankdata(proba)
    means = [decisions[ranks == rank].mean() for rank in np.unique(ranks)]
    same = (np.diff(means) >= 0).all() and (decisions * (proba - 0.5) >= 0).all()
    ends = [proba.argmin(), proba.argmax()]
    got = f"decisions {decisions[ends]} for probabilities {proba[ends]}"
    require(same, "decisions that increase with probabilities, 0 at 0.5", got)


@check(
    "Return classes_[scores.argmax(axis=1)] from predict.",
    replaces="check_classifiers_train check_classifiers_classes",
)
def check_predict_gives_the_likeliest_class(under_test):
    """`predict` returns the class with the highest score."""
    texts, _ = corpus()
    for _, estimator in under_test.fitted_by_n_classes():
        values, predicted = scores(estimator, texts), estimator.predict(texts)
        if values.dtype.kind == "f":
            indices = values.argmax(axis=1) if values.ndim == 2 else (values > 0) * 1
            likeliest = np.asarray(estimator.classes_)[indices]
            same = np.array_equal(predicted, likeliest)
            require(same, f"{likeliest[:8]} ... from predict", f"{predicted[:8]} ...")


@check(
    "Store intermediate results in local variables.", replaces="check_dict_unchanged"
)
def check_prediction_changes_nothing(under_test):
    """Prediction methods change no attribute."""
    before = hash_attributes(under_test.fitted())
    for method in METHODS:
        if hasattr(under_test.fitted(), method):
            getattr(under_test.fitted(), method)(corpus()[0])
            same = hash_attributes(under_test.fitted()) == before
            require(same, f"the same attributes after {method}", "different ones")


def hash_attributes(estimator):
    """Return a hash of all attributes; raise `SkipTest` if joblib cannot hash them."""
    try:
        return joblib.hash(estimator)
    except Exception as error:
        raise SkipTest(
            f"attributes cannot be pickled ({error}): see check_pickle"
        ) from None


@check(
    "Compute no statistics over the batch in predict, and mask the padding.",
    needs="repeatable",
    replaces="check_methods_subset_invariance check_methods_sample_order_invariance",
)
def check_scores_do_not_depend_on_other_texts(under_test):
    """Scores of a text do not depend on the other texts or on their order."""
    texts = [*corpus()[0], "", "one long text " * 30]
    rows = np.arange(len(texts))
    whole = scores(under_test.fitted(), texts)
    orders = {
        "in another order": [np.random.RandomState(0).permutation(rows)],
        "in chunks": np.split(rows, [7, 14, 21]),
        "one by one": rows[:, None],
    }
    for case, batches in orders.items():
        actual = np.concatenate(
            [
                scores(under_test.fitted(), [texts[row] for row in batch])
                for batch in batches
            ]
        )
        expected = whole[np.concatenate(batches)]
        under_test.require_equal(actual, expected, f"the same scores {case}", atol=1e-5)
