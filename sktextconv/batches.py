"""Encoded texts on the training device, and minibatches of them."""

import numpy as np
import torch

from .encoding import PAD

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
        # Not a copy: there may be more ids than fit into memory. torch indexes no
        # uint16, so wide ids go by as signed ones of the same bits.
        ids = ragged.ids if len(ragged.ids) else np.array([PAD], dtype=np.uint8)
        ids = ids if ids.itemsize == 1 else ids.view(f"i{ids.itemsize}")
        self._ids = torch.from_numpy(np.require(ids, requirements="W"))
        if self._fits():
            self._ids = self._ids.to(self.device)
        # Lengths stay with the host, which needs them to size a batch: asking the
        # device would make it wait.
        self._offsets = torch.tensor(ragged.offsets)
        self._lengths = self._offsets.diff()
        self.sizes = (
            # Exact lengths would make groups too small to be shuffled inside.
            -(-self._lengths // _LENGTHS_PER_GROUP)
            if ragged.sizes is None
            else torch.tensor(ragged.sizes)
        )

    def __len__(self):
        return len(self._lengths)

    def ids(self, rows):
        """Return the ids of some texts, padded to the longest of them.

        Parameters
        ----------
        rows : tensor of int64 of shape (n,), on the CPU

        Returns
        -------
        ids : tensor of int64 of shape (n, length), on the training device
        """
        lengths = self._lengths[rows]
        width = max(int(lengths.max()), 1)
        place = self._ids.device
        starts = self._offsets[rows].to(place, non_blocking=True)[:, None]
        steps = torch.arange(width, device=place)
        inside = steps < lengths.to(place, non_blocking=True)[:, None]
        ids = self._ids[torch.where(inside, starts + steps, 0)].where(inside, PAD)
        ids = self._to_device(ids).long()
        return ids & 0xFFFF if self._ids.dtype == torch.int16 else ids

    def batch(self, rows):
        """Return ``ids, (codes, weights)`` of some texts, on the training device."""
        codes, weights = self.codes[rows], self.weights[rows]
        return self.ids(rows), (self._to_device(codes), self._to_device(weights))

    def by_length(self):
        """Return the order of the texts from shortest to longest, on the CPU."""
        return torch.argsort(self._lengths, stable=True)

    def _fits(self):
        """Whether the device has room for all ids, and for a network beside them."""
        if self.device.type != "cuda":
            return True
        n_free, _ = torch.cuda.mem_get_info(self.device)
        return self._ids.nbytes < n_free // 2

    def _to_device(self, tensor):
        return tensor.to(self.device, non_blocking=True)


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
