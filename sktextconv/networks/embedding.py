"""Word vectors as the first layer of a network: learnt, fine-tuned or fixed."""

import torch
from torch import nn
from torch.nn import functional as F

from ..encoding import PAD

__all__ = ["WordEmbedding"]


class WordEmbedding(nn.Module):
    """Look up the vector of each word. That of padding is zero, and stays so.

    Parameters
    ----------
    n_tokens : int
        Ids, `PAD` included.
    dim : int
        Size of a vector.
    static : bool, default=False
        Whether the vectors stay as they are; they are then no parameters.
    scale : float, default=0.25
        Vectors start uniform in [-scale, scale] in every dimension (Kim 2014).
    """

    def __init__(self, n_tokens, dim, *, static=False, scale=0.25):
        super().__init__()
        weight = torch.empty(n_tokens, dim).uniform_(-scale, scale)
        weight[PAD] = 0.0
        if static:
            self.register_buffer("weight", weight)
        else:
            self.weight = nn.Parameter(weight)

    @torch.no_grad()
    def load(self, vectors):
        """Start from `vectors`, an array of shape (n_tokens, dim)."""
        self.weight.copy_(torch.tensor(vectors))
        self.weight[PAD] = 0.0

    def forward(self, ids):  # (...)
        return F.embedding(ids, self.weight, padding_idx=PAD)  # (..., dim)
