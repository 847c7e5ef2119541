"""Tests of KimCNN against Kim (2014) and the author's code."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

from sktextconv.encoding import PAD
from sktextconv.networks import kimcnn
from sktextconv.networks.kimcnn import KimCNN, KimCNNClassifier, constrain_norms

TUNINGS = ("fine-tuned", "static", "multichannel")
MR_WORDS = 18_765  # the embedding has one more row, for padding


def on_meta(n_tokens, n_classes, **settings):
    with torch.device("meta"):
        return KimCNN(n_tokens, n_classes, **settings)


def count(tensors):
    return sum(tensor.numel() for tensor in tensors)


def small(n_tokens=30, n_classes=3, *, seed=0, **settings):
    """Return a small network in double precision whose linear layer is not zero."""
    torch.manual_seed(seed)
    settings = {"embedding_dim": 6, "widths": (2, 3), "n_filters": 5} | settings
    network = KimCNN(n_tokens, n_classes, **settings).double()
    nn.init.normal_(network.head.weight)
    nn.init.normal_(network.head.bias)
    for convolution in network.convolutions:
        nn.init.normal_(convolution.bias)
    return network


def some_ids(lengths, n_tokens=30, seed=0):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.full((len(lengths), max(*lengths, 1)), PAD)
    for row, length in enumerate(lengths):
        ids[row, :length] = torch.randint(1, n_tokens, (length,), generator=generator)
    return ids


# -- counts and shapes --------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_classes", "expected"), [(2, 360_902), (4, 361_504), (5, 361_805), (6, 362_106)]
)
def test_parameter_count_without_embedding(n_classes, expected):
    """Filters and the linear layer have the derived number of parameters."""
    network = on_meta(10, n_classes, tuning="static")
    assert count(network.parameters()) == expected
    sizes = [count(c.parameters()) for c in network.convolutions]
    assert sizes == [90_100, 120_100, 150_100]


@pytest.mark.parametrize(
    ("tuning", "n_trained", "n_fixed"),
    [
        ("fine-tuned", 5_990_702, 0),
        ("static", 360_902, 5_629_800),
        ("multichannel", 5_990_702, 5_629_800),
    ],
)
def test_parameter_count_on_movie_reviews(tuning, n_trained, n_fixed):
    """With the vocabulary of MR, trained and frozen weights match the derivation."""
    network = on_meta(MR_WORDS + 1, 2, tuning=tuning)
    assert count(network.parameters()) == n_trained
    assert count(network.buffers()) == n_fixed
    if tuning == "multichannel":
        assert n_trained + n_fixed == 11_620_502


def test_multiply_accumulates_match_derivation():
    """Shapes and work of 55 words, padded to 64, match the derivation."""
    network = on_meta(10, 4)
    outputs, macs = {}, 0

    def record(module, inputs, output):
        nonlocal macs
        outputs[module] = tuple(output.shape[1:])
        per_output = module.weight[0].numel()
        macs += output[0].numel() * per_output

    for layer in (*network.convolutions, network.head):
        layer.register_forward_hook(record)
    # 55 words with 4 ids of padding before them and 5 after them.
    network(torch.zeros(1, 55, dtype=torch.long, device="meta"))
    assert list(outputs.values()) == [(100, 1, 62), (100, 1, 61), (100, 1, 60), (4,)]
    assert macs == 21_901_200


# -- forward pass -------------------------------------------------------------------


def reference_logits(network, text):
    """Return the logits of a text as in section 2, one window at a time."""
    tables = [buffer.numpy() for buffer in network.embedding.buffers()]
    tables += [p.detach().numpy() for p in network.embedding.parameters()]
    widths = [convolution.kernel_size[1] for convolution in network.convolutions]
    padding = [PAD] * max(widths)
    ids = [*padding, *text, *padding]
    maxima = []
    for width, convolution in zip(widths, network.convolutions, strict=True):
        filters = convolution.weight.detach().numpy()
        filters = filters[:, :, 0]  # (n_filters, dim, width)
        for weight, bias in zip(filters, convolution.bias.tolist(), strict=True):
            responses = []
            for start in range(len(ids) - width + 1):
                window = ids[start : start + width]
                channels = [(table[window].T * weight).sum() for table in tables]
                responses.append(max(sum(channels) + bias, 0.0))
            maxima.append(max(responses))
    keep = 1 - network.dropout.p
    weight, bias = (p.detach().numpy() for p in network.head.parameters())
    return weight * keep @ np.array(maxima) + bias


@pytest.mark.parametrize("tuning", TUNINGS)
def test_network_matches_reference(tuning):
    """Logits equal those of section 2, computed one window at a time."""
    network = small(tuning=tuning).eval()
    if tuning == "multichannel":  # as after training
        nn.init.normal_(network.embedding.tuned.weight[1:].data)
    lengths = [7, 0, 1, 12, 2]
    ids = some_ids(lengths)
    expected = [
        reference_logits(network, row[:length].tolist())
        for row, length in zip(ids, lengths, strict=True)
    ]
    logits = network(ids).detach().numpy()
    np.testing.assert_allclose(logits, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("tuning", TUNINGS)
def test_sparse_pooling_preserves_gradients(tuning, monkeypatch):
    """Both ways of max-over-time pooling give the same logits and gradients."""
    network = small(tuning=tuning, embedding_dropout=0.3).train()
    ids = some_ids([40, 0, 3, 17, 39])

    def logits_and_gradients(long):
        monkeypatch.setattr(kimcnn, "_SPARSE_LENGTH", long)
        network.zero_grad()
        torch.manual_seed(1)  # equal dropout masks
        logits = network(ids)
        logits.square().sum().backward()
        return [logits, *(p.grad.clone() for p in network.parameters())]

    found, plain = logits_and_gradients(0), logits_and_gradients(1_000)
    for ours, theirs in zip(found, plain, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_sparse_pooling_needs_long_training_texts(monkeypatch):
    """Short texts and prediction use ordinary pooling."""
    network, calls = small(), []
    monkeypatch.setattr(
        kimcnn, "_max_over_time_sparse", lambda *a: calls.append(a) or 1 / 0
    )
    network(some_ids([100]))
    network.eval()(some_ids([400]))
    with pytest.raises(ZeroDivisionError):
        network.train()(some_ids([400]))
    assert len(calls) == 1


@pytest.mark.parametrize("widths", [(1,), (2, 3), (5, 1), (4, 4)])
@pytest.mark.parametrize("training", [False, True])
def test_logits_are_independent_of_padding(widths, training):
    """A text has the same logits for any padding of its batch."""
    network = small(widths=widths, dropout=0.0).train(training)
    lengths = [0, 1, 4, 9, 130]
    together = network(some_ids(lengths))
    for row, length in enumerate(lengths):
        alone = some_ids(lengths)[row : row + 1, : max(length, 1)]
        further = torch.cat([alone, torch.full((1, 200), PAD)], 1)
        for ids in (alone, further):
            torch.testing.assert_close(
                network(ids)[0], together[row], rtol=1e-12, atol=1e-12
            )


def test_max_pooling_commutes_with_relu():
    """Pooling before ReLU equals the paper's ReLU before pooling."""
    x = torch.randn(4, 3, 9) - 1
    assert torch.equal(x.amax(2).relu(), x.relu().amax(2))


def test_dropout_scales_in_prediction():
    """Dropout scales features down in prediction, as in the paper."""
    network = small(dropout=0.25)
    features = []
    network.head.register_forward_pre_hook(lambda module, x: features.append(x[0]))
    ids = some_ids([9] * 50)
    network.eval()(ids)
    network.train()(ids)
    in_prediction, in_training = features
    # Training leaves the features that are not dropped unscaled.
    kept = in_training != 0
    torch.testing.assert_close(in_training[kept], in_prediction[kept] / 0.75)
    positive = in_prediction > 0
    fraction = (kept & positive).sum() / positive.sum()
    assert fraction.item() == pytest.approx(0.75, abs=0.1)


def test_network_exports():
    """The exported graph returns the network's logits."""
    network = small(tuning="multichannel").eval()
    ids = some_ids([5, 9])
    exported = torch.export.export(network, (ids,)).module()
    torch.testing.assert_close(exported(ids), network(ids))


@pytest.mark.parametrize("tuning", TUNINGS)
@pytest.mark.parametrize("length", [9, 150])
def test_all_weights_get_gradients(tuning, length):
    """Every trained weight but the vector of padding has a gradient."""
    network = small(tuning=tuning, dropout=0.0)
    for convolution in network.convolutions:
        nn.init.constant_(convolution.bias, 5.0)  # every filter responds
    network(some_ids([length] * 40)).square().sum().backward()
    for name, parameter in network.named_parameters():
        if name.startswith("embedding"):
            assert parameter.grad[1:].any(1).all()
            assert not parameter.grad[PAD].any()
        else:
            assert (parameter.grad != 0).all(), name


# -- initialization -----------------------------------------------------------------


def test_paper_init():
    """Filters and vectors are uniform in the paper's ranges, all else is zero."""
    torch.manual_seed(0)
    network = KimCNN(1_000, 4, init="paper")
    for convolution in network.convolutions:
        assert not convolution.bias.any()
        weight = convolution.weight.detach()
        assert 0.0099 < weight.abs().max() <= 0.01
        assert weight.std().item() == pytest.approx(0.02 / 12**0.5, rel=0.01)
    assert not network.head.weight.any()
    assert not network.head.bias.any()
    vectors = network.embedding.weight.detach()
    assert not vectors[PAD].any()
    assert 0.249 < vectors.abs().max() <= 0.25
    assert vectors.std().item() == pytest.approx(0.5 / 12**0.5, rel=0.01)


def test_multichannel_channels_start_equal():
    """Both channels start with the same vectors, random or given."""
    network = small(tuning="multichannel")
    tables = network.embedding.tuned.weight, network.embedding.static.weight
    assert tables[0].any()
    assert torch.equal(*tables)
    vectors = np.random.RandomState(0).randn(30, 6)
    network.embedding.load(vectors)
    for table in tables:
        assert not table[PAD].any()
        np.testing.assert_array_equal(table[1:].detach(), vectors[1:])


# -- training -------------------------------------------------------------------------


def test_constrain_norms_rescales_large_norms():
    """Only the weights of classes above the maximal norm change."""
    network = small(max_norm=3.0)
    with torch.no_grad():
        network.head.weight.mul_(
            torch.tensor([[2.0], [3.0], [50.0]])
            / network.head.weight.norm(dim=1, keepdim=True)
        )
        network.head.weight[1] *= 0.999
        network.head.bias.fill_(100.0)
        for convolution in network.convolutions:
            convolution.weight.mul_(100)
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    with torch.no_grad():
        constrain_norms(network)
    for name, parameter in network.named_parameters():
        if name != "head.weight":
            assert torch.equal(parameter, before[name])
    head, weight = network.head.weight.detach(), before["head.weight"]
    assert torch.equal(head[:2], weight[:2])
    torch.testing.assert_close(head[2], weight[2] * 3 / 50, rtol=1e-6, atol=0)


def test_constrain_norms_without_limit():
    """`max_norm=None` leaves the weights unchanged."""
    network = small(max_norm=None)
    before = network.head.weight.detach().clone().mul_(100)
    with torch.no_grad():
        network.head.weight.copy_(before)
        constrain_norms(network)
    assert torch.equal(network.head.weight, before)


def test_adadelta_matches_authors_update():
    """torch's Adadelta follows the author's formula."""
    rng = np.random.RandomState(0)
    weights, gradients = rng.randn(5), rng.randn(20, 5)
    parameter = nn.Parameter(torch.tensor(weights))
    recipe = KimCNNClassifier._recipes["paper"]
    optimizer = recipe.optimizer([parameter], lr=recipe.learning_rate, **recipe.options)
    squares, updates = np.zeros(5), np.zeros(5)
    for gradient in gradients:
        parameter.grad = torch.tensor(gradient)
        optimizer.step()
        squares = 0.95 * squares + 0.05 * gradient**2
        update = -np.sqrt(updates + 1e-6) / np.sqrt(squares + 1e-6) * gradient
        updates = 0.95 * updates + 0.05 * update**2
        weights = weights + update
    np.testing.assert_allclose(parameter.detach().numpy(), weights, rtol=1e-12)


TINY = KimCNNClassifier(
    embedding_dim=8, n_filters=4, max_epochs=2, batch_size=8, random_state=0
)


def vectors_of(texts):
    rng = np.random.RandomState(0)
    return {word: rng.randn(8) for text in texts for word in text.split()}


def test_paper_recipe_settings(corpus):
    """`recipe="paper"` has the author's optimizer, dropout and maximal norm."""
    network = clone(TINY).set_params(recipe="paper", max_epochs=30).fit(*corpus)
    optimizer = network.net_.optimizer_
    group = optimizer.param_groups[0]
    assert isinstance(optimizer, torch.optim.Adadelta)
    assert (group["lr"], group["rho"], group["eps"]) == (1.0, 0.95, 1e-6)
    assert group["weight_decay"] == 0
    assert {row["learning_rate"] for row in network.history_} == {1.0}
    module = network.net_.module_
    assert (module.dropout.p, module.embedding_dropout.p) == (0.5, 0.0)
    assert module.max_norm == 3.0
    assert KimCNNClassifier._recipes["paper"].batch_size == 50
    assert network.score(*corpus) == 1.0


@pytest.mark.parametrize("recipe", ["paper", "modern"])
def test_norms_are_constrained_in_training(corpus, recipe):
    """Training keeps norms below `max_norm`, which they exceed without it."""
    settings = {"recipe": recipe, "max_epochs": 5, "learning_rate": 0.5}
    free = clone(TINY).set_params(max_norm=None, **settings).fit(*corpus)
    held = clone(TINY).set_params(max_norm=1e-3, **settings).fit(*corpus)
    assert (free.net_.module_.head.weight.norm(dim=1) > 2e-3).all()
    assert (held.net_.module_.head.weight.norm(dim=1) <= 1.001e-3).all()


@pytest.mark.parametrize("recipe", ["paper", "modern"])
@pytest.mark.parametrize("tuning", TUNINGS)
def test_tuning_trains_selected_vectors(corpus, recipe, tuning):
    """Training changes trained vectors only; frozen vectors and padding stay."""
    vectors = vectors_of(corpus[0])
    network = clone(TINY).set_params(recipe=recipe, tuning=tuning, vectors=vectors)
    network.fit(*corpus)
    embedding = network.net_.module_.embedding
    given = np.array([vectors[word] for word in network.encoder_.words])
    n_tables = 0
    for table in embedding.state_dict().values():
        assert not table[PAD].any()
        n_tables += 1
    for table in embedding.buffers():
        np.testing.assert_array_equal(table[2:], given.astype(np.float32))
    for table in embedding.parameters():
        assert not np.isclose(table[2:].detach(), given, atol=1e-7).all(1).any()
    assert n_tables == (2 if tuning == "multichannel" else 1)
    loaded = pickle.loads(pickle.dumps(network))
    expected = network.predict_proba(corpus[0])
    assert np.array_equal(loaded.predict_proba(corpus[0]), expected)


def test_multichannel_requires_vectors(corpus):
    """`tuning="multichannel"` without `vectors` raises an error."""
    with pytest.raises(ValueError, match=r"tuning='multichannel' .* Pass vectors"):
        clone(TINY).set_params(tuning="multichannel").fit(*corpus)


def test_widths_must_be_counts(corpus):
    """`widths` takes one or more positive ints."""
    assert clone(TINY).set_params(widths=[1, 7]).fit(*corpus).score(*corpus) > 0
    for widths in ((), (3, 0), 3):
        with pytest.raises(ValueError, match="The 'widths' parameter of KimCNN"):
            clone(TINY).set_params(widths=widths).fit(*corpus)


def test_two_threads_are_deterministic():
    """Repeated fits with two threads give bitwise equal probabilities."""
    texts = ["one short text", "another , longer one " * 40, "x"] * 20
    labels = [0, 1, 0] * 20
    network = clone(TINY).set_params(n_jobs=2, batch_size=30, max_epochs=1)
    first, *others = (network.fit(texts, labels).predict_proba(texts) for _ in range(3))
    assert all(np.array_equal(first, other) for other in others)
