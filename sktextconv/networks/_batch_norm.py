"""Batch normalization for short trainings."""

import torch
from torch import nn

__all__ = ["BatchNorm"]

_MOMENTUM = 0.1


class BatchNorm(nn.BatchNorm2d):
    """Batch normalization whose running statistics forget their initial values at once.

    torch starts them at a mean of 0 and a variance of 1. After 20 minibatches an eighth
    of these values is left, which is more than the variance of small responses. Here
    they are the mean over the first minibatches, until its weight of a new minibatch is
    as small as torch's.
    """

    def __init__(self, num_features):
        super().__init__(num_features)
        self._n_seen = None

    def _load_from_state_dict(self, *args):
        super()._load_from_state_dict(*args)
        self._n_seen = None

    def forward(self, x):  # (batch, channels, 1, length)
        # In a compiled network a changing float would mean a new graph in each step.
        if not self.training or torch.compiler.is_compiling() or x.is_meta:
            return super().forward(x)
        if self._n_seen is None:
            self._n_seen = int(self.num_batches_tracked)
        self._n_seen += 1
        self.momentum = max(_MOMENTUM, 1 / self._n_seen)
        return super().forward(x)
