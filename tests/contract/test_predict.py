"""Predictions: independence of parameters and minibatches, finite scores."""

import pickle

import numpy as np
import pytest
import torch

from ..conftest import same_bits


def test_predict_ignores_later_parameters(fitted_copy, corpus):
    """Parameters set after fitting change neither predictions nor pickles."""
    expected = fitted_copy.predict_proba(corpus[0])
    fitted_copy.set_params(recipe="paper", random_state=9, max_epochs=99)
    if "max_length" in fitted_copy.get_params():
        fitted_copy.set_params(max_length=1014)
    assert np.array_equal(fitted_copy.predict_proba(corpus[0]), expected)
    assert same_bits(pickle.loads(pickle.dumps(fitted_copy)), fitted_copy, corpus[0])


def test_log_proba_of_large_logits(fitted_copy, corpus):
    """Logarithms are finite for logits of 900, where exp underflows."""
    with torch.no_grad():
        weights = fitted_copy.net_.module_.parameters()
        bias = [weight for weight in weights if weight.shape == (2,)][-1]
        bias.add_(torch.tensor([0.0, 900.0]))
    assert np.isfinite(fitted_copy.predict_log_proba(corpus[0])).all()


def test_decision_function_is_log_odds(fitted, corpus):
    scores, proba = fitted.decision_function(corpus[0]), fitted.predict_proba(corpus[0])
    np.testing.assert_allclose(scores, np.log(proba[:, 1] / proba[:, 0]), atol=1e-9)


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_predict_with_any_batch_size(fitted_copy, corpus, batch_size):
    """Probabilities agree within 1e-5 for minibatches of any size."""
    texts = [*corpus[0], "", "one long text " * 30]
    expected = fitted_copy.predict_proba(texts)
    actual = fitted_copy.set_params(batch_size=batch_size).predict_proba(texts)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5)
