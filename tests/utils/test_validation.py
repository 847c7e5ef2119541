"""Validation of texts."""

import collections

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
import torch

from sktextconv.utils.validation import check_texts


def test_check_texts_does_not_copy_list():
    texts = ["a", ""]
    assert check_texts(texts, required_by="Test") is texts


def test_check_texts_keeps_nuls_and_surrogates():
    texts = ("a\0", "\0", "\udcff")
    assert check_texts(texts, required_by="Test") == list(texts)


def test_check_texts_other_sequences():
    texts = collections.UserList(["a", "b"])
    assert check_texts(texts, required_by="Test") == ["a", "b"]
    assert check_texts(collections.deque("ab"), required_by="Test") == ["a", "b"]


INVALID = {
    "str": ("one text", ValueError, "Iterable over raw text documents expected"),
    "bytes": (b"one", ValueError, "Iterable over raw text documents expected"),
    "None inside": (["a", "b", None], ValueError, r"NaN or None \(first at index 2\)"),
    "NaN inside": (["a", np.nan], ValueError, "Use '' for an empty document"),
    "NA inside": (["a", pd.NA], ValueError, r"NaN or None \(first at index 1\)"),
    "NaT inside": (["a", pd.NaT], ValueError, r"NaN or None \(first at index 1\)"),
    "null": (pa.array(["a", None]), ValueError, r"NaN or None \(first at index 1\)"),
    "bytes inside": ([b"a"], TypeError, "got bytes at index 0; decode the documents"),
    "int inside": (["a", 3], TypeError, "X must contain only str, got int at index 1"),
    "list inside": ([["a"]], TypeError, "X must contain only str, got list at index 0"),
    "tensor": (
        torch.arange(3),
        TypeError,
        "X must contain only str, got int at index 0",
    ),
    "2-D": (np.array([["a"], ["b"]]), ValueError, r"got 2D array of shape \(2, 1\)"),
    "DataFrame": (pd.DataFrame({"t": ["a"]}), ValueError, "Expected a 1D array-like"),
    "polars frame": (
        pl.DataFrame({"t": ["a"]}),
        ValueError,
        "Expected a 1D array-like",
    ),
    "0-d": (np.array("a"), TypeError, "Expected sequence or array-like"),
    "dict": (
        {"a": 1},
        TypeError,
        "Expected sequence or array-like, got <class 'dict'>",
    ),
    "set": ({"a"}, TypeError, "Expected sequence or array-like, got <class 'set'>"),
    "None": (None, TypeError, "Expected sequence or array-like"),
    "int": (5, TypeError, "Expected sequence or array-like, got <class 'int'>"),
    "sparse": (scipy.sparse.eye(2, format="csr"), TypeError, "Expected sequence or"),
    "generator": ((t for t in "ab"), TypeError, "got <class 'generator'>"),
    "empty": ([], ValueError, r"Found array with 0 sample\(s\) \(shape=\(0,\)\)"),
}


@pytest.mark.parametrize("kind", INVALID)
def test_check_texts_invalid_input(kind):
    X, error, message = INVALID[kind]
    with pytest.raises(error, match=message):
        check_texts(X, required_by="Test")


COUNTS = scipy.sparse.csr_array(np.eye(3, 2))
NO_VECTORIZER = (
    "RNNClassifier takes the texts themselves, without a vectorizer before it: in a "
    "pipeline, write make_pipeline(RNNClassifier())."
)
IN_ORDER = "Pass a list of texts, in the order of their labels."
AS_LIST = "Pass list(...) of it, since texts are read more than once."
HINTS = {
    "str": (
        "so good",
        "Iterable over raw text documents expected, string object received. Pass a "
        "list of texts; for a single one, [text].",
    ),
    "sparse matrix": (
        COUNTS,
        "Expected sequence or array-like, got <class 'scipy.sparse._csr.csr_array'>. "
        + NO_VECTORIZER,
    ),
    "dense matrix": (
        COUNTS.toarray(),
        "Expected a 1D array-like of str, got 2D array of shape (3, 2) instead. "
        + NO_VECTORIZER,
    ),
    "column": (
        np.array([["a"], ["b"]]),
        "Expected a 1D array-like of str, got 2D array of shape (2, 1) instead. Pass "
        "one column of texts, for example X[:, 0] or df['text'].",
    ),
    **{
        name: (X, f"Expected sequence or array-like, got <class '{name}'>. {hint}")
        for name, X, hint in (
            ("generator", (text for text in "ab"), AS_LIST),
            ("map", map(str, [1, 2]), AS_LIST),
            ("dict_values", {1: "a"}.values(), AS_LIST),
            ("set", {"a"}, IN_ORDER),
            ("dict", {1: "a"}, IN_ORDER),
        )
    },
    "0-d": (
        np.array("a"),
        "Expected sequence or array-like, got <class 'numpy.ndarray'>",
    ),
}


@pytest.mark.parametrize("kind", HINTS)
def test_check_texts_hint(kind):
    """The error says what to pass instead."""
    X, message = HINTS[kind]
    with pytest.raises((TypeError, ValueError)) as caught:
        check_texts(X, required_by="RNNClassifier")
    assert str(caught.value) == message


@pytest.mark.parametrize("X", [range(2), [1.5], [True], [{}], [("a",)]])
def test_check_texts_names_type_and_index(X):
    name = type(X[0]).__name__
    with pytest.raises(TypeError, match=f"got {name} at index 0"):
        check_texts(X, required_by="Test")


def test_check_texts_type_is_no_sequence():
    with pytest.raises(TypeError, match="Expected sequence or array-like"):
        check_texts(list, required_by="Test")


def test_check_texts_empty_names_estimator():
    with pytest.raises(ValueError, match="minimum of 1 is required by Test"):
        check_texts(np.array([], dtype=object), required_by="Test")
