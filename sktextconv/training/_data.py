"""Dataset of encoded texts on the training device, and its batch loader."""

import numpy as np
import torch
from sklearn.utils import check_consistent_length

from ..encoding._ragged import PAD
from ..utils.validation import check_texts
from ._device import to_device
from ._ranks import SINGLE

__all__ = ["BatchLoader", "EncodedDataset", "make_augment_fn", "single_batch"]

# Width of the length buckets.
_BUCKET_WIDTH = 8


class EncodedDataset(torch.utils.data.Dataset):
    """Encoded texts, targets and weights on the training device.

    Parameters
    ----------
    ragged : Ragged, of length n_samples
    device : torch.device
    targets : ndarray of int of shape (n_samples,), default=()
        Encoded labels. Training needs them and the weights; prediction does not.
    weights : ndarray of float of shape (n_samples,), default=()
    window_targets : callable or None, default=None
        ``window_targets(ragged)`` returns class probabilities of the windows of all
        texts and their offsets, for an auxiliary loss.
    """

    def __init__(self, ragged, device, *, targets=(), weights=(), window_targets=None):
        self._window_targets = window_targets
        self.targets = torch.tensor(targets, dtype=torch.int64)
        self.weights = torch.tensor(weights, dtype=torch.float32)
        self.device = device
        self.set_ids(ragged)

    def set_ids(self, ragged):
        """Replace the ids of all texts; targets and weights stay."""
        self._ids = _RaggedTensor(_as_signed(ragged.ids), ragged.offsets)
        if self._fits():
            self._ids.ids = self._ids.ids.to(self.device)
        parts = ragged.parts
        self._parts = parts and _RaggedTensor(_as_signed(parts.ids), parts.offsets)
        if self._window_targets is not None:
            self._windows = _RaggedTensor(*self._window_targets(ragged))
        self.bucket_keys = (
            # Buckets of one length each would be too small to shuffle within.
            -(-self._ids.lengths // _BUCKET_WIDTH)
            if self._parts is None
            else self._parts.lengths
        )

    def __len__(self):
        return len(self._ids.lengths)

    def ids(self, rows):
        """Return the ids of some texts, padded to the longest of them.

        Parameters
        ----------
        rows : tensor of int64 of shape (n,), on the CPU

        Returns
        -------
        ids : tensor of int64 of shape (n, length), on the training device
        """
        return _unsigned(to_device(self._ids.take(rows), self.device))

    def lengths(self, rows):
        """Return the lengths of some texts or of their parts.

        Parameters
        ----------
        rows : tensor of int64 of shape (n,), on the CPU

        Returns
        -------
        lengths : tensor of int64 of shape (n,) or (n, n_parts), on the CPU
            For texts with parts, such as sentences, the length of each part, padded
            with 0.
        """
        if self._parts is None:
            return self._ids.lengths[rows]
        return _unsigned(self._parts.take(rows))

    def batch(self, rows, ranks=SINGLE):
        """Return ``(ids, lengths), (targets, weights)`` of a minibatch.

        All are on the training device but the lengths, which are on the CPU. With
        `window_targets`, their probabilities and the number of windows are added to the
        second tuple. The probabilities have the shape (n, n_windows, n_classes), with
        zeros after the last window of a text.

        One of several `ranks` gets its part of the texts. The weights and the number of
        windows are scaled, so that its mean loss is its part of the mean over the whole
        minibatch, times the number of ranks: the mean over all ranks is exact, whatever
        the sizes of their parts.
        """
        here, share = ranks.take(rows), 1.0
        if ranks.size > 1:
            share = len(here) / len(rows)
            here = here if len(here) else rows[:1]  # of weight 0
        targets, weights = self.targets[here], self.weights[here]
        if ranks.size > 1:
            weights = weights * (share * ranks.size)
        target = to_device(targets, self.device), to_device(weights, self.device)
        if self._window_targets is not None:
            n_windows = int(self._windows.lengths[rows].sum()) * share
            probabilities = to_device(self._windows.take(here), self.device)
            target += (probabilities, max(n_windows, 1.0))
        return (self.ids(here), self.lengths(here)), target

    def by_length(self):
        """Return the row numbers from the shortest to the longest text, on the CPU."""
        return torch.argsort(self._ids.lengths, stable=True)

    def _fits(self):
        """Return whether all ids fit on the device with room for a network."""
        if self.device.type != "cuda":
            return True
        n_free, _ = torch.cuda.mem_get_info(self.device)
        return self._ids.ids.nbytes < n_free // 2


def single_batch(ragged, device):
    """Return ids and lengths of a single text, as those of an `EncodedDataset`.

    Parameters
    ----------
    ragged : Ragged, of length 1
    device : torch.device

    Returns
    -------
    ids : tensor of int64 of shape (1, length), on the training device
    lengths : tensor of int64 of shape (1,) or (1, n_parts), on the CPU
    """
    ids = to_device(_as_row(ragged), device)
    if ragged.parts is None:
        return ids, torch.tensor([len(ragged.ids)])
    return ids, _as_row(ragged.parts)


def _as_row(ragged):
    ids = ragged.ids if len(ragged.ids) else np.array([PAD])
    return torch.from_numpy(ids.astype(np.int64)[None])


class _RaggedTensor:
    """Ragged rows as tensors, with padded batches of them.

    Offsets and lengths stay on the CPU, which needs them for the shape of a batch;
    reading them from the device would block.
    """

    def __init__(self, values, offsets):
        # One value at least, since padding is read from the first.
        values = (
            values if len(values) else np.zeros((1, *values.shape[1:]), values.dtype)
        )
        self.ids = torch.from_numpy(np.require(values, requirements="W"))
        offsets = torch.tensor(offsets)
        self.lengths = offsets.diff()
        self._starts = offsets[:-1]

    def take(self, rows):  # (n,)
        spans = torch.stack([self._starts[rows], self.lengths[rows]])[:, :, None]
        longest = max(int(spans[1].max()), 1)
        starts, lengths = to_device(spans, self.ids.device)
        steps = torch.arange(longest, device=self.ids.device)
        mask = steps < lengths
        taken = self.ids[torch.where(mask, starts + steps, 0)]
        return taken.where(mask[..., None] if taken.dim() > 2 else mask, PAD)


def _as_signed(ids):
    """View uint16 ids as int16, and uint32 as int32: torch cannot index the others.

    A view, since the ids may not fit into memory.
    """
    return ids if ids.itemsize == 1 else ids.view(f"i{ids.itemsize}")


def _unsigned(ids):
    """Undo the int16 view of uint16 ids; return int64."""
    return ids.long() & 0xFFFF if ids.dtype == torch.int16 else ids.long()


class BatchLoader:
    """Loader of minibatches of an `EncodedDataset`, in place of torch's DataLoader.

    In training, an epoch is one pass over the data in random order. With `epoch_size`,
    it is that many minibatches, sampled as in Zhang et al. (2015): draw a class
    uniformly, then a text of that class uniformly, both with replacement. With
    `bucketing`, texts of similar length then share minibatches, whose order is random
    (Yang et al. 2016, section 3.3). Outside of training, texts go from the shortest to
    the longest.

    All `ranks` draw the same minibatches from generators of the same state, and each
    gets its part of them. A `generator` of None is torch's default one.
    """

    def __init__(
        self,
        dataset,
        batch_size,
        *,
        training=False,
        epoch_size=None,
        bucketing=False,
        ranks=SINGLE,
        generator=None,
    ):
        self.dataset = dataset
        self.batch_size = batch_size
        self.training = training
        self.epoch_size = epoch_size
        self.bucketing = bucketing
        self.ranks = ranks
        self._generator = generator

    def __len__(self):
        return self.epoch_size or -(-len(self.dataset) // self.batch_size)

    @property
    def n_texts(self):
        """Texts of an epoch, in all ranks together."""
        if self.training and self.epoch_size is not None:
            return self.batch_size * self.epoch_size
        return len(self.dataset)

    def __iter__(self):
        return (batch for batch, _ in self.with_sizes())

    def with_sizes(self):
        """Yield each minibatch and its number of texts in all ranks together."""
        if not self.training:
            batches = self.dataset.by_length().split(self.batch_size)
        else:
            rows = self._sample_rows()
            if self.bucketing:
                rows = rows[torch.argsort(self.dataset.bucket_keys[rows], stable=True)]
            batches = rows.split(self.batch_size)
            if self.bucketing:
                order = torch.randperm(len(batches), generator=self._generator)
                batches = [batches[index] for index in order]
        for rows in batches:
            yield self.dataset.batch(rows, self.ranks), len(rows)

    def _sample_rows(self):
        generator = self._generator
        if self.epoch_size is None:
            return torch.randperm(len(self.dataset), generator=generator)
        by_class = torch.argsort(self.dataset.targets, stable=True)
        present, sizes = torch.unique(self.dataset.targets, return_counts=True)
        starts = sizes.cumsum(0) - sizes
        n_draws = self.epoch_size * self.batch_size
        drawn = torch.randint(len(present), (n_draws,), generator=generator)
        within = torch.rand(n_draws, dtype=torch.float64, generator=generator)
        return by_class[starts[drawn] + (within * sizes[drawn]).long()]


def make_augment_fn(augmenter, texts, encoder, *, seed, first_epoch, ranks=SINGLE):
    """Return a function from an epoch to the ids of its augmented texts.

    Parameters
    ----------
    augmenter : object with a method ``augment(texts, seed=, epoch=)``
    texts : sequence of str
    encoder : fitted encoder
    seed : int
    first_epoch : int
        Epochs trained before, which is added to the argument of the function.
    ranks : Ranks
        The processes that share the augmented texts.
    """

    def encode(epoch):
        augmented = augmenter.augment(texts, seed=seed, epoch=epoch + first_epoch)
        augmented = check_texts(augmented, required_by=type(augmenter).__name__)
        check_consistent_length(texts, augmented)
        return encoder._encode(augmented)

    return lambda epoch: ranks.share_ragged(lambda: encode(epoch))
