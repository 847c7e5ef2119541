"""Word embeddings."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..encoding._ragged import PAD

__all__ = ["WordEmbedding"]


class WordEmbedding(nn.Module):
    """Embedding of words; the vector of `PAD` stays zero.

    Parameters
    ----------
    n_tokens : int
        Number of ids, including `PAD`.
    dim : int
        Size of a vector.
    static : bool, default=False
        Whether the vectors are frozen. They are then a buffer and not a parameter.
    scale : float, default=0.25
        Vectors are initialized uniformly in [-scale, scale] (Kim 2014).

    Attributes
    ----------
    sparse_grad : bool
        Whether the gradient is a sparse tensor that includes the row of `PAD`. Training
        sets it, and makes a dense gradient without that row for the optimizer.
    """

    sparse_grad = False

    def __init__(
        self, n_tokens: int, dim: int, *, static: bool = False, scale: float = 0.25
    ) -> None:
        super().__init__()
        weight = torch.empty(n_tokens, dim).uniform_(-scale, scale)
        weight[PAD] = 0.0
        if static:
            self.register_buffer("weight", weight)
        else:
            self.weight = nn.Parameter(weight)

    @torch.no_grad()
    def load(self, vectors: np.ndarray) -> None:
        """Set all vectors to `vectors`, of shape (n_tokens, dim), but that of `PAD`."""
        self.weight.copy_(torch.tensor(vectors))
        self.weight[PAD] = 0.0

    def forward(self, ids: torch.Tensor) -> torch.Tensor:  # (...)
        # A hook of the weight gets a dense gradient.
        if self.sparse_grad and not self.weight._backward_hooks:
            # Without `padding_idx`, torch need not copy the gradients of all other ids.
            return F.embedding(ids, self.weight, sparse=True)
        return F.embedding(ids, self.weight, padding_idx=PAD)  # (..., dim)
