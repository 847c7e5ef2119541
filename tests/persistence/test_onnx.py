"""Export to ONNX files and prediction from them."""

import functools
import hashlib
import json
import lzma
import os
import pickle
import random
import re
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings, strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from torch import nn

from sktextconv import ModelFormatError, OnnxClassifier, cli, explain, export_onnx, save

from .. import golden
from ..classifiers import NETWORKS, PIPELINES
from ..conftest import REPOSITORY

TEXTS = [
    "Mr. Ito saw a fine film on Monday, and so did I! It is well made, well cast, and "
    "it made me laugh more than once.",
    "What a bore, said Mr. Abe of it. It never ends; 120 minutes (or was it 1,000?) of "
    "talk, talk & talk, and no story at all.",
    "",
    "Good, e.g. the U.S. cast; 'ünseen' words too.",
    " \n",
    "a",
    "\ud800 \0 it",
    "So long. " * 70,  # longer than max_length of any network
    "talk " * 500,
]
LABELS = ["good", "bad", "odd", "good"]

VARIANTS = {
    "charcnn": ("charcnn", {}),
    "wordcnn": ("wordcnn", {"lowercase": False, "keep": "end"}),
    "vdcnn-max": ("vdcnn", {"shortcut": True, "max_length": 101}),
    "vdcnn-kmax": ("vdcnn", {"pooling": "kmax"}),
    "vdcnn-conv": ("vdcnn", {"pooling": "conv"}),
    "kimcnn": ("kimcnn", {"tuning": "multichannel", "vectors": "word2vec"}),
    "lstm-mean": ("rnn", {"embedding_dim": 5, "hidden_dim": 4}),
    "gru-last-both": (
        "rnn",
        {"cell": "gru", "pooling": "last", "bidirectional": True, "n_layers": 2},
    ),
    "rnn-max": ("rnn", {"cell": "rnn", "pooling": "max"}),
    "lstm-keras": (
        "rnn",
        {"recipe": "adam", "tokenizer": "keras", "hidden_dim": (6, 4), "keep": "end"},
    ),
    "han-attention": ("han", {"max_sentences": 3, "max_sentence_length": 9}),
    "han-mean": ("han", {"pooling": "mean"}),
    "han-max": ("han", {"pooling": "max"}),
    "charcrnn": ("charcrnn", {"widths": (5, 4, 3)}),
    "dpcnn": ("dpcnn", {"embedding_dim": 5}),
}


@functools.cache
@torch.no_grad()
def trained(variant):
    """Return a fitted network with widely different predictions for `TEXTS`."""
    name, parameters = VARIANTS[variant]
    if parameters.get("vectors"):
        rng = np.random.default_rng(0)
        words = ("fine", "film", "it", "talk", "bore")
        vectors = {word: rng.normal(size=16).astype(np.float32) for word in words}
        parameters = parameters | {"vectors": vectors}
    network = clone(NETWORKS[name]).set_params(max_epochs=1, **parameters)
    network.fit(TEXTS[:4] * 3, LABELS * 3)
    *_, head = (m for m in network.net_.module_.modules() if isinstance(m, nn.Linear))
    logits = torch.tensor(network.decision_function(TEXTS), dtype=torch.float32)
    scale = 2 / logits.std(0).mean()
    head.bias.copy_(scale * (head.bias - logits.mean(0)))
    head.weight *= scale
    return network


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("onnx")

    @functools.cache
    def path_of(variant):
        path = folder / f"{variant}.onnx"
        export_onnx(trained(variant), path)
        return path

    return path_of


@pytest.fixture(scope="session")
def saved(exported):
    return exported("lstm-mean").read_bytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.onnx"


# -- prediction ----------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:.* outside the alphabet")
@pytest.mark.parametrize("variant", VARIANTS)
def test_predictions_match_network(variant, exported):
    network, classifier = trained(variant), OnnxClassifier(exported(variant))
    expected = network.predict_proba(TEXTS)
    assert expected.std(axis=0).max() > 0.05
    found = classifier.predict_proba(TEXTS)
    assert found.dtype == np.float64
    assert abs(found - expected).max() < 1e-5
    assert abs(found.sum(axis=1) - 1).max() < 1e-12
    for text, row in zip(TEXTS, expected, strict=True):  # on its own, without padding
        assert abs(classifier.predict_proba([text])[0] - row).max() < 1e-5
    assert np.array_equal(classifier.classes_, network.classes_)
    labels = classifier.predict(np.array(TEXTS, dtype=object))
    assert labels.tolist() == network.predict(TEXTS).tolist()
    assert labels.dtype == network.classes_.dtype


def test_predict_keeps_order_in_batches(exported, monkeypatch):
    monkeypatch.setattr("sktextconv.persistence._onnx_classifier._BATCH_SIZE", 4)
    monkeypatch.setattr("sktextconv.persistence._onnx_classifier._CHUNK_SIZE", 10)
    classifier = OnnxClassifier(exported("han-attention"), n_jobs=1)
    texts = TEXTS * 3
    random.Random(0).shuffle(texts)
    expected = trained("han-attention").predict_proba(texts)
    assert abs(classifier.predict_proba(texts) - expected).max() < 1e-5


def test_predict_without_torch_or_sklearn(exported, tmp_path):
    variants = ["charcnn", "lstm-mean", "han-attention"]
    paths = {variant: str(exported(variant)) for variant in variants}
    script = (
        "import sys\n"
        "for name in ('torch', 'sklearn', 'scipy', 'skorch', 'safetensors', 'onnx'):\n"
        "    sys.modules[name] = None\n"
        "import numpy as np\n"
        "from sktextconv import OnnxClassifier\n"
        f"found = {{name: OnnxClassifier(path).predict_proba({TEXTS!r})\n"
        f"    for name, path in {paths!r}.items()}}\n"
        f"np.savez({str(tmp_path / 'found.npz')!r}, **found)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    found = np.load(tmp_path / "found.npz")
    for variant in variants:
        expected = trained(variant).predict_proba(TEXTS)
        assert abs(found[variant] - expected).max() < 1e-5


def test_graph_declares_inputs_and_outputs(exported):
    network = trained("rnn-max")
    model = onnx.load(exported("rnn-max"))
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(exported("rnn-max"))
    (ids,), (out,) = session.get_inputs(), session.get_outputs()
    assert (ids.name, ids.type, len(ids.shape)) == ("ids", "tensor(int64)", 2)
    assert all(isinstance(size, str) for size in ids.shape)
    assert (out.name, out.type, out.shape[1]) == ("probabilities", "tensor(double)", 3)
    header = json.loads(session.get_modelmeta().custom_metadata_map["sktextconv"])
    assert header["classes"] == network.classes_.tolist()
    assert header["learnt"]["words"] == network.encoder_.words
    assert header["estimator"] == "RNNClassifier"


def test_predict_checks_texts(exported):
    classifier = OnnxClassifier(exported("lstm-mean"))
    with pytest.raises(ValueError, match="string object received"):
        classifier.predict("a text")
    with pytest.raises(ValueError, match="required by OnnxClassifier"):
        classifier.predict_proba([])
    with pytest.raises(TypeError, match="got int at index 1"):
        classifier.predict(["a", 1])


@pytest.mark.parametrize("variant", ["lstm-mean", "lstm-keras"])
def test_explain_matches_network(variant, exported):
    classifier = OnnxClassifier(exported(variant))
    ours = explain(classifier, TEXTS[0], target="bad")
    theirs = explain(trained(variant), TEXTS[0], target="bad")
    assert (ours.label, ours.words) == (theirs.label, theirs.words)
    np.testing.assert_allclose(ours.weights, theirs.weights, atol=1e-4)
    assert ours.deletion_curve(classifier).area > 0


# -- writing -------------------------------------------------------------------------


def test_export_leaves_state_unchanged(path, exported):
    network = trained("lstm-mean")

    def state():
        return (
            random.getstate(),
            [str(part) for part in np.random.get_state()],
            torch.get_rng_state().tolist(),
            pickle.dumps(network),
        )

    before = state()
    export_onnx(network, str(path))
    assert state() == before
    assert path.read_bytes() == exported("lstm-mean").read_bytes()
    assert str(REPOSITORY).encode() not in path.read_bytes()
    assert b".py" not in path.read_bytes()


def with_nan():
    classifier = clone(NETWORKS["rnn"]).fit(TEXTS[:4], LABELS)
    with torch.no_grad():
        classifier.net_.module_.head.bias[0] = np.nan
    return classifier


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: clone(NETWORKS["rnn"]), NotFittedError, "not fitted"),
        (lambda: PIPELINES["bow"], TypeError, "got a linear pipeline"),
        (with_nan, ValueError, "NaN or infinity in 'head.bias'"),
    ],
    ids=["unfitted", "pipeline", "nan"],
)
def test_export_invalid_estimator_writes_nothing(make, error, match, path):
    path.write_bytes(b"old")
    with pytest.raises(error, match=match):
        export_onnx(make(), path)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == b"old"


def test_write_error_keeps_old_file(path, monkeypatch):
    path.write_bytes(b"old")

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        export_onnx(trained("lstm-mean"), path)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("module", ["onnx", "onnxscript"])
def test_export_missing_extra(module, path, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"export_onnx needs {module}, .*\[onnx\]"):
        export_onnx(trained("lstm-mean"), path)


def test_open_missing_extra(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match=r"OnnxClassifier needs .*\[onnx\]"):
        OnnxClassifier(path)


def test_cli_export(exported, tmp_path):
    saved, path = tmp_path / "model.safetensors", tmp_path / "model.onnx"
    save(trained("rnn-max"), saved)
    assert cli.main(["export", str(saved), "--out", str(path)]) == 0
    assert path.read_bytes() == exported("rnn-max").read_bytes()


# -- damaged and forged files --------------------------------------------------------


def open_error(data, path):
    path.write_bytes(data)
    with pytest.raises(ModelFormatError) as caught:
        OnnxClassifier(path)
    message = str(caught.value)
    assert message.startswith(f"Expected {path} to be a model that sktextconv.export_")
    return message


def header_of(data):
    model = onnx.ModelProto.FromString(data)
    return json.loads(model.metadata_props[0].value)


def with_header(data, header, change=lambda model: None):
    """Return a file with another header (text or object) and a valid checksum."""
    model = onnx.ModelProto.FromString(data)
    text = header if isinstance(header, str) else json.dumps(header)
    model.metadata_props[0].value = re.sub('"[0-9a-f]{64}"', f'"{"0" * 64}"', text)
    change(model)
    data = model.SerializeToString()
    start = data.rindex(b"0" * 64)
    digest = hashlib.sha256(data).hexdigest().encode()
    return data[:start] + digest + data[start + 64 :]


@settings(max_examples=60)
@given(data=st.data())
def test_open_flipped_bit(saved, tmp_path_factory, data):
    damaged = bytearray(saved)
    position = data.draw(st.integers(0, len(saved) - 1))
    damaged[position] ^= 1 << data.draw(st.integers(0, 7))
    open_error(bytes(damaged), tmp_path_factory.mktemp("flip") / "model.onnx")


def test_open_truncated_or_foreign_file(saved, path):
    for size in (0, 1, 7, len(saved) // 2, len(saved) - 1):
        open_error(saved[:size], path)
    open_error(saved + b"\0", path)
    open_error(b"PK\3\4", path)
    open_error(b"\xff" * 100, path)
    model = onnx.ModelProto.FromString(saved)
    del model.metadata_props[:]
    assert "with the key 'sktextconv'" in open_error(model.SerializeToString(), path)


def test_open_folder_or_missing_file(tmp_path):
    with pytest.raises(ModelFormatError, match="it is not a file"):
        OnnxClassifier(tmp_path)
    with pytest.raises(FileNotFoundError):
        OnnxClassifier(tmp_path / "none")


def settings_with(**changed):
    return lambda h: h | {"settings": h["settings"] | changed}


FORGERIES = {
    "newer": (
        lambda h: h | {"format": 2},
        r"Expected format 1, got 2.*Update sktextconv\.",
    ),
    "extra": (lambda h: h | {"more": 1}, "Expected nothing as 'more', got int"),
    "lacking": (
        lambda h: {key: h[key] for key in h if key != "dtype"},
        "Expected str as 'dtype', got nothing",
    ),
    "encoder": (lambda h: h | {"encoder": "Pipeline"}, "got 'Pipeline'"),
    "other": (lambda h: h | {"encoder": "CharEncoder"}, "Expected str as 'alphabet'"),
    "pattern": (settings_with(token_pattern="(a+)+b"), "nothing as 'token_pattern'"),
    "type": (settings_with(max_length="9"), "Expected int as 'max_length', got str"),
    "length": (settings_with(max_length=0), "max_length from 1"),
    "keep": (settings_with(keep="middle"), "keep 'start' or 'end', got 'middle'"),
    "tokenizer": (settings_with(tokenizer="split"), "Expected 'keras', got 'split'"),
    "no name": (settings_with(tokenizer=None), "Expected str as 'tokenizer'"),
    "words": (lambda h: h | {"learnt": {"words": ["a", "a"]}}, "distinct"),
    "more words": (
        lambda h: h | {"learnt": {"words": [*h["learnt"]["words"], "unheard"]}},
        "its graph is invalid",
    ),
    "order": (lambda h: h | {"classes": h["classes"][::-1]}, "sorted labels"),
    "classes": (lambda h: h | {"classes": h["classes"][:2]}, "of 2 classes, got"),
    "twice": (lambda h: json.dumps(h)[:-1] + ', "format": 1}', "unique keys in JSON"),
    "json": (lambda h: json.dumps(h)[:-1], "Expecting"),
    "list": (lambda h: "[]", "Expected a JSON object, got list"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_open_forged_header(name, saved, path):
    forge, match = FORGERIES[name]
    header = forge(header_of(saved))
    # A list has no key for the checksum.
    if name == "list":
        model = onnx.ModelProto.FromString(saved)
        model.metadata_props[0].value = header
        assert re.search(match, open_error(model.SerializeToString(), path))
        return
    assert re.search(match, open_error(with_header(saved, header), path))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text("ab"),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text("ab"), part),
    max_leaves=5,
)


@settings(max_examples=60)
@given(data=st.data())
def test_open_random_header_value(saved, tmp_path_factory, data):
    """A file with a valid checksum is rejected, or is a working model."""
    header = header_of(saved)
    part = data.draw(st.sampled_from([header, header["settings"], header["learnt"]]))
    part[data.draw(st.sampled_from(sorted(part.keys() - {"sha256"})))] = data.draw(JSON)
    path = tmp_path_factory.mktemp("forged") / "model.onnx"
    path.write_bytes(with_header(saved, header))
    try:
        classifier = OnnxClassifier(path)
    except ModelFormatError:
        return
    assert classifier.predict_proba(TEXTS).shape == (len(TEXTS), 3)


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["a", "bb", "Ünï ✓"]),
        np.array(["a", "b\0", "\ud800"], dtype=object),
        np.array([-(2**63), 0, 2**63 - 1]),
        np.array([0, 7, 255], dtype=np.uint8),
        np.array([-3.0, 0.0, 2.0], dtype=np.float32),
    ],
    ids=lambda labels: labels.dtype.str,
)
def test_labels_keep_value_and_dtype(labels, saved, path):
    header = header_of(saved) | {"classes": labels.tolist(), "dtype": labels.dtype.str}
    path.write_bytes(with_header(saved, header))
    classifier = OnnxClassifier(path)
    assert classifier.classes_.tolist() == labels.tolist()
    assert classifier.predict(TEXTS).dtype == labels.dtype


def rename_output(model):
    model.graph.output[0].name = "none"


def drop_nodes(model):
    del model.graph.node[:]


def logits_for_probabilities(model):
    (softmax,) = (node for node in model.graph.node if node.op_type == "Softmax")
    softmax.op_type = "Identity"
    del softmax.attribute[:]


@pytest.mark.parametrize(
    "change", [rename_output, drop_nodes, logits_for_probabilities]
)
def test_open_graph_without_probabilities(change, saved, path):
    data = with_header(saved, header_of(saved), change)
    assert "its graph is invalid" in open_error(data, path)


# -- golden files --------------------------------------------------------------------


GOLDEN = sorted(golden.ONNX_FOLDER.parent.glob("onnx-*/*.xz"))


def test_golden_file_per_encoder():
    names = {path.name for path in GOLDEN if path.parent == golden.ONNX_FOLDER}
    assert names == {f"{name}.onnx.xz" for name in golden.ENCODED}
    assert all(path.stat().st_size < 12_000 for path in GOLDEN)


@pytest.mark.parametrize("packed", GOLDEN, ids=lambda path: path.name.partition(".")[0])
def test_golden_predictions(packed, path):
    path.write_bytes(lzma.decompress(packed.read_bytes()))
    name = packed.name.partition(".")[0]
    expected = json.loads(packed.with_name(f"{name}.json").read_text())
    classifier = OnnxClassifier(path)
    found = classifier.predict_proba(golden.TEXTS)
    assert abs(found - expected["probabilities"]).max() < 1e-5
    labels = classifier.predict(golden.TEXTS)
    assert labels.dtype.str == expected["dtype"]
    assert labels.tolist() == expected["labels"]
