"""Promises about texts: what holds them, which there are, and what is none."""

import importlib
import sys
from unittest import SkipTest

import numpy as np
import scipy.sparse

from ._check import LENIENT_ERRORS, check, require, require_raises
from ._fixtures import corpus, require_finite, scores

ONE_LIST = "Turn whatever holds the texts into one list of str before anything else."
LOOK = "Look at the texts before they are used, in fit and in predict."
MIND = "Mind lengths and variances of 0, and never encode texts strictly."

CONTAINERS = {
    "a tuple": tuple,
    "an array of str": np.array,
    "an array of objects": lambda texts: np.array(texts, dtype=object),
    "a strided array": lambda texts: np.repeat(np.array(texts, dtype=object), 2)[::2],
    "an array of StringDType": lambda t: np.array(t, dtype=np.dtypes.StringDType()),
    "a list of np.str_": lambda texts: [np.str_(text) for text in texts],
}


@check(
    ONE_LIST,
    replaces="check_estimators_dtypes check_dtype_object "
    "check_f_contiguous_array_estimator check_classifier_data_not_an_array",
)
def check_containers(under_test):
    """Tuples and NumPy arrays of any kind of str give the scores of the list."""
    _check_containers(under_test, CONTAINERS)


@check(ONE_LIST, needs="repeatable", replaces="check_classifier_data_not_an_array")
def check_pandas_texts(under_test):
    """A Series or Index of pandas, of any type of str, gives the scores of the list."""
    pd = import_or_skip("pandas")
    kinds = {
        "Series": lambda texts: pd.Series(texts, index=[7] * len(texts)),
        "Series of objects": lambda texts: pd.Series(texts, dtype=object),
        "Series of string": lambda texts: pd.Series(texts, dtype="string"),
        "Series of categories": lambda texts: pd.Series(texts, dtype="category"),
        "Index": pd.Index,
    }
    _check_containers(under_test, kinds, fit="Series")


@check(ONE_LIST, needs="repeatable", replaces="check_classifier_data_not_an_array")
def check_polars_texts(under_test):
    """A Series of polars gives the scores of the list."""
    pl = import_or_skip("polars")
    _check_containers(under_test, {"polars.Series": pl.Series}, fit="polars.Series")


@check(ONE_LIST, needs="repeatable", strict=True)
def check_pyarrow_texts(under_test):
    """An array of pyarrow, in one chunk or several, gives the scores of the list."""
    pa = import_or_skip("pyarrow")
    kinds = {
        "pyarrow.Array": pa.array,
        "ChunkedArray": lambda texts: pa.chunked_array([texts[:5], texts[5:]]),
    }
    _check_containers(under_test, kinds, fit="ChunkedArray")


def import_or_skip(package):
    """Return a package, or skip the check with the reason."""
    if module := _import_or_none(package):
        return module
    raise SkipTest(f"{package} is not installed")


def _import_or_none(package):
    try:
        return importlib.import_module(package)
    except ImportError:
        return None


def _check_containers(under_test, kinds, fit=None):
    texts, labels = corpus()
    expected = scores(under_test.fitted(), texts)
    for kind, make in kinds.items():
        actual = scores(under_test.fitted(), make(texts))
        under_test.require_equal(actual, expected, f"for {kind} the scores of the list")
    if fit:
        estimator = under_test.fit(kinds[fit](texts), labels)
        under_test.require_same(estimator, f"from {fit} the model of the list")


@check(MIND)
def check_any_str_is_a_text(under_test):
    """Each str is a text: empty, very long, and with any character."""
    texts, labels = corpus()
    odd = ["", " \t\n", "a\0", "\x1b[0m", "\ud800", "😀😀", "שלום", "İ", "x" * 100_000]
    estimator = under_test.fit(texts + odd, [*labels, *labels[: len(odd)]])
    require_finite(scores(estimator, odd), "odd texts")


@check(MIND)
def check_unknown_texts(under_test):
    """Texts of which nothing was seen in training have finite scores."""
    require_finite(scores(under_test.fitted(), ["", "@@", "ωω ψψ"]), "unknown texts")


@check(MIND, replaces="check_estimators_empty_data_messages")
def check_empty_texts_alone(under_test):
    """A corpus of empty texts fits, or is refused as an empty vocabulary."""
    estimator = under_test.new()
    try:
        estimator.fit(["", "", "", ""], ["a", "b", "a", "b"])
    except ValueError as error:
        known = "empty vocabulary" in str(error)
        require(known, "a model, or ValueError with 'empty vocabulary'", error)
    else:
        require_finite(scores(estimator, [""]), "an empty text")


@check(MIND, strict=True)
def check_few_texts(under_test):
    """Two texts fit, and three: a class may have a single text."""
    texts, _ = corpus()
    for labels in (["a", "b"], ["a", "b", "b"]):
        estimator = under_test.fit(texts[-len(labels) :], labels)
        require_finite(scores(estimator, texts), f"a model of {len(labels)} texts")


@check(MIND, replaces="check_fit2d_1feature")
def check_identical_texts(under_test):
    """Texts that are all the same fit."""
    estimator = under_test.fit(["good fine"] * 12, ["a", "b"] * 6)
    require_finite(scores(estimator, ["good fine"]), "texts that are all the same")


# -- what is no text ------------------------------------------------------------

SEQUENCE = "sequence|array-like"
FLAT = "1D|1-D|one-dim"


@check(LOOK, replaces="check_fit1d check_fit2d_predict1d")
def check_rejects_a_single_text(under_test):
    """One str in place of a sequence of texts is refused."""
    _refuses(under_test, "a single str", "one text too few", ValueError, "text|string")


@check(LOOK, replaces="check_estimators_nan_inf")
def check_rejects_missing_texts(under_test):
    """None and NaN among the texts are refused."""
    missing = [None, np.nan]
    if under_test.strict and (pd := _import_or_none("pandas")):
        missing += [pd.NA, pd.NaT]
    for value in missing:
        X = ["some text", "another text", value, "a third text"]
        _refuses(
            under_test, f"{value} at index 2", X, ValueError, "(nan|none|missing).*2"
        )


@check(LOOK, replaces="check_complex_data check_dtype_object")
def check_rejects_items_that_are_not_str(under_test):
    """Numbers, lists and dicts among the texts are refused."""
    items = [3, 0.5, 1j, ["a"], {"a": 1}]
    for item in items + [b"a text", True] * under_test.strict:
        kind = type(item).__name__
        X = ["some text", item, "another text", "a third text"]
        _refuses(under_test, f"{item!r} at index 1", X, TypeError, f"{kind}.*1")


@check(
    LOOK,
    replaces="check_estimator_sparse_tag check_estimator_sparse_array "
    "check_estimator_sparse_matrix",
)
def check_rejects_tables(under_test):
    """Columns, data frames and sparse matrices are refused, in `fit` at least."""
    texts, _ = corpus()
    sparse = scipy.sparse.eye(4, format="csr")
    column, phases = np.array(texts, dtype=object)[:, None], _phases(under_test)
    _refuses(under_test, "a sparse matrix", sparse, TypeError, SEQUENCE, phases)
    _refuses(under_test, "an array of one column", column, ValueError, FLAT, phases)
    for library in ("pandas", "polars"):
        if module := _import_or_none(library):
            frame = module.DataFrame({"text": texts})
            what = f"a DataFrame of {library}"
            _refuses(under_test, what, frame, ValueError, FLAT, phases)


@check(LOOK)
def check_rejects_non_sequences(under_test):
    """None, a number and an array without dimensions are refused."""
    for X in (None, 5, np.array("a text")):
        _refuses(under_test, f"X={X!r}", X, TypeError, SEQUENCE)


@check("Take sequences, which have an order and can be read twice.", strict=True)
def check_rejects_other_iterables(under_test):
    """Dicts, sets, generators, bytes and tensors are refused."""
    kinds = {
        "a dict": dict.fromkeys("abcd", 1),
        "a set": set("abcd"),
        "a generator": (text for text in "abcd"),
    }
    for what, X in kinds.items():
        _refuses(under_test, what, X, TypeError, SEQUENCE)
    for X in (b"abcd", bytearray(b"abcd")):
        _refuses(under_test, repr(X), X, ValueError, "text|string")
    if torch := sys.modules.get("torch"):
        _refuses(under_test, "a tensor", torch.arange(4), TypeError, "str")


@check(LOOK, replaces="check_estimators_empty_data_messages")
def check_rejects_an_empty_list(under_test):
    """No text at all is refused."""
    _refuses(under_test, "an empty list", [], ValueError, "0 sample|at least one")


def _phases(under_test):
    # Whoever iterates over a DataFrame takes the names of its columns for texts: fit
    # finds too few of them, predict cannot.
    return ("fit", "predict") if under_test.strict else ("fit",)


def _refuses(under_test, what, X, error, match, phases=("fit", "predict")):
    """Require that X is refused; unless it is strict, anyhow and in any words."""
    errors = (error,) if under_test.strict else LENIENT_ERRORS
    match = match if under_test.strict else ""
    try:
        n_texts = len(X)
    except TypeError:  # it has no length, or is sparse
        n_texts = 4
    if "fit" in phases:
        with require_raises(f"{what} in fit", errors, match):
            under_test.new().fit(X, ["a", "b"] * (n_texts // 2))
    if "predict" in phases:
        with require_raises(f"{what} in predict", errors, match):
            under_test.fitted().predict(X)
