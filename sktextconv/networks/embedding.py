"""Words as the input of a network: numbered, and with vectors learnt or given."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..encoding._ragged import PAD
from ..encoding._word import WordEncoder
from ..encoding._word_vectors import word_vectors

__all__ = ["WordEmbedding", "load_vectors", "make_word_encoder"]


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
        """Start from `vectors`, an array of shape (n_tokens, dim)."""
        self.weight.copy_(torch.tensor(vectors))
        self.weight[PAD] = 0.0

    def forward(self, ids: torch.Tensor) -> torch.Tensor:  # (...)
        return F.embedding(ids, self.weight, padding_idx=PAD)  # (..., dim)


def make_word_encoder(classifier):
    """Return the `WordEncoder` that the parameters of a classifier ask for."""
    return WordEncoder(
        max_tokens=classifier.max_tokens,
        min_count=classifier.min_count,
        max_length=classifier.max_length,
        keep=classifier.keep,
        lowercase=classifier.lowercase,
    )


def load_vectors(classifier, network, encoder, texts, seed):
    """Start the embedding of a network from the classifier's `vectors`, if any.

    Raises
    ------
    ValueError
        If vectors shall stay as they are and there are none.
    """
    # Checked here, not with the encoder: a model that was loaded may have been made
    # with vectors that are no longer at hand.
    if classifier.vectors is None and classifier.tuning != "fine-tuned":
        raise ValueError(
            f"tuning={classifier.tuning!r} keeps word vectors as they start, and with "
            "vectors=None they start at random. Pass vectors to "
            f"{type(classifier).__name__}, such as vectors='word2vec', or set "
            "tuning='fine-tuned'."
        )
    if classifier.vectors is not None:
        vectors = word_vectors(
            classifier.vectors, encoder, texts, dim=classifier.embedding_dim, seed=seed
        )
        network.embedding.load(vectors)
