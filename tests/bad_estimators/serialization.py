"""Bad estimators that fail checks of deep copies and pickles."""

from sklearn.base import clone

from ..letter_classifier import LetterClassifier


class RejectsProtocol2(LetterClassifier):
    fails = "check_pickle"

    def __reduce_ex__(self, protocol):
        if protocol == 2:
            raise TypeError("Protocol 2 is not supported.")
        return super().__reduce_ex__(protocol)


class CannotBePickled(LetterClassifier):
    fails = (
        "check_joblib_memory_map check_pickle check_pickle_between_partial_fits "
        "check_pickle_holds_no_training_data"
    )

    def _initialize(self, classes):
        super()._initialize(classes)
        self.lower_ = lambda text: text.lower()


class ResetsAttributeInPickle(LetterClassifier):
    fails = (
        "check_deepcopy check_joblib_memory_map check_pickle "
        "check_pickle_between_partial_fits"
    )

    def __getstate__(self):
        state = super().__getstate__()
        return state | {"letter_scales_": 1.0} if "letter_scales_" in state else state


class CopiesOnlyParameters(LetterClassifier):
    fails = "check_deepcopy"

    def __deepcopy__(self, memo):
        return clone(self)


class WritesIntoFittedArrays(LetterClassifier):
    fails = "check_joblib_memory_map"

    def _scores(self, X):
        if hasattr(self, "weight_sums_"):
            self.weight_sums_ += 0
        return super()._scores(X)


class StoresTexts(LetterClassifier):
    fails = "check_pickle_holds_no_training_data"

    def _update(self, texts, y, weights):
        super()._update(texts, y, weights)
        self.texts_ = list(texts)


class StoresWeights(LetterClassifier):
    fails = "check_pickle_holds_no_training_data"

    def _update(self, texts, y, weights):
        super()._update(texts, y, weights)
        self.weights_ = weights
