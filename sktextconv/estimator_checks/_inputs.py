"""Promises about texts: what holds them, which there are, and what is none."""

import importlib
import sys
from unittest import SkipTest

import numpy as np
import scipy.sparse

from ._check import ANY_REFUSAL, promise, refused, require
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


@promise(
    ONE_LIST,
    stands_for="check_estimators_dtypes check_dtype_object "
    "check_f_contiguous_array_estimator check_classifier_data_not_an_array",
)
def check_containers(subject):
    """Tuples and NumPy arrays of any kind of str give the scores of the list."""
    _check_containers(subject, CONTAINERS)


@promise(ONE_LIST, needs="repeatable", stands_for="check_classifier_data_not_an_array")
def check_pandas_texts(subject):
    """A Series or Index of pandas, of any type of str, gives the scores of the list."""
    pd = import_or_skip("pandas")
    kinds = {
        "Series": lambda texts: pd.Series(texts, index=[7] * len(texts)),
        "Series of objects": lambda texts: pd.Series(texts, dtype=object),
        "Series of string": lambda texts: pd.Series(texts, dtype="string"),
        "Series of categories": lambda texts: pd.Series(texts, dtype="category"),
        "Index": pd.Index,
    }
    _check_containers(subject, kinds, fit="Series")


@promise(ONE_LIST, needs="repeatable", stands_for="check_classifier_data_not_an_array")
def check_polars_texts(subject):
    """A Series of polars gives the scores of the list."""
    pl = import_or_skip("polars")
    _check_containers(subject, {"polars.Series": pl.Series}, fit="polars.Series")


@promise(ONE_LIST, needs="repeatable", strict=True)
def check_pyarrow_texts(subject):
    """An array of pyarrow, in one chunk or several, gives the scores of the list."""
    pa = import_or_skip("pyarrow")
    kinds = {
        "pyarrow.Array": pa.array,
        "ChunkedArray": lambda texts: pa.chunked_array([texts[:5], texts[5:]]),
    }
    _check_containers(subject, kinds, fit="ChunkedArray")


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


def _check_containers(subject, kinds, fit=None):
    texts, labels = corpus()
    expected = scores(subject.fitted(), texts)
    for kind, make in kinds.items():
        actual = scores(subject.fitted(), make(texts))
        subject.require_equal(actual, expected, f"for {kind} the scores of the list")
    if fit:
        estimator = subject.fit(kinds[fit](texts), labels)
        subject.require_same(estimator, f"from {fit} the model of the list")


@promise(MIND)
def check_any_str_is_a_text(subject):
    """Each str is a text: empty, very long, and with any character."""
    texts, labels = corpus()
    odd = ["", " \t\n", "a\0", "\x1b[0m", "\ud800", "😀😀", "שלום", "İ", "x" * 100_000]
    estimator = subject.fit(texts + odd, [*labels, *labels[: len(odd)]])
    require_finite(scores(estimator, odd), "odd texts")


@promise(MIND)
def check_texts_of_which_nothing_is_known(subject):
    """Texts of which nothing was seen in training have finite scores."""
    require_finite(scores(subject.fitted(), ["", "@@", "ωω ψψ"]), "unknown texts")


@promise(MIND, stands_for="check_estimators_empty_data_messages")
def check_empty_texts_alone(subject):
    """A corpus of empty texts fits, or is refused as an empty vocabulary."""
    estimator = subject.new()
    try:
        estimator.fit(["", "", "", ""], ["a", "b", "a", "b"])
    except ValueError as error:
        known = "empty vocabulary" in str(error)
        require(known, "a model, or ValueError with 'empty vocabulary'", error)
    else:
        require_finite(scores(estimator, [""]), "an empty text")


@promise(MIND, strict=True)
def check_few_texts(subject):
    """Two texts fit, and three: a class may have a single text."""
    texts, _ = corpus()
    for labels in (["a", "b"], ["a", "b", "b"]):
        estimator = subject.fit(texts[-len(labels) :], labels)
        require_finite(scores(estimator, texts), f"a model of {len(labels)} texts")


@promise(MIND, stands_for="check_fit2d_1feature")
def check_texts_all_alike(subject):
    """Texts that are all the same fit."""
    estimator = subject.fit(["good fine"] * 12, ["a", "b"] * 6)
    require_finite(scores(estimator, ["good fine"]), "texts that are all the same")


# -- what is no text ------------------------------------------------------------

SEQUENCE = "sequence|array-like"
FLAT = "1D|1-D|one-dim"


@promise(LOOK, stands_for="check_fit1d check_fit2d_predict1d")
def check_refuses_a_single_text(subject):
    """One str in place of a sequence of texts is refused."""
    _refuses(subject, "a single str", "one text too few", ValueError, "text|string")


@promise(LOOK, stands_for="check_estimators_nan_inf")
def check_refuses_missing_texts(subject):
    """None and NaN among the texts are refused."""
    missing = [None, np.nan]
    if subject.strict and (pd := _import_or_none("pandas")):
        missing += [pd.NA, pd.NaT]
    for value in missing:
        X = ["some text", "another text", value, "a third text"]
        _refuses(subject, f"{value} at index 2", X, ValueError, "(nan|none|missing).*2")


@promise(LOOK, stands_for="check_complex_data check_dtype_object")
def check_refuses_what_is_no_str(subject):
    """Numbers, lists and dicts among the texts are refused."""
    items = [3, 0.5, 1j, ["a"], {"a": 1}]
    for item in items + [b"a text", True] * subject.strict:
        kind = type(item).__name__
        X = ["some text", item, "another text", "a third text"]
        _refuses(subject, f"{item!r} at index 1", X, TypeError, f"{kind}.*1")


@promise(
    LOOK,
    stands_for="check_estimator_sparse_tag check_estimator_sparse_array "
    "check_estimator_sparse_matrix",
)
def check_refuses_tables(subject):
    """Columns, data frames and sparse matrices are refused, in `fit` at least."""
    texts, _ = corpus()
    sparse = scipy.sparse.eye(4, format="csr")
    column, phases = np.array(texts, dtype=object)[:, None], _phases(subject)
    _refuses(subject, "a sparse matrix", sparse, TypeError, SEQUENCE, phases)
    _refuses(subject, "an array of one column", column, ValueError, FLAT, phases)
    for library in ("pandas", "polars"):
        if module := _import_or_none(library):
            frame = module.DataFrame({"text": texts})
            what = f"a DataFrame of {library}"
            _refuses(subject, what, frame, ValueError, FLAT, phases)


@promise(LOOK)
def check_refuses_what_is_no_sequence(subject):
    """None, a number and an array without dimensions are refused."""
    for X in (None, 5, np.array("a text")):
        _refuses(subject, f"X={X!r}", X, TypeError, SEQUENCE)


@promise("Take sequences, which have an order and can be read twice.", strict=True)
def check_refuses_what_is_read_by_chance(subject):
    """Dicts, sets, generators, bytes and tensors are refused."""
    kinds = {
        "a dict": dict.fromkeys("abcd", 1),
        "a set": set("abcd"),
        "a generator": (text for text in "abcd"),
    }
    for what, X in kinds.items():
        _refuses(subject, what, X, TypeError, SEQUENCE)
    for X in (b"abcd", bytearray(b"abcd")):
        _refuses(subject, repr(X), X, ValueError, "text|string")
    if torch := sys.modules.get("torch"):
        _refuses(subject, "a tensor", torch.arange(4), TypeError, "str")


@promise(LOOK, stands_for="check_estimators_empty_data_messages")
def check_refuses_no_texts(subject):
    """No text at all is refused."""
    _refuses(subject, "an empty list", [], ValueError, "0 sample|at least one")


def _phases(subject):
    # Whoever iterates over a DataFrame takes the names of its columns for texts: fit
    # finds too few of them, predict cannot.
    return ("fit", "predict") if subject.strict else ("fit",)


def _refuses(subject, what, X, error, mention, phases=("fit", "predict")):
    """Require that X is refused; unless it is strict, anyhow and in any words."""
    errors = (error,) if subject.strict else ANY_REFUSAL
    mention = mention if subject.strict else ""
    try:
        n_texts = len(X)
    except TypeError:  # it has no length, or is sparse
        n_texts = 4
    if "fit" in phases:
        with refused(f"{what} in fit", errors, mention):
            subject.new().fit(X, ["a", "b"] * (n_texts // 2))
    if "predict" in phases:
        with refused(f"{what} in predict", errors, mention):
            subject.fitted().predict(X)
