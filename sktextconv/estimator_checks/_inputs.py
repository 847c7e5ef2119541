"""Checks of texts: containers, unusual texts, and invalid inputs."""

import importlib
import sys
from unittest import SkipTest

import numpy as np
import scipy.sparse

from ._check import LENIENT_ERRORS, check, require, require_raises
from ._fixtures import corpus, require_finite, scores

TO_LIST = "First convert any container of texts to a list of str."
VALIDATE = "Validate the texts in fit and in predict before using them."
ROBUST = "Handle lengths and variances of 0, and encode with errors='surrogatepass'."

CONTAINERS = {
    "a tuple": tuple,
    "an array of str": np.array,
    "an array of objects": lambda texts: np.array(texts, dtype=object),
    "a strided array": lambda texts: np.repeat(np.array(texts, dtype=object), 2)[::2],
    "an array of StringDType": lambda t: np.array(t, dtype=np.dtypes.StringDType()),
    "a list of np.str_": lambda texts: [np.str_(text) for text in texts],
}


@check(
    TO_LIST,
    replaces="check_estimators_dtypes check_dtype_object "
    "check_f_contiguous_array_estimator check_classifier_data_not_an_array",
)
def check_containers(under_test):
    """Tuples and NumPy arrays of texts give the same scores as a list."""
    _check_containers(under_test, CONTAINERS)


@check(TO_LIST, needs="repeatable", replaces="check_classifier_data_not_an_array")
def check_pandas_texts(under_test):
    """A pandas Series or Index of texts, of any dtype, gives the scores of a list."""
    pd = import_or_skip("pandas")
    containers = {
        "Series": lambda texts: pd.Series(texts, index=[7] * len(texts)),
        "Series of objects": lambda texts: pd.Series(texts, dtype=object),
        "Series of string": lambda texts: pd.Series(texts, dtype="string"),
        "Series of categories": lambda texts: pd.Series(texts, dtype="category"),
        "Index": pd.Index,
    }
    _check_containers(under_test, containers, fit="Series")


@check(TO_LIST, needs="repeatable", replaces="check_classifier_data_not_an_array")
def check_polars_texts(under_test):
    """A polars Series of texts gives the same scores as a list."""
    pl = import_or_skip("polars")
    _check_containers(under_test, {"polars.Series": pl.Series}, fit="polars.Series")


@check(TO_LIST, needs="repeatable", strict=True)
def check_pyarrow_texts(under_test):
    """A pyarrow array of texts, chunked or not, gives the same scores as a list."""
    pa = import_or_skip("pyarrow")
    containers = {
        "pyarrow.Array": pa.array,
        "ChunkedArray": lambda texts: pa.chunked_array([texts[:5], texts[5:]]),
    }
    _check_containers(under_test, containers, fit="ChunkedArray")


def import_or_skip(package):
    """Return the imported package, or raise `SkipTest` if it is not installed."""
    if module := _import_or_none(package):
        return module
    raise SkipTest(f"{package} is not installed")


def _import_or_none(package):
    try:
        return importlib.import_module(package)
    except ImportError:
        return None


def _check_containers(under_test, containers, fit=None):
    """Require the scores of the list for each container; `fit` names one to fit to."""
    texts, labels = corpus()
    expected = scores(under_test.fitted(), texts)
    for name, make in containers.items():
        actual = scores(under_test.fitted(), make(texts))
        under_test.require_equal(actual, expected, f"for {name} the scores of the list")
    if fit:
        estimator = under_test.fit(containers[fit](texts), labels)
        under_test.require_same(estimator, f"from {fit} the model of the list")


@check(ROBUST)
def check_any_str_is_a_text(under_test):
    """`fit` and `predict` accept empty and very long texts and any character."""
    texts, labels = corpus()
    odd = ["", " \t\n", "a\0", "\x1b[0m", "\ud800", "😀😀", "שלום", "İ", "x" * 100_000]
    estimator = under_test.fit(texts + odd, [*labels, *labels[: len(odd)]])
    require_finite(scores(estimator, odd), "odd texts")


@check(ROBUST)
def check_unknown_texts(under_test):
    """Texts without a known word or character have finite scores."""
    require_finite(scores(under_test.fitted(), ["", "@@", "ωω ψψ"]), "unknown texts")


@check(ROBUST, replaces="check_estimators_empty_data_messages")
def check_empty_texts_alone(under_test):
    """`fit` accepts a corpus of empty texts, or reports an empty vocabulary."""
    estimator = under_test.new()
    try:
        estimator.fit(["", "", "", ""], ["a", "b", "a", "b"])
    except ValueError as error:
        is_explained = "empty vocabulary" in str(error)
        require(is_explained, "a model, or ValueError with 'empty vocabulary'", error)
    else:
        require_finite(scores(estimator, [""]), "an empty text")


@check(ROBUST, strict=True)
def check_few_texts(under_test):
    """`fit` accepts two or three texts, and classes with a single text."""
    texts, _ = corpus()
    for labels in (["a", "b"], ["a", "b", "b"]):
        estimator = under_test.fit(texts[-len(labels) :], labels)
        require_finite(scores(estimator, texts), f"a model of {len(labels)} texts")


@check(ROBUST, replaces="check_fit2d_1feature")
def check_identical_texts(under_test):
    """`fit` accepts a corpus of identical texts."""
    estimator = under_test.fit(["good fine"] * 12, ["a", "b"] * 6)
    require_finite(scores(estimator, ["good fine"]), "texts that are all the same")


# -- Invalid inputs -------------------------------------------------------------

# Patterns that messages about a wrong container must match in strict checks.
SEQUENCE = "sequence|array-like"
FLAT = "1D|1-D|one-dim"


@check(VALIDATE, replaces="check_fit1d check_fit2d_predict1d")
def check_rejects_a_single_text(under_test):
    """`fit` and `predict` raise an error for a str instead of a list of texts."""
    _check_rejects(
        under_test, "a single str", "one text too few", ValueError, "text|string"
    )


@check(VALIDATE, replaces="check_estimators_nan_inf")
def check_rejects_missing_texts(under_test):
    """`fit` and `predict` raise an error for None or NaN among the texts."""
    missing = [None, np.nan]
    if under_test.strict and (pd := _import_or_none("pandas")):
        missing += [pd.NA, pd.NaT]
    match = "(nan|none|missing).*2"
    for value in missing:
        X = ["some text", "another text", value, "a third text"]
        _check_rejects(under_test, f"{value} at index 2", X, ValueError, match)


@check(VALIDATE, replaces="check_complex_data check_dtype_object")
def check_rejects_items_that_are_not_str(under_test):
    """`fit` and `predict` raise an error for items that are not str."""
    items = [3, 0.5, 1j, ["a"], {"a": 1}]
    for item in items + [b"a text", True] * under_test.strict:
        X = ["some text", item, "another text", "a third text"]
        match = f"{type(item).__name__}.*1"
        _check_rejects(under_test, f"{item!r} at index 1", X, TypeError, match)


@check(
    VALIDATE,
    replaces="check_estimator_sparse_tag check_estimator_sparse_array "
    "check_estimator_sparse_matrix",
)
def check_rejects_tables(under_test):
    """`fit` raises an error for 2D arrays, data frames and sparse matrices."""
    texts, _ = corpus()
    sparse = scipy.sparse.eye(4, format="csr")
    column = np.array(texts, dtype=object)[:, None]
    # An estimator that iterates over a DataFrame gets the names of its columns: fit
    # finds fewer texts than labels, but predict cannot detect the mistake.
    methods = ("fit", "predict") if under_test.strict else ("fit",)
    _check_rejects(under_test, "a sparse matrix", sparse, TypeError, SEQUENCE, methods)
    _check_rejects(
        under_test, "an array of one column", column, ValueError, FLAT, methods
    )
    for library in ("pandas", "polars"):
        if module := _import_or_none(library):
            frame = module.DataFrame({"text": texts})
            case = f"a DataFrame of {library}"
            _check_rejects(under_test, case, frame, ValueError, FLAT, methods)


@check(VALIDATE)
def check_rejects_non_sequences(under_test):
    """`fit` and `predict` raise an error for None, a number or a 0D array."""
    for X in (None, 5, np.array("a text")):
        _check_rejects(under_test, f"X={X!r}", X, TypeError, SEQUENCE)


@check("Accept only sequences: ordered, and readable more than once.", strict=True)
def check_rejects_other_iterables(under_test):
    """`fit` and `predict` raise an error for dicts, sets, generators and bytes."""
    iterables = {
        "a dict": dict.fromkeys("abcd", 1),
        "a set": set("abcd"),
        "a generator": (text for text in "abcd"),
    }
    for case, X in iterables.items():
        _check_rejects(under_test, case, X, TypeError, SEQUENCE)
    for X in (b"abcd", bytearray(b"abcd")):
        _check_rejects(under_test, repr(X), X, ValueError, "text|string")
    if torch := sys.modules.get("torch"):
        _check_rejects(under_test, "a tensor", torch.arange(4), TypeError, "str")


@check(VALIDATE, replaces="check_estimators_empty_data_messages")
def check_rejects_an_empty_list(under_test):
    """`fit` and `predict` raise an error for an empty list of texts."""
    _check_rejects(under_test, "an empty list", [], ValueError, "0 sample|at least one")


def _check_rejects(under_test, case, X, error, match, methods=("fit", "predict")):
    """Require an error for `X` in each of the methods.

    Strict checks require the type `error` and a message that matches; lenient checks
    accept any of `LENIENT_ERRORS` with any message.
    """
    errors = (error,) if under_test.strict else LENIENT_ERRORS
    match = match if under_test.strict else ""
    try:
        n_texts = len(X)
    except TypeError:
        # Numbers, generators and sparse matrices have no length.
        n_texts = 4
    if "fit" in methods:
        with require_raises(f"{case} in fit", errors, match):
            under_test.new().fit(X, ["a", "b"] * (n_texts // 2))
    if "predict" in methods:
        with require_raises(f"{case} in predict", errors, match):
            under_test.fitted().predict(X)
