"""Labels and weights are used exactly as given, or rejected."""

import datetime
import decimal
import enum
import fractions
import math
import traceback
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sklearn
import torch
from hypothesis import given, settings, strategies as st
from sklearn.base import clone

import sktextconv
from sktextconv.utils._labels import check_labels

from ..classifiers import NETWORKS
from ..conftest import attempt

TEXTS = ["good fine abc", "xxzz yyqq abc", "good fine def", "xxzz yyqq def"] * 4
OWN_FILES = tuple(
    str(Path(package.__file__).parent) for package in (sktextconv, sklearn)
)


def tiny():
    """Return a network that can memorize the two classes of TEXTS."""
    return clone(NETWORKS["kimcnn"]).set_params(
        max_epochs=15, learning_rate=0.02, dropout=0.0, embedding_dropout=0.0
    )


def innermost(error):
    """Return the file in which an error was raised."""
    return traceback.extract_tb(error.__traceback__)[-1].filename


# -- any labels ---------------------------------------------------------------------

NUMBERS = st.one_of(
    st.integers(), st.integers(-3, 3), st.booleans(), st.sampled_from([2**53, 2.0**53])
)
# The small alphabet makes words that differ only by a NUL likely.
WORDS = st.text(st.sampled_from("a\0é\ud800 "), max_size=3)
OTHERS = st.one_of(
    st.none(),
    st.floats(),
    st.binary(max_size=2),
    st.tuples(st.integers(0, 1), st.integers(0, 1)),
    st.dates(),
    st.decimals(),
    st.fractions(),
    st.complex_numbers(),
)
LABELS = st.one_of(NUMBERS, WORDS, OTHERS)


def same(label, given):
    """Return whether two labels are equal: 1 equals True and 1.0, but not "1"."""
    return isinstance(label, str) == isinstance(given, str) and label == given


@settings(max_examples=500)
@given(labels=st.lists(LABELS, min_size=1) | st.lists(NUMBERS) | st.lists(WORDS))
def test_check_labels_exact_or_error(labels):
    """The array holds each label exactly as given, or an error is raised."""
    array, error = attempt(check_labels, labels)
    if error:
        assert isinstance(error, (TypeError, ValueError))
        assert innermost(error).startswith(OWN_FILES)
        kinds = {type(label) for label in labels}
        assert kinds != {str}
        assert not (kinds <= {int, bool} and max(map(abs, labels)) < 2**63)
    else:
        assert array.shape == (len(labels),)
        assert all(map(same, array.tolist(), labels))


def pair(one, other):
    return [one, other] * 8


class Kind(enum.StrEnum):
    ONE, OTHER = "a", "b"


SIMILAR = {
    "NULs at the end": pair("a\0", "a"),
    "NULs alone": pair("\0", ""),
    "NULs in str of NumPy": pair(np.str_("a\0"), np.str_("a")),
    "NULs in a column of polars": pl.Series(pair("a\0", "a")),
    "NULs in a column of pyarrow": pa.array(pair("a\0", "a")),
    "white space at the end": pair("a ", "a"),
    "two spellings of é": pair("é", "e\u0301"),
    "halves of an emoji": pair("\ud83d", "\ude00"),
    "100,000 characters": pair("a" * 100_000, "a" * 99_999),
    "StringDType": np.array(pair("p", "q"), dtype=np.dtypes.StringDType()),
    "StrEnum": pair(Kind.ONE, Kind.OTHER),
    "ints of 64 bits": pair(2**63 - 1, 2**63 - 2),
    "unsigned ints": pair(2**64 - 1, 2**64 - 2),
    "ints beside equal floats": pair(1, 2.0),
    "ints beside bools": pair(True, 0),
    "big-endian": np.array(pair(1, 2), dtype=">i8"),
    "dates of NumPy": np.array(pair("2020-01-01", "2021-01-01"), dtype="M8[D]"),
    "records": np.array(pair((1, "a"), (1, "b")), dtype=[("x", int), ("y", "U1")]),
    "every second": np.repeat(pair(3, 4), 2)[::2],
    "bytes as a view": memoryview(bytes(pair(1, 2))),
    "a tensor": torch.tensor(pair(5, 7)),
}


@pytest.mark.parametrize("kind", SIMILAR)
def test_fit_similar_labels(kind):
    """Two classes with similar labels are predicted exactly as given."""
    y = SIMILAR[kind]
    classifier = tiny().fit(TEXTS, y)
    expected = y.tolist() if hasattr(y, "tolist") else [*y]
    expected = y.to_pylist() if isinstance(y, pa.Array) else expected
    assert len(classifier.classes_) == 2
    assert all(map(same, classifier.predict(TEXTS).tolist(), expected))


class Plain(enum.Enum):
    ONE = 1


MISSING = r"Input y contains NaN or None \(first at index 2\)"
INVALID = {
    "int beside str": (["a", 1], "got int at index 1.*list\\(map\\(str, y\\)\\)"),
    "int beside its str": (["1", 1], "got int at index 1"),
    "bytes beside str": (["a", b"a"], "got bytes at index 1"),
    "bytes": ([b"a", b"b"], "got bytes_ at index 0. Decode them"),
    "ints too large": ([2**64, 1], "numbers of 64 bits, got int at index 0"),
    "ints that floats round": ([2**63 + 1, -1], "got 9223372036854775809 beside flo"),
    "large ints beside floats": ([0.0, 2**53 + 1], "9007199254740993 beside floats"),
    "None": (["a", "b", None], MISSING),
    "NaN beside str": (["a", "b", math.nan], "got float at index 2|" + MISSING),
    "NaN in objects": (np.array(["a", "b", math.nan], dtype=object), MISSING),
    "NA": (pd.array(["a", "b", pd.NA], dtype="string"), MISSING),
    "null": (pa.array(["a", "b", None]), MISSING),
    "null of polars": (pl.Series(["a", "b", None]), MISSING),
    "NaT": (np.array(["2020", "2021", "NaT"], dtype="M8[D]"), MISSING),
    "masked": (np.ma.array([1, 2, 1], mask=[0, 0, 1]), MISSING),
    "NaN": ([0.0, 1.0, math.nan], "Input y contains NaN"),
    "infinity": ([0.0, 1.0, math.inf], "Input y contains infinity"),
    "complex": ([1j, 2j], "Complex data not supported"),
    "tuples": ([(1, 2), (3, 4)], r"one label for each text: .*shape \(2, 2\)"),
    "tuples of other lengths": ([(1,), (3, 4)], "one label for each text: "),
    "sets": ([{1}, {2}], "got set at index 0"),
    "dates": ([datetime.date(2020, 1, 1)] * 2, "got date at index 0"),
    "Decimal": ([decimal.Decimal(1)] * 2, "got Decimal at index 0"),
    "Fraction": ([fractions.Fraction(1, 2)] * 2, "got Fraction at index 0"),
    "Enum": ([Plain.ONE] * 2, "got Plain at index 0"),
    "functions": ([len, abs], "got builtin_function_or_method at index 0"),
    "a str": ("abab", r"one label for each text: .*shape \(\)"),
    "a dict": ({0: 1, 1: 2}, r"one label for each text: .*shape \(\)"),
    "a generator": ((label for label in "ab"), r"for each text: .*shape \(\)"),
    "a tensor in training": (torch.ones(2, requires_grad=True), "each text: .*grad"),
}


@pytest.mark.parametrize("kind", INVALID)
@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_fit_invalid_labels(kind, call):
    y, message = INVALID[kind]
    kwargs = {} if call == "fit" else {"classes": [0, 1]}
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        getattr(tiny(), call)(
            TEXTS[: len(y) if hasattr(y, "__len__") else 2], y, **kwargs
        )
    assert innermost(caught.value).startswith(OWN_FILES)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (["a", 1], "expected classes to be all str or all numbers .* int at index 1"),
        ([1, 2**63 + 1, -1], "expected classes to be all str or all numbers"),
        (["a", None], "Input classes contains NaN or None"),
        ([0.0, math.nan], "Input classes contains NaN"),
        ([], "needs at least 2 classes, but classes holds none"),
        ("ab", "Expected classes to hold one label for each"),
        ({"a", "b"}, "Expected classes to hold one label for each"),
    ],
)
def test_partial_fit_invalid_classes(classes, message):
    with pytest.raises((TypeError, ValueError), match=message):
        tiny().partial_fit(TEXTS[:2], ["a", "b"], classes=classes)


def test_partial_fit_classes_differing_by_nul():
    classifier = tiny().partial_fit(TEXTS[:2], ["a", "a\0"], classes=["a\0", "a"])
    assert classifier.classes_.tolist() == ["a", "a\0"]


@pytest.mark.parametrize(("classes", "y"), [(["1", "2"], [1, 2]), ([1, 2], ["1", "2"])])
def test_partial_fit_numbers_are_not_strings(classes, y):
    with pytest.raises(ValueError, match="`y` has classes not in `self"):
        tiny().partial_fit(TEXTS[:2], y, classes=classes)


# -- weights --------------------------------------------------------------------------

ALL = len(TEXTS)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1e308] * ALL, "must sum to a number from 1e-38 to 3e\\+38"),
        ([1e39] + [1] * (ALL - 1), "must sum to a number from 1e-38 to 3e\\+38"),
        ([1e-320] * ALL, "must sum to a number from 1e-38 to 3e\\+38"),
        ([10**400] * ALL, "sample_weight to hold a number for each text.*too large"),
        (torch.ones(ALL, requires_grad=True), "sample_weight to hold .*grad"),
        ([math.nan] * ALL, "Input sample_weight contains NaN"),
        (["a"] * ALL, "could not convert string to float: 'a'"),
        ([-1] * ALL, "Negative values in data passed to `sample_weight`"),
    ],
)
@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_fit_invalid_sample_weights(weights, message, call):
    kwargs = {} if call == "fit" else {"classes": [0, 1]}
    with pytest.raises(ValueError, match=message) as caught:
        getattr(tiny(), call)(TEXTS, pair(0, 1), sample_weight=weights, **kwargs)
    assert innermost(caught.value).startswith(OWN_FILES)


@pytest.mark.parametrize(
    "weight", [-1, math.nan, math.inf, None, "2", 10**400, 1j, [1.0], True]
)
def test_class_weight_invalid_value(weight):
    classifier = tiny().set_params(class_weight={0: weight, 1: 1.0})
    message = r"'class_weight' parameter of KimCNNClassifier must hold a float in the r"
    with pytest.raises(ValueError, match=message):
        classifier.fit(TEXTS, pair(0, 1))


def test_class_weight_overflow():
    classifier = tiny().set_params(class_weight={0: 1e308, 1: 1e308})
    with pytest.raises(ValueError, match="also after they are multiplied by class_wei"):
        classifier.fit(TEXTS, pair(0, 1))
