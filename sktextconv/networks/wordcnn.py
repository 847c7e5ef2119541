"""Word-based convolutional network (Zhang, Zhao & LeCun, 2015)."""

import dataclasses
from typing import ClassVar, Literal

import torch

from ..encoding._ragged import PAD
from ..schedules import halving, one_cycle
from ..training._recipe import Recipe
from ..utils._param_validation import Fraction, Size, hyperparameters
from ._dropout import Dropout
from ._word_classifier import BaseEmbeddingClassifier, BaseSequenceClassifier
from .convnet import SIZES, ConvNet, VelocitySGD, check_max_length
from .embedding import WordEmbedding

__all__ = ["WordCNN", "WordCNNClassifier"]

_LARGE_RATE = 5e-4  # learning rate of the recipe "modern" for large networks


class WordCNN(ConvNet):
    """Convolutional network of `CharCNN` over word vectors.

    Parameters
    ----------
    n_tokens : int
        Number of ids, including `PAD`.
    n_classes : int
    size : {"small", "large"}, default="small"
        Width of the layers.
    max_length : int, default=312
        Words per text; 96 + 27 k for an int k >= 1.
    embedding_dim : int, default=300
    static : bool, default=False
        Whether the word vectors are frozen.
    embedding_dropout : float, default=0.0
        Dropout probability of each dimension of each word vector.
    dropout : float, default=0.5
        Dropout probability after each of the first two dense layers.
    init : {"paper", "kaiming"}, default="kaiming"
        See `ConvNet`. "paper" also draws the word vectors from the normal distribution.

    Notes
    -----
    The vector of padding is zero, also with dropout, so `ConvNet` can pack texts end to
    end.
    """

    def __init__(
        self,
        n_tokens: int,
        n_classes: int,
        *,
        size: Literal["small", "large"] = "small",
        max_length: int = 312,
        embedding_dim: int = 300,
        static: bool = False,
        embedding_dropout: float = 0.0,
        dropout: float = 0.5,
        init: Literal["paper", "kaiming"] = "kaiming",
    ) -> None:
        super().__init__(
            embedding_dim,
            n_classes,
            size=size,
            max_length=max_length,
            dropout=dropout,
            init=init,
        )
        self.embedding = WordEmbedding(n_tokens, embedding_dim, static=static)
        if init == "paper":
            # Departs from the paper: it does not say how word vectors are initialized;
            # here they are drawn as all other weights are.
            std = SIZES[size][-1]
            with torch.no_grad():
                self.embedding.weight[PAD + 1 :].normal_(std=std)
        self.embedding_dropout = Dropout(embedding_dropout)

    def embed(self, ids):  # (rows, length)
        return self.embedding_dropout(self.embedding(ids))  # (rows, length, n_channels)


@hyperparameters
class WordCNNClassifier(BaseSequenceClassifier, BaseEmbeddingClassifier):
    """Text classifier with a deep convolutional network over words.

    The network of `CharCNNClassifier` over word vectors instead of one-hot characters:
    the rows "w2v" and "Lk." of [1]_. Each frame has a receptive field of 123 words. A
    word that does not occur in the training texts is unknown, whatever its spelling.
    On few texts, compare with `make_tfidf_classifier`.

    Parameters
    ----------
    size : {"small", "large"}, default="small"
        Width of the convolutions and of the dense layers: 256 and 1,024 ("small") or
        1,024 and 2,048 ("large").
    max_length : int, default=312
        Maximal number of words read of a text; 96 + 27 k for an int k >= 1.
    embedding_dropout : float, default=0.0
        Dropout probability of each dimension of each word vector.
    dropout : float, default=0.5
        Dropout probability after each of the first two dense layers.
    recipe : {"modern", "paper"}, default="modern"
        "modern": passes over the data with AdamW under a one-cycle schedule up to a
        rate of 0.003, or 0.0005 if `size` is "large", minibatches of 32 texts, Kaiming
        initialization. "paper": section 2.3 and 3.3 of [1]_ and the authors' code: an
        epoch of 5,000 minibatches of 128 texts with balanced classes, SGD with momentum
        0.9, a rate of 0.01 halved every 3 epochs, normal initialization.
    {inherited_parameters}

    Attributes
    ----------
    net_ : skorch.NeuralNet
        Trained skorch net; ``net_.module_`` is the `WordCNN`.
    {inherited_attributes}

    See Also
    --------
    CharCNNClassifier : Reads characters, robust to spelling mistakes.
    sktextconv.make_tfidf_classifier : Trains in seconds; to compare with.

    Notes
    -----
    "Lk." of [1]_ is ``recipe="paper"``; "w2v" is ``recipe="paper", vectors="word2vec",
    tuning="static"``, or a file instead of "word2vec".

    A pass over n texts of up to 312 words costs 3 n x 233 million multiply-accumulates
    for "small" (1.7 billion for "large"). Short texts cost less: positions beyond the
    end of a text are not computed. The embedding has ``embedding_dim * max_tokens``
    parameters.

    Departures from the paper: (1) "modern" differs in training, see `recipe`. (2) The
    paper names no weight decay and no initialization of biases; "paper" takes both and
    the update rule from the authors' code. (3) On words, the paper states only the size
    of their vectors. Chosen here: the vocabulary; 312 words, twice the mean of the
    longest English texts of [1]_; reading forwards from the start; word vectors
    initialized like all other weights; for "w2v", vectors that are frozen, and that are
    trained on the training texts unless a file is given.

    References
    ----------
    .. [1] X. Zhang, J. Zhao and Y. LeCun, "Character-level Convolutional Networks
       for Text Classification", NIPS 2015, section 3.2.
       https://arxiv.org/abs/1509.01626

    Examples
    --------
    >>> from sktextconv import WordCNNClassifier
    >>> texts = ["a fine film", "so good", "what a bore", "too long"] * 8
    >>> labels = ["pos", "pos", "neg", "neg"] * 8
    >>> classifier = WordCNNClassifier(
    ...     max_length=123, max_epochs=6, batch_size=8, random_state=0
    ... )
    >>> classifier.fit(texts, labels).predict(["so good", "too long"])
    array(['pos', 'neg'], dtype='<U3')
    """

    _recipes: ClassVar = {
        # Departs from the paper: the weight decay of 1e-5, the default of VelocitySGD,
        # is only in the authors' code.
        "paper": Recipe(
            VelocitySGD,
            learning_rate=0.01,
            schedule=halving,
            epoch_size=5_000,
        ),
        # Departs from the paper: another optimizer, schedule and initialization.
        "modern": Recipe(
            torch.optim.AdamW,
            learning_rate=3e-3,
            batch_size=32,
            options={"betas": (0.9, 0.98), "weight_decay": 1e-2},
            schedule=one_cycle,
            clip_norm=1.0,
        ),
    }

    size: Literal["small", "large"] = "small"
    # Departs from the paper: it does not say how many or which words are read.
    max_length: Size = 312
    embedding_dropout: Fraction = 0.0
    dropout: Fraction = 0.5

    def _recipe(self):
        recipe = super()._recipe()
        if self.recipe == "paper" or self.size == "small":
            return recipe
        # A step of Adam changes the outputs of a layer in proportion to the number of
        # its inputs, which is four times as large. With the rate of small networks, the
        # loss of the first minibatches rose to hundreds of times that of chance.
        return dataclasses.replace(recipe, learning_rate=_LARGE_RATE)

    def _make_encoder(self):
        check_max_length(self.max_length, required_by=type(self).__name__)
        return super()._make_encoder()

    def _make_network(self, n_tokens, n_classes):
        return WordCNN(
            n_tokens,
            n_classes,
            size=self.size,
            max_length=self.max_length,
            **self._embedding_params(),
            dropout=self.dropout,
            init="paper" if self.recipe == "paper" else "kaiming",
        )

    def _init_weights(self, network, encoder, examples, seed):
        super()._init_weights(network, encoder, examples, seed)
        if self.recipe != "paper":
            # Departs from the paper: it initializes all weights at random. On few texts
            # little information about words then passes through six convolutions.
            network.init_identity()
