"""Checks of labels."""

import re
import warnings

import numpy as np
from sklearn.exceptions import DataConversionWarning

from ._check import check, require, require_raises
from ._fixtures import corpus
from ._inputs import import_or_skip

ENCODE = "Fit to np.unique(y, return_inverse=True), and index classes_ in predict."
VALIDATE_Y = (
    "Use check_consistent_length and check_classification_targets of scikit-learn."
)

LABELS = {
    "str": np.array(["b", "a"]),
    "object": np.array(["b", "a"], dtype=object),
    "negative int": np.array([-7, 40]),
    "uint8": np.array([200, 3], dtype=np.uint8),
    "bool": np.array([True, False]),
    "float": np.array([2.0, 0.0]),
}
ROWS = [0] * 6 + [1] * 6


@check(ENCODE, replaces="check_classifiers_classes")
def check_label_types(under_test):
    """`classes_` and predictions have the values and the dtype of the labels."""
    for kind, pair in LABELS.items():
        _check_labels(under_test, kind, pair[ROWS])


@check(ENCODE, replaces="check_classifier_data_not_an_array")
def check_pandas_labels(under_test):
    """pandas labels are read by position, and may be categorical or nullable."""
    pd = import_or_skip("pandas")
    containers = {
        "Series": pd.Series([2, 1], index=[9, 9]).iloc[ROWS],
        "Categorical": pd.Categorical(["b", "a"]).take(ROWS),
        "Int64": pd.array([2, 1], dtype="Int64").take(ROWS),
    }
    for kind, labels in containers.items():
        _check_labels(under_test, kind, labels)


def _check_labels(under_test, kind, labels):
    texts = corpus()[0][: len(ROWS)]
    estimator = under_test.fit(texts, labels)
    classes, predicted = estimator.classes_, estimator.predict(texts)
    expected = sorted(set(np.asarray(labels).tolist()))
    same = np.asarray(classes).tolist() == expected
    require(same, f"classes_ {expected} for labels of type {kind}", classes)
    known = set(predicted.tolist()) <= set(expected)
    require(known, f"labels of {classes} from predict", np.unique(predicted))
    same = predicted.dtype == classes.dtype
    require(same, f"predictions of dtype {classes.dtype}", predicted.dtype)


@check(ENCODE, needs="many_classes", replaces="check_classifiers_classes")
def check_three_classes(under_test):
    """`classes_` contains three classes in sorted order."""
    classes = np.asarray(under_test.fitted(3).classes_).tolist()
    expected = ["mid", "neg", "pos"]
    require(classes == expected, f"classes_ {expected}", classes)


@check(
    "Raise ValueError in fit, or set the tag multi_class to True.",
    needs="two_classes_only",
    replaces="check_classifier_not_supporting_multiclass",
)
def check_rejects_three_classes(under_test):
    """With the tag `multi_class=False`, `fit` raises `ValueError` for three classes."""
    match = "Only binary classification is supported"
    with require_raises("three classes", (ValueError,), match):
        under_test.new().fit(*corpus(3))


@check(
    "Raise ValueError in fit if there are too few classes, with the word 'class'.",
    replaces="check_classifiers_one_label",
)
def check_one_class(under_test):
    """`fit` to one class raises `ValueError`, or `predict` returns that class."""
    texts, labels = corpus()[0][:6], ["a"] * 6
    estimator = under_test.new()
    try:
        estimator.fit(texts, labels)
    except ValueError as error:
        require("class" in str(error), "a ValueError with 'class' in it", error)
    else:
        predicted = list(estimator.predict(texts))
        require(predicted == labels, f"predictions {labels}", predicted)


@check(
    "Raise ValueError in fit if there are too few texts or classes, and name them.",
    replaces="check_fit2d_1sample",
)
def check_one_text(under_test):
    """`fit` accepts a single text, or raises `ValueError` with the reason."""
    try:
        under_test.fit(corpus()[0][:1], ["a"])
    except ValueError as error:
        is_explained = re.search("class|sample|document|text", str(error))
        require(is_explained, "a ValueError about texts or classes", error)


@check(VALIDATE_Y, replaces="check_classifiers_train")
def check_rejects_unequal_lengths(under_test):
    """`fit` raises `ValueError` if there are fewer labels than texts."""
    texts, labels = corpus()
    match = "24.*23" if under_test.strict else ""
    with require_raises("24 texts and 23 labels", (ValueError,), match):
        under_test.new().fit(texts, labels[:-1])


@check(
    VALIDATE_Y,
    replaces="check_supervised_y_no_nan check_classifiers_regression_target "
    "check_requires_y_none",
)
def check_rejects_bad_labels(under_test):
    """`fit` raises an error for `y=None` and missing, infinite or continuous labels."""
    bad = {
        "y=None": (None, r"None|\by\b"),
        "NaN in y": ([0.0, 1.0, np.nan, 1.0], ""),
        "infinity in y": ([0.0, 1.0, np.inf, 1.0], ""),
        "continuous labels": ([0.5, 1.7, 0.1, 3.3], "Unknown label type|continuous"),
    }
    for case, (y, match) in bad.items():
        with require_raises(case, (ValueError, TypeError), match):
            under_test.new().fit(corpus()[0][:4], y)


@check(VALIDATE_Y, needs="one_output one_label")
def check_rejects_labels_of_several_columns(under_test):
    """`fit` raises `ValueError` for labels in three columns."""
    with require_raises("labels in three columns", (ValueError,)):
        under_test.new().fit(corpus()[0][:4], np.eye(4, 3))


@check(
    "Convert y with sklearn.utils.column_or_1d(y, warn=True).",
    needs="one_output repeatable",
    replaces="check_supervised_y_2d",
)
def check_column_of_labels_warns(under_test):
    """`fit` to labels in one column gives the model of 1D labels and a warning."""
    texts, labels = corpus()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator = under_test.fit(texts, labels[:, None])
    categories = [warning.category for warning in caught]
    is_warned = DataConversionWarning in categories
    require(is_warned, "a DataConversionWarning", categories)
    under_test.require_same(estimator, "the model of 1D labels")
