"""Base classes of the encoders."""

import abc
import itertools
from collections.abc import Collection, Iterator
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ..utils._param_validation import check_params
from ..utils.validation import TextInputMixin, check_texts
from ._ragged import Ragged

__all__ = ["BaseTextEncoder", "BaseWordEncoder"]


class BaseTextEncoder(
    TextInputMixin, TransformerMixin, BaseEstimator, abc.ABC, auto_wrap_output_keys=None
):
    """Base class of scikit-learn transformers of texts into `Ragged` arrays of ids.

    An encoder validates parameters and texts; its tokenizer encodes the texts.
    Tokenizers do not import scikit-learn: `OnnxClassifier` uses them without it.

    A subclass declares its parameters as annotated class attributes, is decorated with
    `hyperparameters`, and implements `_make_tokenizer`.
    """

    _requires_fit = True

    @abc.abstractmethod
    def _make_tokenizer(self):
        """Return an unfitted tokenizer for the parameters of the encoder.

        A tokenizer has the methods `fit(texts)`, `encode(texts)` → Ragged,
        `offsets(text)` → ndarray of shape (n_ids, 2), `get_state()` → dict of
        JSON-serializable values and `set_state(**state)`, and the attribute `n_tokens`.
        """

    def fit(self, X: Collection[str], y: object = None) -> Self:
        """Learn from texts.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,)
            The training texts.
        y : None
            Ignored.

        Returns
        -------
        self : estimator
            The fitted encoder.

        Raises
        ------
        ValueError
            If a parameter is invalid, if `X` is a single text, is empty, has more than
            one dimension or contains a missing value, or if no word is frequent enough.
        TypeError
            If `X` is not a sequence, or an item is not a str.
        """
        tokenizer = self._make_checked_tokenizer()
        self._tokenizer = tokenizer.fit(self._check_texts(X))
        return self

    def transform(self, X: Collection[str]) -> Ragged:
        """Return the ids of texts.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,)
            Texts.

        Returns
        -------
        ids : Ragged
            One row per text.

        Raises
        ------
        ValueError
            If `X` is a single text, is empty, has more than one dimension or contains a
            missing value.
        TypeError
            If `X` is not a sequence, or an item is not a str.
        sklearn.exceptions.NotFittedError
            If the encoder needs to be fitted and is not.
        """
        tokenizer = self._fitted_tokenizer()
        return tokenizer.encode(self._check_texts(X))

    def encode(self, X: Collection[str]) -> Ragged:
        """Return the ids of texts: alias of `transform`.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,)
            Texts.

        Returns
        -------
        ids : Ragged
            One row per text.
        """
        return self.transform(X)

    def offsets(self, text: str) -> np.ndarray:
        """Return the offsets of each id in a text.

        Parameters
        ----------
        text : str

        Returns
        -------
        offsets : ndarray of int64 of shape (n_ids, 2)
            Start and end of what each id encodes, in characters of `text`. They are
            equal for a mark between sentences, and for a word of a callable `tokenizer`
            that is not found verbatim in `text`, in the order of the words.
        """
        tokenizer = self._fitted_tokenizer()
        return tokenizer.offsets(*self._check_texts([text]))

    def get_state(self) -> dict[str, Any]:
        """Return the fitted state as a dict of JSON-serializable values."""
        return self._fitted_tokenizer().get_state()

    def set_state(self, **state: Any) -> Self:
        """Restore what `get_state` returned, instead of calling `fit`.

        The parameters of the encoder should be those of the one that was fitted.

        Parameters
        ----------
        **state : dict
            Fitted state.

        Returns
        -------
        self : estimator
            The fitted encoder.

        Raises
        ------
        ValueError
            If a parameter or the state is invalid.
        """
        self._tokenizer = self._make_checked_tokenizer().set_state(**state)
        return self

    @property
    def n_tokens(self) -> int:
        """Number of distinct ids, reserved ones included: each id is below it."""
        return self._fitted_tokenizer().n_tokens

    def _encode(self, texts):
        """Return the ids of texts that were checked before; the encoder is fitted."""
        return self._tokenizer.encode(texts)

    def _warn_if_unreadable(self, texts, *, stacklevel):
        """Warn if most of what the texts contain has no id of its own.

        Parameters
        ----------
        texts : sequence of str
            Checked before; the encoder is fitted.
        stacklevel : int
            As in `warnings.warn`: 1 is this method.
        """

    def _make_checked_tokenizer(self):
        check_params(self)
        return self._make_tokenizer()

    def _fitted_tokenizer(self):
        if not self._requires_fit:
            return self._make_checked_tokenizer()
        check_is_fitted(self)
        return self._tokenizer

    def _check_texts(self, X):
        return check_texts(X, required_by=type(self).__name__)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_tokenizer")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = self._requires_fit
        return tags


class BaseWordEncoder(BaseTextEncoder, auto_wrap_output_keys=None):
    """Base class of encoders that learn a vocabulary of words.

    Their tokenizers also have the attribute `words`, a list of str with consecutive ids
    up to the largest, and the method `split(texts)`.
    """

    @property
    def vocabulary_(self) -> dict[str, int]:
        """Dictionary from each word to its id."""
        first_id = self.n_tokens - len(self.words)
        return dict(zip(self.words, itertools.count(first_id)))

    @property
    def words(self) -> list[str]:
        """List of the words of the vocabulary, in the order of their ids."""
        return self._fitted_tokenizer().words

    def split(self, X: Collection[str]) -> Iterator[list[str]]:
        """Return an iterator over the words of texts, known or not, as lists of str.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,)
            Texts.

        Returns
        -------
        words : iterator of list of str
            One list per text, or per sentence if the encoder splits texts into
            sentences.
        """
        return self._fitted_tokenizer().split(self._check_texts(X))
