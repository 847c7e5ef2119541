"""Validation of input texts."""

import collections.abc
import numbers

__all__ = [
    "TextInputMixin",
    "TextSequence",
    "check_texts",
    "is_missing",
    "reject_non_text",
    "reject_single_text",
]


class TextSequence(collections.abc.Sequence[str]):
    """Sequence of str that may be larger than memory and is read in chunks.

    Indexing with a slice or an array of row numbers returns another sequence.
    """


class TextInputMixin:
    """Mixin of estimators that take a sequence of str, for scikit-learn's tags."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        return tags


def check_texts(X, *, required_by):
    """Return the texts of `X` as a sequence of str.

    `X` can be a list, tuple or other sequence, a NumPy array, or a column of pandas,
    polars or pyarrow, always read by position. Texts are never copied to a NumPy array
    of str, which would pad each to the longest and drop trailing NULs.

    Parameters
    ----------
    X : array-like of str of shape (n_samples,)
        The texts. Any str is valid: also empty, or with NULs or lone surrogates.
    required_by : str
        Name of the estimator, for the messages.

    Returns
    -------
    texts : list of str or TextSequence, of length n_samples
        `X` itself if it is one of the two.

    Raises
    ------
    ValueError
        If `X` is a single text, is empty, has more than one dimension, or contains a
        missing value.
    TypeError
        If `X` is not a sequence, or an item is not a str.

    Examples
    --------
    >>> check_texts(("one", "two"), required_by="Example")
    ['one', 'two']
    """
    reject_single_text(X)
    texts = X if isinstance(X, TextSequence) else _to_list(X, required_by)
    if not len(texts):
        raise ValueError(
            "Found array with 0 sample(s) (shape=(0,)) while a minimum of 1 is "
            f"required by {required_by}."
        )
    if isinstance(texts, list) and set(map(type, texts)) != {str}:
        for index, text in enumerate(texts):
            reject_non_text(text, index)
    return texts


def reject_single_text(X):
    """Raise `ValueError` if `X` is a single str, although that is a sequence, too."""
    if isinstance(X, (str, bytes, bytearray)):
        raise ValueError(
            "Iterable over raw text documents expected, string object received. Pass a "
            "list of texts; for a single one, [text]."
        )


def reject_non_text(text, index):
    """Raise `ValueError` or `TypeError` if the text at `index` is not a str."""
    if isinstance(text, str):
        return
    if is_missing(text):
        raise ValueError(
            f"Input X contains NaN or None (first at index {index}); a missing "
            "text has no class. Use '' for an empty document."
        )
    hint = "; decode the documents first" if isinstance(text, bytes) else ""
    raise TypeError(
        f"X must contain only str, got {type(text).__name__} at index {index}{hint}."
    )


def _to_list(X, required_by):
    n_dimensions = len(X.shape) if isinstance(getattr(X, "shape", None), tuple) else 1
    is_sparse = hasattr(X, "tocsr")
    if n_dimensions > 1 and not is_sparse:
        is_numeric = getattr(getattr(X, "dtype", None), "kind", "O") in "biuf"
        hint = (
            _without_vectorizer(required_by)
            if is_numeric
            else "Pass one column of texts, for example X[:, 0] or df['text']."
        )
        raise ValueError(
            f"Expected a 1D array-like of str, got {n_dimensions}D array of shape "
            f"{X.shape} instead. {hint}"
        )
    if isinstance(X, (list, tuple)):
        return X if isinstance(X, list) else list(X)
    if n_dimensions == 1 and not isinstance(X, type):
        # pyarrow; polars and pandas; NumPy and torch.
        for method in ("to_pylist", "to_list", "tolist"):
            if hasattr(X, method):
                return getattr(X, method)()
        if isinstance(X, collections.abc.Sequence):
            return list(X)
    hint = ""
    if is_sparse:
        hint = _without_vectorizer(required_by)
    elif isinstance(X, collections.abc.Set | collections.abc.Mapping):
        hint = "Pass a list of texts, in the order of their labels."
    elif isinstance(X, collections.abc.Iterable) and n_dimensions:
        hint = "Pass list(...) of it, since texts are read more than once."
    message = f"Expected sequence or array-like, got {type(X)}"
    raise TypeError(f"{message}. {hint}" if hint else message)


def _without_vectorizer(required_by):
    """Return the hint for numbers that a vectorizer has made of texts."""
    return (
        f"{required_by} takes the texts themselves, without a vectorizer before it: in "
        f"a pipeline, write make_pipeline({required_by}())."
    )


def is_missing(value):
    """Return whether a value is None, NaN, pandas.NA or pandas.NaT."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, numbers.Real) and value != value
