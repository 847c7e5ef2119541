"""Networks, new and fitted, for the tests of the contract."""

import copy

import pytest
from sklearn.base import clone

from ..classifiers import NETWORKS


@pytest.fixture(params=NETWORKS)
def network(request):
    return clone(NETWORKS[request.param])


_FITTED = {}


def fit_once(name, corpus):
    """Return a fitted network, trained once for all tests that do not change it."""
    if name not in _FITTED:
        _FITTED[name] = clone(NETWORKS[name]).fit(*corpus)
    return _FITTED[name]


@pytest.fixture(params=NETWORKS)
def fitted(request, corpus):
    return fit_once(request.param, corpus)


@pytest.fixture
def fitted_copy(fitted):
    return copy.deepcopy(fitted)
