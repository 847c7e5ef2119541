"""Representations of texts before the output layer of a network."""

from collections.abc import Collection

import numpy as np

from ..base import BaseTextNetClassifier
from ..training._predict import predict_vectors

__all__ = ["document_vectors"]


def document_vectors(
    classifier: BaseTextNetClassifier, X: Collection[str]
) -> np.ndarray:
    """Compute the representation of each text before the last layer of a network.

    The last layer computes the logits as a linear function of these vectors, so texts
    that the network considers alike are close to each other. The vectors suit
    clustering, nearest neighbors, plots, and other models of the same texts.

    Parameters
    ----------
    classifier : fitted network
        One of the networks of this package.
    X : array-like of str of shape (n_samples,)
        Texts.

    Returns
    -------
    vectors : ndarray of float32 of shape (n_samples, n_features)
        The vector of a text does not depend on the other texts, up to rounding. Their
        size is that of the input of the last layer: the last `hidden_dim` of an
        `RNNClassifier`, twice that if it is bidirectional, of a `HANClassifier` and of
        a `CharCRNNClassifier`, `n_filters` of a `DPCNNClassifier` and for each of the
        `widths` of a `KimCNNClassifier`, `dense_dim` of a `VDCNNClassifier`, and 1,024
        or, with ``size="large"``, 2,048 of a `CharCNNClassifier` or
        `WordCNNClassifier`.

    Raises
    ------
    NotFittedError
        If the network is not fitted.
    TypeError
        If `classifier` is not a network, or `X` is not a sequence of texts.
    ValueError
        If the vectors are not finite because training diverged.

    Notes
    -----
    The network has learned the vectors for its classes: they may ignore any difference
    between texts that does not help to tell the classes apart.

    Examples
    --------
    >>> from sktextconv import KimCNNClassifier, document_vectors
    >>> texts = ["a fine film", "so good", "what a bore", "too long"] * 8
    >>> labels = ["pos", "pos", "neg", "neg"] * 8
    >>> network = KimCNNClassifier(
    ...     n_filters=50, max_epochs=6, batch_size=8, random_state=0
    ... ).fit(texts, labels)
    >>> vectors = document_vectors(network, ["so fine", "too long"])
    >>> vectors.shape
    (2, 150)
    """
    if not isinstance(classifier, BaseTextNetClassifier):
        raise TypeError(
            "Expected classifier to be a fitted network of sktextconv, got "
            f"{type(classifier).__name__}. Pass best_estimator_ of a search; the "
            "features of a linear pipeline are pipeline[:-1].transform(X)."
        )
    return classifier._logits(X, predict_vectors)
