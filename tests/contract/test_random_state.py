"""Reproducible training, and global state that training leaves unchanged."""

import os
import subprocess
import sys
import threading

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone

from sktextconv.estimator_checks._global_state import (
    changed_names,
    generator_states,
    global_settings,
)

from ..classifiers import NETWORKS
from ..conftest import same_bits
from .conftest import fit_once


def test_another_seed_changes_model(network, fitted, corpus):
    other = network.set_params(random_state=1).fit(*corpus)
    assert not same_bits(fitted, other, corpus[0])


def test_random_state_none(network, corpus):
    """The seed comes from NumPy's global generator."""
    network.set_params(random_state=None)
    fits = []
    for seed in (5, 5, 6):
        np.random.seed(seed)
        fits.append(clone(network).fit(*corpus))
    assert same_bits(fits[0], fits[1], corpus[0])
    assert not same_bits(fits[0], fits[2], corpus[0])


def test_random_state_generator_advances(network, corpus):
    """Two calls of `fit` with one `RandomState` give different models."""
    network.set_params(random_state=np.random.RandomState(3))
    first = network.fit(*corpus).predict_proba(corpus[0])
    assert not np.array_equal(network.fit(*corpus).predict_proba(corpus[0]), first)


@pytest.fixture(scope="module")
def subprocess_results(corpus, tmp_path_factory):
    """Probabilities in another process: of loaded networks and of networks fitted."""
    path = tmp_path_factory.mktemp("subprocess") / "job.joblib"
    here = {name: fit_once(name, corpus) for name in NETWORKS}
    joblib.dump((here, NETWORKS, corpus), path)
    script = (
        "import joblib, torch; torch.set_num_threads(1)\n"
        f"here, networks, (X, y) = joblib.load({str(path)!r})\n"
        "probabilities = {\n"
        "    name: (here[name].predict_proba(X), model.fit(X, y).predict_proba(X))\n"
        "    for name, model in networks.items()\n"
        "}\n"
        f"joblib.dump(probabilities, {str(path)!r})\n"
    )
    environment = os.environ | {"PYTHONHASHSEED": "77"}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)
    return joblib.load(path)


@pytest.mark.parametrize("name", NETWORKS)
def test_another_process_gives_same_bits(subprocess_results, corpus, name):
    """A loaded and a fitted network predict the same bits in another process."""
    expected = fit_once(name, corpus).predict_proba(corpus[0])
    loaded, fitted = subprocess_results[name]
    assert np.array_equal(loaded, expected)
    assert np.array_equal(fitted, expected)


def test_fit_in_threads_gives_same_bits(network, corpus):
    """Networks trained in concurrent threads equal one trained alone."""
    expected = clone(network).fit(*corpus)
    state = torch.get_rng_state()
    networks = [clone(network) for _ in range(3)]
    workers = [threading.Thread(target=each.fit, args=corpus) for each in networks]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(same_bits(each, expected, corpus[0]) for each in networks)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("get_state", [generator_states, global_settings])
def test_diverged_fit_restores_global_state(network, corpus, get_state):
    """Random generators and torch's settings are as before the failed `fit`."""

    def diverge():
        with pytest.raises(ValueError, match="loss became"):
            network.set_params(learning_rate=1e30, max_epochs=5).fit(*corpus)

    assert changed_names(get_state, diverge) == []
