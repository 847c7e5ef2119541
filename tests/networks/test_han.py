"""Tests of HAN against Yang et al. (2016) and a reference without padding."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import nn

from sktextconv.encoding import PAD, SENTENCE_END
from sktextconv.networks import _sentence_layout, han
from sktextconv.networks.han import HAN, HANClassifier

N_TOKENS = 20
POOLINGS = ("attention", "mean", "max")

# A document is a list of sentences, and a sentence is a list of ids.
DOCUMENTS = st.lists(
    st.lists(
        st.lists(st.integers(SENTENCE_END + 1, N_TOKENS - 1), min_size=1, max_size=9),
        max_size=6,
    ),
    min_size=1,
    max_size=7,
)


def make_ids(documents, extra=0):
    rows = [[i for words in d for i in (*words, SENTENCE_END)] for d in documents]
    width = max(1, *map(len, rows)) + extra
    return torch.tensor([row + [PAD] * (width - len(row)) for row in rows])


def lengths_of(documents):
    rows = [list(map(len, document)) for document in documents]
    width = max(1, *map(len, rows))
    return torch.tensor([row + [0] * (width - len(row)) for row in rows])


def make_network(pooling="attention", seed=0, **settings):
    torch.manual_seed(seed)
    settings = {"embedding_dim": 6, "hidden_dim": 4} | settings
    return HAN(N_TOKENS, 3, pooling=pooling, **settings).double()


def run_torch(recurrent, x):  # (length, dim)
    """Run torch's bidirectional layer with the weights of `recurrent`."""
    forward, backward = recurrent.layers[0]
    gru = nn.GRU(x.shape[1], forward.hidden_size, bidirectional=True).double()
    weights = {
        name + suffix: weight
        for cell, suffix in ((forward, ""), (backward, "_reverse"))
        for name, weight in cell.named_parameters()
    }
    return torch.func.functional_call(gru, weights, (x,))[0]


def reference_pool(network, level, outputs):  # (length, dim)
    if network.pooling == "mean":
        return outputs.mean(0), None
    if network.pooling == "max":
        return outputs.amax(0), None
    attention = network.attentions[level]
    scores = [
        torch.tanh(attention.hidden.weight @ h + attention.hidden.bias)
        @ attention.context.weight[0]
        for h in outputs
    ]
    weights = torch.stack(scores).exp() / sum(map(torch.exp, scores))
    return sum(w * h for w, h in zip(weights, outputs, strict=True)), weights


def reference_forward(network, document):
    """Return logits and weights as in section 2.2, one sentence at a time."""
    vectors, words = [], []
    for ids in document:
        x = network.embedding.weight[torch.tensor(ids)]
        vector, weights = reference_pool(network, "words", run_torch(network.words, x))
        vectors.append(vector)
        words.append(weights)
    vector, sentences = network.head.weight.new_zeros(network.head.in_features), []
    if document:
        outputs = run_torch(network.sentences, torch.stack(vectors))
        vector, sentences = reference_pool(network, "sentences", outputs)
    return network.head(vector), words, sentences


def gradients_of(network, logits):
    """Return the gradients of a sum of the logits with distinct factors."""
    network.zero_grad()
    (
        logits * torch.arange(1.0, logits.numel() + 1).view_as(logits).cos()
    ).sum().backward()
    return {
        name: torch.zeros_like(p) if p.grad is None else p.grad.clone()
        for name, p in network.named_parameters()
    }


def assert_same(ours, theirs):
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("pooling", POOLINGS)
@given(documents=DOCUMENTS, per_bucket=st.sampled_from([1, 3, 128]))
@settings(max_examples=25)
def test_network_matches_reference(pooling, documents, per_bucket):
    """Logits and gradients equal those of a loop over sentences for any bucket size."""
    network = make_network(pooling)
    reference = torch.stack(
        [reference_forward(network, document)[0] for document in documents]
    )
    expected = gradients_of(network, reference)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_sentence_layout, "_SENTENCES_PER_BUCKET", per_bucket)
        logits = network(make_ids(documents, extra=2))
        given = network(make_ids(documents, extra=2), lengths_of(documents))
    assert torch.equal(given, logits)
    assert_same(logits, reference)
    found = gradients_of(network, logits)
    for name in expected:
        assert_same(found[name], expected[name])


@given(documents=DOCUMENTS, per_bucket=st.sampled_from([1, 128]))
@settings(max_examples=25)
def test_attention_matches_reference(documents, per_bucket):
    """Attention weights equal those of a loop over sentences."""
    network = make_network()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_sentence_layout, "_SENTENCES_PER_BUCKET", per_bucket)
        words, sentences = network.attention(make_ids(documents))
    assert words.shape[:2] == sentences.shape
    for row, document in enumerate(documents):
        _, expected, by_sentence = reference_forward(network, document)
        n_sentences = len(document)
        assert not sentences[row, n_sentences:].any()
        assert not words[row, n_sentences:].any()
        for number, weights in enumerate(expected):
            found = words[row, number]
            assert_same(found[: len(weights)], weights)
            assert not found[len(weights) :].any()
            assert_same(sentences[row, number], by_sentence[number])


def test_empty_sentences_are_ignored():
    """Sentence ends and padding without words between them add no sentence."""
    network = make_network()
    document = [[3, 4], [5]]
    end = SENTENCE_END
    odd = torch.tensor([[end, PAD, 3, 4, end, end, PAD, 5, PAD]])
    assert_same(network(odd), network(make_ids([document])))
    assert_same(network(torch.tensor([[end, end]])), network(make_ids([[]])))


@pytest.mark.parametrize("pooling", POOLINGS)
def test_empty_document_has_zero_vector(pooling):
    """The logits of a document without sentences are the bias."""
    network = make_network(pooling)
    for ids in (make_ids([[]]), make_ids([[], []], extra=3)):
        logits = network(ids)
        assert_same(logits, network.head.bias.expand_as(logits))
        assert all(g.isfinite().all() for g in gradients_of(network, logits).values())


@pytest.mark.parametrize("pooling", POOLINGS)
def test_logits_are_independent_of_batch(pooling):
    """A document has the same logits alone, in a batch and in the reversed batch."""
    network = make_network(pooling)
    documents = [[[3] * 9] * 5, [], [[4, 5], [6]], [[7]]]
    whole = network(make_ids(documents))
    reversed_batch = network(make_ids(documents[::-1], extra=7)).flip(0)
    alone = torch.cat([network(make_ids([document])) for document in documents])
    assert_same(reversed_batch, whole)
    assert_same(alone, whole)


@pytest.mark.parametrize(
    ("n_classes", "n_parameters"),
    [(2, 141_802), (4, 142_004), (5, 142_105), (10, 142_610)],
)
def test_parameter_count_matches_paper(n_classes, n_parameters):
    """Without embeddings, the parameter count is that of the paper's dimensions."""
    with torch.device("meta"):
        network = HAN(20_000, n_classes)
    sizes = {name: p.numel() for name, p in network.named_parameters()}
    assert sizes.pop("embedding.weight") == 20_000 * 200
    assert sum(sizes.values()) == n_parameters
    parts = {"words": 75_600, "sentences": 45_600, "attentions": 20_400}
    for part, size in parts.items():
        assert sum(p.numel() for p in getattr(network, part).parameters()) == size


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_mean_and_max_pooling_have_no_parameters(pooling):
    """Mean and max pooling have none of the 20,400 parameters of attention."""
    with torch.device("meta"):
        network = HAN(20_000, 4, pooling=pooling)
    n_parameters = sum(p.numel() for p in network.parameters())
    assert n_parameters == 20_000 * 200 + 142_004 - 2 * 10_200


@pytest.mark.parametrize(
    ("n_sentences", "n_words", "n_macs"), [(20, 50, 86_304_400), (15, 35, 45_558_400)]
)
def test_multiply_accumulates_match_derivation(n_sentences, n_words, n_macs):
    """Work and the shapes of both attentions follow from the paper's dimensions."""
    network = HAN(50, 4)
    shapes, macs = [], 0

    def count(module, inputs, output):
        nonlocal macs
        outputs = output[0] if isinstance(module, nn.GRU) else output
        weights = [p for p in module.parameters() if p.dim() == 2]
        macs += math.prod(outputs.shape[:-1]) * sum(w.numel() for w in weights)
        if isinstance(module, han.Attention):
            shapes.append((inputs[0].shape, outputs.shape))

    def pooled(module, inputs, output):
        nonlocal macs
        macs += inputs[0].numel()  # each output times its weight
        shapes.append((tuple(inputs[0].shape), tuple(output[0].shape)))

    for module in network.modules():
        if isinstance(module, (nn.GRU, nn.Linear)):
            module.register_forward_hook(count)
        elif isinstance(module, han.Attention):
            module.register_forward_hook(pooled)
    logits = network(make_ids([[[3] * n_words] * n_sentences]))
    assert macs == n_macs
    assert shapes == [
        ((n_sentences, n_words, 100), (n_sentences, 100)),
        ((1, n_sentences, 100), (1, 100)),
    ]
    assert logits.shape == (1, 4)


@pytest.mark.parametrize("pooling", POOLINGS)
# Exporting torch's recurrent layers raises this warning.
@pytest.mark.filterwarnings("ignore:The tensor attributes:UserWarning")
def test_network_exports(pooling):
    """The exported graph returns the network's logits of truncated documents."""
    limits = {"max_sentences": 4, "max_sentence_length": 5}
    network = HAN(N_TOKENS, 3, hidden_dim=4, pooling=pooling, **limits).eval()
    ids = make_ids([[[3] * 5, [4], [5, 6]], [], [[7, 8]] * 4], extra=1)
    exported = torch.export.export(network, (ids,)).module()
    torch.testing.assert_close(exported(ids), network(ids))
    longer = make_ids([[[3] * 7, [4]], [[9]], [[5, 6]] * 5], extra=1)[:, : ids.shape[1]]
    truncated = make_ids([[[3] * 5, [4]], [[9]], [[5, 6]] * 4])
    torch.testing.assert_close(exported(longer), network(truncated))


@pytest.mark.parametrize("pooling", POOLINGS)
def test_all_weights_get_gradients(pooling):
    """Every parameter has a gradient, but the vectors of reserved ids have none."""
    network = make_network(pooling)
    found = gradients_of(network, network(make_ids([[[3, 4], [5, 6, 7]], [[8]]])))
    assert all(gradient.any() for gradient in found.values())
    assert not found["embedding.weight"][[PAD, SENTENCE_END]].any()


def test_two_threads_are_deterministic():
    """Repeated fits with two threads give bitwise equal probabilities."""
    texts = ["One short text. And so on!", "Another, longer one. " * 9, "x"] * 20
    labels = [0, 1, 0] * 20
    network = HANClassifier(min_count=1, max_epochs=1, random_state=0, n_jobs=2)
    first, *others = (network.fit(texts, labels).predict_proba(texts) for _ in range(3))
    assert all(np.array_equal(first, other) for other in others)


# -- the classifier -----------------------------------------------------------------

TEXTS = ["We went to see it. So good!", "It ends at last. What a bore.", "", "So-so?"]


def make_classifier(**settings):
    settings = {"embedding_dim": 8, "hidden_dim": 4, "max_epochs": 2} | settings
    return HANClassifier(min_count=1, batch_size=4, random_state=0, **settings)


def test_attention_has_offsets_and_weights():
    """Offsets select the words and sentences; weights are positive and sum to 1."""
    classifier = make_classifier().fit(TEXTS * 2, [0, 1, 0, 1] * 2)
    attentions = classifier.attention(TEXTS)
    found = [
        [[text[word.start : word.end] for word in s.words] for s in attention.sentences]
        for text, attention in zip(TEXTS, attentions, strict=True)
    ]
    assert found == [
        [["We", "went", "to", "see", "it", "."], ["So", "good", "!"]],
        [["It", "ends", "at", "last", "."], ["What", "a", "bore", "."]],
        [],
        [["So-so", "?"]],
    ]
    assert [TEXTS[1][s.start : s.end] for s in attentions[1].sentences] == [
        "It ends at last.",
        "What a bore.",
    ]
    for text, attention in zip(TEXTS, attentions, strict=True):
        by_sentence = [s.weight for s in attention.sentences]
        assert sum(by_sentence) == pytest.approx(1 if text else 0, abs=1e-6)
        for sentence in attention.sentences:
            assert sum(w.weight for w in sentence.words) == pytest.approx(1, abs=1e-6)
            assert all(word.weight > 0 for word in sentence.words)


def test_attention_stops_at_limits():
    """Words and sentences beyond the limits are left out."""
    classifier = make_classifier(max_sentences=1, max_sentence_length=3)
    (attention,) = classifier.fit(TEXTS * 2, [0, 1] * 4).attention(TEXTS[:1])
    assert [word.start for word in attention.sentences[0].words] == [0, 3, 8]


def test_attention_is_independent_of_batch():
    """Sentence weights are the same for any batch size."""
    classifier = make_classifier().fit(TEXTS * 2, [0, 1] * 4)
    whole = classifier.attention(TEXTS)
    alone = classifier.set_params(batch_size=1).attention(TEXTS)
    for one, other in zip(whole, alone, strict=True):
        assert [s.weight for s in one.sentences] == pytest.approx(
            [s.weight for s in other.sentences], abs=1e-6
        )


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_attention_requires_attention_pooling(pooling):
    """`attention` raises an error if the network was fitted with another pooling."""
    classifier = make_classifier(pooling=pooling).fit(TEXTS * 2, [0, 1] * 4)
    assert classifier.predict(TEXTS).shape == (4,)
    classifier.set_params(pooling="attention")  # takes effect in the next fit
    with pytest.raises(ValueError, match=f"was made with pooling='{pooling}'"):
        classifier.attention(TEXTS)


def test_sentence_dropout():
    """Training drops sentence vectors; prediction and gradients of 0 do not change."""
    ids = make_ids([[[3, 4], [5, 6, 7]], [[8]]])
    network = make_network("mean", sentence_dropout=1.0)
    vectors = {"mean": network.train()(ids), "other": network(ids.flip(0)).flip(0)}
    # Only the number of sentences is left.
    torch.testing.assert_close(vectors["mean"], vectors["other"])
    assert not gradients_of(network, network(ids))["embedding.weight"].any()
    plain = make_network("mean")
    assert torch.equal(network.eval()(ids), plain.eval()(ids))
    half = make_network("mean", sentence_dropout=0.5).train()
    drawn = torch.stack([half(ids)[0] for _ in range(20)])
    assert len(drawn.unique(dim=0)) > 2
    classifier = make_classifier(sentence_dropout=0.25).fit(TEXTS * 2, [0, 1] * 4)
    assert classifier.net_.module_.sentence_dropout.p == 0.25


def test_paper_recipe_settings():
    """`recipe="paper"` is SGD with momentum 0.9, a constant rate and no dropout."""
    classifier = make_classifier(recipe="paper").fit(TEXTS * 2, [0, 1] * 4)
    (group,) = classifier.net_.optimizer_.param_groups
    assert isinstance(classifier.net_.optimizer_, torch.optim.SGD)
    assert (group["momentum"], group["weight_decay"]) == (0.9, 0)
    assert len({row["learning_rate"] for row in classifier.history_}) == 1
    modules = classifier.net_.module_.modules()
    dropouts = [m.p for m in modules if isinstance(m, nn.Dropout)]
    assert dropouts == [0.0, 0.0, 0.0]
    assert HANClassifier._recipes["paper"].batch_size == 64
    assert HANClassifier().bucketing is True
    assert HANClassifier().min_count == 5


def test_static_vectors_stay_unchanged():
    """Frozen vectors are bitwise unchanged after training."""
    known = {"so": np.full(8, 0.5), "good": np.full(8, -0.5)}
    classifier = make_classifier(vectors=known, tuning="static")
    classifier.fit(TEXTS * 2, [0, 1] * 4)
    weights = classifier.net_.module_.embedding.weight
    for word, vector in known.items():
        row = 3 + classifier.encoder_.words.index(word)
        np.testing.assert_array_equal(weights[row].numpy(), vector)
    assert weights[PAD].abs().sum() == 0
