"""Deep pyramid convolutional network over words (Johnson & Zhang, 2017)."""

from typing import ClassVar, Literal

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import lr_scheduler

from ..encoding._ragged import PAD
from ..schedules import one_cycle
from ..training._recipe import Recipe
from ..utils._param_validation import Count, Fraction, Size, hyperparameters
from ._convolution import Convolution
from ._dropout import Dropout
from ._word_classifier import BaseEmbeddingClassifier, BaseSequenceClassifier
from .embedding import WordEmbedding
from .recurrent import sequence_mask

__all__ = ["DPCNN", "DPCNNClassifier"]

_PAPER_STD = 0.01  # of all initial weights


class Block(nn.Module):
    """Sum of the input and of two convolutions with pre-activation.

    Parameters
    ----------
    n_filters : int
    activate : bool, default=True
        Whether ReLU precedes the first convolution.
    """

    def __init__(self, n_filters, *, activate=True):
        super().__init__()
        self.activate = activate
        self.convolution1 = Convolution(n_filters, n_filters, 3, padding=1)
        self.convolution2 = Convolution(n_filters, n_filters, 3, padding=1)

    def forward(self, x, outside):  # (batch, n_filters, 1, length)
        y = self.convolution1(x.relu() if self.activate else x)
        # The second convolution, too, reads zeros beyond the end of a text.
        y = self.convolution2(y.relu().masked_fill(outside, 0.0))
        return x + y


class DPCNN(nn.Module):
    """Region embedding, then residual blocks over ever shorter sequences.

    Parameters
    ----------
    n_tokens : int
        Number of ids, including `PAD`.
    n_classes : int
    embedding_dim : int, default=250
        Size of the word vectors. A linear layer maps another size to `n_filters`.
    static : bool, default=False
        Whether the word vectors are frozen.
    region_size : int, default=3
        Words of a region, whose vectors are added; odd.
    n_blocks : int, default=7
        Residual blocks of two convolutions; max pooling of 3 steps and stride 2
        precedes each but the first.
    n_filters : int, default=250
        Filters of each convolution.
    embedding_dropout : float, default=0.0
        Dropout probability of each dimension of each word vector.
    dropout : float, default=0.5
        Dropout probability of the input of the last layer.
    init : {"paper", "kaiming"}, default="kaiming"
        Initial weights: normal with a standard deviation of 0.01; or, for the first
        convolution of each block, as He et al. propose, and zero for the second.

    Notes
    -----
    Positions beyond the end of a text are zero before each convolution and never the
    maximum of a pooling, so the logits of a text do not depend on the length of its
    minibatch.

    Examples
    --------
    >>> import torch
    >>> from sktextconv.networks.dpcnn import DPCNN
    >>> DPCNN(10, 2)(torch.tensor([[4, 9, 2], [5, 0, 0]])).shape
    torch.Size([2, 2])
    """

    def __init__(
        self,
        n_tokens: int,
        n_classes: int,
        *,
        embedding_dim: int = 250,
        static: bool = False,
        region_size: int = 3,
        n_blocks: int = 7,
        n_filters: int = 250,
        embedding_dropout: float = 0.0,
        dropout: float = 0.5,
        init: Literal["paper", "kaiming"] = "kaiming",
    ) -> None:
        super().__init__()
        self.region_size = int(region_size)
        self.embedding = WordEmbedding(n_tokens, embedding_dim, static=static)
        self.embedding_dropout = Dropout(embedding_dropout)
        self.projection = None
        if embedding_dim != n_filters:
            self.projection = nn.Linear(embedding_dim, n_filters, bias=False)
        self.bias = nn.Parameter(torch.zeros(n_filters))
        self.blocks = nn.ModuleList(
            # In the authors' code, the first convolution reads the region embedding
            # without an activation.
            Block(n_filters, activate=number > 0)
            for number in range(n_blocks)
        )
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(n_filters, n_classes)
        self._init_parameters(init)

    def _init_parameters(self, init):
        if init == "paper":
            for name, parameter in self.named_parameters():
                if "bias" in name:
                    nn.init.zeros_(parameter)
                else:
                    nn.init.normal_(parameter, std=_PAPER_STD)
            with torch.no_grad():
                self.embedding.weight[PAD] = 0.0
            return
        for block in self.blocks:
            nn.init.kaiming_normal_(block.convolution1.weight, nonlinearity="relu")
            # Each block starts as the identity.
            nn.init.zeros_(block.convolution2.weight)
            nn.init.zeros_(block.convolution1.bias)
            nn.init.zeros_(block.convolution2.bias)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:  # (batch, length)
        # An empty text counts as one word of padding, since a maximum needs a value.
        lengths = (ids != PAD).sum(1).clamp(min=1)  # (batch,)
        x = self._embed_regions(ids)  # (batch, length, n_filters)
        x = x.transpose(1, 2).unsqueeze(2)  # (batch, n_filters, 1, length)
        outside = _outside(lengths, x.shape[3])  # (batch, 1, 1, length)
        x = x.masked_fill(outside, 0.0)
        for number, block in enumerate(self.blocks):
            if number > 0:
                x = x.masked_fill(outside, -torch.inf)
                x = F.max_pool2d(x, (1, 3), stride=(1, 2), padding=(0, 1))
                lengths = (lengths + 1) // 2
                outside = _outside(lengths, x.shape[3])
                x = x.masked_fill(outside, 0.0)
            x = block(x, outside)
        pooled = x.masked_fill(outside, -torch.inf).amax((2, 3))  # (batch, n_filters)
        return self.head(self.dropout(pooled))  # (batch, n_classes)

    def _embed_regions(self, ids):  # (batch, length)
        x = self.embedding_dropout(self.embedding(ids))  # (batch, length, dim)
        if self.projection is not None:
            x = self.projection(x)
        radius, length = self.region_size // 2, x.shape[1]
        padded = F.pad(x, (0, 0, radius, radius))
        regions = [padded[:, step : step + length] for step in range(self.region_size)]
        return sum(regions, self.bias)  # (batch, length, n_filters)


def _outside(lengths, length):
    """Return a mask of shape (n, 1, 1, length): True after the end of each text."""
    return ~sequence_mask(lengths, length)[:, None, None]


def _lower_at_end(optimizer, *, steps_per_epoch, n_epochs):
    """Divide the rate by 10 after four fifths of the steps, as the authors do."""
    milestone = max(1, n_epochs * steps_per_epoch * 4 // 5)
    return lr_scheduler.MultiStepLR(optimizer, [milestone], gamma=0.1)


@hyperparameters
class DPCNNClassifier(BaseSequenceClassifier, BaseEmbeddingClassifier):
    """Text classifier with a deep pyramid of convolutions over words.

    Residual blocks of two convolutions alternate with pooling that halves the length
    and leaves the number of filters unchanged, so that all blocks together cost at most
    twice the first [1]_. The last ones see hundreds of words at once.

    Parameters
    ----------
    n_blocks : int, default=7
        Residual blocks of two convolutions: the network has ``2 * n_blocks + 1`` layers
        with weights before the last. The paper compares 1, 3 and 7.
    n_filters : int, default=250
        Filters of each convolution.
    region_size : {1, 3, 5}, default=3
        Words of a region. The input of the first convolution is the sum of the vectors
        of the words of a region around each word.
    max_tokens : int, default=30_000
        Words of the vocabulary, the most frequent of the training texts.
    embedding_dim : int, default=None
        Size of the word vectors; a linear layer maps another size than `n_filters` to
        it. None takes that of `vectors`, or 250 if there are none or "word2vec" trains
        them.
    dropout : float, default=0.5
        Dropout probability of the input of the last layer.
    recipe : {"modern", "paper"}, default="modern"
        "modern": passes over the data with AdamW under a one-cycle schedule up to a
        rate of 0.003, minibatches of 32 texts, fewer on few texts (`batch_size`),
        blocks initialized to the identity, dropout of word vectors. "paper": SGD with
        momentum 0.9, minibatches of 100 texts, a rate of 0.05 that is divided by 10
        after four fifths of the steps, a weight decay of 0.0001, normal initialization
        [1]_ [2]_.
    {inherited_parameters}

    Attributes
    ----------
    net_ : skorch.NeuralNet
        Trained skorch net; ``net_.module_`` is the `DPCNN`.
    {inherited_attributes}

    See Also
    --------
    sktextconv.KimCNNClassifier : One layer of convolutions over the same words.
    sktextconv.make_tfidf_classifier : Trains in seconds; to compare with.

    Notes
    -----
    A word costs at most 750,000 multiply-accumulates with the default sizes; training
    costs three times as much. The embedding has ``embedding_dim * max_tokens``
    parameters, all else 2.6 million.

    Departures from the paper: (1) It adds region embeddings that are trained on
    unlabeled texts, to which it owes a part of its published accuracy; here there are
    none. (2) "modern" differs in training, see `recipe`. (3) `vectors` and another
    `embedding_dim` than `n_filters`. (4) Words are found by a regular expression;
    unknown words share a vector, where the authors' code leaves them out. (5) A word
    that occurs twice in a region counts twice, where the authors' code counts it once.
    (6) With `bucketing`, texts of similar length share minibatches.

    Facts from the authors' code [2]_: layers and their order, no activation before the
    first convolution, sizes, optimizer, minibatches, schedule, weight decay,
    initialization. It trains for 15 or 30 epochs with a rate of 0.025 or 0.05, without
    dropout on the largest data sets, and the paper chooses these on validation texts.
    Chosen here: (7) 0.05 is the rate of "paper". (8) The first 400 words are read.

    References
    ----------
    .. [1] R. Johnson and T. Zhang, "Deep Pyramid Convolutional Neural Networks for Text
       Categorization", ACL 2017. https://aclanthology.org/P17-1052
    .. [2] The authors' code. https://github.com/riejohnson/ConText

    Examples
    --------
    >>> from sktextconv import DPCNNClassifier
    >>> texts = ["a fine film", "so good", "what a bore", "too long"] * 8
    >>> labels = ["pos", "pos", "neg", "neg"] * 8
    >>> classifier = DPCNNClassifier(
    ...     n_blocks=2, n_filters=32, max_epochs=6, batch_size=8, random_state=0
    ... )
    >>> classifier.fit(texts, labels).predict(["so good", "too long"])
    array(['pos', 'neg'], dtype='<U3')
    """

    _embedding_dim: ClassVar = 250
    _recipes: ClassVar = {
        "paper": Recipe(
            torch.optim.SGD,
            learning_rate=0.05,
            batch_size=100,
            options={"momentum": 0.9, "weight_decay": 1e-4},
            schedule=_lower_at_end,
        ),
        # Departs from the paper: another optimizer, schedule and initialization, and
        # dropout of word vectors.
        "modern": Recipe(
            torch.optim.AdamW,
            learning_rate=3e-3,
            batch_size=32,
            min_batches=100,
            options={"betas": (0.9, 0.98), "weight_decay": 1e-2},
            schedule=one_cycle,
            clip_norm=1.0,
        ),
    }

    # Departs from the paper: texts of similar length share minibatches.
    bucketing: bool = True
    n_blocks: Size = 7
    n_filters: Size = 250
    region_size: Literal[1, 3, 5] = 3
    max_tokens: Count = 30_000
    dropout: Fraction = 0.5

    def _make_network(self, n_tokens, n_classes):
        is_paper = self.recipe == "paper"
        return DPCNN(
            n_tokens,
            n_classes,
            **self._embedding_params(),
            region_size=self.region_size,
            n_blocks=self.n_blocks,
            n_filters=self.n_filters,
            dropout=self.dropout,
            init="paper" if is_paper else "kaiming",
        )
