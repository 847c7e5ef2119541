"""Outputs of a network that has diverged."""

import pytest
import torch

from sktextconv.training._net import DivergedError
from sktextconv.training._predict import _check_finite

INF, NAN = float("inf"), float("nan")


@pytest.mark.parametrize("values", [[INF, -INF], [INF, 0], [-INF, 0], [NAN, 0]])
def test_infinite_outputs_are_an_error(values):
    """Also infinities of both signs, which add up to NaN with a warning of NumPy."""
    with pytest.raises(DivergedError, match="Expected finite logits, got NaN or inf"):
        _check_finite(torch.tensor([values]), "logits")
