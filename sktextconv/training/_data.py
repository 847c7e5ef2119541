"""Encoded texts on the training device, and minibatches of them."""

import numpy as np
import torch

from ..encoding._ragged import PAD
from ._device import to_device

__all__ = ["Batches", "EncodedTexts"]

# Texts whose lengths differ by less than this count as of one size.
_LENGTHS_PER_GROUP = 8


class EncodedTexts(torch.utils.data.Dataset):
    """Encoded texts, label codes and weights, kept on the training device.

    Parameters
    ----------
    ragged : Ragged, of length n_documents
    device : torch.device
    codes : ndarray of int of shape (n_documents,), default=()
        Needed, as the weights are, to train but not to predict.
    weights : ndarray of float of shape (n_documents,), default=()
    """

    def __init__(self, ragged, device, *, codes=(), weights=()):
        self.codes = torch.tensor(codes, dtype=torch.int64)
        self.weights = torch.tensor(weights, dtype=torch.float32)
        self.device = device
        self.put(ragged)

    def put(self, ragged):
        """Take other texts in the place of the present ones, with the same labels."""
        self._texts = _Rows(ragged)
        if self._fits():
            self._texts.ids = self._texts.ids.to(self.device)
        self._parts = None if ragged.parts is None else _Rows(ragged.parts)
        self.sizes = (
            # Exact lengths would make groups too small to be shuffled inside.
            -(-self._texts.lengths // _LENGTHS_PER_GROUP)
            if self._parts is None
            else self._parts.lengths
        )

    def __len__(self):
        return len(self._texts.lengths)

    def ids(self, rows):
        """Return the ids of some texts, padded to the longest of them.

        Parameters
        ----------
        rows : tensor of int64 of shape (n,), on the CPU

        Returns
        -------
        ids : tensor of int64 of shape (n, length), on the training device
        """
        return _unsigned(to_device(self._texts.take(rows), self.device))

    def lengths(self, rows):
        """Return how long some texts, or their parts, are.

        Parameters
        ----------
        rows : tensor of int64 of shape (n,), on the CPU

        Returns
        -------
        lengths : tensor of int64 of shape (n,) or (n, n_parts), on the CPU
            Of texts with parts, such as sentences, the length of each part; 0 where
            another text has more of them.
        """
        if self._parts is None:
            return self._texts.lengths[rows]
        return _unsigned(self._parts.take(rows))

    def batch(self, rows):
        """Return ``(ids, lengths), (codes, weights)`` of some texts.

        All but the lengths is on the training device.
        """
        codes, weights = self.codes[rows], self.weights[rows]
        target = to_device(codes, self.device), to_device(weights, self.device)
        return (self.ids(rows), self.lengths(rows)), target

    def by_length(self):
        """Return the order of the texts from shortest to longest, on the CPU."""
        return torch.argsort(self._texts.lengths, stable=True)

    def _fits(self):
        """Whether the device has room for all ids, and for a network beside them."""
        if self.device.type != "cuda":
            return True
        n_free, _ = torch.cuda.mem_get_info(self.device)
        return self._texts.ids.nbytes < n_free // 2


class _Rows:
    """A `Ragged` as tensors, some rows of which are taken at a time.

    Offsets and lengths stay with the host, which needs them to size a batch: asking the
    device would make it wait.
    """

    def __init__(self, ragged):
        # Not a copy: there may be more ids than fit into memory. torch indexes no
        # uint16, so wide ids go by as signed ones of the same bits.
        ids = ragged.ids if len(ragged.ids) else np.array([PAD], dtype=np.uint8)
        ids = ids if ids.itemsize == 1 else ids.view(f"i{ids.itemsize}")
        self.ids = torch.from_numpy(np.require(ids, requirements="W"))
        offsets = torch.tensor(ragged.offsets)
        self.lengths = offsets.diff()
        self._starts = offsets[:-1]

    def take(self, rows):  # (n,)
        spans = torch.stack([self._starts[rows], self.lengths[rows]])[:, :, None]
        longest = max(int(spans[1].max()), 1)
        starts, lengths = to_device(spans, self.ids.device)
        steps = torch.arange(longest, device=self.ids.device)
        inside = steps < lengths
        return self.ids[torch.where(inside, starts + steps, 0)].where(inside, PAD)


def _unsigned(ids):
    """Return as int64 what went by as signed for want of an unsigned type."""
    return ids.long() & 0xFFFF if ids.dtype == torch.int16 else ids.long()


class Batches:
    """Minibatches of `EncodedTexts`, for skorch in the place of a DataLoader.

    In training, a pass over the data in a new order each time or, with `epoch_size`,
    that many minibatches drawn as Zhang et al. (2015) draw them: a class uniformly,
    then a document of it uniformly, both with replacement. With `bucketing`, those of
    like size then go together, and the order of the minibatches is random (Yang et al.
    2016, section 3.3). Otherwise, from the shortest text to the longest.
    """

    def __init__(
        self, dataset, batch_size, *, training=False, epoch_size=None, bucketing=False
    ):
        self.dataset = dataset
        self.batch_size = batch_size
        self.training = training
        self.epoch_size = epoch_size
        self.bucketing = bucketing

    def __len__(self):
        return self.epoch_size or -(-len(self.dataset) // self.batch_size)

    def __iter__(self):
        if not self.training:
            batches = self.dataset.by_length().split(self.batch_size)
        else:
            rows = self._drawn()
            if self.bucketing:
                rows = rows[torch.argsort(self.dataset.sizes[rows], stable=True)]
            batches = rows.split(self.batch_size)
            if self.bucketing:
                batches = [batches[index] for index in torch.randperm(len(batches))]
        for rows in batches:
            yield self.dataset.batch(rows)

    def _drawn(self):
        if self.epoch_size is None:
            return torch.randperm(len(self.dataset))
        by_class = torch.argsort(self.dataset.codes, stable=True)
        present, sizes = torch.unique(self.dataset.codes, return_counts=True)
        starts = sizes.cumsum(0) - sizes
        n_draws = self.epoch_size * self.batch_size
        drawn = torch.randint(len(present), (n_draws,))
        within = (torch.rand(n_draws, dtype=torch.float64) * sizes[drawn]).long()
        return by_class[starts[drawn] + within]
