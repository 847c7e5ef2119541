"""Bad estimators that fail checks reused from scikit-learn."""

from ..letter_classifier import LetterClassifier


class SetsAttributeInInit(LetterClassifier):
    fails = "check_no_attributes_set_in_init"

    def __init__(
        self, *, scale=30.0, class_weight=None, jitter=0.01, random_state=None
    ):
        super().__init__(
            scale=scale,
            class_weight=class_weight,
            jitter=jitter,
            random_state=random_state,
        )
        self.alphabet = "abc"


class ValidatesInInit(LetterClassifier):
    fails = "check_do_not_raise_errors_in_init_or_set_params"

    def __init__(
        self, *, scale=30.0, class_weight=None, jitter=0.01, random_state=None
    ):
        super().__init__(
            scale=scale,
            class_weight=class_weight,
            jitter=jitter,
            random_state=random_state,
        )
        float(scale)


class HasMutableDefault(LetterClassifier):
    fails = "check_parameters_default_constructible"

    def __init__(self, *, scale=30.0, class_weight=None, jitter=0.01, random_state=[]):  # noqa: B006
        super().__init__(
            scale=scale,
            class_weight=class_weight,
            jitter=jitter,
            random_state=random_state,
        )


class DefinesMoreTags(LetterClassifier):
    fails = "check_estimator_tags_renamed"

    def _more_tags(self):
        return {"X_types": ["string"]}


class IgnoresNoneInSetParams(LetterClassifier):
    fails = "check_set_params"

    def set_params(self, **params):
        return super().set_params(**{k: v for k, v in params.items() if v is not None})


class RaisesInRepr(LetterClassifier):
    fails = "check_estimator_repr"

    def __repr__(self):
        raise RuntimeError("no name")


class HasTagOfWrongType(LetterClassifier):
    fails = "check_valid_tag_types"

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = "yes"
        return tags
