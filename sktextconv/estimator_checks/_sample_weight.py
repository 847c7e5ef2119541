"""Checks of the weights of texts and of classes."""

import numpy as np

from ._check import check, require, require_raises
from ._fixtures import corpus, require_finite, scores
from ._inputs import import_or_skip

VALIDATE_WEIGHTS = "Validate sample_weight with copy=True and dtype float64."
MULTIPLY = (
    "Multiply the loss of each text by its weight and by the weight of its class."
)


@check(MULTIPLY, needs="sample_weight repeatable", replaces="check_sample_weights_list")
def check_unit_weights(under_test):
    """`sample_weight` of 1 for each text gives the model without weights."""
    texts, labels = corpus()
    estimator = under_test.fit(texts, labels, sample_weight=[1] * len(texts))
    under_test.require_same(estimator, "the model without weights")


@check(
    "Scale the weights to a mean of 1.", needs="sample_weight repeatable", strict=True
)
def check_scale_of_weights(under_test):
    """The model does not change if all weights are multiplied by a constant."""
    texts, labels = corpus()
    weights = [np.float32(0.25)] * len(texts)
    estimator = under_test.fit(texts, labels, sample_weight=weights)
    under_test.require_same(estimator, "the model without weights")


@check(
    VALIDATE_WEIGHTS,
    needs="sample_weight repeatable",
    replaces="check_sample_weights_pandas_series check_sample_weights_not_an_array "
    "check_sample_weights_not_overwritten",
)
def check_weights_by_position(under_test):
    """`fit` reads weights by position, also in a Series, and does not modify them."""
    texts, labels = corpus()
    values = np.arange(1.0, len(texts) + 1)
    weights = values.copy()
    expected = under_test.fit(texts, labels, sample_weight=weights)
    require(np.array_equal(weights, values), "unmodified weights", weights)
    weights = import_or_skip("pandas").Series(values, index=range(len(texts))[::-1])
    estimator = under_test.fit(texts, labels, sample_weight=weights)
    under_test.require_same(
        estimator, "from a Series the model of an array", other=expected
    )


@check(
    "Remove texts of weight 0 first in fit.",
    needs="sample_weight repeatable",
    replaces="check_sample_weight_equivalence_on_dense_data",
)
def check_weight_0_is_a_row_removed(under_test):
    """Texts of weight 0 have no effect on the model."""
    texts, labels = corpus()
    weights = np.r_[np.ones(len(texts)), 0, 0]
    texts, labels = (
        [*texts, "xxzz good", "another text"],
        np.r_[labels, labels[[0, -1]]],
    )
    estimator = under_test.fit(texts, labels, sample_weight=weights)
    under_test.require_same(
        estimator, "the model without the texts of weight 0", atol=1e-5
    )


@check(
    MULTIPLY,
    needs="sample_weight repeatable",
    replaces="check_sample_weight_equivalence_on_dense_data",
)
def check_weight_2_is_a_row_twice(under_test):
    """A text of weight 2 or 3 has the effect of the same text two or three times."""
    texts, labels = (part[:12] for part in corpus())
    weights = np.array([3] * 3 + [1] * 9)
    twice = under_test.fit(np.repeat(texts, weights).tolist(), labels.repeat(weights))
    weighted = under_test.fit(texts, labels, sample_weight=weights)
    description = "the model of repeated texts"
    under_test.require_same(weighted, description, other=twice, atol=1e-5)


@check(
    VALIDATE_WEIGHTS,
    needs="sample_weight",
    replaces="check_sample_weights_shape check_all_zero_sample_weights_error",
)
def check_rejects_bad_weights(under_test):
    """`fit` raises `ValueError` for weights of a wrong shape, or if all are 0."""
    texts, labels = corpus()
    bad = {
        "3 weights": (np.ones(3), ""),
        "weights of two columns": (np.ones((len(texts), 2)), ""),
        "weights that are all 0": (np.zeros(len(texts)), "weight.*zero|zero.*weight"),
    }
    if under_test.strict:
        named = {"nan": np.nan, "inf": np.inf, "negative": -1.0}
        rest = [1.0] * (len(texts) - 1)
        bad |= {f"a weight {x}": ([x, *rest], name) for name, x in named.items()}
    for case, (weights, match) in bad.items():
        with require_raises(case, (ValueError,), match):
            under_test.new().fit(texts, labels, sample_weight=weights)


@check(
    "Raise ValueError with the word 'class', or handle class weights of 0.",
    needs="sample_weight",
    replaces="check_classifiers_one_label_sample_weights",
)
def check_weights_that_leave_one_class(under_test):
    """If weights leave one class, `fit` raises `ValueError` or scores are finite."""
    texts, labels = (part[:12] for part in corpus())
    estimator = under_test.new()
    try:
        estimator.fit(texts, labels, sample_weight=(labels == "pos").astype(float))
    except ValueError as error:
        require("class" in str(error), "a ValueError with 'class' in it", error)
    else:
        require_finite(scores(estimator, texts), "a model of one class")


@check(MULTIPLY, needs="class_weight", replaces="check_class_weight_classifiers")
def check_class_weight_counts(under_test):
    """A higher class weight makes a class likelier if all texts are equal."""
    texts, labels = ["good fine"] * 12, np.array(["neg", "pos"] * 6)
    means = []
    for heavy in ("neg", "pos"):
        weights = {"neg": 0.1, "pos": 0.1} | {heavy: 10.0}
        params = {under_test.class_weight: weights}
        values = scores(under_test.fit(texts, labels, params=params), texts)
        values = values if values.dtype.kind == "f" else values == "pos"
        means.append(values[:, 1].mean() if values.ndim == 2 else values.mean())
    expected = f"a mean score of 'pos' above {means[0]:.3g} if its weight is higher"
    require(means[1] > means[0], expected, f"{means[1]:.3g}")


@check(MULTIPLY, needs="class_weight sample_weight repeatable")
def check_class_weight_is_sample_weight(under_test):
    """Class weights have the effect of the same weights in `sample_weight`."""
    texts, labels = (part[:12] for part in corpus())
    params = {under_test.class_weight: {"pos": 3, "neg": 1}}
    by_class = under_test.fit(texts, labels, params=params)
    weights = np.where(labels == "pos", 3.0, 1.0)
    by_text = under_test.fit(texts, labels, sample_weight=weights)
    description = "the model of the same weights in sample_weight"
    under_test.require_same(by_class, description, other=by_text)


@check(
    "Use sklearn.utils.compute_class_weight.",
    needs="class_weight repeatable",
    replaces="check_class_weight_balanced_linear_classifier",
)
def check_balanced_class_weight(under_test):
    """`"balanced"` class weights are inversely proportional to class frequencies."""
    texts, labels = (part[:9] for part in corpus())  # 6 x "pos", 3 x "neg"
    by_hand = {"pos": 9 / (2 * 6), "neg": 9 / (2 * 3)}
    models = [
        under_test.fit(texts, labels, params={under_test.class_weight: weights})
        for weights in ("balanced", by_hand)
    ]
    description = f"the model of class_weight={by_hand}"
    under_test.require_same(models[0], description, other=models[1], atol=1e-5)
