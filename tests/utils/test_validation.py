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
