"""Deep averaging network (Iyyer et al., 2015), which a test adds to the package."""

from collections.abc import Callable
from typing import ClassVar, Literal

import torch
from torch import nn

from sktextconv.base import BaseTextNetClassifier
from sktextconv.encoding._ragged import PAD
from sktextconv.networks.embedding import WordEmbedding, make_word_encoder
from sktextconv.schedules import one_cycle
from sktextconv.training import Recipe
from sktextconv.utils._param_validation import Count, Fraction, Size, hyperparameters

__all__ = ["DAN", "DANClassifier"]


class DAN(nn.Module):
    """Mean of the word vectors, one hidden layer, one output layer.

    Parameters
    ----------
    n_tokens, n_classes : int
    embedding_dim : int, default=300
    hidden_dim : int, default=300
    dropout : float, default=0.3
        Fraction of the words dropped in training.
    """

    def __init__(
        self, n_tokens, n_classes, *, embedding_dim=300, hidden_dim=300, dropout=0.3
    ):
        super().__init__()
        self.embedding = WordEmbedding(n_tokens, embedding_dim)
        self.word_dropout = dropout
        self.hidden = nn.Linear(embedding_dim, hidden_dim)
        self.head = nn.Linear(hidden_dim, n_classes)

    def forward(self, ids):  # (batch, length)
        vectors = self.embedding(ids)  # (batch, length, embedding_dim)
        mask = (ids != PAD).unsqueeze(2)  # (batch, length, 1)
        if self.training:
            drawn = torch.rand(mask.shape, dtype=vectors.dtype, device=ids.device)
            mask = mask & (drawn > self.word_dropout)
        mean = (vectors * mask).sum(1) / mask.sum(1).clamp(min=1)
        return self.head(torch.relu(self.hidden(mean)))  # (batch, n_classes)


@hyperparameters
class DANClassifier(BaseTextNetClassifier):
    """Classify texts with a deep averaging network.

    A text is the mean of its word vectors, whatever their order [1]_.

    Parameters
    ----------
    embedding_dim : int, default=300
        Size of the word vectors.
    hidden_dim : int, default=300
        Units of the hidden layer.
    dropout : float, default=0.3
        Fraction of the words dropped in training.
    max_tokens : int, default=50_000
        Words of the vocabulary, the most frequent of the training texts.
    min_count : int, default=1
        Occurrences in the training texts below which a word is unknown.
    max_length : int, default=400
        Words read of each text.
    keep : {"start", "end"}, default="start"
        Which end of a text longer than `max_length` is read.
    lowercase : bool, default=True
        Whether texts are lower-cased first.
    tokenizer : callable, default=None
        Function from a text to the list of its words.
    recipe : {"modern", "paper"}, default="modern"
        "modern": AdamW under a one-cycle schedule. "paper": Adagrad, as in [1]_.
    {inherited_parameters}

    Attributes
    ----------
    encoder_ : WordEncoder
        Texts to ids.
    net_ : skorch.NeuralNet
        The trained net; ``net_.module_`` is the `DAN`.
    {inherited_attributes}

    References
    ----------
    .. [1] M. Iyyer, V. Manjunatha, J. Boyd-Graber and H. Daumé III, "Deep Unordered
       Composition Rivals Syntactic Methods for Text Classification", ACL 2015.
       https://aclanthology.org/P15-1162

    Examples
    --------
    >>> from tests.new_architecture.dan import DANClassifier
    >>> texts = ["a fine film", "so good", "what a bore", "too long"] * 8
    >>> labels = ["pos", "pos", "neg", "neg"] * 8
    >>> classifier = DANClassifier(max_epochs=6, batch_size=8, random_state=0)
    >>> classifier.fit(texts, labels).predict(["so good", "too long"])
    array(['pos', 'neg'], dtype='<U3')
    """

    _recipes: ClassVar = {
        "modern": Recipe(torch.optim.AdamW, learning_rate=3e-3, schedule=one_cycle),
        "paper": Recipe(torch.optim.Adagrad, learning_rate=0.05),
    }

    embedding_dim: Size = 300
    hidden_dim: Size = 300
    dropout: Fraction = 0.3
    max_tokens: Count = 50_000
    min_count: Count = 1
    max_length: Count = 400
    keep: Literal["start", "end"] = "start"
    lowercase: bool = True
    tokenizer: Callable | None = None

    def _make_encoder(self):
        return make_word_encoder(self)

    def _make_network(self, n_tokens, n_classes):
        return DAN(
            n_tokens,
            n_classes,
            embedding_dim=self.embedding_dim,
            hidden_dim=self.hidden_dim,
            dropout=self.dropout,
        )
