"""Prediction methods of the neural text classifiers."""

from collections.abc import Collection

import numpy as np
from scipy.special import log_softmax
from sklearn.utils.validation import check_is_fitted

from ..utils._param_validation import check_params
from ..utils.validation import check_texts
from ._predict import predict_logits, softmax
from ._torch_defaults import torch_defaults

__all__ = ["TextPredictor"]


class TextPredictor:
    """Mixin of prediction from texts, for `BaseTextNetClassifier`."""

    def decision_function(self, X: Collection[str]) -> np.ndarray:
        """Return the logits of texts.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,)
            Texts.

        Returns
        -------
        scores : ndarray of float64 of shape (n_samples,) or (n_samples, n_classes)
            For two classes the logit of ``classes_[1]`` less that of ``classes_[0]``,
            else a column per class in the order of `classes_`.

        Raises
        ------
        ValueError
            If the logits are not finite because training diverged.
        """
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits

    def predict_proba(self, X: Collection[str]) -> np.ndarray:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,)
            Texts.

        Returns
        -------
        probabilities : ndarray of float64 of shape (n_samples, n_classes)
            Columns in the order of `classes_`; rows sum to 1.

        Raises
        ------
        ValueError
            If the logits are not finite because training diverged.
        """
        return softmax(self._logits(X))

    def predict_log_proba(self, X: Collection[str]) -> np.ndarray:
        """Return the logarithm of the probability of each class, always finite.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,)
            Texts.

        Returns
        -------
        log_probabilities : ndarray of float64 of shape (n_samples, n_classes)
            Columns in the order of `classes_`.

        Raises
        ------
        ValueError
            If the logits are not finite because training diverged.
        """
        return log_softmax(self._logits(X), axis=1)

    def predict(self, X: Collection[str]) -> np.ndarray:
        """Return the most probable class of each text.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,)
            Texts.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Labels as they were given to `fit`, of the type of `classes_`.

        Raises
        ------
        ValueError
            If the logits are not finite because training diverged.
        """
        most_probable = self.predict_proba(X).argmax(axis=1)
        return self.classes_[most_probable]

    def _logits(self, X, predict=predict_logits):
        """Return the logits of texts, a column per class, or what `predict` returns."""
        if not self.__sklearn_is_fitted__():  # faster for a single text
            check_is_fitted(self)
        check_params(self, only=("recipe", "batch_size", "n_jobs"))
        texts = check_texts(X, required_by=type(self).__name__)
        self.encoder_._warn_if_unreadable(texts, stacklevel=4)
        with torch_defaults(self.n_jobs, gradients=False):
            return predict(
                self.net_, self.encoder_, texts, batch_size=self._batch_size()
            )
