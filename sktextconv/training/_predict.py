"""Prediction of logits, and of probabilities and classes from logits."""

from collections.abc import Collection
from typing import Any

import numpy as np
import torch
from scipy.special import log_softmax, softmax
from skorch import NeuralNet

from ._data import EncodedDataset
from ._device import autocast
from ._net import DivergedError

__all__ = ["PredictionMixin", "predict_logits"]


def predict_logits(net, ragged, *, batch_size):
    """Return the logits of encoded texts, in their order.

    Parameters
    ----------
    net : TextNet
    ragged : Ragged, of length n_samples
    batch_size : int
        Texts in a forward pass. Texts of similar length go together.

    Returns
    -------
    logits : ndarray of float64 of shape (n_samples, n_classes)

    Raises
    ------
    ValueError
        If the logits are not finite.
    """
    dataset = EncodedDataset(ragged, net.device)
    order = dataset.by_length()
    net.module_.eval()
    # One autocast context for all batches casts the weights to bfloat16 only once.
    with torch.inference_mode(), autocast(net.device, net.precision):
        logits = [
            net.infer((dataset.ids(rows), dataset.lengths(rows))).float()
            for rows in order.split(int(batch_size))
        ]
        logits = torch.cat(logits).cpu()[order.argsort()].double().numpy()
    if not np.isfinite(logits).all():
        raise DivergedError(
            "Expected finite logits, got NaN or infinity: the weights of the network "
            "have grown without bound in training. Fit it again with a lower "
            "learning_rate."
        )
    return logits


class PredictionMixin:
    """Prediction methods of a classifier with `classes_` and a method `_logits(X)`."""

    # `fit` sets these attributes; they are declared for type checkers.
    classes_: np.ndarray
    encoder_: Any
    history_: list[dict[str, Any]]
    n_iter_: int
    net_: NeuralNet

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
        return softmax(self._logits(X), axis=1)

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
