"""Promises about labels and about weights."""

import warnings

import numpy as np
from sklearn.exceptions import DataConversionWarning

from .promise import promise, refused, require
from .subject import corpus, require_finite, scores
from .texts import import_or_skip

CODES = "Fit to codes of np.unique(y, return_inverse=True), predict classes_[codes]."
CHECK_Y = "Use scikit-learn's check_consistent_length and check_classification_targets."
WEIGHTS = "Use scikit-learn's _check_sample_weight with copy=True, and float64."
TIMES = "Multiply the loss of each text by its weight and by that of its class."

LABELS = {
    "str": np.array(["b", "a"]),
    "object": np.array(["b", "a"], dtype=object),
    "negative int": np.array([-7, 40]),
    "uint8": np.array([200, 3], dtype=np.uint8),
    "bool": np.array([True, False]),
    "float": np.array([2.0, 0.0]),
}
ROWS = [0] * 6 + [1] * 6


@promise(CODES, stands_for="check_classifiers_classes")
def check_labels_come_back(subject):
    """Labels of any type come back with their values and their type."""
    for kind, pair in LABELS.items():
        _check_labels(subject, kind, pair[ROWS])


@promise(CODES, stands_for="check_classifier_data_not_an_array")
def check_pandas_labels(subject):
    """Labels of pandas come back, by position, categorical and nullable ones too."""
    pd = import_or_skip("pandas")
    kinds = {
        "Series": pd.Series([2, 1], index=[9, 9]).iloc[ROWS],
        "Categorical": pd.Categorical(["b", "a"]).take(ROWS),
        "Int64": pd.array([2, 1], dtype="Int64").take(ROWS),
    }
    for kind, labels in kinds.items():
        _check_labels(subject, kind, labels)


def _check_labels(subject, kind, labels):
    texts = corpus()[0][: len(ROWS)]
    estimator = subject.fit(texts, labels)
    classes, predicted = estimator.classes_, estimator.predict(texts)
    expected = sorted(set(np.asarray(labels).tolist()))
    same = np.asarray(classes).tolist() == expected
    require(same, f"classes_ {expected} for labels of type {kind}", classes)
    known = set(predicted.tolist()) <= set(expected)
    require(known, f"labels of {classes} from predict", np.unique(predicted))
    same = predicted.dtype == classes.dtype
    require(same, f"predictions of type {classes.dtype}", predicted.dtype)


@promise(CODES, needs="many_classes", stands_for="check_classifiers_classes")
def check_three_classes(subject):
    """Three classes are all in `classes_`, sorted."""
    classes = np.asarray(subject.fitted(3).classes_).tolist()
    expected = ["mid", "neg", "pos"]
    require(classes == expected, f"classes_ {expected}", classes)


@promise(
    "Raise it in fit, or tag it as multi_class.",
    needs="two_classes_only",
    stands_for="check_classifier_not_supporting_multiclass",
)
def check_refuses_three_classes(subject):
    """Tagged for two classes only, it refuses three."""
    mention = "Only binary classification is supported"
    with refused("three classes", (ValueError,), mention):
        subject.new().fit(*corpus(3))


@promise(
    "Count the classes in fit, and say what is missing.",
    stands_for="check_classifiers_one_label check_fit2d_1sample",
)
def check_one_class(subject):
    """A single class, or text, is refused by that word, or what is then predicted."""
    for n_texts in (1, 4):
        texts, labels = corpus()[0][:n_texts], ["a"] * n_texts
        estimator = subject.new()
        try:
            estimator.fit(texts, labels)
        except ValueError as error:
            said = any(
                word in str(error) for word in ("class", "1 sample", "one sample")
            )
            require(said, "a ValueError with 'class' or '1 sample' in it", error)
        else:
            predicted = list(estimator.predict(texts))
            require(predicted == labels, f"predictions {labels}", predicted)


@promise(CHECK_Y, stands_for="check_classifiers_train")
def check_refuses_unequal_lengths(subject):
    """One label too few is refused."""
    texts, labels = corpus()
    mention = "24.*23" if subject.strict else ""
    with refused("24 texts and 23 labels", (ValueError,), mention):
        subject.new().fit(texts, labels[:-1])


@promise(
    CHECK_Y,
    stands_for="check_supervised_y_no_nan check_classifiers_regression_target "
    "check_requires_y_none",
)
def check_refuses_bad_labels(subject):
    """Labels that are None, missing, infinite or continuous are refused."""
    bad = {
        "y=None": (None, "y"),
        "NaN in y": ([0.0, 1.0, np.nan, 1.0], ""),
        "infinity in y": ([0.0, 1.0, np.inf, 1.0], ""),
        "continuous labels": ([0.5, 1.7, 0.1, 3.3], "Unknown label type|continuous"),
    }
    for what, (y, mention) in bad.items():
        with refused(what, (ValueError, TypeError), mention):
            subject.new().fit(corpus()[0][:4], y)


@promise(CHECK_Y, needs="one_output one_label")
def check_refuses_labels_of_several_columns(subject):
    """Labels of three columns are refused."""
    with refused("labels of three columns", (ValueError,)):
        subject.new().fit(corpus()[0][:4], np.eye(4, 3))


@promise(
    "Pass y through sklearn.utils.column_or_1d(y, warn=True).",
    needs="one_output repeatable",
    stands_for="check_supervised_y_2d",
)
def check_column_of_labels_warns(subject):
    """Labels in one column fit as if they were flat, with a DataConversionWarning."""
    texts, labels = corpus()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator = subject.fit(texts, labels[:, None])
    kinds = [warned.category for warned in caught]
    require(DataConversionWarning in kinds, "a DataConversionWarning", kinds)
    subject.require_same(estimator, "the model of flat labels")


# -- weights --------------------------------------------------------------------


@promise(
    TIMES, needs="sample_weight repeatable", stands_for="check_sample_weights_list"
)
def check_unit_weights(subject):
    """Weights of 1 are no weights."""
    texts, labels = corpus()
    estimator = subject.fit(texts, labels, sample_weight=[1] * len(texts))
    subject.require_same(estimator, "the model without weights")


@promise(
    "Scale the weights to a mean of 1.", needs="sample_weight repeatable", strict=True
)
def check_scale_of_weights(subject):
    """Weights multiplied by a number are the same weights."""
    texts, labels = corpus()
    weights = [np.float32(0.25)] * len(texts)
    estimator = subject.fit(texts, labels, sample_weight=weights)
    subject.require_same(estimator, "the model without weights")


@promise(
    WEIGHTS,
    needs="sample_weight repeatable",
    stands_for="check_sample_weights_pandas_series check_sample_weights_not_an_array "
    "check_sample_weights_not_overwritten",
)
def check_weights_by_position(subject):
    """Weights count by position, in a Series too, and are not changed."""
    texts, labels = corpus()
    values = np.arange(1.0, len(texts) + 1)
    weights = values.copy()
    expected = subject.fit(texts, labels, sample_weight=weights)
    require(np.array_equal(weights, values), "weights as they were", weights)
    weights = import_or_skip("pandas").Series(values, index=range(len(texts))[::-1])
    estimator = subject.fit(texts, labels, sample_weight=weights)
    subject.require_same(
        estimator, "from a Series the model of an array", other=expected
    )


@promise(
    "Drop texts of weight 0 before anything is learnt from them.",
    needs="sample_weight repeatable",
    stands_for="check_sample_weight_equivalence_on_dense_data",
)
def check_weight_0_is_a_row_removed(subject):
    """A text of weight 0 counts as absent."""
    texts, labels = corpus()
    weights = np.r_[np.ones(len(texts)), 0, 0]
    texts, labels = (
        [*texts, "xxzz good", "another text"],
        np.r_[labels, labels[[0, -1]]],
    )
    estimator = subject.fit(texts, labels, sample_weight=weights)
    subject.require_same(estimator, "the model without them", atol=1e-5)


@promise(
    TIMES,
    needs="sample_weight repeatable",
    stands_for="check_sample_weight_equivalence_on_dense_data",
)
def check_weight_2_is_a_row_twice(subject):
    """A text of weight 2 counts as one that is there twice."""
    texts, labels = (part[:12] for part in corpus())
    weights = np.array([3] * 3 + [1] * 9)
    twice = subject.fit(np.repeat(texts, weights).tolist(), labels.repeat(weights))
    weighted = subject.fit(texts, labels, sample_weight=weights)
    what = "the model of texts that are repeated"
    subject.require_same(weighted, what, other=twice, atol=1e-5)


@promise(
    WEIGHTS,
    needs="sample_weight",
    stands_for="check_sample_weights_shape check_all_zero_sample_weights_error",
)
def check_refuses_bad_weights(subject):
    """Weights of another number or shape, or all of them 0, are refused."""
    texts, labels = corpus()
    bad = {
        "3 weights": (np.ones(3), ""),
        "weights of two columns": (np.ones((len(texts), 2)), ""),
        "weights of 0 alone": (np.zeros(len(texts)), "weight.*zero|zero.*weight"),
    }
    if subject.strict:
        named = {"nan": np.nan, "inf": np.inf, "negative": -1.0}
        rest = [1.0] * (len(texts) - 1)
        bad |= {f"a weight {x}": ([x, *rest], name) for name, x in named.items()}
    for what, (weights, mention) in bad.items():
        with refused(what, (ValueError,), mention):
            subject.new().fit(texts, labels, sample_weight=weights)


@promise(
    "Say what is left, or mind divisions by the weight of a class.",
    needs="sample_weight",
    stands_for="check_classifiers_one_label_sample_weights",
)
def check_weights_that_leave_one_class(subject):
    """Weights that leave one class are refused by that word, or give finite scores."""
    texts, labels = (part[:12] for part in corpus())
    estimator = subject.new()
    try:
        estimator.fit(texts, labels, sample_weight=(labels == "pos").astype(float))
    except ValueError as error:
        require("class" in str(error), "a ValueError with 'class' in it", error)
    else:
        require_finite(scores(estimator, texts), "a model of one class")


@promise(TIMES, needs="class_weight", stands_for="check_class_weight_classifiers")
def check_class_weight_counts(subject):
    """More weight makes a class likelier."""
    texts, labels = (part[:12] for part in corpus())
    means = []
    for heavy in ("neg", "pos"):
        weights = {"neg": 0.1, "pos": 0.1} | {heavy: 10.0}
        params = {subject.class_weight: weights}
        values = scores(subject.fit(texts, labels, params=params), texts)
        values = values if values.dtype.kind == "f" else values == "pos"
        means.append(values[:, 1].mean() if values.ndim == 2 else values.mean())
    what = f"a mean score of 'pos' above {means[0]:.3g} where its weight is higher"
    require(means[1] > means[0], what, f"{means[1]:.3g}")


@promise(TIMES, needs="class_weight sample_weight repeatable")
def check_class_weight_is_sample_weight(subject):
    """Weights of classes do what the same weights of their texts do."""
    texts, labels = (part[:12] for part in corpus())
    params = {subject.class_weight: {"pos": 3, "neg": 1}}
    by_class = subject.fit(texts, labels, params=params)
    weights = np.where(labels == "pos", 3.0, 1.0)
    by_text = subject.fit(texts, labels, sample_weight=weights)
    what = "the model of the same numbers as sample_weight"
    subject.require_same(by_class, what, other=by_text)


@promise(
    "Use sklearn.utils.compute_class_weight.",
    needs="class_weight repeatable",
    stands_for="check_class_weight_balanced_linear_classifier",
)
def check_balanced_class_weight(subject):
    """Balanced classes weigh in inverse proportion to their numbers of texts."""
    texts, labels = (part[:9] for part in corpus())  # six of "pos", three of "neg"
    by_hand = {"pos": 9 / (2 * 6), "neg": 9 / (2 * 3)}
    models = [
        subject.fit(texts, labels, params={subject.class_weight: weights})
        for weights in ("balanced", by_hand)
    ]
    what = f"the model of class_weight={by_hand}"
    subject.require_same(models[0], what, other=models[1], atol=1e-5)
