"""The package's own estimator checks, strict ones included, on all its classifiers."""

import inspect

from sklearn.base import ClassifierMixin

import sktextconv
from sktextconv import parametrize_with_text_checks

from ..classifiers import LINEAR, NETWORKS, ONLINE

EXPECTED_FAILED_CHECKS = {
    "check_weight_2_is_a_row_twice": (
        "with minibatches, a weight of 2 equals a repeated row only in expectation"
    ),
}


@parametrize_with_text_checks(
    [*NETWORKS.values(), *LINEAR.values()],
    strict=True,
    expected_failed_checks=lambda estimator: EXPECTED_FAILED_CHECKS,
)
def test_classifier_passes_check(estimator, check):
    check(estimator)


def test_all_public_classifiers_are_checked():
    public = {
        name
        for name in sktextconv.__all__
        if inspect.isclass(getattr(sktextconv, name))
        and issubclass(getattr(sktextconv, name), ClassifierMixin)
    }
    checked = [*NETWORKS.values(), *ONLINE.values()]
    assert public == {type(classifier).__name__ for classifier in checked}
