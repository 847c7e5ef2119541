"""Dataset of encoded texts and its batch loader."""

import itertools

import numpy as np
import torch

from sktextconv.encoding import CharEncoder, Ragged
from sktextconv.training._data import BatchLoader, EncodedDataset

from .conftest import CPU, dataset_of


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
    """Outside of training, texts come in the order of their lengths."""
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
