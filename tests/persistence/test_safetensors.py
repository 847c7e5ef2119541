"""A file holds what predicts, or is refused whole; nothing of it is ever run."""

import functools
import hashlib
import json
import lzma
import math
import os
import pickle
import random
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import skops.io
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from skorch.callbacks import Callback
from torch.utils._python_dispatch import TorchDispatchMode

import sktextconv
from sktextconv import KimCNNClassifier, ModelFormatError, SynonymReplacer
from sktextconv.schedules import constant

from .. import golden
from ..classifiers import NETWORKS
from ..test_contract import PIPELINES, same_bits

TEXTS = golden.TEXTS
LABELS = ["good", "bad", "odd", "good"]

KIM = KimCNNClassifier(
    embedding_dim=2, n_filters=2, max_epochs=1, batch_size=4, random_state=0
)


@functools.cache
def trained(name):
    network = clone(NETWORKS[name]).set_params(max_epochs=1)
    return network.fit(TEXTS[:2] * 4, ["good", "bad"] * 4)


@pytest.fixture(params=NETWORKS)
def network(request):
    return trained(request.param)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def kept(classifier, path):
    """The classifier after it went through a file."""
    sktextconv.save(classifier, path)
    return sktextconv.load(path)


# -- what comes back ----------------------------------------------------------------


def test_predictions_are_the_same_bits(network, path):
    before = pickle.dumps(network)
    loaded = kept(network, path)
    assert type(loaded) is type(network)
    assert same_bits(loaded, network, TEXTS)
    assert loaded.predict(TEXTS).tolist() == network.predict(TEXTS).tolist()
    assert loaded.get_params() == network.get_params()
    for name in ("history_", "n_iter_"):
        assert getattr(loaded, name) == getattr(network, name)
    assert vars(loaded).keys() == vars(network).keys()
    assert pickle.dumps(network) == before  # saving changes nothing


def test_another_process_gives_the_same_bits(tmp_path):
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
def test_labels_come_back_with_value_and_dtype(labels, path):
    classifier = clone(KIM).fit(TEXTS, labels)
    loaded = kept(classifier, path)
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
def test_parameters_come_back(parameters, path, capsys):
    classifier = clone(KIM).set_params(**parameters | {"augmenter": None})
    classifier.fit(TEXTS, LABELS).set_params(**parameters)
    loaded = kept(classifier, path)
    ours = classifier.get_params()
    ours.pop("augmenter")
    theirs = loaded.get_params()
    assert repr(theirs.pop("augmenter")) == repr(classifier.augmenter)
    assert theirs == ours
    assert type(loaded.widths) is type(classifier.widths)


def test_labels_of_class_weight_keep_their_type(path):
    weights = {3: 1.0, -1: 2.0}
    classifier = clone(KIM).set_params(class_weight=weights).fit(TEXTS[:2], [3, -1])
    loaded = kept(classifier, path)
    assert loaded.class_weight == weights
    assert same_bits(loaded.fit(TEXTS[:2], [3, -1]), classifier, TEXTS)


def test_path_of_vectors_comes_back_as_a_path(path, tmp_path):
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("1 2\nfilm 1 0\n")
    classifier = clone(KIM).set_params(vectors=vectors, tuning="static")
    loaded = kept(classifier.fit(TEXTS, LABELS), path)
    assert loaded.vectors == vectors
    assert same_bits(loaded.fit(TEXTS, LABELS), classifier, TEXTS)


class Shouting:
    def augment(self, texts, *, seed, epoch):
        return [text.upper() for text in texts]


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("augmenter", Shouting()),
        ("augmenter", SynonymReplacer(random_state=np.random.RandomState(0))),
        ("callbacks", [Callback()]),
        ("random_state", np.random.RandomState(0)),
        ("schedule", constant),
        ("vectors", {"film": np.ones(2)}),
    ],
)
def test_what_only_trains_and_is_not_plain_comes_back_as_none(parameter, value, path):
    classifier = clone(KIM)
    if parameter == "vectors":
        classifier.set_params(vectors=value, tuning="static")
    elif not isinstance(value, SynonymReplacer):  # which needs WordNet
        classifier.set_params(**{parameter: value})
    classifier.fit(TEXTS, LABELS).set_params(**{parameter: value})
    with pytest.warns(UserWarning, match=f"no plain values: {parameter}.* be None"):
        sktextconv.save(classifier, path)
    loaded = sktextconv.load(path)
    assert getattr(loaded, parameter) is None
    assert same_bits(loaded, classifier, TEXTS)
    again = kept(loaded.partial_fit(TEXTS, LABELS), path)  # now without a warning
    assert same_bits(again, loaded, TEXTS)


def test_vectors_that_were_left_out_are_asked_for_by_a_fit(path):
    classifier = clone(KIM).set_params(vectors={"film": np.ones(2)}, tuning="static")
    classifier.fit(TEXTS, LABELS)
    with pytest.warns(UserWarning, match="vectors"):
        sktextconv.save(classifier, path)
    with pytest.raises(ValueError, match="Pass vectors"):
        sktextconv.load(path).fit(TEXTS, LABELS)


def test_network_comes_back_as_fitted_and_training_as_last_set(path):
    classifier = clone(KIM).fit(TEXTS, LABELS)
    classifier.set_params(embedding_dim=7, lowercase=False, max_epochs=9)
    loaded = kept(classifier, path)
    assert (loaded.embedding_dim, loaded.lowercase, loaded.max_epochs) == (2, True, 9)
    assert same_bits(loaded, classifier, TEXTS)


def test_a_loaded_network_knows_no_checkpoint(path, tmp_path):
    classifier = clone(KIM).set_params(checkpoint=tmp_path / "state", resume=True)
    loaded = kept(classifier.fit(TEXTS, LABELS), path)
    assert (loaded.checkpoint, loaded.resume) == (None, False)


def test_a_loaded_network_needs_no_compiler(path):
    classifier = clone(KIM).set_params(compile="eager").fit(TEXTS, LABELS)
    loaded = kept(classifier, path)
    assert loaded.compile is False
    assert loaded.net_.module_._compiled_call_impl is None
    assert same_bits(loaded, classifier, TEXTS)
    assert len(loaded.set_params(warm_start=True).fit(TEXTS, LABELS).history_) == 2


def test_what_punkt_learnt_comes_back(path):
    encoder = trained("han").encoder_
    assert "mr" in encoder.learnt()["boundaries"]["abbreviations"]
    loaded = kept(trained("han"), path).encoder_
    assert loaded.learnt() == encoder.learnt()
    for text in TEXTS:
        assert loaded.spans(text) == encoder.spans(text)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(min_size=1), min_size=1, max_size=4))
def test_any_word_comes_back(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("words") / "model"
    texts = [*texts, "a", "b"]
    classifier = clone(KIM).fit(texts, [0, 1] + [0] * (len(texts) - 2))
    loaded = kept(classifier, path)
    assert loaded.encoder_.words == classifier.encoder_.words
    assert same_bits(loaded, classifier, texts)


# -- going on ------------------------------------------------------------------------


def test_fit_starts_afresh(path):
    loaded = kept(clone(KIM).fit(TEXTS, LABELS), path)
    fresh = clone(KIM).fit(TEXTS[:3], [1, 2, 3])
    assert same_bits(loaded.fit(TEXTS[:3], [1, 2, 3]), fresh, TEXTS)


@pytest.mark.parametrize("name", ["kimcnn", "vdcnn"])
def test_training_goes_on_with_a_new_optimizer(name, path):
    one = kept(trained(name), path).set_params(warm_start=True)
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


def test_saving_and_loading_move_no_generator(path):
    classifier = clone(KIM).set_params(random_state=None).fit(TEXTS, LABELS)

    def state():
        return (
            random.getstate(),
            [str(part) for part in np.random.get_state()],
            torch.get_rng_state().tolist(),
            [str(part) for part in classifier._rng.get_state()],
        )

    before = state()
    kept(classifier, path).predict(TEXTS)
    assert state() == before


# -- devices -------------------------------------------------------------------------


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_a_device_that_is_not_there_is_no_fault_of_the_file(path):
    sktextconv.save(clone(KIM).fit(TEXTS, LABELS), path)
    with pytest.raises(ValueError, match="The 'device' parameter") as error:
        sktextconv.load(path, device="cuda")
    assert type(error.value) is ValueError


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_model_moves_between_devices(network, path):
    sktextconv.save(network, path)
    moved = sktextconv.load(path, device="cuda")
    assert moved.net_.device == "cuda"
    expected = network.predict_proba(TEXTS)
    np.testing.assert_allclose(moved.predict_proba(TEXTS), expected, atol=1e-4)
    assert same_bits(kept(moved, path), network, TEXTS)


# -- saving --------------------------------------------------------------------------


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
        (lambda: PIPELINES["bow"], TypeError, "got Pipeline.*skops"),
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
def test_what_cannot_be_kept_is_refused_before_writing(make, error, match, path):
    path.write_bytes(b"old")
    with pytest.raises(error, match=match):
        sktextconv.save(make(), path)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failing_disk_leaves_the_old_file(step, path, monkeypatch):
    path.write_bytes(b"old")

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="No space"):
        sktextconv.save(clone(KIM).fit(TEXTS, LABELS), path)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == b"old"


def test_a_file_takes_its_place_once_it_is_on_the_disk(path, monkeypatch):
    steps = []
    replace, fsync = os.replace, os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (steps.append("fsync"), fsync(file)))
    monkeypatch.setattr(
        os,
        "replace",
        lambda part, whole: (
            steps.append((Path(part).parent, whole)),
            replace(part, whole),
        ),
    )
    sktextconv.save(clone(KIM).fit(TEXTS, LABELS), path)
    assert steps == ["fsync", (path.parent, path)]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_one_model_is_one_file(path):
    classifier = clone(KIM).fit(TEXTS, LABELS)
    sktextconv.save(classifier, str(path))
    before = path.read_bytes()
    sktextconv.save(classifier, path)
    assert path.read_bytes() == before


def test_a_file_is_smaller_than_a_pickle_and_open_to_other_programs(network, path):
    sktextconv.save(network, path)
    assert path.stat().st_size < 0.7 * len(pickle.dumps(network))
    weights = safetensors.numpy.load_file(path)
    expected = network.net_.module_.state_dict()
    assert weights.keys() == expected.keys()
    for name, tensor in expected.items():
        assert np.array_equal(weights[name], tensor.numpy())


# -- damage --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged")


@pytest.fixture(scope="module")
def whole(folder):
    """The bytes of a file."""
    path = folder / "whole"
    sktextconv.save(clone(KIM).fit(TEXTS, LABELS), path)
    return path.read_bytes()


def take_apart(data):
    """The table of tensors, our header without its sum, the bytes of the tensors."""
    end = 8 + int.from_bytes(data[:8], "little")
    outer = json.loads(data[8:end])
    header = json.loads(outer.pop("__metadata__")["sktextconv"])
    return outer, header | {"sha256": "0" * 64}, data[end:]


def put_together(outer, header, body):
    """A file with a right sum, whatever is in it: what an attacker would write."""
    text = header if isinstance(header, str) else json.dumps(header)
    text = json.dumps({"__metadata__": {"sktextconv": text}} | outer)
    data = len(text).to_bytes(8, "little") + text.encode() + body
    return data.replace(b"0" * 64, hashlib.sha256(data).hexdigest().encode(), 1)


def refusal(data, path):
    """The message by which a file with these bytes is refused."""
    path.write_bytes(data)
    with pytest.raises(ModelFormatError) as error:
        sktextconv.load(path)
    message = str(error.value)
    assert message.startswith(f"Expected {path} to be a model that sktextconv.save")
    assert message.endswith(("save the file again.", "Update sktextconv."))
    assert "\n" not in message
    return message


def test_the_file_is_put_together_as_it_says(whole, path):
    path.write_bytes(put_together(*take_apart(whole)))
    assert same_bits(sktextconv.load(path), clone(KIM).fit(TEXTS, LABELS), TEXTS)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_file_that_is_cut_short_is_refused(whole, folder, data):
    size = data.draw(st.integers(0, len(whole) - 1))
    refusal(whole[:size], folder / "short")


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_flipped_bit_is_noticed_wherever_it_is(whole, folder, data):
    damaged = bytearray(whole)
    for place in data.draw(st.sets(st.integers(0, len(whole) - 1), min_size=1)):
        damaged[place] ^= 1 << data.draw(st.integers(0, 7))
    refusal(bytes(damaged), folder / "flipped")


@settings(max_examples=50, deadline=None)
@given(st.data(), st.binary(max_size=20))
def test_bytes_put_in_or_taken_out_are_noticed(whole, folder, data, between):
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    damaged = whole[:start] + between + whole[end:]
    assume(damaged != whole)
    refusal(damaged, folder / "changed")


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused(folder, data):
    refusal(data, folder / "any")


KINDS = st.sampled_from(["tuple", "dict", "path", "SynonymReplacer", "words"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(KINDS | st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


def load_or_refuse(data, path):
    """A right sum vouches for nothing: the file is refused, or it is a model."""
    path.write_bytes(data)
    try:
        loaded = sktextconv.load(path)
    except ModelFormatError:
        return
    assert loaded.predict_proba(TEXTS).shape == (4, 3)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_forged_header_is_refused_or_is_of_a_model(whole, folder, data):
    outer, header, body = take_apart(whole)
    key = data.draw(st.sampled_from(sorted(header.keys() - {"sha256"})))
    header[key] = data.draw(JSON)
    load_or_refuse(put_together(outer, header, body), folder / "forged")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_forged_parameter_is_refused_or_is_of_a_model(whole, folder, data):
    outer, header, body = take_apart(whole)
    key = data.draw(st.sampled_from(sorted(header["parameters"])))
    header["parameters"][key] = data.draw(JSON)
    load_or_refuse(put_together(outer, header, body), folder / "forged")


FORGERIES = {  # what is done to the header, and what the message says
    "newer": (
        lambda h: h | {"format": 2, "new": 0, "versions": {"sktextconv": "9.1"}},
        r"Expected 1, got 2, .*'9.1'.* Update sktextconv\.",
    ),
    "format": (lambda h: h | {"format": "1"}, "Expected 1, got '1'"),
    "true": (lambda h: h | {"format": True}, "got True|got bool"),
    "estimator": (lambda h: h | {"estimator": "Pipeline"}, "got 'Pipeline'"),
    "callable": (lambda h: h | {"estimator": "os.system"}, "got 'os.system'"),
    "other": (
        lambda h: h | {"estimator": "RNNClassifier"},
        "unexpected keyword argument",
    ),
    "extra": (lambda h: h | {"more": 1}, "Expected nothing as 'more', got int"),
    "parameter": (
        lambda h: h | {"parameters": h["parameters"] | {"more": 1}},
        "unexpected keyword argument 'more'.* Update sktextconv if",
    ),
    "range": (
        lambda h: h | {"parameters": h["parameters"] | {"dropout": 2}},
        r"'dropout' parameter .* \[0.0, 1.0\)\. Got 2",
    ),
    "width": (
        lambda h: h | {"parameters": h["parameters"] | {"embedding_dim": 3}},
        r"Expected F32 \[2, 3, 1, 3\] as tensor .*, got F32 \[2, 2, 1, 3\]",
    ),
    "threads": (
        lambda h: h | {"parameters": h["parameters"] | {"n_jobs": 10**9}},
        "Expected n_jobs .* to 4096, got 1000000000",
    ),
    "large": (
        lambda h: h | {"parameters": h["parameters"] | {"max_length": 2**60}},
        "Expected an int up to 9007199254740992, got 1152921504606846976",
    ),
    "words": (
        lambda h: h | {"encoder": {"words": h["encoder"]["words"][1:]}},
        r"as tensor 'embedding.weight'",
    ),
    "repeated": (
        lambda h: h | {"encoder": {"words": ["a", *h["encoder"]["words"][1:-1], "a"]}},
        "words .* distinct",
    ),
    "numbers": (
        lambda h: h | {"encoder": {"words": [*h["encoder"]["words"][1:], 7]}},
        "words .* list of str",
    ),
    "encoder": (lambda h: h | {"encoder": {}}, "'words'"),
    "classes": (lambda h: h | {"classes": h["classes"][:2]}, "as tensor 'head.bias'"),
    "order": (lambda h: h | {"classes": h["classes"][::-1]}, "sorted labels"),
    "cut": (lambda h: h | {"dtype": "<U3"}, "sorted labels of dtype <U3"),
    "types": (lambda h: h | {"dtype": "<i8"}, "Expected int as labels"),
    "objects": (
        lambda h: h | {"dtype": "|O", "classes": [[], "a", 1]},
        "str as labels",
    ),
    "dtype": (lambda h: h | {"dtype": "|V8"}, "labels, got '|V8'"),
    "history": (lambda h: h | {"history": [{"epoch": "1"}]}, "numbers of an epoch"),
    "seed": (lambda h: h | {"seed": -1}, "Seed must be between 0 and"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_header_is_refused_with_what_is_wrong(name, whole, path):
    forge, match = FORGERIES[name]
    outer, header, body = take_apart(whole)
    assert re.search(match, refusal(put_together(outer, forge(header), body), path))


def test_each_key_is_needed_with_its_type(whole, path):
    outer, header, body = take_apart(whole)
    for key in header.keys() - {"sha256", "format"}:
        less = {name: value for name, value in header.items() if name != key}
        message = refusal(put_together(outer, less, body), path)
        assert f"as '{key}', got nothing" in message
        message = refusal(put_together(outer, header | {key: None}, body), path)
        assert f"as '{key}', got NoneType" in message


def test_a_parameter_younger_than_the_file_takes_its_default(whole, path):
    outer, header, body = take_apart(whole)
    del header["parameters"]["batch_size"]
    path.write_bytes(put_together(outer, header, body))
    assert sktextconv.load(path).batch_size == KimCNNClassifier().batch_size


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (
            lambda text: text.replace('"seed": ', '"seed": 1, "seed": '),
            "no key .* twice",
        ),
        (lambda text: text.replace('"n_iter": 1', '"n_iter": NaN'), "NaN"),
        (lambda text: text.replace('"n_iter": 1', '"n_iter": -Infinity'), "Infinity"),
        (lambda text: text.replace('"n_iter": 1', '"n_iter": 1e999'), "64 bits"),
        (
            lambda text: text.replace('"n_iter": 1', '"n_iter": ' + "9" * 9999),
            "64 bits",
        ),
        (
            lambda text: text.replace('"n_iter": 1', '"n_iter": ' + "[" * 10**6),
            "recursion",
        ),
        (lambda text: text[:-1], "Expecting"),
        (lambda text: "[]", "Expected a JSON object, got list"),
        (lambda text: "null", "Expected a JSON object, got NoneType"),
        (
            lambda text: text.replace("0" * 64, ""),
            "Expected a SHA-256 checksum, got ''",
        ),
        (lambda text: text.replace("0" * 64, "1" * 64), "SHA-256 checksum 1{64}, got"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_json_that_was_not_saved_is_refused(change, match, whole, path):
    outer, header, body = take_apart(whole)
    text = json.dumps(header)
    assert change(text) != text
    assert re.search(match, refusal(put_together(outer, change(text), body), path))


def test_other_tensors_are_refused(whole, path):
    _, header, _ = take_apart(whole)
    tensors = safetensors.numpy.load(whole)

    def message(**others):
        changed = {
            name: array
            for name, array in (tensors | others).items()
            if array is not None
        }
        data = safetensors.numpy.save(changed, {"sktextconv": json.dumps(header)})
        outer, _, body = take_apart(data)
        return refusal(put_together(outer, header, body), path)

    bias = tensors["head.bias"]
    assert "Expected F32 [3] as tensor 'head.bias', got none" in message(
        **{"head.bias": None}
    )
    assert "Expected none as tensor 'more', got F32 [3]" in message(more=bias)
    assert "got F64 [3]" in message(**{"head.bias": bias.astype(float)})
    assert "got F16 [3]" in message(**{"head.bias": bias.astype(np.float16)})
    assert "got F32 [3, 1]" in message(**{"head.bias": bias[:, None]})
    assert "got NaN or infinity in 'head.bias'" in message(
        **{"head.bias": np.array([0, np.nan, 1], np.float32)}
    )


def test_tensors_that_lie_over_each_other_are_refused(whole, path):
    outer, header, body = take_apart(whole)
    outer["head.bias"]["data_offsets"] = [0, 12]
    assert "safetensors" in refusal(put_together(outer, header, body), path)


def test_files_of_other_programs_are_refused(tmp_path, path):
    weights = {"head.bias": np.zeros(3, np.float32)}
    message = refusal(safetensors.numpy.save(weights), path)
    assert "it has not our header" in message
    message = refusal(safetensors.numpy.save(weights, {"sktextconv": "no"}), path)
    assert "it has not our header" in message
    for data in (b"", b"{}", skops.io.dumps(clone(KIM)), lzma.compress(b"")):
        assert "it is no whole file of safetensors" in refusal(data, path)


class Harmful:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("protocol", [0, pickle.HIGHEST_PROTOCOL])
def test_a_pickle_is_refused_and_not_run(protocol, path, tmp_path):
    data = pickle.dumps(Harmful(str(tmp_path / "harm")), protocol)
    assert "Read a pickle with pickle.load or joblib.load" in refusal(data, path)
    assert not (tmp_path / "harm").exists()


def test_a_folder_is_refused_and_no_file_is_not_found(tmp_path):
    with pytest.raises(ModelFormatError, match="it is no file"):
        sktextconv.load(tmp_path)
    with pytest.raises(FileNotFoundError):
        sktextconv.load(tmp_path / "none")


# -- what a file may take ------------------------------------------------------------


class Largest(TorchDispatchMode):
    """Bytes of the largest tensor that is made off the meta device."""

    size = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and result.device.type != "meta":
            self.size = max(self.size, result.nbytes)
        return result


def test_shapes_are_checked_before_memory_is_taken(whole, path):
    outer, header, body = take_apart(whole)
    with Largest() as usual:
        path.write_bytes(whole)
        sktextconv.load(path)
    assert 0 < usual.size < len(whole)
    for size in (10**4, 2**62):
        header["parameters"]["embedding_dim"] = size
        with Largest() as largest:
            refusal(put_together(outer, header, body), path)
        assert largest.size == 0


def test_labels_are_bounded_before_memory_is_taken(whole, path):
    outer, header, body = take_apart(whole)
    data = put_together(outer, header | {"dtype": "<U100000000"}, body)
    tracemalloc.start()
    try:
        assert "3 of 400000000 each" in refusal(data, path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10**7


def test_layers_are_bounded_by_the_tensors(path):
    sktextconv.save(trained("rnn"), path)
    outer, header, body = take_apart(path.read_bytes())
    header["parameters"]["n_layers"] = 10**3
    message = refusal(put_together(outer, header, body), path)
    assert "as many layers as there are tensors" in message


def test_tensors_that_are_not_in_the_file_are_bounded_by_its_size(path, monkeypatch):
    sktextconv.save(trained("charcnn"), path)  # which makes its one-hot rows anew
    monkeypatch.setattr("sktextconv.persistence._safetensors._MAX_MEMORY", 1)
    assert "Expected a larger file" in refusal(path.read_bytes(), path)


# -- later releases ------------------------------------------------------------------


GOLDEN = sorted(golden.FOLDER.parent.glob("format-*/*.xz"))


def test_every_network_has_a_file_of_the_present_format():
    names = {path.name for path in GOLDEN if path.parent == golden.FOLDER}
    assert names == {f"{name}.safetensors.xz" for name in NETWORKS}
    assert all(path.stat().st_size < 12_000 for path in GOLDEN)


@pytest.mark.parametrize("packed", GOLDEN, ids=lambda path: path.name.partition(".")[0])
def test_files_of_all_releases_predict_as_they_did(packed, path):
    path.write_bytes(lzma.decompress(packed.read_bytes()))
    name = packed.name.partition(".")[0]
    expected = json.loads(packed.with_name(f"{name}.json").read_text())
    loaded = sktextconv.load(path)
    probabilities = loaded.predict_proba(TEXTS)
    np.testing.assert_allclose(probabilities, expected["probabilities"], atol=1e-5)
    assert len(np.unique(probabilities.round(3), axis=0)) == len(TEXTS)
    assert loaded.predict(TEXTS).tolist() == expected["labels"]
    assert loaded.classes_.dtype.str == expected["dtype"]
    for parameter, value in golden.SET_LATER.get(name, {}).items():
        assert repr(getattr(loaded, parameter)) == repr(value)


# -- other ways ----------------------------------------------------------------------


def test_skops_need_trust_no_more_than_the_class(network):
    data = skops.io.dumps(network)
    trusted = skops.io.get_untrusted_types(data=data)
    cls = type(network)
    assert trusted == [f"{cls.__module__}.{cls.__name__}"]
    loaded = skops.io.loads(data, trusted=trusted)
    assert same_bits(loaded, network, TEXTS)
    assert loaded.net_.optimizer_.state


@pytest.mark.parametrize("name", PIPELINES)
def test_skops_keep_pipelines(name):
    pipeline = clone(PIPELINES[name]).fit(TEXTS[:2] * 8, LABELS[:2] * 8)
    data = skops.io.dumps(pipeline)
    trusted = skops.io.get_untrusted_types(data=data)
    assert all(kind.startswith("sktextconv.") for kind in trusted)
    assert same_bits(skops.io.loads(data, trusted=trusted), pipeline, TEXTS)
