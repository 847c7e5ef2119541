"""Deep averaging network (Iyyer et al., 2015), which a test adds to the package."""

from typing import ClassVar

import torch
from torch import nn

from sktextconv.encoding._ragged import PAD
from sktextconv.networks._dropout import Dropout
from sktextconv.networks._word_classifier import (
    BaseEmbeddingClassifier,
    BaseSequenceClassifier,
)
from sktextconv.networks.embedding import WordEmbedding
from sktextconv.schedules import one_cycle
from sktextconv.training import Recipe
from sktextconv.utils._param_validation import Fraction, Size, hyperparameters

__all__ = ["DAN", "DANClassifier"]


class DAN(nn.Module):
    """Mean of the word vectors, one hidden layer, one output layer.

    Parameters
    ----------
    n_tokens, n_classes : int
    embedding_dim : int, default=300
    static : bool, default=False
        Whether the word vectors are frozen.
    embedding_dropout : float, default=0.0
        Dropout probability of each dimension of each word vector.
    hidden_dim : int, default=300
    dropout : float, default=0.3
        Fraction of the words dropped in training.
    """

    def __init__(
        self,
        n_tokens,
        n_classes,
        *,
        embedding_dim=300,
        static=False,
        embedding_dropout=0.0,
        hidden_dim=300,
        dropout=0.3,
    ):
        super().__init__()
        self.embedding = WordEmbedding(n_tokens, embedding_dim, static=static)
        self.embedding_dropout = Dropout(embedding_dropout)
        self.word_dropout = dropout
        self.hidden = nn.Linear(embedding_dim, hidden_dim)
        self.head = nn.Linear(hidden_dim, n_classes)

    def forward(self, ids):  # (batch, length)
        vectors = self.embedding(ids)  # (batch, length, embedding_dim)
        vectors = self.embedding_dropout(vectors)
        mask = (ids != PAD).unsqueeze(2)  # (batch, length, 1)
        if self.training:
            drawn = torch.rand(mask.shape, dtype=vectors.dtype, device=ids.device)
            mask = mask & (drawn > self.word_dropout)
        mean = (vectors * mask).sum(1) / mask.sum(1).clamp(min=1)
        return self.head(torch.relu(self.hidden(mean)))  # (batch, n_classes)


@hyperparameters
class DANClassifier(BaseSequenceClassifier, BaseEmbeddingClassifier):
    """Classify texts with a deep averaging network.

    A text is the mean of its word vectors, whatever their order [1]_.

    Parameters
    ----------
    hidden_dim : int, default=300
        Units of the hidden layer.
    dropout : float, default=0.3
        Fraction of the words dropped in training.
    recipe : {"modern", "paper"}, default="modern"
        "modern": AdamW under a one-cycle schedule. "paper": Adagrad, as in [1]_.
    {inherited_parameters}

    Attributes
    ----------
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

    hidden_dim: Size = 300
    dropout: Fraction = 0.3

    def _make_network(self, n_tokens, n_classes):
        return DAN(
            n_tokens,
            n_classes,
            **self._embedding_params(),
            hidden_dim=self.hidden_dim,
            dropout=self.dropout,
        )
