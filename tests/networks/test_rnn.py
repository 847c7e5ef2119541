"""Tests of RNN against Zhang, Zhao and LeCun (2015) and examples of Keras."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch.utils.flop_counter import FlopCounterMode

from sktextconv import load, save
from sktextconv.networks.convnet import VelocitySGD
from sktextconv.networks.rnn import RNN, RNNClassifier

from ..conftest import same_bits

PAPER = {"embedding_dim": 300, "hidden_dim": 512}
# By name: rows of the embedding and words per text, parameters of the network, and the
# published counts of parameters and multiply-accumulates with one output.
KERAS = {
    "SimpleRNN": (
        (10_000, 500),
        {"cell": "rnn", "embedding_dim": 32, "hidden_dim": 32, "pooling": "last"},
        (322_113, 1_024_032),
    ),
    "LSTM": (
        (10_000, 500),
        {"cell": "lstm", "embedding_dim": 32, "hidden_dim": 32, "pooling": "last"},
        (328_353, 4_096_032),
    ),
    "BiLSTM": (
        (20_000, 100),
        {
            "cell": "lstm",
            "embedding_dim": 128,
            "hidden_dim": 64,
            "bidirectional": True,
            "pooling": "last",
        },
        (2_658_945, 9_830_528),
    ),
}


def n_parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def n_biases(network):
    """Return the number of recurrent biases in one of PyTorch's two vectors."""
    return sum(
        weight.numel()
        for name, weight in network.recurrent.named_parameters()
        if "bias_hh" in name
    )


def count_macs(network, length):
    """Return the multiply-accumulates of one text by torch's counter.

    The counter includes matrix products only. In double precision, recurrent layers
    consist of them.
    """
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.double()(torch.ones(1, length, dtype=torch.long))
    return counter.get_total_flops() // 2


def test_parameter_count_of_paper_lstm():
    """The paper's LSTM has the derived number of parameters."""
    network = RNN(7, 4, **PAPER)
    assert n_parameters(network.recurrent) == 1_667_072
    without_table = n_parameters(network) - 7 * 300
    assert without_table == 1_669_124
    assert without_table - n_biases(network) == 1_667_076


def test_multiply_accumulates_of_paper_lstm():
    """A step of the paper's LSTM takes the derived multiply-accumulates."""
    network = RNN(7, 4, **PAPER)
    head = 512 * 4
    assert count_macs(network, 1) == 1_662_976 + head
    assert count_macs(network, 9) == 9 * 1_662_976 + head


@pytest.mark.parametrize("name", KERAS)
def test_parameter_count_of_keras_is_published(name):
    """Without the second bias and output, Keras networks have the published counts."""
    (n_rows, _), options, (expected, _) = KERAS[name]
    network = RNN(n_rows, 2, **options)
    # PyTorch has a second vector of biases, and the network a second output.
    second_output = network.head.in_features + 1
    assert n_parameters(network) - n_biases(network) - second_output == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("SimpleRNN", 322_178), ("LSTM", 328_514), ("BiLSTM", 2_659_586)],
)
def test_parameter_count_of_keras_networks(name, expected):
    """The Keras networks have the derived number of parameters in PyTorch."""
    (n_rows, _), options, _ = KERAS[name]
    assert n_parameters(RNN(n_rows, 2, **options)) == expected


@pytest.mark.parametrize("name", KERAS)
def test_multiply_accumulates_of_keras_networks(name):
    """The Keras networks take the derived multiply-accumulates."""
    (n_rows, length), options, (_, expected) = KERAS[name]
    network = RNN(n_rows, 2, **options)
    second_output = network.head.in_features
    assert count_macs(network, length) == expected + second_output


def test_paper_document_vector_is_mean_of_outputs():
    """The pooled vector is the mean of torch's LSTM outputs without padding."""
    torch.manual_seed(0)
    network = RNN(9, 2, embedding_dim=3, hidden_dim=4).double().eval()
    ids = torch.tensor([[3, 1, 8, 2], [5, 4, 0, 0]])
    (cell,) = network.recurrent.layers[0]
    for row, length in enumerate((4, 2)):
        vectors = network.embedding.weight[ids[row, :length]]
        mean = cell(vectors[None])[0].mean(1)
        torch.testing.assert_close(
            network(ids)[row], network.head(mean)[0], rtol=0, atol=1e-12
        )


@pytest.mark.parametrize("pooling", ["mean", "last", "max"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_logits_are_independent_of_padding(cell, pooling):
    """Padding does not change the logits; those of an empty text are the bias."""
    network = RNN(
        9,
        3,
        embedding_dim=3,
        hidden_dim=4,
        cell=cell,
        bidirectional=True,
        n_layers=2,
        pooling=pooling,
    ).double()
    ids = torch.tensor([[3, 1, 8], [5, 0, 0], [0, 0, 0]])
    wider = torch.nn.functional.pad(ids, (0, 4))
    logits = network(wider)
    torch.testing.assert_close(logits, network(ids), rtol=0, atol=1e-12)
    assert torch.equal(network(ids, torch.tensor([3, 1, 0])), network(ids))
    torch.testing.assert_close(logits[1], network(ids[1:2, :1])[0], rtol=0, atol=1e-12)
    assert torch.equal(logits[2], network.head.bias)


@pytest.mark.parametrize("pooling", ["mean", "last", "max"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
# Exporting torch's recurrent layers raises this warning.
@pytest.mark.filterwarnings("ignore:The tensor attributes:UserWarning")
def test_network_exports(cell, pooling):
    """The exported graph returns the logits of texts of other lengths."""
    network = RNN(
        12,
        3,
        embedding_dim=4,
        hidden_dim=5,
        cell=cell,
        bidirectional=True,
        pooling=pooling,
    ).eval()
    ids = torch.randint(1, 12, (4, 6))
    ids[1, 2:] = 0
    exported = torch.export.export(network, (ids,)).module()
    others = ids.flip(0)
    torch.testing.assert_close(exported(others), network(others))


def test_all_weights_get_gradients():
    """Every parameter has a gradient that is not zero."""
    network = RNN(12, 3, embedding_dim=4, hidden_dim=5, bidirectional=True, n_layers=2)
    network(torch.randint(1, 12, (4, 6))).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in network.parameters())


@pytest.mark.parametrize("recipe", ["modern", "paper", "rmsprop", "adam"])
def test_pickle_resumes_training(recipe, corpus):
    """An unpickled classifier predicts and resumes training bitwise equally."""
    texts, labels = corpus
    classifier = RNNClassifier(
        recipe=recipe,
        embedding_dim=8,
        hidden_dim=8,
        bidirectional=True,
        max_epochs=2,
        epoch_size=3,
        batch_size=7,
        random_state=0,
    ).fit(texts, labels)
    queries = [*texts, "", "words never seen", "good"]
    loaded = pickle.loads(pickle.dumps(classifier))
    expected = classifier.predict_proba(queries)
    np.testing.assert_array_equal(loaded.predict_proba(queries), expected)
    for one in (classifier, loaded):
        one.partial_fit(["", *texts[:7]], labels[:8])
    probabilities = classifier.predict_proba(queries)
    assert not np.array_equal(probabilities, expected)
    np.testing.assert_array_equal(loaded.predict_proba(queries), probabilities)


def test_paper_recipe_settings(corpus):
    """`recipe="paper"` has the settings of the paper's CNNs and clips gradients."""
    classifier = RNNClassifier(
        recipe="paper", hidden_dim=4, epoch_size=2, max_epochs=7, batch_size=4
    ).fit(*corpus)
    net = classifier.net_
    assert isinstance(net.optimizer_, VelocitySGD)
    assert net.optimizer_.param_groups[0]["momentum"] == 0.9
    assert net.recipe.clip_norm == 5.0
    rates = [row["learning_rate"] for row in classifier.history_]
    assert rates == pytest.approx([0.01] * 3 + [0.005] * 3 + [0.0025])
    assert classifier._recipes["paper"].epoch_size == 5_000
    network = net.module_
    assert (network.dropout.p, network.embedding_dropout.p) == (0.0, 0.0)


def test_clip_norm_bounds_updates(corpus):
    """`clip_norm` bounds the norm of the updates."""

    def update(clip_norm):
        """Return the norm of the second update."""
        moved = []
        for n_epochs in (1, 2):
            classifier = RNNClassifier(
                recipe="paper",
                schedule="constant",
                hidden_dim=4,
                embedding_dim=4,
                learning_rate=1.0,
                epoch_size=1,
                max_epochs=n_epochs,
                clip_norm=clip_norm,
                random_state=0,
            ).fit(*corpus)
            weights = classifier.net_.module_.parameters()
            moved.append(torch.cat([weight.detach().flatten() for weight in weights]))
        return (moved[1] - moved[0]).norm().item()

    # With momentum the second update is at most (1 + 0.9) times the norm.
    assert update(1e-3) == pytest.approx(1.9e-3, rel=0.05)
    assert update(None) > 1e-2


@pytest.mark.parametrize(
    ("recipe", "optimizer", "options"),
    [
        ("rmsprop", torch.optim.RMSprop, {"alpha": 0.9, "momentum": 0}),
        ("adam", torch.optim.Adam, {"betas": (0.9, 0.999)}),
    ],
)
def test_keras_recipe_settings(recipe, optimizer, options, corpus):
    """The Keras recipes have its optimizers, constant rates and initial embedding."""
    classifier = RNNClassifier(
        recipe=recipe, hidden_dim=4, max_epochs=2, random_state=0
    ).fit(*corpus)
    group = classifier.net_.optimizer_.param_groups[0]
    assert isinstance(classifier.net_.optimizer_, optimizer)
    assert {name: group[name] for name in options} == options
    assert group["eps"] == 1e-7
    rates = [row["learning_rate"] for row in classifier.history_]
    assert rates == [1e-3, 1e-3]
    table = classifier.net_.module_.embedding.weight
    assert 0.04 < table.abs().max() < 0.06  # two updates away from 0.05


@pytest.mark.parametrize(
    ("recipe", "dims", "bidirectional", "kernel", "head"),
    [
        ("rmsprop", (32, 32), False, 0.194, 0.426),
        ("adam", (128, 64), True, 0.125, 0.216),
    ],
)
def test_keras_recipe_initialization(recipe, dims, bidirectional, kernel, head):
    """The weights of the LSTMs of the examples have the limits they have in Keras."""
    embedding_dim, hidden_dim = dims
    torch.manual_seed(0)
    network = RNNClassifier(
        recipe=recipe,
        embedding_dim=embedding_dim,
        hidden_dim=hidden_dim,
        bidirectional=bidirectional,
    )._make_network(1_000, 2)
    for cell in network.recurrent.layers[0]:
        assert cell.weight_ih_l0.abs().max().item() == pytest.approx(kernel, abs=1e-3)
        norm = np.linalg.norm(cell.weight_hh_l0.detach().numpy(), 2)
        assert norm == pytest.approx(1, abs=1e-5)
    weight = network.head.weight.detach().numpy()
    # The difference of the logits has the weights of the one output in Keras.
    difference = weight[1] - weight[0]
    assert 0.9 * head < abs(difference).max() < head + 1e-3
    assert not network.head.bias.any()
    table = network.embedding.weight.abs().max().item()
    assert table == pytest.approx(0.05, abs=1e-3)


def test_keras_head_of_several_classes():
    """With more than two classes, all outputs have Glorot's limit."""
    torch.manual_seed(0)
    head = RNN(9, 5, hidden_dim=400, init="keras").head
    limit = np.sqrt(6 / 405)
    assert 0.98 * limit < head.weight.abs().max().item() <= limit
    assert head.weight.std().item() == pytest.approx(limit / np.sqrt(3), rel=0.05)
    assert not head.bias.any()


@pytest.mark.parametrize("hidden_dim", [(6, 4, 3), [6, 4, 3]])
def test_hidden_dim_of_each_layer(hidden_dim, corpus, tmp_path):
    """A stack of different layers is trained, cloned and saved."""
    classifier = RNNClassifier(
        recipe="rmsprop",
        tokenizer="keras",
        embedding_dim=8,
        hidden_dim=hidden_dim,
        bidirectional=True,
        max_epochs=1,
        random_state=0,
    ).fit(*corpus)
    sizes = [layer[0].hidden_size for layer in classifier.net_.module_.recurrent.layers]
    assert sizes == [6, 4, 3]
    assert clone(classifier).hidden_dim == hidden_dim
    save(classifier, tmp_path / "stack")
    loaded = load(tmp_path / "stack")
    assert loaded.hidden_dim == hidden_dim
    assert same_bits(loaded, classifier, corpus[0])
    assert same_bits(clone(loaded).fit(*corpus), classifier, corpus[0])


@pytest.mark.parametrize("n_layers", [2, 4])
def test_hidden_dim_of_other_layers_raises(n_layers, corpus):
    """A number of layers other than that of the sizes raises an error."""
    with pytest.raises(ValueError, match=f"'n_layers'.* which is 3. Got {n_layers}"):
        RNNClassifier(hidden_dim=(64, 32, 32), n_layers=n_layers).fit(*corpus)


@pytest.mark.parametrize("hidden_dim", [(), (8, 0), (8, 2.5), "8"])
def test_invalid_hidden_dim_raises(hidden_dim, corpus):
    """Sizes are ints of at least 1."""
    with pytest.raises(ValueError, match="'hidden_dim' parameter of RNNClassifier"):
        RNNClassifier(hidden_dim=hidden_dim).fit(*corpus)


def test_static_vectors_stay_unchanged(corpus):
    """Frozen vectors are unchanged after training and not a parameter."""
    vectors = {"good": np.ones(5), "xxzz": -np.ones(5)}
    classifier = RNNClassifier(
        vectors=vectors, tuning="static", embedding_dim=5, hidden_dim=4, max_epochs=2
    ).fit(*corpus)
    table = classifier.net_.module_.embedding.weight
    row = classifier.encoder_.words.index("good") + 2
    assert torch.equal(table[row], torch.ones(5))
    assert not any(table is weight for weight in classifier.net_.module_.parameters())


def test_unknown_cell_raises(corpus):
    """An unknown cell raises an error that names the parameter."""
    with pytest.raises(ValueError, match="'cell' parameter of RNNClassifier must be"):
        RNNClassifier(cell="LSTM").fit(*corpus)
