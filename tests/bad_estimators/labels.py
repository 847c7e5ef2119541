"""Bad estimators that fail checks of labels."""

import numpy as np

from ..letter_classifier import LetterClassifier


class ReturnsEncodedLabels(LetterClassifier):
    fails = "check_label_types check_pandas_labels"

    def predict(self, X):
        indices = self._scores(X).argmax(axis=1)
        return indices if self.classes_.dtype.kind in "iufb" else self.classes_[indices]


class ReturnsObjects(LetterClassifier):
    fails = "check_label_types check_pandas_labels"

    def predict(self, X):
        return super().predict(X).astype(object)


class ReordersThreeClasses(LetterClassifier):
    fails = "check_three_classes"

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        if len(self.classes_) == 3:
            self.classes_ = self.classes_[[1, 0, 2]]
        return self


class IsTaggedAsBinary(LetterClassifier):
    fails = "check_rejects_three_classes"

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


class RaisesVagueErrorForOneClass(LetterClassifier):
    fails = "check_one_class"

    def fit(self, X, y, sample_weight=None):
        if isinstance(y, list) and len(y) > 1 == len(set(y)):
            raise ValueError("bad data")
        return super().fit(X, y, sample_weight)


class RaisesVagueErrorForOneText(LetterClassifier):
    fails = "check_one_text"

    def fit(self, X, y, sample_weight=None):
        if isinstance(X, list) and len(X) == 1:
            raise ValueError("bad data")
        return super().fit(X, y, sample_weight)


class TruncatesTexts(LetterClassifier):
    fails = "check_rejects_unequal_lengths"

    def fit(self, X, y, sample_weight=None):
        X = X[: len(y)] if isinstance(X, list) and isinstance(y, np.ndarray) else X
        return super().fit(X, y, sample_weight)


class AcceptsContinuousLabels(LetterClassifier):
    fails = "check_rejects_bad_labels"

    def _check_data(self, X, y, sample_weight):
        y = [str(y_) for y_ in y] if isinstance(y, list) and 1.7 in y else y
        return super()._check_data(X, y, sample_weight)


class UsesFirstColumnOfLabels(LetterClassifier):
    fails = "check_rejects_labels_of_several_columns"

    def _check_data(self, X, y, sample_weight):
        y = y[:, 0] if np.shape(y)[1:] == (3,) else y
        return super()._check_data(X, y, sample_weight)


class FlattensWithoutWarning(LetterClassifier):
    fails = "check_column_of_labels_warns"

    def _check_data(self, X, y, sample_weight):
        y = y[:, 0] if np.shape(y)[1:] == (1,) else y
        return super()._check_data(X, y, sample_weight)
