"""Promises about weights of texts and of classes."""

import numpy as np

from ._check import check, require, require_raises
from ._fixtures import corpus, require_finite, scores
from ._inputs import import_or_skip

WEIGHTS = "Use scikit-learn's _check_sample_weight with copy=True, and float64."
TIMES = "Multiply the loss of each text by its weight and by that of its class."


@check(TIMES, needs="sample_weight repeatable", replaces="check_sample_weights_list")
def check_unit_weights(under_test):
    """Weights of 1 are no weights."""
    texts, labels = corpus()
    estimator = under_test.fit(texts, labels, sample_weight=[1] * len(texts))
    under_test.require_same(estimator, "the model without weights")


@check(
    "Scale the weights to a mean of 1.", needs="sample_weight repeatable", strict=True
)
def check_scale_of_weights(under_test):
    """Weights multiplied by a number are the same weights."""
    texts, labels = corpus()
    weights = [np.float32(0.25)] * len(texts)
    estimator = under_test.fit(texts, labels, sample_weight=weights)
    under_test.require_same(estimator, "the model without weights")


@check(
    WEIGHTS,
    needs="sample_weight repeatable",
    replaces="check_sample_weights_pandas_series check_sample_weights_not_an_array "
    "check_sample_weights_not_overwritten",
)
def check_weights_by_position(under_test):
    """Weights count by position, in a Series too, and are not changed."""
    texts, labels = corpus()
    values = np.arange(1.0, len(texts) + 1)
    weights = values.copy()
    expected = under_test.fit(texts, labels, sample_weight=weights)
    require(np.array_equal(weights, values), "weights as they were", weights)
    weights = import_or_skip("pandas").Series(values, index=range(len(texts))[::-1])
    estimator = under_test.fit(texts, labels, sample_weight=weights)
    under_test.require_same(
        estimator, "from a Series the model of an array", other=expected
    )


@check(
    "Drop texts of weight 0 before anything is learnt from them.",
    needs="sample_weight repeatable",
    replaces="check_sample_weight_equivalence_on_dense_data",
)
def check_weight_0_is_a_row_removed(under_test):
    """A text of weight 0 counts as absent."""
    texts, labels = corpus()
    weights = np.r_[np.ones(len(texts)), 0, 0]
    texts, labels = (
        [*texts, "xxzz good", "another text"],
        np.r_[labels, labels[[0, -1]]],
    )
    estimator = under_test.fit(texts, labels, sample_weight=weights)
    under_test.require_same(estimator, "the model without them", atol=1e-5)


@check(
    TIMES,
    needs="sample_weight repeatable",
    replaces="check_sample_weight_equivalence_on_dense_data",
)
def check_weight_2_is_a_row_twice(under_test):
    """A text of weight 2 counts as one that is there twice."""
    texts, labels = (part[:12] for part in corpus())
    weights = np.array([3] * 3 + [1] * 9)
    twice = under_test.fit(np.repeat(texts, weights).tolist(), labels.repeat(weights))
    weighted = under_test.fit(texts, labels, sample_weight=weights)
    what = "the model of texts that are repeated"
    under_test.require_same(weighted, what, other=twice, atol=1e-5)


@check(
    WEIGHTS,
    needs="sample_weight",
    replaces="check_sample_weights_shape check_all_zero_sample_weights_error",
)
def check_rejects_bad_weights(under_test):
    """Weights of another number or shape, or all of them 0, are refused."""
    texts, labels = corpus()
    bad = {
        "3 weights": (np.ones(3), ""),
        "weights of two columns": (np.ones((len(texts), 2)), ""),
        "weights of 0 alone": (np.zeros(len(texts)), "weight.*zero|zero.*weight"),
    }
    if under_test.strict:
        named = {"nan": np.nan, "inf": np.inf, "negative": -1.0}
        rest = [1.0] * (len(texts) - 1)
        bad |= {f"a weight {x}": ([x, *rest], name) for name, x in named.items()}
    for what, (weights, match) in bad.items():
        with require_raises(what, (ValueError,), match):
            under_test.new().fit(texts, labels, sample_weight=weights)


@check(
    "Say what is left, or mind divisions by the weight of a class.",
    needs="sample_weight",
    replaces="check_classifiers_one_label_sample_weights",
)
def check_weights_that_leave_one_class(under_test):
    """Weights that leave one class are refused by that word, or give finite scores."""
    texts, labels = (part[:12] for part in corpus())
    estimator = under_test.new()
    try:
        estimator.fit(texts, labels, sample_weight=(labels == "pos").astype(float))
    except ValueError as error:
        require("class" in str(error), "a ValueError with 'class' in it", error)
    else:
        require_finite(scores(estimator, texts), "a model of one class")


@check(TIMES, needs="class_weight", replaces="check_class_weight_classifiers")
def check_class_weight_counts(under_test):
    """Of texts that are all the same, more weight makes a class likelier."""
    texts, labels = ["good fine"] * 12, np.array(["neg", "pos"] * 6)
    means = []
    for heavy in ("neg", "pos"):
        weights = {"neg": 0.1, "pos": 0.1} | {heavy: 10.0}
        params = {under_test.class_weight: weights}
        values = scores(under_test.fit(texts, labels, params=params), texts)
        values = values if values.dtype.kind == "f" else values == "pos"
        means.append(values[:, 1].mean() if values.ndim == 2 else values.mean())
    what = f"a mean score of 'pos' above {means[0]:.3g} where its weight is higher"
    require(means[1] > means[0], what, f"{means[1]:.3g}")


@check(TIMES, needs="class_weight sample_weight repeatable")
def check_class_weight_is_sample_weight(under_test):
    """Weights of classes do what the same weights of their texts do."""
    texts, labels = (part[:12] for part in corpus())
    params = {under_test.class_weight: {"pos": 3, "neg": 1}}
    by_class = under_test.fit(texts, labels, params=params)
    weights = np.where(labels == "pos", 3.0, 1.0)
    by_text = under_test.fit(texts, labels, sample_weight=weights)
    what = "the model of the same numbers as sample_weight"
    under_test.require_same(by_class, what, other=by_text)


@check(
    "Use sklearn.utils.compute_class_weight.",
    needs="class_weight repeatable",
    replaces="check_class_weight_balanced_linear_classifier",
)
def check_balanced_class_weight(under_test):
    """Balanced classes weigh in inverse proportion to their numbers of texts."""
    texts, labels = (part[:9] for part in corpus())  # six of "pos", three of "neg"
    by_hand = {"pos": 9 / (2 * 6), "neg": 9 / (2 * 3)}
    models = [
        under_test.fit(texts, labels, params={under_test.class_weight: weights})
        for weights in ("balanced", by_hand)
    ]
    what = f"the model of class_weight={by_hand}"
    under_test.require_same(models[0], what, other=models[1], atol=1e-5)
