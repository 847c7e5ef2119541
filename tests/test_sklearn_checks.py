"""scikit-learn's own checks of tables, through an adapter: an independent reference."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from .classifiers import ON_NUMBERS, SLOW_ON_NUMBERS

FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": (
        "in minibatches a weight of 2 is a row seen twice in expectation only"
    ),
}

# They ask for equality within 1e-7 and 1e-9, and what float32 kernels give differs by
# 1e-7 with the shape of the batch, or happens not to. Our own contract asks for 1e-5.
CLOSER_THAN_FLOAT32 = {
    "check_methods_subset_invariance",
    "check_methods_sample_order_invariance",
}


def run(estimator, check):
    if check.func.__name__ in CLOSER_THAN_FLOAT32:
        pytest.xfail("asks for more digits than float32 has")
    check(estimator)


@parametrize_with_checks(ON_NUMBERS, expected_failed_checks=lambda estimator: FAILURES)
def test_check_on_numbers_passes(estimator, check):
    run(estimator, check)


@pytest.mark.slow
@parametrize_with_checks(
    SLOW_ON_NUMBERS, expected_failed_checks=lambda estimator: FAILURES
)
def test_check_on_numbers_passes_for_large_networks(estimator, check):
    run(estimator, check)
