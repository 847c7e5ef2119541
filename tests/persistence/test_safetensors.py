"""Saving and loading of classifiers."""

import math
import os
import pickle
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch
from hypothesis import given, settings, strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from skorch.callbacks import Callback

import sktextconv
from sktextconv import KimCNNClassifier, SynonymReplacer
from sktextconv.schedules import constant

from ..classifiers import NETWORKS, PIPELINES
from ..conftest import same_bits
from .model_files import KIM, LABELS, TEXTS, trained


def round_trip(classifier, path):
    """Return the classifier after saving and loading."""
    sktextconv.save(classifier, path)
    return sktextconv.load(path)


def test_load_predicts_same_bits(network, path):
    before = pickle.dumps(network)
    loaded = round_trip(network, path)
    assert type(loaded) is type(network)
    assert same_bits(loaded, network, TEXTS)
    assert loaded.predict(TEXTS).tolist() == network.predict(TEXTS).tolist()
    # Parameters derived in `fit` are saved with their values.
    derived = {
        parameter: derive(network)
        for parameter, derive in network._derived_parameters.items()
        if getattr(network, parameter) is None
    }
    assert loaded.get_params() == network.get_params() | derived
    for name in ("history_", "n_iter_"):
        assert getattr(loaded, name) == getattr(network, name)
    assert vars(loaded).keys() == vars(network).keys()
    # `save` has no side effects.
    assert pickle.dumps(network) == before


def test_load_in_new_process_same_bits(tmp_path):
    for name in NETWORKS:
        sktextconv.save(trained(name), tmp_path / name)
    script = (
        "import numpy as np, sktextconv, torch; torch.set_num_threads(1)\n"
        f"found = {{name: sktextconv.load({str(tmp_path)!r} + '/' + name)"
        f".predict_proba({TEXTS!r}) for name in {list(NETWORKS)}}}\n"
        f"np.savez({str(tmp_path / 'found.npz')!r}, **found)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    found = np.load(tmp_path / "found.npz")
    for name in NETWORKS:
        assert np.array_equal(found[name], trained(name).predict_proba(TEXTS))


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["a", "bb", "Ünï ✓", ""]),
        np.array(["short", "b", "c", "d"], dtype="<U40"),
        np.array(["a", "b\0", "\ud800", "d"], dtype=object),
        np.array([3, -1, 0, 7]),
        np.array([2**63 - 1, -(2**63), 0, 1]),
        np.array([2**64 - 1, 2**63, 0, 1], dtype=np.uint64),
        np.array([-128, 127, 0, 1], dtype=np.int8),
        np.array([200, 7, 0, 255], dtype=np.uint8),
        np.array([5, 4, 3, 2], dtype=">i4"),
        np.array([True, False, True, False]),
        np.array([2.0, -3.0, 0.0, 2.0**53]),
        np.array([2.0, 0.0, 16777216.0, 1.0], dtype=np.float32),
        np.array([2.0, 0.0, 4.0, 1.0], dtype=np.float16),
    ],
    ids=lambda labels: labels.dtype.str,
)
def test_labels_keep_value_and_dtype(labels, path):
    classifier = clone(KIM).fit(TEXTS, labels)
    loaded = round_trip(classifier, path)
    assert loaded.classes_.dtype == classifier.classes_.dtype
    assert loaded.classes_.dtype.str == classifier.classes_.dtype.str
    assert loaded.classes_.tolist() == classifier.classes_.tolist()
    assert loaded.predict(TEXTS).dtype == classifier.predict(TEXTS).dtype


@pytest.mark.parametrize(
    "parameters",
    [
        {"random_state": None, "widths": [1, 2], "callbacks": []},
        {"widths": (2,), "learning_rate": np.float64(0.1), "batch_size": np.int64(3)},
        {"class_weight": {"good": 1, "bad": np.float32(0.5), "odd": 0.1}},
        {"augmenter": SynonymReplacer(p=0.3, wordnet=Path("folder"), random_state=3)},
        {"schedule": "exp_range", "tol": 1e-310, "max_norm": None, "verbose": 1},
    ],
    ids=["sequences", "scalars", "dict", "replacer", "others"],
)
def test_load_restores_parameters(parameters, path, capsys):
    classifier = clone(KIM).set_params(**parameters | {"augmenter": None})
    classifier.fit(TEXTS, LABELS).set_params(**parameters)
    loaded = round_trip(classifier, path)
    ours = classifier.get_params()
    ours.pop("augmenter")
    theirs = loaded.get_params()
    assert repr(theirs.pop("augmenter")) == repr(classifier.augmenter)
    assert theirs == ours
    assert type(loaded.widths) is type(classifier.widths)


def test_class_weight_keys_keep_type(path):
    weights = {3: 1.0, -1: 2.0}
    classifier = clone(KIM).set_params(class_weight=weights).fit(TEXTS[:2], [3, -1])
    loaded = round_trip(classifier, path)
    assert loaded.class_weight == weights
    assert same_bits(loaded.fit(TEXTS[:2], [3, -1]), classifier, TEXTS)


def test_vectors_path_stays_path(path, tmp_path):
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("1 2\nfilm 1 0\n")
    classifier = clone(KIM).set_params(vectors=vectors, tuning="static")
    loaded = round_trip(classifier.fit(TEXTS, LABELS), path)
    assert loaded.vectors == vectors
    assert same_bits(loaded.fit(TEXTS, LABELS), classifier, TEXTS)


class UppercaseAugmenter:
    def augment(self, texts, *, seed, epoch):
        return [text.upper() for text in texts]


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("augmenter", UppercaseAugmenter()),
        ("augmenter", SynonymReplacer(random_state=np.random.RandomState(0))),
        ("callbacks", [Callback()]),
        ("random_state", np.random.RandomState(0)),
        ("schedule", constant),
        ("vectors", {"film": np.ones(2)}),
    ],
)
def test_unserializable_training_parameters(parameter, value, path):
    """Training parameters that are not serializable become None, with a warning."""
    classifier = clone(KIM)
    if parameter == "vectors":
        classifier.set_params(vectors=value, tuning="static")
    elif not isinstance(value, SynonymReplacer):  # needs WordNet
        classifier.set_params(**{parameter: value})
    classifier.fit(TEXTS, LABELS).set_params(**{parameter: value})
    with pytest.warns(UserWarning, match=f"not saved: {parameter}.* be None"):
        sktextconv.save(classifier, path)
    loaded = sktextconv.load(path)
    assert getattr(loaded, parameter) is None
    assert same_bits(loaded, classifier, TEXTS)
    again = round_trip(loaded.partial_fit(TEXTS, LABELS), path)  # now without a warning
    assert same_bits(again, loaded, TEXTS)


def test_fit_asks_for_omitted_vectors(path):
    classifier = clone(KIM).set_params(vectors={"film": np.ones(2)}, tuning="static")
    classifier.fit(TEXTS, LABELS)
    with pytest.warns(UserWarning, match="vectors"):
        sktextconv.save(classifier, path)
    with pytest.raises(ValueError, match="Pass vectors"):
        sktextconv.load(path).fit(TEXTS, LABELS)


def test_load_after_set_params(path):
    """Network parameters are those of `fit`; training parameters those set last."""
    classifier = clone(KIM).fit(TEXTS, LABELS)
    classifier.set_params(embedding_dim=7, lowercase=False, max_epochs=9)
    loaded = round_trip(classifier, path)
    assert (loaded.embedding_dim, loaded.lowercase, loaded.max_epochs) == (2, True, 9)
    assert same_bits(loaded, classifier, TEXTS)


def test_load_resets_checkpoint(path, tmp_path):
    classifier = clone(KIM).set_params(checkpoint=tmp_path / "state", resume=True)
    loaded = round_trip(classifier.fit(TEXTS, LABELS), path)
    assert (loaded.checkpoint, loaded.resume) == (None, False)


def test_load_resets_compile(path):
    classifier = clone(KIM).set_params(compile="eager").fit(TEXTS, LABELS)
    loaded = round_trip(classifier, path)
    assert loaded.compile is False
    assert loaded.net_.module_._compiled_call_impl is None
    assert same_bits(loaded, classifier, TEXTS)
    assert len(loaded.set_params(warm_start=True).fit(TEXTS, LABELS).history_) == 2


def test_load_restores_punkt_model(path):
    encoder = trained("han").encoder_
    assert "mr" in encoder.get_state()["boundaries"]["abbreviations"]
    loaded = round_trip(trained("han"), path).encoder_
    assert loaded.get_state() == encoder.get_state()
    for text in TEXTS:
        assert loaded.spans(text) == encoder.spans(text)


@settings(max_examples=30)
@given(st.lists(st.text(min_size=1), min_size=1, max_size=4))
def test_load_restores_any_word(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("words") / "model"
    texts = [*texts, "a", "b"]
    classifier = clone(KIM).fit(texts, [0, 1] + [0] * (len(texts) - 2))
    loaded = round_trip(classifier, path)
    assert loaded.encoder_.words == classifier.encoder_.words
    assert same_bits(loaded, classifier, texts)


def test_fit_after_load_starts_from_scratch(path):
    loaded = round_trip(clone(KIM).fit(TEXTS, LABELS), path)
    fresh = clone(KIM).fit(TEXTS[:3], [1, 2, 3])
    assert same_bits(loaded.fit(TEXTS[:3], [1, 2, 3]), fresh, TEXTS)


@pytest.mark.parametrize("name", ["kimcnn", "vdcnn"])
def test_training_continues_with_new_optimizer(name, path):
    one = round_trip(trained(name), path).set_params(warm_start=True)
    other = sktextconv.load(path).set_params(warm_start=True)
    assert trained(name).net_.optimizer_.state
    assert not one.net_.optimizer_.state
    before = one.predict_proba(TEXTS)
    for classifier in (one, other):
        classifier.partial_fit(TEXTS[:2], ["good", "bad"])
        classifier.fit(TEXTS[:2], ["good", "bad"])
    assert same_bits(one, other, TEXTS)
    assert not np.array_equal(one.predict_proba(TEXTS), before)
    assert [row["epoch"] for row in one.history_] == [1, 2, 3]
    with pytest.raises(ValueError, match="classes not in"):
        one.partial_fit(TEXTS[:1], ["odd"])
    with pytest.raises(ValueError, match="max_length cannot change"):
        one.set_params(max_length=150).fit(TEXTS[:2], ["good", "bad"])


def test_save_and_load_leave_generators_unchanged(path):
    classifier = clone(KIM).set_params(random_state=None).fit(TEXTS, LABELS)

    def state():
        return (
            random.getstate(),
            [str(part) for part in np.random.get_state()],
            torch.get_rng_state().tolist(),
            [str(part) for part in classifier._rng.get_state()],
        )

    before = state()
    round_trip(classifier, path).predict(TEXTS)
    assert state() == before


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_load_unavailable_device(path):
    """An unavailable device is a plain ValueError, not a ModelFormatError."""
    sktextconv.save(clone(KIM).fit(TEXTS, LABELS), path)
    with pytest.raises(ValueError, match="The 'device' parameter") as error:
        sktextconv.load(path, device="cuda")
    assert type(error.value) is ValueError


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_load_on_cuda(network, path):
    sktextconv.save(network, path)
    moved = sktextconv.load(path, device="cuda")
    assert moved.net_.device == "cuda"
    expected = network.predict_proba(TEXTS)
    np.testing.assert_allclose(moved.predict_proba(TEXTS), expected, atol=1e-4)
    assert same_bits(round_trip(moved, path), network, TEXTS)


class Subclass(KimCNNClassifier):
    pass


def with_nan():
    classifier = clone(KIM).fit(TEXTS, LABELS)
    with torch.no_grad():
        classifier.net_.module_.head.bias[0] = math.nan
    return classifier


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: clone(KIM), NotFittedError, "not fitted"),
        (
            lambda: clone(PIPELINES["bow"]),
            NotFittedError,
            "NGramVectorizer .* not fitted",
        ),
        (lambda: KIM.__class__, TypeError, "got ABCMeta"),
        (
            lambda: Subclass(**KIM.get_params()).fit(TEXTS, LABELS),
            TypeError,
            "got Subclass",
        ),
        (
            lambda: clone(KIM).set_params(tol=np.longdouble(0.5)).fit(TEXTS, LABELS),
            TypeError,
            r"got np.longdouble\('0.5'\)",
        ),
        (
            lambda: clone(KIM).fit(TEXTS, LABELS).set_params(max_epochs=0),
            ValueError,
            "'max_epochs' parameter of KimCNNClassifier",
        ),
        (
            lambda: clone(KIM).fit(TEXTS, np.array([1, 2, 1, 2], dtype=np.longdouble)),
            TypeError,
            "as labels, got '<f16'",
        ),
        (with_nan, ValueError, "NaN or infinity in 'head.bias'"),
    ],
    ids=[
        "unfitted",
        "pipeline",
        "class",
        "subclass",
        "parameter",
        "set",
        "labels",
        "nan",
    ],
)
def test_save_invalid_estimator_writes_nothing(make, error, match, path):
    path.write_bytes(b"old")
    with pytest.raises(error, match=match):
        sktextconv.save(make(), path)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_write_error_keeps_old_file(step, path, monkeypatch):
    path.write_bytes(b"old")

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="No space"):
        sktextconv.save(clone(KIM).fit(TEXTS, LABELS), path)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == b"old"


def test_save_replaces_after_fsync(path, monkeypatch):
    steps = []
    replace, fsync = os.replace, os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (steps.append("fsync"), fsync(file)))
    monkeypatch.setattr(
        os,
        "replace",
        lambda source, target: (
            steps.append((Path(source).parent, target)),
            replace(source, target),
        ),
    )
    sktextconv.save(clone(KIM).fit(TEXTS, LABELS), path)
    assert steps == ["fsync", (path.parent, path)]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_save_is_deterministic(path):
    classifier = clone(KIM).fit(TEXTS, LABELS)
    sktextconv.save(classifier, str(path))
    before = path.read_bytes()
    sktextconv.save(classifier, path)
    assert path.read_bytes() == before


def test_save_smaller_than_pickle_and_readable(network, path):
    """The file is smaller than a pickle, and safetensors can read its weights."""
    sktextconv.save(network, path)
    assert path.stat().st_size < 0.7 * len(pickle.dumps(network))
    weights = safetensors.numpy.load_file(path)
    expected = network.net_.module_.state_dict()
    assert weights.keys() == expected.keys()
    for name, tensor in expected.items():
        assert np.array_equal(weights[name], tensor.numpy())
