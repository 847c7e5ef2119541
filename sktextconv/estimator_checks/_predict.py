"""Promises about predictions."""

from unittest import SkipTest

import joblib
import numpy as np
from scipy.stats import rankdata

from ._check import promise, require
from ._fixtures import METHODS, corpus, scores

ONE_SOURCE = "Compute all of them from the same scores."


@promise(
    "Train for longer, or tag it as poor_score.",
    needs="good_score",
    stands_for="check_classifiers_train",
)
def check_learns(subject):
    """It tells apart the classes of the corpus, which share no word, in 20 passes."""
    estimator, (texts, labels) = subject.fitted(), corpus()
    if name := subject.iterations:
        passes = max(20, subject.new().get_params()[name])
        estimator = subject.fit(texts, labels, params={name: passes})
    share = np.mean(estimator.predict(texts) == labels)
    require(share > 0.83, "83 % of the training texts right", f"{share:.0%}")


@promise("Inherit score from ClassifierMixin.", stands_for="check_fit_score_takes_y")
def check_score_is_the_share_of_right_labels(subject):
    """`score` is the share of right labels."""
    texts, labels = corpus()
    labels = np.r_[labels[:9], labels[:15]]
    share = np.mean(subject.fitted().predict(texts) == labels)
    score = subject.fitted().score(texts, labels)
    require(abs(score - share) < 1e-9, f"a score of {share}", score)


@promise(
    "Use scipy.special.softmax over a column for each of classes_.",
    needs="predict_proba",
    stands_for="check_classifiers_train",
)
def check_probabilities(subject):
    """Probabilities have a column per class, are in [0, 1], and sum to 1."""
    texts, _ = corpus()
    for n_classes, estimator in subject.fits_of_all_sizes():
        proba, shape = estimator.predict_proba(texts), (len(texts), n_classes)
        require(np.shape(proba) == shape, f"shape {shape}", np.shape(proba))
        within = f"from {proba.min():.3g} to {proba.max():.3g}"
        require(((proba >= 0) & (proba <= 1)).all(), "numbers in [0, 1]", within)
        sums = proba.sum(axis=1)
        same = np.allclose(sums, 1, rtol=0, atol=1e-6)
        require(same, "rows that sum to 1", f"{sums.min():.9g} to {sums.max():.9g}")


@promise("Compute the softmax in float64.", needs="predict_proba", strict=True)
def check_probabilities_have_all_digits(subject):
    """Probabilities are writeable float64 that sum to 1 within 1e-12."""
    proba = subject.fitted().predict_proba(corpus()[0])
    plain = proba.dtype == np.float64 and proba.flags.writeable
    require(plain, "writeable float64", f"{proba.dtype}, {proba.flags.writeable=}")
    error = np.abs(proba.sum(axis=1) - 1).max()
    require(error <= 1e-12, "sums within 1e-12 of 1", f"an error of {error:.2g}")


@promise(
    "Use scipy.special.log_softmax in float64, not the log of a probability.",
    needs="predict_proba predict_log_proba",
    stands_for="check_classifiers_train",
)
def check_log_probabilities(subject):
    """Logarithms of probabilities are those of `predict_proba`, and finite."""
    texts, _ = corpus()
    logs = subject.fitted().predict_log_proba(texts)
    proba = subject.fitted().predict_proba(texts)
    finite = np.isfinite(logs) if subject.strict else np.isfinite(logs) | (proba == 0)
    require(finite.all(), "finite logarithms", logs.min())
    error = np.abs(np.exp(logs) - proba).max()
    require(error <= 1e-6, "those of predict_proba", f"others by {error:.2g}")


@promise(
    "For two classes return the score of classes_[1] less that of classes_[0].",
    needs="decision_function",
    stands_for="check_classifiers_train",
)
def check_decision_function(subject):
    """Decisions are one number per text for two classes, else one per class."""
    texts, _ = corpus()
    for n_classes, estimator in subject.fits_of_all_sizes():
        shape = (len(texts),) if n_classes == 2 else (len(texts), n_classes)
        got = np.shape(estimator.decision_function(texts))
        require(got == shape, f"shape {shape} for {n_classes} classes", got)


@promise(
    ONE_SOURCE,
    needs="decision_function predict_proba",
    stands_for="check_decision_proba_consistency",
)
def check_decisions_agree_with_probabilities(subject):
    """Decisions grow with the probability of the second class, from 0 at one half."""
    texts, _ = corpus()
    decisions = np.asarray(subject.fitted().decision_function(texts))
    if decisions.ndim == 2:
        raise SkipTest("there is no column to compare: see check_decision_function")
    proba = subject.fitted().predict_proba(texts)[:, 1].round(10)
    ranks = rankdata(proba)
    means = [decisions[ranks == rank].mean() for rank in np.unique(ranks)]
    same = (np.diff(means) >= 0).all() and (decisions * (proba - 0.5) >= 0).all()
    ends = [proba.argmin(), proba.argmax()]
    got = f"decisions {decisions[ends]} for probabilities {proba[ends]}"
    require(same, "decisions that grow with probabilities, from 0 at 0.5", got)


@promise(
    "Write predict as classes_[scores.argmax(axis=1)].",
    stands_for="check_classifiers_train check_classifiers_classes",
)
def check_predict_gives_the_likeliest_class(subject):
    """`predict` gives the class of the highest score."""
    texts, _ = corpus()
    for _, estimator in subject.fits_of_all_sizes():
        values, predicted = scores(estimator, texts), estimator.predict(texts)
        if values.dtype.kind == "f":
            codes = values.argmax(axis=1) if values.ndim == 2 else (values > 0) * 1
            likeliest = np.asarray(estimator.classes_)[codes]
            same = np.array_equal(predicted, likeliest)
            require(same, f"{likeliest[:8]} ... from predict", f"{predicted[:8]} ...")


@promise(
    "Keep in local variables what one call computes.", stands_for="check_dict_unchanged"
)
def check_prediction_changes_nothing(subject):
    """Predicting changes no attribute."""
    before = hash_of(subject.fitted())
    for method in METHODS:
        if hasattr(subject.fitted(), method):
            getattr(subject.fitted(), method)(corpus()[0])
            same = hash_of(subject.fitted()) == before
            require(same, f"the same attributes after {method}", "others")


def hash_of(estimator):
    """Return a hash of all that an estimator holds, or skip the check."""
    try:
        return joblib.hash(estimator)
    except Exception as error:
        raise SkipTest(f"it cannot be pickled ({error}): see check_pickle") from None


@promise(
    "Take no statistics over the texts at hand, and mask what pads them.",
    needs="repeatable",
    stands_for="check_methods_subset_invariance check_methods_sample_order_invariance",
)
def check_texts_do_not_depend_on_each_other(subject):
    """Scores of a text do not depend on the other texts, their order or number."""
    texts = [*corpus()[0], "", "one long text " * 30]
    rows = np.arange(len(texts))
    whole = scores(subject.fitted(), texts)
    parts = {
        "in another order": [np.random.RandomState(0).permutation(rows)],
        "in chunks": np.split(rows, [7, 14, 21]),
        "one by one": rows[:, None],
    }
    for how, part in parts.items():
        asked = [
            scores(subject.fitted(), [texts[row] for row in some]) for some in part
        ]
        expected, what = whole[np.concatenate(part)], f"the same scores {how}"
        subject.require_equal(np.concatenate(asked), expected, what, atol=1e-5)
