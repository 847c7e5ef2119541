"""Bad estimators that fail checks of texts."""

import numpy as np

from ..letter_classifier import LetterClassifier


class RejectsTuples(LetterClassifier):
    fails = "check_containers"

    def _to_list(self, X):
        if isinstance(X, tuple):
            raise TypeError("Expected a list.")
        return super()._to_list(X)


class ReadsSeriesByLabel(LetterClassifier):
    fails = "check_pandas_texts"

    def _to_list(self, X):
        if hasattr(X, "iloc") and X.ndim == 1:
            X = [X.to_dict()[row] for row in range(len(X))]
        return super()._to_list(X)


class RejectsPolars(LetterClassifier):
    fails = "check_polars_texts"

    def _to_list(self, X):
        if type(X).__module__.startswith("polars") and hasattr(X, "to_list"):
            raise TypeError("Expected a list.")
        return super()._to_list(X)


class IteratesOverArrow(LetterClassifier):
    fails = "check_pyarrow_texts"

    def _to_list(self, X):
        return super()._to_list(list(X) if hasattr(X, "to_pylist") else X)


class EncodesStrictly(LetterClassifier):
    fails = "check_any_str_is_a_text"

    def _frequencies(self, texts):
        return super()._frequencies([text.encode().decode() for text in texts])


class DividesByLength(LetterClassifier):
    fails = (
        "check_any_str_is_a_text check_empty_texts_alone "
        "check_scores_do_not_depend_on_other_texts "
        "check_unknown_texts"
    )

    def _frequencies(self, texts):
        frequencies = super()._frequencies(texts)
        frequencies[[not text for text in texts]] = np.nan
        return frequencies


class RaisesVagueErrorForEmptyTexts(LetterClassifier):
    fails = "check_empty_texts_alone"

    def fit(self, X, y, sample_weight=None):
        if isinstance(X, list) and X and not any(X):
            raise ValueError("bad texts")
        return super().fit(X, y, sample_weight)


class RequiresFourTexts(LetterClassifier):
    fails = "check_few_texts"

    def fit(self, X, y, sample_weight=None):
        if isinstance(X, list) and len(X) in (2, 3):
            raise ValueError("too few texts")
        return super().fit(X, y, sample_weight)


class RejectsIdenticalTexts(LetterClassifier):
    fails = "check_identical_texts"

    def fit(self, X, y, sample_weight=None):
        identical = isinstance(X, list) and X == ["good fine"] * 12
        if identical and self.class_weight is None:
            raise ValueError("all texts are the same")
        return super().fit(X, y, sample_weight)


class AcceptsStr(LetterClassifier):
    fails = "check_rejects_a_single_text"

    def _to_list(self, X):
        return super()._to_list(list(X) if isinstance(X, str) else X)


class AcceptsNone(LetterClassifier):
    fails = "check_rejects_missing_texts"

    def _to_list(self, X):
        if isinstance(X, list):
            X = ["" if text is None else text for text in X]
        return super()._to_list(X)


class AcceptsNumbers(LetterClassifier):
    fails = "check_rejects_missing_texts check_rejects_items_that_are_not_str"

    def _to_list(self, X):
        if isinstance(X, list):
            X = [str(text) if isinstance(text, float) else text for text in X]
        return super()._to_list(X)


class AcceptsBytes(LetterClassifier):
    fails = "check_rejects_items_that_are_not_str"

    def _to_list(self, X):
        if isinstance(X, list):
            X = [t.decode() if isinstance(t, bytes) else t for t in X]
        return super()._to_list(X)


class AcceptsDataFrames(LetterClassifier):
    fails = "check_rejects_tables"

    def _to_list(self, X):
        return super()._to_list(list(X) if hasattr(X, "columns") else X)


class AcceptsInt(LetterClassifier):
    fails = "check_rejects_non_sequences"

    def _to_list(self, X):
        return super()._to_list(["text"] * X if isinstance(X, int) else X)


class AcceptsDicts(LetterClassifier):
    fails = "check_rejects_other_iterables"

    def _to_list(self, X):
        return super()._to_list(list(X) if isinstance(X, dict) else X)


class AcceptsEmptyList(LetterClassifier):
    fails = "check_rejects_an_empty_list"

    def predict(self, X):
        return np.array([]) if isinstance(X, list) and not X else super().predict(X)
