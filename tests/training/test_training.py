"""Batch loader, training loop and net state."""

import itertools
import pickle

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import Callback, EarlyStopping
from skorch.utils import noop
from torch import nn

from sktextconv.encoding import CharEncoder, Ragged
from sktextconv.training import Recipe
from sktextconv.training._data import BatchLoader, EncodedDataset
from sktextconv.training._device import seeded
from sktextconv.training._loop import train
from sktextconv.training._net import WeightedCrossEntropy, make_net
from sktextconv.training._state import net_state, restore_on_error

CPU = torch.device("cpu")


def dataset_of(texts, targets, weights=None):
    """Return a dataset of texts, encoded by their characters."""
    weights = np.ones(len(targets)) if weights is None else weights
    ragged = CharEncoder(reverse=False).encode(texts)
    return EncodedDataset(ragged, CPU, targets=np.array(targets), weights=weights)


def test_batch_is_padded_to_longest():
    dataset = dataset_of(["abc", "", "a" * 50, "b"], [0, 1, 0, 1], np.arange(4.0))
    (ids, lengths), (targets, weights) = dataset.batch(torch.tensor([3, 0, 1]))
    assert ids.tolist() == [[2, 0, 0], [1, 2, 3], [0, 0, 0]]
    assert lengths.tolist() == [1, 3, 0]
    assert targets.tolist() == [1, 0, 1]
    assert weights.tolist() == [3.0, 0.0, 1.0]


def test_batch_of_uint16_ids():
    """More than 256 different ids are read back correctly."""
    many = "".join(map(chr, range(0x4E00, 0x4E00 + 300)))
    dataset = EncodedDataset(CharEncoder(many, reverse=False).encode([many]), CPU)
    assert dataset.ids(torch.tensor([0])).tolist() == [list(range(1, 301))]


def test_loader_shuffles_each_epoch():
    """Each epoch holds every row once, in a different order."""
    dataset = dataset_of([""] * 10, list(range(10)))
    batches = BatchLoader(dataset, 4, training=True)
    passes = [[b[1][0].tolist() for b in batches] for _ in range(2)]
    assert [len(batch) for batch in passes[0]] == [4, 4, 2]
    assert sorted(itertools.chain(*passes[0])) == list(range(10))
    assert passes[0] != passes[1]
    ordered = [b[1][0].tolist() for b in BatchLoader(dataset, 4)]
    assert list(itertools.chain(*ordered)) == list(range(10))


def test_loader_sorts_by_length_in_prediction():
    dataset = dataset_of(["abc", "", "ab", "a"], [0, 1, 2, 3])
    batches = [b[1][0].tolist() for b in BatchLoader(dataset, 3)]
    assert batches == [[1, 3, 2], [0]]


def test_loader_with_bucketing():
    """Texts of similar length share batches, whose order and contents are random."""
    lengths = np.random.default_rng(0).integers(1, 400, 640)
    dataset = dataset_of(["a" * n for n in lengths], range(640))
    batches = BatchLoader(dataset, 32, training=True, bucketing=True)
    passes = [[b[1][0].numpy() for b in batches] for _ in range(2)]
    for batches in passes:
        assert sorted(np.concatenate(batches)) == list(range(640))
        spread = [np.ptp(lengths[rows]) for rows in batches]
        assert max(spread) < 50
        longest = [lengths[rows].max() for rows in batches]
        assert longest != sorted(longest)
    together = [{frozenset(rows) for rows in batches} for batches in passes]
    assert together[0] != together[1]


def test_loader_buckets_by_number_of_parts():
    """Texts with equally many parts, such as sentences, share minibatches."""
    ragged = CharEncoder().encode(["aaaa", "aaa", "aa", "aaaaa"])
    parts = Ragged(np.array([4, 2, 1, 2, 2, 3], np.uint8), np.array([0, 1, 3, 4, 6]))
    parted = Ragged(ragged.ids, ragged.offsets, parts)
    dataset = EncodedDataset(parted, CPU, targets=[0, 1, 0, 1], weights=np.ones(4))
    assert dataset.lengths(torch.tensor([2, 1])).tolist() == [[2, 0], [2, 1]]
    batches = BatchLoader(dataset, 2, training=True, bucketing=True)
    assert sorted(b[1][0].tolist() for b in batches) == [[0, 0], [1, 1]]


def test_loader_with_epoch_size():
    """Classes, and texts within each class, are sampled uniformly."""
    targets = [0] * 90 + [2] * 9 + [3]  # class 1 has no text
    dataset = dataset_of([""] * 100, targets, np.arange(100.0))
    torch.manual_seed(0)
    batches = BatchLoader(dataset, 100, training=True, epoch_size=300)
    assert len(batches) == len(list(batches)) == 300
    drawn = torch.cat([weights.long() for _, (_, weights) in batches])
    counts = torch.bincount(drawn, minlength=100).numpy()
    by_class = counts[:90].sum(), counts[90:99].sum(), counts[99]
    # A third of 30,000 draws per class, within four standard deviations, and uniform
    # within each class.
    np.testing.assert_allclose(by_class, 10_000, atol=4 * 82)
    np.testing.assert_allclose(counts[90:99], 10_000 / 9, atol=4 * 35)
    np.testing.assert_allclose(counts[:90], 10_000 / 90, atol=5 * 11)


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


def test_bfloat16_computation_float32_weights():
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


def test_no_chance_level_warning():
    """Few steps, a lower loss, or a single class give no warning."""
    for network, n_texts, targets in (
        (DivergingNetwork(10**6), 800, [0, 1]),
        (Bag(), 2000, [0, 1]),
        (DivergingNetwork(10**6), 2000, [1, 1]),
    ):
        net = net_of(network, torch.optim.SGD, 0.1)
        texts = dataset_of(["a", "b"] * (n_texts // 2), targets * (n_texts // 2))
        train(net, texts, n_epochs=1, batch_size=4)  # warnings are errors here
