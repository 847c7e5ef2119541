"""fastText as a scikit-learn classifier, for comparison."""

import re
import tempfile
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from sktextconv.utils._optional_dependencies import require

__all__ = ["FastTextClassifier"]

_LABEL = "__label__"


class FastTextClassifier(ClassifierMixin, BaseEstimator):
    """fastText with the settings of its published table (Joulin et al. 2016).

    Parameters
    ----------
    word_ngrams : int, default=1
        Words in the longest n-grams; 2 adds hashed bigrams.
    dim : int, default=10
        Size of the word vectors.
    epochs : int, default=5
    learning_rate : float, default=0.25
        The paper selects it from 0.05, 0.1, 0.25 and 0.5 on held-out training texts.
    random_state : int, default=0

    Notes
    -----
    Threads update the weights without locks, so that two runs differ. With fewer than
    ten threads some releases read uninitialized memory, which can give NaN; this class
    always starts ten.
    """

    def __init__(
        self, *, word_ngrams=1, dim=10, epochs=5, learning_rate=0.25, random_state=0
    ):
        self.word_ngrams = word_ngrams
        self.dim = dim
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.random_state = random_state

    def fit(self, X, y):
        fasttext = require("fasttext", by="FastTextClassifier", extra="peers")
        self.classes_, y_encoded = np.unique(y, return_inverse=True)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "train.txt")
            with path.open("w", encoding="utf-8", errors="replace") as file:
                file.writelines(
                    f"{_LABEL}{target} {_one_line(text)}\n"
                    for target, text in zip(y_encoded.tolist(), X, strict=True)
                )
            self.model_ = fasttext.train_supervised(
                str(path),
                wordNgrams=self.word_ngrams,
                bucket=10_000_000 if self.word_ngrams > 1 else 0,
                dim=self.dim,
                epoch=self.epochs,
                lr=self.learning_rate,
                minCount=1,
                loss="softmax",
                thread=10,
                seed=self.random_state,
                verbose=0,
            )
        return self

    def predict(self, X):
        # Pass a list, because predicting a single str fails with NumPy 2.
        labels, _ = self.model_.predict([_one_line(text) for text in X])
        return self.classes_[[int(each[0].removeprefix(_LABEL)) for each in labels]]

    @property
    def n_parameters_(self):
        return sum(
            matrix.size
            for matrix in (
                self.model_.get_input_matrix(),
                self.model_.get_output_matrix(),
            )
        )


def _one_line(text):
    """Clean a text like the script of the published table."""
    text = text.lower().replace('"', "").replace("<br />", " ")
    text = re.sub(r"(['.,()!?])", r" \1 ", text)
    return " ".join(re.sub("[;:]", " ", text).split())
