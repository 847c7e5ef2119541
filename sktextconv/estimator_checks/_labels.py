"""Promises about labels."""

import re
import warnings

import numpy as np
from sklearn.exceptions import DataConversionWarning

from ._check import check, require, require_raises
from ._fixtures import corpus
from ._inputs import import_or_skip

CODES = "Fit to codes of np.unique(y, return_inverse=True), predict classes_[codes]."
CHECK_Y = "Use scikit-learn's check_consistent_length and check_classification_targets."

LABELS = {
    "str": np.array(["b", "a"]),
    "object": np.array(["b", "a"], dtype=object),
    "negative int": np.array([-7, 40]),
    "uint8": np.array([200, 3], dtype=np.uint8),
    "bool": np.array([True, False]),
    "float": np.array([2.0, 0.0]),
}
ROWS = [0] * 6 + [1] * 6


@check(CODES, replaces="check_classifiers_classes")
def check_label_types(under_test):
    """Labels of any type come back with their values and their type."""
    for kind, pair in LABELS.items():
        _check_labels(under_test, kind, pair[ROWS])


@check(CODES, replaces="check_classifier_data_not_an_array")
def check_pandas_labels(under_test):
    """Labels of pandas come back, by position, categorical and nullable ones too."""
    pd = import_or_skip("pandas")
    kinds = {
        "Series": pd.Series([2, 1], index=[9, 9]).iloc[ROWS],
        "Categorical": pd.Categorical(["b", "a"]).take(ROWS),
        "Int64": pd.array([2, 1], dtype="Int64").take(ROWS),
    }
    for kind, labels in kinds.items():
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
    require(same, f"predictions of type {classes.dtype}", predicted.dtype)


@check(CODES, needs="many_classes", replaces="check_classifiers_classes")
def check_three_classes(under_test):
    """Three classes are all in `classes_`, sorted."""
    classes = np.asarray(under_test.fitted(3).classes_).tolist()
    expected = ["mid", "neg", "pos"]
    require(classes == expected, f"classes_ {expected}", classes)


@check(
    "Raise it in fit, or tag it as multi_class.",
    needs="two_classes_only",
    replaces="check_classifier_not_supporting_multiclass",
)
def check_rejects_three_classes(under_test):
    """Tagged for two classes only, it refuses three."""
    match = "Only binary classification is supported"
    with require_raises("three classes", (ValueError,), match):
        under_test.new().fit(*corpus(3))


@check(
    "Count the classes in fit, and say what is missing.",
    replaces="check_classifiers_one_label",
)
def check_one_class(under_test):
    """A single class is refused by that word, or is what is then predicted."""
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
    "Count texts and classes in fit, and say what is missing.",
    replaces="check_fit2d_1sample",
)
def check_one_text(under_test):
    """A single text fits, or is refused for its number or its single class."""
    try:
        under_test.fit(corpus()[0][:1], ["a"])
    except ValueError as error:
        said = re.search("class|sample|document|text", str(error))
        require(said, "a ValueError that speaks of texts or classes", error)


@check(CHECK_Y, replaces="check_classifiers_train")
def check_rejects_unequal_lengths(under_test):
    """One label too few is refused."""
    texts, labels = corpus()
    match = "24.*23" if under_test.strict else ""
    with require_raises("24 texts and 23 labels", (ValueError,), match):
        under_test.new().fit(texts, labels[:-1])


@check(
    CHECK_Y,
    replaces="check_supervised_y_no_nan check_classifiers_regression_target "
    "check_requires_y_none",
)
def check_rejects_bad_labels(under_test):
    """Labels that are None, missing, infinite or continuous are refused."""
    bad = {
        "y=None": (None, r"None|\by\b"),
        "NaN in y": ([0.0, 1.0, np.nan, 1.0], ""),
        "infinity in y": ([0.0, 1.0, np.inf, 1.0], ""),
        "continuous labels": ([0.5, 1.7, 0.1, 3.3], "Unknown label type|continuous"),
    }
    for what, (y, match) in bad.items():
        with require_raises(what, (ValueError, TypeError), match):
            under_test.new().fit(corpus()[0][:4], y)


@check(CHECK_Y, needs="one_output one_label")
def check_rejects_labels_of_several_columns(under_test):
    """Labels of three columns are refused."""
    with require_raises("labels of three columns", (ValueError,)):
        under_test.new().fit(corpus()[0][:4], np.eye(4, 3))


@check(
    "Pass y through sklearn.utils.column_or_1d(y, warn=True).",
    needs="one_output repeatable",
    replaces="check_supervised_y_2d",
)
def check_column_of_labels_warns(under_test):
    """Labels in one column fit as if they were flat, with a DataConversionWarning."""
    texts, labels = corpus()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator = under_test.fit(texts, labels[:, None])
    kinds = [warned.category for warned in caught]
    require(DataConversionWarning in kinds, "a DataConversionWarning", kinds)
    under_test.require_same(estimator, "the model of flat labels")
