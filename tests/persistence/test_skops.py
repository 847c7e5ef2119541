"""Saving with skops."""

import pytest
import skops.io
from sklearn.base import clone

from ..classifiers import LINEAR
from ..conftest import same_bits
from .model_files import LABELS, TEXTS


def test_skops_trusted_types(network):
    data = skops.io.dumps(network)
    trusted = skops.io.get_untrusted_types(data=data)
    cls = type(network)
    assert trusted == [f"{cls.__module__}.{cls.__name__}"]
    loaded = skops.io.loads(data, trusted=trusted)
    assert same_bits(loaded, network, TEXTS)
    assert loaded.net_.optimizer_.state


@pytest.mark.parametrize("name", LINEAR)
def test_skops_pipeline_round_trip(name):
    pipeline = clone(LINEAR[name]).fit(TEXTS[:2] * 8, LABELS[:2] * 8)
    data = skops.io.dumps(pipeline)
    trusted = skops.io.get_untrusted_types(data=data)
    assert all(kind.startswith("sktextconv.") for kind in trusted)
    assert same_bits(skops.io.loads(data, trusted=trusted), pipeline, TEXTS)
