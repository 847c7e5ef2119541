"""Linear classifier that reads texts in parts, however many there are."""

import copy
from collections.abc import Callable, Collection
from typing import Annotated, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_matrix, hstack
from scipy.special import log_expit, log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import SGDClassifier
from sklearn.preprocessing import normalize
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .feature_extraction._hashed_ngrams import Columns, HashedNGramVectorizer
from .utils._fit import forget_file
from .utils._param_validation import (
    Count,
    Positive,
    Range,
    Seed,
    check_params,
    hyperparameters,
)
from .utils._training_data import check_partial_fit_classes, check_training_data
from .utils.validation import TextInputMixin, TextSequence, check_texts

__all__ = ["OnlineNGramClassifier"]

# Successive texts that are read together, and texts whose features are in memory.
_BLOCK = 256
_CHUNK = 64 * _BLOCK
# Features up to this size are kept from one epoch to the next, and others made again.
_MAX_KEPT_BYTES = 2**30
# With at most this many texts, copying the weights would take much of the time.
_MAX_IN_PLACE = 16 * _BLOCK
_MAX_RATE = 1e6  # larger steps could overflow
# A column of this value in each text has the intercept as its weight: scikit-learn
# forgets the last intercept between calls of `partial_fit` where it keeps means. Its
# steps are shorter than those of n-grams, by 1/64. A power of two, so that dividing by
# it and multiplying give the same bits.
_CONSTANT = 0.125


@hyperparameters
class OnlineNGramClassifier(TextInputMixin, ClassifierMixin, BaseEstimator):
    """Logistic regression on TF-IDF of n-grams, trained text by text.

    It is for more texts than the features of `make_tfidf_classifier` leave room for: a
    text takes some tens of bytes of memory, for its label, and `partial_fit` takes
    texts as they come. Its words and n-grams are the same, hashed instead of listed.

    Parameters
    ----------
    n_features : int, default=2_097_152
        Number of columns that the n-grams are hashed to; at most 2**25.
    max_n : int, default=2
        Number of words in the longest n-grams.
    tokenizer : callable or None, default=None
        Function from a lower-cased text to the list of its words. None finds words as
        `NGramVectorizer` does.
    max_epochs : int, default=5
        Passes of `fit` over the texts.
    learning_rate : float, default=10.0
        Step size, which is constant. Features have length 1; the step of the intercept
        is 1/64 of it.
    alpha : float, default=1e-6
        Strength of the L2 penalty, also on the intercept; below 1 / `learning_rate`.
    random_state : int, RandomState instance or None, default=None
        Seed of the order of the texts.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted labels.
    coef_ : ndarray of float64 of shape (n_classes, n_features)
        Weights; one row, that of the second class, if there are two classes.
    intercept_ : ndarray of float64 of shape (n_classes,)
        Biases; one if there are two classes.
    n_iter_ : int
        Number of passes of `fit`, or of calls of `partial_fit`.

    See Also
    --------
    make_tfidf_classifier : Finds the weights exactly, with all features in memory.
    FastTextClassifier : Learns vectors of n-grams.
    save : Writes a file from which `partial_fit` continues as well.

    Notes
    -----
    The weights of the model are the mean over all steps, which makes up for the noise
    of a constant step size [1]_. An n-gram with count c in a text has the weight ``(1 +
    ln(c)) (1 + ln((1 + n) / (1 + d)))``, where d of the n texts seen so far contain it.

    `fit` draws chunks of 16,384 texts from the whole corpus, in blocks of 256
    successive ones, so that texts that are sorted by class are mixed as well. Features
    of up to 1 GiB are kept for the next epoch; others are computed again, with the same
    result.

    Pickles hold two arrays of float64 of shape (n_classes, n_features), or (1,
    n_features) for two classes, and the document frequencies: 8 bytes each. The file of
    `save` holds the same of the columns that a text contained, with 4 bytes each for
    their numbers.

    References
    ----------
    .. [1] B. Polyak and A. Juditsky, "Acceleration of Stochastic Approximation by
       Averaging", SIAM Journal on Control and Optimization 30, 1992.

    Examples
    --------
    >>> from sktextconv import OnlineNGramClassifier
    >>> classifier = OnlineNGramClassifier(n_features=2**10, random_state=0)
    >>> texts = ["good", "not good", "bad", "not bad"] * 4
    >>> classifier.fit(texts, [1, 0, 0, 1] * 4).predict(["not good", "not bad"])
    array([0, 1])
    """

    n_features: Columns = 2**21
    max_n: Count = 2
    tokenizer: Callable | None = None
    max_epochs: Count = 5
    learning_rate: Annotated[float, Range(0.0, _MAX_RATE, closed="neither")] = 10.0
    alpha: Positive = 1e-6
    random_state: Seed = None

    def fit(
        self,
        X: Collection[str],
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train on all texts in several passes.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,)
            Texts; a `TextStore` is read in parts.
        y : array-like of shape (n_samples,)
            Labels of two or more classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each text, which scales its steps. None gives all the same.

        Returns
        -------
        self : OnlineNGramClassifier

        Raises
        ------
        ValueError
            If a parameter, text, label or weight is invalid, or there is only one
            class.
        TypeError
            If `X` is not a sequence of texts, or labels are neither all str nor all
            numbers.
        """
        self._check_parameters()
        texts, classes, y_encoded, weights = self._check_data(X, y, sample_weight)
        learner = self._make_learner(len(classes))
        rng = check_random_state(self.random_state)
        rows = np.flatnonzero(weights)
        targets = y_encoded, weights / weights[rows].mean()
        chunks = _draw_chunks(rows, rng)
        kept, n_bytes = {}, 0
        limit = _MAX_KEPT_BYTES if self.max_epochs > 1 else 0
        for epoch in range(int(self.max_epochs)):
            for number in rng.permutation(len(chunks)):
                counts = kept.get(number)
                if counts is None:
                    counts = learner.count(texts, chunks[number])
                    n_bytes += counts.data.nbytes + counts.indices.nbytes
                    if n_bytes <= limit:
                        kept[number] = counts
                if epoch == 0:
                    learner.add_documents(counts)
                learner.step(counts, chunks[number], *targets, rng)
        self._set_fitted(classes, learner, n_iter=int(self.max_epochs))
        return self

    def partial_fit(
        self,
        X: Collection[str],
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Make one pass over some texts, continuing from the current weights.

        `n_features`, `max_n` and `tokenizer` are those of the first call, and the other
        parameters may change. After an error, such as that of a tokenizer, the model is
        the one before the call; so it is after Ctrl-C, except during the steps of a
        call with at most 4,096 texts, a fraction of a second.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,)
            Texts, of all classes in random order.
        y : array-like of shape (n_samples,)
            Labels, all among `classes`.
        classes : array-like of shape (n_classes,), default=None
            All labels. Must be passed in the first call, and is optional in later ones.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each text, which scales its step. None gives all the same.

        Returns
        -------
        self : OnlineNGramClassifier

        Raises
        ------
        ValueError
            As `fit` does, and if `classes` is missing in the first call or not the
            same later, or if `y` has others.
        TypeError
            As `fit` does.
        """
        self._check_parameters()
        first = not self.__sklearn_is_fitted__()
        classes = check_partial_fit_classes(
            classes, None if first else self.classes_, required_by=type(self).__name__
        )
        texts, classes, *targets = self._check_data(X, y, sample_weight, classes)
        learner = self._make_learner(len(classes)) if first else self._learner
        if not first and len(texts) > _MAX_IN_PLACE:
            tokenizer = learner.get_parameters()["tokenizer"]
            learner = copy.deepcopy(learner, {id(tokenizer): tokenizer})
        rng = check_random_state(self.random_state)
        for rows in _draw_chunks(np.flatnonzero(targets[1]), rng):
            # This raises the errors of the tokenizer, before the model changes.
            counts = learner.count(texts, rows)
            learner.set_rates(self)
            learner.add_documents(counts)
            learner.step(counts, rows, *targets, rng)
        self._set_fitted(classes, learner, n_iter=1 if first else self.n_iter_ + 1)
        return self

    @property
    def coef_(self) -> np.ndarray:
        """Weights, a row per class, or one row for two classes."""
        check_is_fitted(self)
        return self._learner.sgd.coef_[:, :-1]

    @property
    def intercept_(self) -> np.ndarray:
        """Biases, one per class, or one for two classes."""
        check_is_fitted(self)
        return self._learner.sgd.coef_[:, -1] * _CONSTANT

    def decision_function(self, X: Collection[str]) -> np.ndarray:
        """Return the scores of the classes.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,)
            Texts.

        Returns
        -------
        scores : ndarray of float64 of shape (n_samples,) or (n_samples, n_classes)
            Two classes have one score, which is positive for the second.
        """
        check_is_fitted(self)
        texts = check_texts(X, required_by=type(self).__name__)
        parts = [
            self._learner.score(texts[start : start + _CHUNK])
            for start in range(0, len(texts), _CHUNK)
        ]
        return np.concatenate(parts)

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
        """
        return softmax(self._log_odds(X), axis=1)

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
        """
        return log_softmax(self._log_odds(X), axis=1)

    def predict(self, X: Collection[str]) -> np.ndarray:
        """Return the most probable class of each text.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,)
            Texts.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        most_probable = self._log_odds(X).argmax(axis=1)  # raises if not fitted
        return self.classes_[most_probable]

    def _log_odds(self, X):
        """Return logarithms of probabilities before they are scaled to a sum of 1."""
        scores = self.decision_function(X)
        if scores.ndim == 1:
            scores = np.stack([-scores, scores], axis=1)
        return log_expit(scores)  # of each class against the rest

    def _check_parameters(self):
        check_params(self)
        # A step would reverse the weights.
        if float(self.alpha) * float(self.learning_rate) >= 1:
            raise ValueError(
                "The 'alpha' parameter of OnlineNGramClassifier must be below 1 / "
                f"learning_rate. Got alpha={self.alpha!r} and learning_rate="
                f"{self.learning_rate!r} instead."
            )

    def _check_data(self, X, y, sample_weight, classes=None):
        return check_training_data(
            X,
            y,
            sample_weight,
            class_weight=None,
            classes=classes,
            required_by=type(self).__name__,
        )

    def _make_learner(self, n_classes):
        return _Learner(self, n_classes)

    def _set_fitted(self, classes, learner, *, n_iter):
        self.classes_: np.ndarray = classes
        self._learner = learner
        self.n_iter_: int = n_iter
        forget_file(self)

    def __sklearn_is_fitted__(self):
        return "_learner" in vars(self)


class _Learner:
    """Document frequencies and weights, which texts change in parts.

    Parameters
    ----------
    estimator : OnlineNGramClassifier
    n_classes : int
    """

    def __init__(self, estimator, n_classes):
        self._vectorizer = HashedNGramVectorizer(
            n_features=int(estimator.n_features),
            max_n=estimator.max_n,
            tokenizer=estimator.tokenizer,
        )
        self._labels = np.arange(n_classes)
        self._n_texts = 0
        # Number of texts with an n-gram of each column.
        self._n_containing = np.zeros(int(estimator.n_features), dtype=np.int64)
        self.sgd = SGDClassifier(
            loss="log_loss",
            learning_rate="constant",
            average=True,
            fit_intercept=False,
            shuffle=False,
            random_state=0,  # has no effect
        )
        self.set_rates(estimator)

    def set_rates(self, estimator):
        """Take the step size and the penalty from the estimator."""
        self.sgd.eta0 = float(estimator.learning_rate)
        self.sgd.alpha = float(estimator.alpha)

    def count(self, texts, rows):
        """Return the counts of n-grams of some texts."""
        in_file = isinstance(texts, TextSequence)
        chosen = texts[rows] if in_file else [texts[row] for row in rows]
        return self._vectorizer.transform(chosen)

    def add_documents(self, counts):
        """Add counted texts to the document frequencies."""
        self._n_texts += counts.shape[0]
        self._n_containing += np.bincount(counts.indices, minlength=counts.shape[1])

    def step(self, counts, rows, y_encoded, weights, rng):
        """Make a step for each of the counted texts, in random order."""
        order = rng.permutation(len(rows))
        constant = np.full((len(rows), 1), _CONSTANT)
        features = hstack([self._weigh(counts), constant], format="csr")
        rows = rows[order]
        self.sgd.partial_fit(
            features[order], y_encoded[rows], self._labels, weights[rows]
        )

    def score(self, texts):
        """Return the scores of the classes, as `decision_function` does."""
        weights = self._weigh(self._vectorizer.transform(texts))
        # Only the columns in use, since scipy copies all that it is given.
        columns, places = np.unique(weights.indices, return_inverse=True)
        shape = len(texts), len(columns)
        weights = csr_matrix((weights.data, places, weights.indptr), shape=shape)
        coef = self.sgd.coef_
        scores = weights @ coef[:, columns].T + coef[:, -1] * _CONSTANT
        return scores[:, 0] if len(self._labels) == 2 else scores

    def __getstate__(self):
        # It shares the memory of `_average_coef`, which pickles would hold twice.
        sgd = copy.copy(self.sgd)
        del sgd.coef_
        return vars(self) | {"sgd": sgd}

    def __setstate__(self, state):
        vars(self).update(state)
        self.sgd.coef_ = np.atleast_2d(self.sgd._average_coef)

    def get_parameters(self):
        """Return the parameters of the features, which never change."""
        return {
            "n_features": self._vectorizer.n_features,
            "max_n": self._vectorizer.max_n,
            "tokenizer": self._vectorizer.tokenizer,
        }

    def get_state(self):
        """Return what texts have changed, without the columns that none of them has.

        Returns
        -------
        numbers : dict of str to int
            "n_texts" and "n_steps".
        arrays : dict of str to ndarray
            "columns", in ascending order; "n_containing", the number of texts with each
            of them; and the weights of the last step and the mean over all steps, in a
            row per class, or one row for two classes.
        """
        columns = np.flatnonzero(self._n_containing)
        arrays = {
            "columns": columns.astype(np.int32),
            "n_containing": self._n_containing[columns],
        }
        sgd = self.sgd
        for name, coef in ("last", sgd._standard_coef), ("mean", sgd._average_coef):
            coef = np.atleast_2d(coef)
            arrays[f"{name}_coef"] = coef[:, columns]
            arrays[f"{name}_intercept"] = coef[:, -1] * _CONSTANT
        return {"n_texts": self._n_texts, "n_steps": int(sgd.t_) - 1}, arrays

    def set_state(self, numbers, arrays):
        """Take what `get_state` returned."""
        columns, n_features = arrays["columns"], len(self._n_containing)
        self._n_texts = numbers["n_texts"]
        self._n_containing[columns] = arrays["n_containing"]
        coefs = []
        for name in ("last", "mean"):
            coef = np.zeros((len(arrays[f"{name}_coef"]), n_features + 1))
            coef[:, columns] = arrays[f"{name}_coef"]
            coef[:, -1] = arrays[f"{name}_intercept"] / _CONSTANT
            coefs.append(coef)
        sgd, shape = self.sgd, (-1,) if len(self._labels) == 2 else coefs[0].shape
        sgd._standard_coef, sgd._average_coef = (each.reshape(shape) for each in coefs)
        sgd._standard_intercept, sgd._average_intercept = np.zeros((2, len(coefs[0])))
        sgd.coef_, sgd.intercept_ = coefs[1], sgd._average_intercept
        sgd.classes_, sgd.n_features_in_ = self._labels, n_features + 1
        sgd.t_, sgd.n_iter_ = 1.0 + numbers["n_steps"], 1

    def _weigh(self, counts):
        """Return TF-IDF; `TfidfTransformer` would need logarithms of all columns."""
        # In float32, the mean over millions of steps would lose digits.
        weights = counts.astype(np.float64)
        containing = self._n_containing[counts.indices]
        idf = 1 + np.log((1 + self._n_texts) / (1 + containing))
        weights.data = (1 + np.log(weights.data)) * idf
        return normalize(weights, copy=False)


def _draw_chunks(rows, rng):
    """Return the rows of each chunk: random blocks of them, in ascending order."""
    blocks = np.array_split(rows, range(_BLOCK, len(rows), _BLOCK))
    order, per_chunk = rng.permutation(len(blocks)), _CHUNK // _BLOCK
    return [
        np.concatenate([blocks[block] for block in sorted(order[start:][:per_chunk])])
        for start in range(0, len(blocks), per_chunk)
    ]
