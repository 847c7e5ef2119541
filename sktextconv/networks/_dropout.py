"""Dropout with masks of random bytes."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

__all__ = ["Dropout", "dropout"]


class Dropout(nn.Dropout):
    """`torch.nn.Dropout` with the masks of `dropout`, which are faster on a CPU.

    Parameters
    ----------
    p : float
        Dropout probability, rounded to a multiple of 1/256 in training on a CPU.
    """

    def __init__(self, p: float) -> None:
        super().__init__(p)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return dropout(x, self.p, self.training)


def dropout(x: torch.Tensor, p: float, training: bool) -> torch.Tensor:
    """Set values to zero at random in training, and scale the others up.

    On a CPU a value is dropped if a random byte is below ``k = round(256 * p)``, and
    the others are multiplied by ``1 / (1 - k / 256)``, so that each value keeps its
    expectation. The rate thus differs from `p` by at most 1/512. A rate below 1/512 or
    above 511/512, another device and a compiled network have torch's own masks.

    The bytes are a stream of their own, which has a new seed from torch's default
    generator in each call. A mask thus depends on the state of that generator alone,
    and takes the same amount from it whatever its size.

    Parameters
    ----------
    x : tensor of float
    p : float
        Dropout probability.
    training : bool
        Whether values are dropped; otherwise `x` is returned.

    Returns
    -------
    dropped : tensor like `x`
    """
    threshold = round(256 * p)
    if (
        not training
        or not 0 < threshold < 256
        or x.device.type != "cpu"
        or torch.compiler.is_compiling()
    ):
        return F.dropout(x, p, training)
    return x * _make_mask(x, threshold)


def _make_mask(x, threshold):
    """Return a mask like `x` of zeros and of the scale of the values that are kept."""
    seed = int(torch.empty((), dtype=torch.int64).random_())
    # NumPy's generators and comparisons of bytes are several times as fast as torch's.
    words = np.random.SFC64(seed).random_raw(-(-x.numel() // 8))
    kept = words.view(np.uint8)[: x.numel()] >= threshold
    dtype = np.float64 if x.dtype == torch.float64 else np.float32
    scaled = np.multiply(kept, 256 / (256 - threshold), dtype=dtype)
    return torch.from_numpy(scaled).view(x.shape).to(x.dtype)
