"""Training loop, skorch net and its state."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import Callback, EarlyStopping
from skorch.utils import noop
from torch import nn

from sktextconv.training import Recipe, _device
from sktextconv.training._data import EncodedDataset
from sktextconv.training._device import seeded
from sktextconv.training._loop import train
from sktextconv.training._net import WeightedCrossEntropy, make_net
from sktextconv.training._state import net_state, restore_on_error

from .conftest import CPU, dataset_of


def test_weighted_cross_entropy():
    logits, targets = torch.randn(5, 3), torch.tensor([0, 2, 1, 1, 0])
    weights = torch.tensor([0.0, 1.0, 2.0, 0.5, 3.0])
    expected = np.mean(
        [
            -w * torch.log_softmax(row, 0)[c].item()
            for row, c, w in zip(logits, targets, weights.tolist(), strict=True)
        ]
    )
    assert WeightedCrossEntropy()(logits, (targets, weights)).item() == pytest.approx(
        expected, rel=1e-6
    )


class Bag(nn.Module):
    """Mean of two-dimensional embeddings."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(71, 2)

    def forward(self, ids):
        return self.embedding(ids).mean(1)


def test_train_equals_plain_torch_loop():
    """Losses and weights are those of a loop written with torch alone."""
    texts, targets = ["ab", "c", "abba", "cc", "ca"], [0, 1, 0, 1, 1]
    dataset = dataset_of(texts, targets)
    recipe = Recipe(torch.optim.SGD, 0.5, {"momentum": 0.9}, clip_norm=0.1)
    torch.manual_seed(0)
    net = make_net(Bag(), recipe, device=CPU, precision="float32")
    torch.manual_seed(0)
    plain = Bag()
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.5, momentum=0.9)
    with seeded(3, CPU):
        history = train(net, dataset, n_epochs=3, batch_size=2)
    losses = []
    with seeded(3, CPU):
        for _ in range(3):
            total = 0.0
            for rows in torch.randperm(5).split(2):
                optimizer.zero_grad()
                logits = plain(dataset.ids(rows))
                loss = nn.functional.cross_entropy(logits, torch.tensor(targets)[rows])
                loss.backward()
                nn.utils.clip_grad_norm_(plain.parameters(), 0.1)
                optimizer.step()
                total += loss.item() * len(rows)
            losses.append(total / 5)
    assert [row["train_loss"] for row in history] == pytest.approx(losses, rel=1e-5)
    torch.testing.assert_close(net.module_.embedding.weight, plain.embedding.weight)


def test_train_loss_with_bucketing():
    """The loss is the mean over texts, wherever the smaller minibatch comes."""
    texts = dataset_of(["a" * 40] * 8 + ["b"], [0] * 8 + [1])
    for seed in range(4):  # the smaller minibatch comes first or last
        net = net_of(Bag(), torch.optim.SGD, 1e-9)
        with torch.no_grad():
            logits = net.module_(texts.ids(torch.arange(9)))
            loss = nn.functional.cross_entropy(logits, texts.targets).item()
        with seeded(seed, CPU):
            (row,) = train(net, texts, n_epochs=1, batch_size=8, bucketing=True)
        assert row["train_loss"] == pytest.approx(loss, rel=1e-5)
        assert row["n_texts"] == 9


def test_train_drops_references_to_data():
    """After training, the net refers to no dataset."""
    net = make_net(Bag(), Recipe(torch.optim.SGD, 0.1), device=CPU, precision="float32")
    dataset = dataset_of(["a", "b"], [0, 1])
    train(net, dataset, n_epochs=1, batch_size=2, valid=dataset)
    assert net.train_split is None
    assert len(net.history) == 0
    held = [value for value in vars(net).values() if isinstance(value, EncodedDataset)]
    assert held == []


def test_make_net_uses_fused_optimizer():
    for optimizer in (torch.optim.SGD, torch.optim.AdamW):
        net = make_net(Bag(), Recipe(optimizer, 0.1), device=CPU, precision="float32")
        assert net.optimizer_.param_groups[0]["fused"]


def test_bfloat16_computation_float32_weights(monkeypatch):
    """With bfloat16, layers compute in it and weights stay in float32."""
    seen = []

    class Linear(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(1, 2)

        def forward(self, ids):
            logits = self.layer(ids.float().mean(1, keepdim=True))
            seen.append(logits.dtype)
            return logits

    recipe = Recipe(torch.optim.SGD, 0.1)
    monkeypatch.setattr(_device, "_computes_bfloat16", lambda device: True)
    net = make_net(Linear(), recipe, device=CPU, precision="bfloat16")
    train(net, dataset_of(["a", "b"], [0, 1]), n_epochs=1, batch_size=2)
    assert seen == [torch.bfloat16]
    assert net.module_.layer.weight.dtype == torch.float32


def net_of(network, optimizer, rate):
    """Return a net on the CPU that trains a network with an optimizer."""
    return make_net(network, Recipe(optimizer, rate), device=CPU, precision="float32")


class DivergingNetwork(nn.Module):
    """Network whose loss is NaN after some training minibatches."""

    def __init__(self, after):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2))
        self.left = after

    def forward(self, ids):
        self.left -= self.training
        scale = 1.0 if self.left >= 0 else torch.nan
        return self.weight.expand(len(ids), 2) * scale


@pytest.mark.parametrize("after", [0, 3, 70])
def test_non_finite_loss_names_minibatch(after):
    """The error names the first minibatch of non-finite loss and the learning rate."""
    net = net_of(DivergingNetwork(after), torch.optim.SGD, 0.25)
    texts = dataset_of(["a", "b"] * 80, [0, 1] * 80)
    sentence = rf"became nan in epoch 1, at minibatch {after + 1}, .* was 0.25\. Set a"
    with pytest.raises(ValueError, match=sentence):
        train(net, texts, n_epochs=1, batch_size=2)


class Interrupt(Callback):
    """Callback that interrupts at the end of an epoch, outside of any minibatch."""

    def on_epoch_end(self, net, **kwargs):
        raise KeyboardInterrupt


def test_interrupt_between_epochs_warns():
    """KeyboardInterrupt is not mistaken for early stopping, which raises it too."""
    net = net_of(Bag(), torch.optim.SGD, 0.1)
    stopping = EarlyStopping(patience=5, sink=noop)
    texts = dataset_of(["a", "b"], [0, 1])
    settings = {"n_epochs": 3, "batch_size": 2, "valid": texts}
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        history = train(net, texts, callbacks=[stopping, Interrupt()], **settings)
    assert len(history) == 1


def test_restore_on_error():
    """Weights and optimizer state are restored if the block raises."""
    net = net_of(Bag(), torch.optim.AdamW, 0.1)
    texts = dataset_of(["a", "b"], [0, 1])
    train(net, texts, n_epochs=1, batch_size=2)
    before = pickle.dumps(net_state(net))

    def fail():
        with restore_on_error(net):
            train(net, texts, n_epochs=1, batch_size=2)
            assert pickle.dumps(net_state(net)) != before
            raise ConnectionError

    with pytest.raises(ConnectionError):
        fail()
    assert pickle.dumps(net_state(net)) == before


class LimitedNetwork(nn.Module):
    """Network that raises for minibatches of more than `most` texts."""

    def __init__(self, most, error):
        super().__init__()
        self.layer, self.most, self.error = nn.Linear(1, 2), most, error

    def forward(self, ids):
        if len(ids) > self.most:
            raise self.error
        return self.layer(ids.float().mean(1, keepdim=True))


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB."),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
    ],
)
@pytest.mark.parametrize(
    ("most", "hint"), [(5, "Set batch_size=4, or"), (0, "Set a lower max_length, or")]
)
def test_out_of_memory_suggests_batch_size(most, hint, error):
    """The hint is the largest halved size that fits, or shorter texts if none does."""
    net = net_of(LimitedNetwork(most, error), torch.optim.SGD, 0.1)
    texts = dataset_of(["a", "b"] * 32, [0, 1] * 32)
    with pytest.raises(MemoryError, match=hint) as caught:
        train(net, texts, n_epochs=1, batch_size=32)
    assert str(error) in str(caught.value)
    assert all(parameter.grad is None for parameter in net.module_.parameters())


def test_other_runtime_errors_propagate():
    net = net_of(LimitedNetwork(0, RuntimeError("shapes")), torch.optim.SGD, 0.1)
    with pytest.raises(RuntimeError, match="shapes"):
        train(net, dataset_of(["a", "b"], [0, 1]), n_epochs=1, batch_size=2)


@pytest.mark.parametrize("epoch_size", [None, 250])
def test_chance_level_loss_warns_once(epoch_size):
    """The chance-level loss is that of the class frequencies in the minibatches."""
    texts = dataset_of(["a", "b", "c", "d"] * 250, [0, 1, 1, 1] * 250)
    settings = {"n_epochs": 2, "batch_size": 4, "epoch_size": epoch_size}
    net = net_of(DivergingNetwork(10**6), torch.optim.SGD, 1e-9)
    with torch.no_grad():  # predict the class frequencies
        odds = [1.0, 1.0] if epoch_size else [0.25, 0.75]
        net.module_.weight.copy_(torch.tensor(odds).log())
    chance = "0.693" if epoch_size else "0.562"
    sentence = rf"After 500 minibatches the training loss .* has {chance}: nothing was"
    with pytest.warns(ConvergenceWarning, match=sentence) as caught:
        train(net, texts, **settings)
    assert len(caught) == 1


@pytest.mark.parametrize("epoch_size", [None, 500])
@pytest.mark.parametrize("weights", [[20, 20], [0.1, 0.1], [1, 1 / 3], [0.5, 3]])
def test_chance_level_of_weighted_loss(epoch_size, weights):
    """The chance-level loss is the lowest one of equal logits for all texts."""
    targets = [0, 1, 1, 1] * 500
    texts = dataset_of(
        ["a", "b", "c", "d"] * 500, targets, np.array(weights)[targets].astype(float)
    )
    mass = np.array(weights) * ([0.5, 0.5] if epoch_size else [0.25, 0.75])
    chance = -(mass * np.log(mass / mass.sum())).sum()
    net = net_of(DivergingNetwork(10**6), torch.optim.SGD, 1e-9)
    with torch.no_grad():
        net.module_.weight.copy_(torch.tensor(mass).log())
    warns = pytest.warns(ConvergenceWarning, match=rf"has {chance:.3f}: nothing was")
    with warns, seeded(0, CPU):  # which classes are drawn
        train(net, texts, n_epochs=1, batch_size=4, epoch_size=epoch_size)


def test_no_chance_level_warning():
    """Few steps, a lower loss, or a single class give no warning."""
    for network, n_texts, targets, weight in (
        (DivergingNetwork(10**6), 800, [0, 1], 1.0),
        (Bag(), 2000, [0, 1], 1.0),
        (Bag(), 2000, [0, 1], 20.0),
        (DivergingNetwork(10**6), 2000, [1, 1], 1.0),
    ):
        net = net_of(network, torch.optim.SGD, 0.1 / weight)
        weights = np.full(n_texts, weight)
        texts = dataset_of(
            ["a", "b"] * (n_texts // 2), targets * (n_texts // 2), weights
        )
        train(net, texts, n_epochs=1, batch_size=4)  # warnings are errors here
