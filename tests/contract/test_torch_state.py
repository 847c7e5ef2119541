"""torch's global state: settings of the caller change no result, and stay."""

import contextlib
import pickle
import threading

import numpy as np
import pytest
import torch
from sklearn.base import clone
from skorch.callbacks import Callback

import sktextconv
from sktextconv.inspection._explain import available_methods
from sktextconv.persistence import OnnxClassifier, export_onnx

from ..classifiers import NETWORKS
from .conftest import fit_once


@contextlib.contextmanager
def changed(get, put, value):
    """Set a setting of the process inside the block."""
    before = get()
    put(value)
    try:
        yield
    finally:
        put(before)


def default_device(name):
    # Back to None: setting the CPU would leave a mode on torch's stack.
    return changed(lambda: None, torch.set_default_device, name)


def default_dtype(dtype):
    return changed(torch.get_default_dtype, torch.set_default_dtype, dtype)


def no_gradients():
    return changed(torch.is_grad_enabled, torch.set_grad_enabled, False)


def deterministic():
    return changed(
        torch.are_deterministic_algorithms_enabled,
        torch.use_deterministic_algorithms,
        True,
    )


@contextlib.contextmanager
def everything():
    """Change all settings together."""
    with contextlib.ExitStack() as stack:
        for name in (
            "autocast",
            "float64 by default",
            "deterministic algorithms",
            "meta by default",
            "inference mode",
        ):
            stack.enter_context(CONTEXTS[name]())
        yield


CONTEXTS = {
    "inference mode": torch.inference_mode,
    "no_grad": torch.no_grad,
    "gradients disabled": no_gradients,
    "meta device": lambda: torch.device("meta"),
    "meta by default": lambda: default_device("meta"),
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "float64 by default": lambda: default_dtype(torch.float64),
    "bfloat16 by default": lambda: default_dtype(torch.bfloat16),
    "deterministic algorithms": deterministic,
    "everything": everything,
}


def torch_state():
    """Return the settings of torch that the contexts change."""
    probe = torch.empty(0)
    return (
        probe.device,
        probe.dtype,
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_autocast_enabled("cpu"),
        torch.are_deterministic_algorithms_enabled(),
        torch.get_num_threads(),
    )


def results(network, corpus, path):
    """Return the numbers of each public call that computes with torch."""
    texts, labels = corpus
    fitted = clone(network).fit(texts, labels)
    proba = fitted.predict_proba(texts)
    again = pickle.loads(pickle.dumps(fitted))
    sktextconv.save(fitted, path)
    loaded = sktextconv.load(path)
    methods = available_methods(fitted)
    method = "gradient" if "gradient" in methods else "occlusion"
    weights = sktextconv.explain(fitted, texts[0], method=method).weights
    pooled = getattr(fitted, "attention", lambda texts: ())(texts[:2])
    sentences = [each.weight for text in pooled for each in text.sentences]
    return {
        "fit": [row["train_loss"] for row in fitted.history_],
        "predict_proba": proba,
        "partial_fit": fitted.partial_fit(texts, labels).predict_proba(texts),
        "pickle": again.partial_fit(texts, labels).predict_proba(texts),
        "load": loaded.predict_proba(texts),
        "loaded partial_fit": loaded.partial_fit(texts, labels).predict_proba(texts),
        "explanation": weights,
        "attention": np.array(sentences),
    }


_PLAIN = {}


def plain_results(name, corpus, path):
    """Return the results without any setting, computed once."""
    if name not in _PLAIN:
        _PLAIN[name] = results(NETWORKS[name], corpus, path)
    return _PLAIN[name]


def assert_same(actual, expected):
    different = [n for n in expected if not np.array_equal(actual[n], expected[n])]
    assert not different


# Each setting alone for one network, all together for the others.
CASES = [("kimcnn", context) for context in CONTEXTS]
CASES += [(name, "everything") for name in NETWORKS if name != "kimcnn"]


@pytest.mark.parametrize(("name", "context"), CASES)
def test_results_in_context(name, context, corpus, tmp_path):
    """Each call gives the bits of a plain call, and the settings stay."""
    path = tmp_path / "model.safetensors"
    expected = plain_results(name, corpus, path)
    with CONTEXTS[context]():
        before = torch_state()
        actual = results(NETWORKS[name], corpus, path)
        assert torch_state() == before
    assert_same(actual, expected)


@pytest.mark.parametrize("context", ["autocast", "everything"])
def test_bfloat16_in_context(context, corpus, tmp_path):
    """Under autocast of the caller, no cast of old weights is used again."""
    network = clone(NETWORKS["kimcnn"])
    network.set_params(precision="bfloat16", early_stopping=True, max_epochs=4)
    expected = clone(network).fit(*corpus).predict_proba(corpus[0])
    with CONTEXTS[context]():
        assert np.array_equal(network.fit(*corpus).predict_proba(corpus[0]), expected)


def test_model_made_in_context_works_outside(corpus, tmp_path):
    """A network fitted or loaded in inference mode can be trained further."""
    expected = plain_results("rnn", corpus, tmp_path / "plain")["partial_fit"]
    with everything():
        network = clone(NETWORKS["rnn"]).fit(*corpus)
        copied = pickle.loads(pickle.dumps(network))
    for each in (network, copied):
        assert np.array_equal(
            each.partial_fit(*corpus).predict_proba(corpus[0]), expected
        )


@pytest.mark.parametrize("context", ["inference mode", "everything"])
def test_export_onnx_in_context(context, corpus, tmp_path):
    fitted = fit_once("kimcnn", corpus)
    export_onnx(fitted, tmp_path / "plain.onnx")
    with CONTEXTS[context]():
        export_onnx(fitted, tmp_path / "inside.onnx")
    plain, inside = (
        OnnxClassifier(tmp_path / f"{n}.onnx") for n in ("plain", "inside")
    )
    assert np.array_equal(
        inside.predict_proba(corpus[0]), plain.predict_proba(corpus[0])
    )


class ChangeFromThread(Callback):
    """Callback in whose first epoch another thread changes torch's settings."""

    def on_batch_begin(self, net, training=None, **kwargs):
        def change():
            torch.set_default_dtype(torch.float64)
            torch.set_default_device("meta")
            torch.set_grad_enabled(False)
            torch.set_num_threads(3)

        thread = threading.Thread(target=change)
        thread.start()
        thread.join()


@pytest.mark.parametrize("name", NETWORKS)
def test_thread_changes_settings(name, corpus):
    """Settings that another thread changes during `fit` have no effect on it."""
    texts, labels = corpus
    plain = fit_once(name, corpus)
    network = clone(NETWORKS[name]).set_params(callbacks=[ChangeFromThread()])
    # The other thread's number is that of all threads that start later.
    one_thread = changed(torch.get_num_threads, torch.set_num_threads, 1)
    with default_dtype(torch.float32), one_thread:
        network.fit(texts, labels)
        proba = network.predict_proba(texts)
        assert torch.get_default_dtype() == torch.float64
        assert torch.get_default_device().type == "cpu"
    assert network.history_ == [
        row | {"seconds": ours["seconds"]}
        for row, ours in zip(plain.history_, network.history_, strict=True)
    ]
    assert np.array_equal(proba, plain.predict_proba(texts))


@pytest.mark.parametrize("name", ["kimcnn", "rnn"])
def test_threads_fit_with_other_default_dtype(name, corpus):
    """Fits of several threads at once restore the default dtype together."""
    texts, labels = corpus
    networks = [clone(NETWORKS[name]) for _ in range(4)]
    with default_dtype(torch.float64):
        threads = [
            threading.Thread(target=network.fit, args=(texts, labels))
            for network in networks
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert torch.get_default_dtype() == torch.float64
    expected = fit_once(name, corpus).predict_proba(texts)
    for network in networks:
        assert np.array_equal(network.predict_proba(texts), expected)


def test_number_of_threads_is_restored(corpus):
    """With `n_jobs`, torch's number of threads is that of `n_jobs` in the call only."""
    expected = fit_once("kimcnn", corpus).predict_proba(corpus[0])
    network = clone(NETWORKS["kimcnn"]).set_params(n_jobs=1)
    with changed(torch.get_num_threads, torch.set_num_threads, 2):
        proba = network.fit(*corpus).predict_proba(corpus[0])
        assert torch.get_num_threads() == 2
    assert np.array_equal(proba, expected)
