"""Character networks learn from texts in any script."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone

from sktextconv import (
    CharCNNClassifier,
    CharCRNNClassifier,
    CharFiltersDisplay,
    OnnxClassifier,
    VDCNNClassifier,
    explain,
    export_onnx,
    load,
    save,
)
from sktextconv.networks.charcrnn import _PAPER_ALPHABET

from .scripts import SCRIPTS, make_texts

SMALL = {"max_epochs": 10, "batch_size": 8, "random_state": 0}
NETWORKS = {
    "charcnn": CharCNNClassifier(max_length=123, **SMALL),
    "vdcnn": VDCNNClassifier(max_length=64, dense_dim=64, **SMALL),
    "charcrnn": CharCRNNClassifier(**SMALL),
}
PAPERS = {"charcnn": "paper", "vdcnn": "vdcnn", "charcrnn": _PAPER_ALPHABET}
QUICK = [
    ("charcnn", "chinese", "auto"),
    ("charcnn", "emoji", "bytes"),
    ("vdcnn", "arabic", "auto"),
    ("vdcnn", "thai", "bytes"),
    ("charcrnn", "hindi", "auto"),
    ("charcrnn", "chinese", "bytes"),
]
ALL = [
    (name, script, alphabet)
    for name in NETWORKS
    for script in SCRIPTS
    for alphabet in ("auto", "bytes")
]


@pytest.mark.parametrize(
    ("name", "script", "alphabet"),
    [
        pytest.param(*case, marks=() if case in QUICK else pytest.mark.slow)
        for case in ALL
    ],
)
def test_network_learns_script(name, script, alphabet):
    """Ten epochs learn at least 95 % of 40 short texts."""
    texts, labels = make_texts(script)
    network = clone(NETWORKS[name]).set_params(alphabet=alphabet)
    assert network.fit(texts, labels).score(texts, labels) >= 0.95


@pytest.mark.parametrize("name", NETWORKS)
def test_default_alphabet_of_recipes(name):
    """A learned alphabet is the default of "modern", the paper's that of "paper"."""
    texts, labels = make_texts("cyrillic")
    english = ["good and well", "bad"] * 4
    network = clone(NETWORKS[name]).set_params(max_epochs=1, epoch_size=1)
    assert network.alphabet is None
    network.fit(texts, labels)
    assert network.encoder_.alphabet == "auto"
    assert set(network.encoder_.characters) == set("".join(texts).lower())
    network.set_params(recipe="paper").fit(english, [0, 1] * 4)
    assert network.encoder_.alphabet == PAPERS[name]


@pytest.mark.parametrize("name", NETWORKS)
def test_alphabet_of_paper_warns_once_per_call(name):
    """`fit` and each method that predicts warn once if characters are unreadable."""
    texts, labels = make_texts("cyrillic")
    paper = "paper" if name == "charcnn" else "vdcnn"
    network = clone(NETWORKS[name]).set_params(max_epochs=1, alphabet=paper)
    for call in (
        lambda: network.fit(texts, labels),
        lambda: network.partial_fit(texts, labels),
        lambda: network.predict(texts),
        lambda: network.predict_proba(texts),
        lambda: network.decision_function(texts),
    ):
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            call()
        (warning,) = found
        assert warning.category is UserWarning
        assert f"outside the alphabet '{paper}'" in str(warning.message)
    network.predict(["plain English"])  # warnings are errors here


def test_warning_names_line_of_caller():
    """The warning of `fit` points to the line that calls it."""
    texts, labels = make_texts("greek")
    network = clone(NETWORKS["charcnn"]).set_params(max_epochs=1, alphabet="paper")
    with pytest.warns(UserWarning, match="outside the alphabet") as found:
        network.fit(texts, labels)
    assert found[0].filename == __file__
    with pytest.warns(UserWarning, match="outside the alphabet") as found:
        network.predict_proba(texts)
    assert found[0].filename == __file__


@pytest.fixture(scope="module", params=["charcnn", "vdcnn", "charcrnn"])
def learned(request):
    """A network with a learned alphabet that has a lone surrogate, and its texts."""
    texts, labels = make_texts("chinese")
    texts = [*texts[:-2], "好\ud83d\ude00 A", "坏\ude00\ud83d"]
    network = clone(NETWORKS[request.param]).set_params(max_epochs=2, alphabet="auto")
    return network.fit(texts, labels), [*texts, "好 Ünseen"]


def test_learned_alphabet_is_saved(learned, tmp_path):
    """Files and pickles contain the alphabet, and predict the same bits."""
    network, texts = learned
    save(network, tmp_path / "model.safetensors")
    expected = network.predict_proba(texts)
    for other in (
        load(tmp_path / "model.safetensors"),
        pickle.loads(pickle.dumps(network)),
    ):
        assert other.encoder_.characters == network.encoder_.characters
        assert np.array_equal(other.predict_proba(texts), expected)


@pytest.mark.parametrize("alphabet", ["auto", "bytes"])
def test_alphabet_is_exported(learned, alphabet, tmp_path):
    """ONNX files contain the alphabet, and the warning is that of the network."""
    network, texts = learned
    if alphabet == "bytes":
        network = clone(network).set_params(alphabet="bytes", max_epochs=1)
        network.fit(texts, np.arange(len(texts)) % 2)
    export_onnx(network, tmp_path / "model.onnx")
    exported = OnnxClassifier(tmp_path / "model.onnx")
    expected = network.predict_proba(texts)
    assert abs(exported.predict_proba(texts) - expected).max() < 1e-5
    if alphabet == "auto":
        with pytest.warns(UserWarning, match=r"^All of .* alphabet 'auto'"):
            exported.predict(["кот"])


@pytest.mark.parametrize("alphabet", ["auto", "bytes"])
def test_explanation_in_any_script(alphabet):
    """The weight of a word is that of all its characters or bytes."""
    texts, labels = make_texts("hindi")
    network = clone(NETWORKS["charcnn"]).set_params(alphabet=alphabet)
    network.set_params(max_epochs=5).fit(texts, labels)
    text = "अअ फिल्म कहानी यह \ud83d"
    attribution = explain(network, text, method="gradient", target=0)
    assert attribution.words == explain(network, text, target=0).words
    assert attribution.words[0] == "अअ"
    assert attribution.weights[0] > 0
    difference = attribution.score - attribution.baseline
    tolerance = 0.05 * np.abs(attribution.weights).sum()
    assert attribution.weights.sum() == pytest.approx(difference, abs=tolerance)


@pytest.mark.parametrize("name", NETWORKS)
def test_unknown_character_equals_padding(name):
    """Characters that training never met change nothing where padding would not."""
    texts, labels = make_texts("korean")
    network = clone(NETWORKS[name]).set_params(alphabet="auto", max_epochs=1)
    network.set_params(learning_rate=1e-9).fit(texts, labels)
    with pytest.warns(UserWarning, match="outside the alphabet 'auto'"):
        found = network.decision_function(["", "жжж"])
    assert found[0] == pytest.approx(found[1], abs=1e-5)


def test_alphabet_is_learned_from_first_texts():
    """`partial_fit` learns the alphabet in the first call only."""
    network = clone(NETWORKS["charcnn"]).set_params(alphabet="auto")
    network.partial_fit(["好", "坏"], [0, 1], classes=[0, 1])
    network.partial_fit(["好好好好好好好好好好新", "坏"], [0, 1])
    assert network.encoder_.characters == "坏好"


@pytest.mark.parametrize(
    ("alphabet", "n_rows", "labels"),
    [
        ("auto", 1 + len({*"".join(SCRIPTS["chinese"])}), {"unknown", "好", "坏"}),
        ("bytes", 100, {"E4", "E5", "E6"}),
    ],
)
def test_filters_of_alphabets(alphabet, n_rows, labels):
    """Each row is a character; of a large alphabet, the rows of largest weights."""
    pytest.importorskip("matplotlib")
    texts, y = make_texts("chinese")
    network = clone(NETWORKS["charcnn"]).set_params(
        max_epochs=1, alphabet=alphabet, init="ngrams", batch_norm=False, window_loss=0
    )
    display = CharFiltersDisplay.from_estimator(network.fit(texts, y), n_filters=2)
    assert display.filters.shape == (2, len(display.characters), 7)
    assert labels <= set(display.characters)
    assert len(display.characters) == n_rows
