"""Integrated gradients, compared with captum and with a loop."""

import copy
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone

from sktextconv import explain
from sktextconv.encoding import PAD
from sktextconv.inspection import _integrated_gradients

from ..classifiers import NETWORKS
from .conftest import LABELS, TEXT, TEXTS, WITH_GRADIENT


@pytest.mark.parametrize("name", WITH_GRADIENT)
@pytest.mark.parametrize(("n_steps", "bound"), [(64, 0.03), (512, 0.005)])
def test_gradient_weights_sum_to_score_difference(
    fitted, name, n_steps, bound, monkeypatch
):
    monkeypatch.setattr(_integrated_gradients, "_N_STEPS", n_steps)
    network = fitted(name)
    text = f" \n{TEXT}  "
    attribution = explain(network, text, method="gradient", target="pos")
    assert attribution.score == pytest.approx(
        network.decision_function([text])[0], abs=1e-4
    )
    difference = attribution.score - attribution.baseline
    # Few steps are exact for smooth networks, but not for ReLU and maximum pooling.
    smooth = name in ("rnn", "han")
    tolerance = (1e-5 if smooth else bound) * np.abs(attribution.weights).sum()
    assert attribution.weights.sum() == pytest.approx(difference, abs=tolerance)
    assert np.abs(attribution.weights).max() > 0


@pytest.mark.parametrize("name", ["charcnn", "vdcnn", "wordcnn", "kimcnn"])
def test_gradient_baseline_is_empty_text(fitted, name):
    network = fitted(name)
    attribution = explain(network, TEXT, method="gradient", target="pos")
    empty = network.decision_function([""])[0]
    assert attribution.baseline == pytest.approx(empty, abs=1e-4)


@pytest.mark.parametrize(
    "name", ["charcnn", "vdcnn", "wordcnn", "kimcnn", "rnn", "charcrnn", "dpcnn"]
)
def test_gradient_matches_captum(fitted, name):
    from captum.attr import LayerIntegratedGradients

    network = fitted(name)
    module = network.net_.module_
    # captum needs one row per text: a text of this length is not packed.
    text = " ".join([TEXT] * 5)[-123:] if name == "charcnn" else TEXT
    text = " ".join([TEXT] * 9) if name == "wordcnn" else text
    attribution = explain(network, text, method="gradient", target="pos")
    ids = torch.tensor(network.encoder_.encode([text])[0].astype(np.int64))[None]
    captum = LayerIntegratedGradients(
        lambda ids: module(ids)[:, 1] - module(ids)[:, 0], module.embedding
    )
    expected = captum.attribute(
        ids,
        baselines=torch.full_like(ids, PAD),
        n_steps=64,
        method="gausslegendre",
        internal_batch_size=64,
    )
    expected = expected.sum(2)[0].detach().numpy()
    # Drop the padding that KimCNN adds at both ends before the embedding.
    before = module.max_width - 1 if name == "kimcnn" else 0
    expected = expected[before : before + ids.shape[1]]
    by_word = np.zeros(len(attribution.spans))
    starts = [span.start for span in attribution.spans]
    for (start, _), weight in zip(
        network.encoder_.offsets(text), expected, strict=True
    ):
        by_word[np.searchsorted(starts, start, side="right") - 1] += weight
    scale = np.abs(by_word).max()
    np.testing.assert_allclose(attribution.weights, by_word, atol=1e-4 * scale)


def loop_gradients(network, text, index):
    """Return the integrated gradients of each id, by a hook and a loop over steps."""
    module, encoder = network.net_.module_.eval(), network.encoder_
    ids = torch.tensor(encoder.encode([text])[0].astype(np.int64))[None]
    nodes, node_weights = np.polynomial.legendre.leggauss(64)
    total = np.zeros(encoder.n_tokens)
    for node, node_weight in zip(nodes, node_weights, strict=True):
        lookups = []

        def scale(layer, inputs, output, alpha=(node + 1) / 2, lookups=lookups):
            padding = layer.forward(torch.tensor([PAD])).detach()
            difference = output.detach() - padding
            path = (padding + alpha * difference).requires_grad_()
            lookups.append((inputs[0], path, difference))
            return path

        handle = module.embedding.register_forward_hook(scale)
        logits = module(ids)[0]
        handle.remove()
        others = [other for other in range(len(logits)) if other != index]
        score = logits[index] - logits[others].logsumexp(0)
        paths = [path for _, path, _ in lookups]
        gradients = torch.autograd.grad(score, paths, allow_unused=True)
        for (looked_up, _, difference), gradient in zip(
            lookups, gradients, strict=True
        ):
            if gradient is not None:
                weights = (node_weight / 2 * gradient * difference).sum(-1).flatten()
                total += np.bincount(looked_up.flatten(), weights, minlength=len(total))
    return total


@pytest.mark.parametrize("name", WITH_GRADIENT)
def test_gradient_matches_loop(name):
    """Gradients match a loop over the steps for every input layout of a network."""
    labels = ["pos", "neg", "fair", "neg"] * 6
    network = clone(NETWORKS[name]).set_params(max_epochs=1).fit(TEXTS, labels)
    text = "Yet good? So long a film! What bore."
    attribution = explain(network, text, method="gradient", target="fair")
    expected = loop_gradients(network, text, index=0)
    # Compare words that occur once, whose weight is that of their id.
    ids, offsets = network.encoder_.encode([text])[0], network.encoder_.offsets(text)
    if name in ("charcnn", "vdcnn", "charcrnn"):
        assert attribution.weights.sum() == pytest.approx(expected.sum(), rel=1e-3)
        return
    is_word = offsets[:, 0] < offsets[:, 1]
    known = is_word & (np.bincount(ids)[ids] == 1)
    weights = dict(zip(attribution.words, attribution.weights, strict=True))
    assert known.sum() > 5
    for id_, (start, end) in zip(ids[known], offsets[known], strict=True):
        scale = np.abs(attribution.weights).max()
        assert weights[text[start:end]] == pytest.approx(
            expected[id_], abs=1e-4 * scale
        )


@pytest.mark.parametrize("name", ["charcnn", "vdcnn", "charcrnn"])
def test_gradient_sums_characters_by_word(fitted, name):
    """White space counts toward the preceding word."""
    network = fitted(name)
    attribution = explain(network, "abc de!", method="gradient", target="pos")
    by_id = loop_gradients(network, "abc de!", index=1)
    ids = {c: network.encoder_.encode([c])[0][0] for c in "abcde !"}
    expected = [sum(by_id[ids[c]] for c in word) for word in ("abc ", "de", "!")]
    assert attribution.words == ["abc", "de", "!"]
    np.testing.assert_allclose(
        attribution.weights, expected, atol=1e-4 * np.abs(expected).max()
    )


@pytest.mark.parametrize(
    ("name", "keep", "read"),
    [("kimcnn", "start", ["A", "fine"]), ("kimcnn", "end", ["so", "fine"])]
    + [("charcnn", keep, None) for keep in ("start", "end")],
)
def test_gradient_skips_truncated_words(name, keep, read):
    network = clone(NETWORKS[name]).set_params(keep=keep, max_epochs=1)
    if name == "kimcnn":
        network.set_params(max_length=2).fit(TEXTS, LABELS)
        attribution = explain(network, "A fine film, so fine", method="gradient")
        assert attribution.words == read
    else:
        # The network reads only 123 characters.
        text = f"{'start ' * 31}{'end ' * 31}"
        attribution = explain(network.fit(TEXTS, LABELS), text, method="gradient")
        assert set(attribution.words) == ({"start"} if keep == "start" else {"end"})
    assert attribution.weights.sum() == pytest.approx(
        attribution.score - attribution.baseline,
        abs=0.02 * np.abs(attribution.weights).sum(),
    )


def test_gradient_has_no_side_effects(fitted):
    """Network, gradients and generators are unchanged; no_grad has no effect."""
    network = fitted("charcnn")
    before, weights = pickle.dumps(network), list(network.net_.module_.parameters())
    gradients = copy.deepcopy([weight.grad for weight in weights])
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()
    whole = explain(network, TEXT, method="gradient")
    assert pickle.dumps(network) == before
    assert torch.equal(torch.get_rng_state(), torch_state)
    np.testing.assert_equal(np.random.get_state(), numpy_state)
    for weight, gradient in zip(weights, gradients, strict=True):
        assert torch.equal(weight.grad, gradient)
    for mode in (torch.no_grad(), torch.inference_mode()):
        with mode:
            assert explain(network, TEXT, method="gradient") == whole


def test_gradient_independent_of_batch_and_compile(fitted):
    network = copy.copy(fitted("kimcnn"))
    whole = explain(network, TEXT, method="gradient")
    batched = explain(network.set_params(batch_size=5), TEXT, method="gradient")
    np.testing.assert_allclose(batched.weights, whole.weights, atol=1e-6)
    # Compiled networks draw other dropout masks.
    text_net = network.set_params(max_epochs=1, batch_size=128, dropout=0.0)
    text_net.set_params(embedding_dropout=0.0)
    one, other = (
        explain(
            clone(text_net).set_params(compile=backend).fit(TEXTS, LABELS),
            TEXT,
            method="gradient",
        )
        for backend in (False, "eager")
    )
    np.testing.assert_allclose(one.weights, other.weights, atol=1e-5)
