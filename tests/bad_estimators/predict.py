"""Bad estimators that fail checks of predictions and scores."""

import numpy as np

from ..letter_classifier import LetterClassifier


class LearnsNothing(LetterClassifier):
    fails = "check_learns check_partial_fit_continues"

    def _frequencies(self, texts):
        return super()._frequencies(texts) * 0.0


class ReturnsErrorRate(LetterClassifier):
    fails = "check_score_is_the_accuracy"

    def score(self, X, y, sample_weight=None):
        return 1 - super().score(X, y, sample_weight)


class ScalesProbabilities(LetterClassifier):
    fails = (
        "check_log_probabilities check_probabilities check_probabilities_are_float64"
    )

    def predict_proba(self, X):
        return super().predict_proba(X) * 0.9


class ReturnsFloat32Probabilities(LetterClassifier):
    fails = "check_probabilities_are_float64"

    def predict_proba(self, X):
        return super().predict_proba(X).astype(np.float32)


class ReturnsInfiniteLogs(LetterClassifier):
    fails = "check_log_probabilities"

    def predict_log_proba(self, X):
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X).astype(np.float16) ** 8)


class ReturnsTwoColumnsOfDecisions(LetterClassifier):
    fails = "check_decision_function"

    def decision_function(self, X):
        return self._scores(X)


class NegatesDecisions(LetterClassifier):
    fails = "check_decisions_agree_with_probabilities"

    def decision_function(self, X):
        scores = super().decision_function(X)
        return -scores if scores.ndim == 1 else scores


class PredictsLeastLikelyClass(LetterClassifier):
    fails = "check_learns check_predict_gives_the_likeliest_class"

    def predict(self, X):
        unlikeliest = self._scores(X).argmin(axis=1)
        return self.classes_[unlikeliest]


class CountsPredictions(LetterClassifier):
    fails = "check_prediction_changes_nothing"

    def predict(self, X):
        likeliest = super().predict(X)
        self.n_predictions_ = getattr(self, "n_predictions_", 0) + 1
        return likeliest


class DependsOnBatch(LetterClassifier):
    fails = "check_scores_do_not_depend_on_other_texts"

    def _frequencies(self, texts):
        frequencies = super()._frequencies(texts)
        return frequencies + 0.001 * frequencies.std(axis=0)
