"""Recurrent networks over words (Zhang, Zhao & LeCun, 2015; Chollet, 2017)."""

import dataclasses
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import torch
from torch import nn

from ..encoding._ragged import PAD
from ..schedules import halving, one_cycle
from ..training._recipe import Recipe
from ..utils._param_validation import (
    Fraction,
    Positive,
    Range,
    Size,
    Sizes,
    hyperparameters,
)
from ._dropout import Dropout
from ._word_classifier import BaseEmbeddingClassifier, BaseSequenceClassifier
from .convnet import VelocitySGD
from .embedding import WordEmbedding
from .recurrent import Recurrent, pool_steps

__all__ = ["RNN", "RNNClassifier"]

# Keras initializes embeddings uniformly in [-0.05, 0.05].
_KERAS_SCALE = 0.05

# Initialization of the layers by recipe; the others are those of Keras.
_INITS = {"modern": "orthogonal", "paper": "uniform"}


class RNN(nn.Module):
    """Recurrent layers over word vectors, pooling over the steps and a linear layer.

    Parameters
    ----------
    n_tokens : int
        Number of ids, including `PAD`.
    n_classes : int
    embedding_dim : int, default=300
    static : bool, default=False
        Whether the word vectors are frozen.
    embedding_scale : float, default=0.25
        Word vectors are initialized uniformly in [-embedding_scale, embedding_scale].
    embedding_dropout : float, default=0.0
        Dropout probability of each dimension of each word vector.
    cell : {"lstm", "gru", "rnn"}, default="lstm"
    hidden_dim : int or sequence of int, default=128
        Outputs per direction; a sequence has those of each layer.
    bidirectional : bool, default=False
    n_layers : int, default=1
        Number of layers if `hidden_dim` is an int.
    pooling : {"mean", "last", "max"}, default="mean"
        See `pool_steps`.
    dropout : float, default=0.0
        Dropout probability between layers and of the pooled outputs.
    init : {"uniform", "orthogonal", "keras"}, default="orthogonal"
        Initialization of the recurrent layers, see `Recurrent`. "keras" initializes the
        last layer as Keras does, too.
    """

    def __init__(
        self,
        n_tokens: int,
        n_classes: int,
        *,
        embedding_dim: int = 300,
        static: bool = False,
        embedding_scale: float = 0.25,
        embedding_dropout: float = 0.0,
        cell: Literal["lstm", "gru", "rnn"] = "lstm",
        hidden_dim: int | Sequence[int] = 128,
        bidirectional: bool = False,
        n_layers: int = 1,
        pooling: Literal["mean", "last", "max"] = "mean",
        dropout: float = 0.0,
        init: str = "orthogonal",
    ) -> None:
        super().__init__()
        self.bidirectional = bidirectional
        self.pooling = pooling
        self.embedding = WordEmbedding(
            n_tokens, embedding_dim, static=static, scale=embedding_scale
        )
        self.embedding_dropout = Dropout(embedding_dropout)
        self.recurrent = Recurrent(
            cell,
            embedding_dim,
            hidden_dim,
            bidirectional=bidirectional,
            n_layers=n_layers,
            dropout=dropout,
            init=init,
        )
        self.dropout = Dropout(dropout)
        # Departs from the paper: Keras's examples have one output for two classes.
        self.head = nn.Linear(self.recurrent.output_dim, n_classes)
        if init == "keras":
            self._init_keras_head()

    def _init_keras_head(self):
        """Initialize the last layer as Glorot proposes, and its biases to 0.

        Of two classes, the weights of the second are those of the one output in Keras:
        the difference of the logits is then its logit.
        """
        weight = self.head.weight
        nn.init.zeros_(weight)
        nn.init.xavier_uniform_(weight[1:] if len(weight) == 2 else weight)
        nn.init.zeros_(self.head.bias)

    def forward(
        self, ids: torch.Tensor, lengths: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return the logits of texts.

        Parameters
        ----------
        ids : tensor of int64 of shape (batch, length)
        lengths : tensor of int64 of shape (batch,), on the CPU, default=None
            Number of ids of each text before its padding; on CUDA, the network is
            faster with them.

        Returns
        -------
        logits : tensor of shape (batch, n_classes)
        """
        # Departs from the paper: Keras pads at the start and its layer reads padding.
        n_words = (ids != PAD).sum(1)  # (batch,)
        x = self.embedding_dropout(self.embedding(ids))  # (batch, length, dim)
        # (batch, length, n_directions * hidden_dim)
        x = self.recurrent(x, n_words if lengths is None else lengths)
        pooled = pool_steps(
            x, n_words, self.pooling, bidirectional=self.bidirectional
        )  # (batch, n_directions * hidden_dim)
        return self.head(self.dropout(pooled))  # (batch, n_classes)


@hyperparameters
class RNNClassifier(BaseSequenceClassifier, BaseEmbeddingClassifier):
    """Text classifier with a recurrent network over words.

    An LSTM, GRU or plain recurrent layer reads the words in order; its outputs are
    pooled to one vector, which a linear layer classifies [1]_. The network can use word
    order over any distance. The steps of a text cannot be computed in parallel.

    Parameters
    ----------
    cell : {"lstm", "gru", "rnn"}, default="lstm"
        Kind of recurrent layer; "rnn" is the plain one with the hyperbolic tangent.
    hidden_dim : int, tuple or list of int, default=128
        Outputs of a layer per direction. A tuple or list has those of each of several
        layers, from the first to the last.
    bidirectional : bool, default=False
        Whether a second layer reads the text backwards, at twice the cost.
    n_layers : int, default=1
        Number of recurrent layers, each over the outputs of the previous one. It must
        be 1, or their number, if `hidden_dim` is a tuple or list.
    pooling : {"mean", "last", "max"}, default="mean"
        Pooling of the outputs at all words to one vector: their mean, their maximum in
        each dimension, or the last output of each direction.
    dropout : float, default=None
        Dropout probability of the pooled outputs and of the outputs between layers.
        None takes 0.5 for the recipe "modern" and 0 for all others.
    clip_norm : float, default=5.0
        Maximal norm of all gradients together: larger ones are rescaled. None disables
        it.
    recipe : {"modern", "paper", "rmsprop", "adam"}, default="modern"
        "modern": passes over the data with AdamW under a one-cycle schedule up to a
        rate of 0.01, orthogonal initialization. "paper": the baseline of [1]_, trained
        as the other networks of that paper: an epoch of 5,000 minibatches with balanced
        classes, SGD with momentum 0.9, a rate of 0.01 halved every 3 epochs. "rmsprop",
        "adam": the examples of Keras [2]_ [3]_, with its optimizer of that name, a
        constant rate of 0.001, and its initialization of all layers. All have
        minibatches of 128 texts, "modern" of fewer on few texts (`batch_size`).
    {inherited_parameters}

    Attributes
    ----------
    net_ : skorch.NeuralNet
        Trained skorch net; ``net_.module_`` is the `RNN`.
    {inherited_attributes}

    See Also
    --------
    WordCNNClassifier : Convolutions over the same words.
    sktextconv.make_tfidf_classifier : Trains in seconds; to compare with.

    Notes
    -----
    The LSTM of [1]_ is ``recipe="paper", hidden_dim=512, vectors="word2vec",
    tuning="static", bucketing=False``, or a file instead of "word2vec". The SimpleRNN
    and the LSTM of [2]_ are ``recipe="rmsprop", cell="rnn", tokenizer="keras",
    max_tokens=9_996, max_length=500, keep="end", embedding_dim=32, hidden_dim=32,
    pooling="last", clip_norm=None, bucketing=False`` and the same with ``cell="lstm"``,
    on 20,000 of the 25,000 training texts of IMDB; ``hidden_dim=(64, 32, 32)`` is a
    stack of three layers. The bidirectional LSTM of [3]_ is ``recipe="adam",
    tokenizer="keras", max_tokens=19_996, max_length=100, keep="end",
    embedding_dim=128, hidden_dim=64, bidirectional=True, pooling="last", dropout=0.5,
    clip_norm=None, bucketing=False, batch_size=32, max_epochs=4``.

    A word costs an LSTM ``4 * (embedding_dim + hidden_dim) * hidden_dim``
    multiply-accumulates per direction, a GRU three quarters of that, and a plain layer
    a quarter; training costs three times as much. PyTorch's layers have two vectors of
    biases, of which one would suffice.

    Departures from the papers: (1) "modern" differs in training, see `recipe`, and has
    dropout. (2) [1]_ states the network, the mean of its outputs, the size of the word
    vectors and the maximal norm of the gradients. Chosen here: training like the other
    networks of the paper, with the weight decay of their code; torch's initialization;
    the vocabulary; 400 words from the start; word vectors that are frozen, as those of
    its other networks are here, and that are trained on the training texts unless a
    file is given. (3) Keras pads at the start, and its layer reads the padding through
    a learned vector. Here padding is not read. (4) Keras has one output with a sigmoid
    and one vector of biases; here there are two outputs with a softmax and two vectors
    of biases. At the start their difference equals the output of Keras; steps of
    RMSprop and Adam then change it twice as fast. (5) The 10,000 ids of [2]_ are 9,996
    words, padding, unknown words, a mark at the start of each text and an unused id;
    the last two have no counterpart here. (6) The gates are sigmoids, as in Keras 2.3;
    those of the Keras 2.0 of [2]_ are piecewise linear. A GRU applies its reset gate
    after the matrix product, which Keras 2.3 does before it by default. (7) With
    `bucketing`, texts of similar length share minibatches, so their order is less
    random than in any of the papers.

    References
    ----------
    .. [1] X. Zhang, J. Zhao and Y. LeCun, "Character-level Convolutional Networks
       for Text Classification", NIPS 2015, section 3.3.
       https://arxiv.org/abs/1509.01626
    .. [2] F. Chollet, "Deep Learning with Python", Manning 2017, section 6.2.
    .. [3] "Train a Bidirectional LSTM on the IMDB sentiment classification task",
       an example of Keras 2.
       https://github.com/keras-team/keras/blob/2.3.1/examples/imdb_bidirectional_lstm.py

    Examples
    --------
    >>> from sktextconv import RNNClassifier
    >>> texts = ["a fine film", "so good", "what a bore", "too long"] * 8
    >>> labels = ["pos", "pos", "neg", "neg"] * 8
    >>> classifier = RNNClassifier(
    ...     hidden_dim=8, max_epochs=6, batch_size=8, random_state=0
    ... )
    >>> classifier.fit(texts, labels).predict(["so good", "too long"])
    array(['pos', 'neg'], dtype='<U3')
    """

    _recipes: ClassVar = {
        # Departs from the paper: it names no optimizer and no learning rate for this
        # network, which is therefore trained like the paper's other networks.
        "paper": Recipe(
            VelocitySGD,
            learning_rate=0.01,
            schedule=halving,
            epoch_size=5_000,
        ),
        # Departs from the paper: another optimizer, schedule and initialization.
        "modern": Recipe(
            torch.optim.AdamW,
            learning_rate=1e-2,
            min_batches=100,
            options={"betas": (0.9, 0.98), "weight_decay": 1e-2},
            schedule=one_cycle,
        ),
        # Departs from the paper: the gates are torch's. In Keras 2.0 they are piecewise
        # linear, and a GRU resets its state before the matrix product.
        "rmsprop": Recipe(
            torch.optim.RMSprop,
            learning_rate=1e-3,
            options={"alpha": 0.9, "eps": 1e-7},
        ),
        "adam": Recipe(
            torch.optim.Adam,
            learning_rate=1e-3,
            options={"eps": 1e-7},
        ),
    }

    recipe: Literal["modern", "paper", "rmsprop", "adam"] = "modern"
    # Departs from the paper: texts of similar length share minibatches.
    bucketing: bool = True
    # Departs from the paper: it names no vocabulary size and no length of texts.
    cell: Literal["lstm", "gru", "rnn"] = "lstm"
    hidden_dim: Size | Sizes = 128
    bidirectional: bool = False
    n_layers: Annotated[int, Range(1, 1_000, closed="both")] = 1
    pooling: Literal["mean", "last", "max"] = "mean"
    dropout: Fraction | None = None
    clip_norm: Positive | None = 5.0

    def _check_parameters(self):
        super()._check_parameters()
        if isinstance(self.hidden_dim, tuple | list):
            n_layers = len(self.hidden_dim)
            if self.n_layers not in (1, n_layers):
                raise ValueError(
                    "The 'n_layers' parameter of RNNClassifier must be 1 or the number "
                    f"of values of 'hidden_dim', which is {n_layers}. Got "
                    f"{self.n_layers!r} instead."
                )

    def _recipe(self):
        return dataclasses.replace(super()._recipe(), clip_norm=self.clip_norm)

    def _make_network(self, n_tokens, n_classes):
        return RNN(
            n_tokens,
            n_classes,
            **self._embedding_params(),
            embedding_scale=0.25 if self.recipe in _INITS else _KERAS_SCALE,
            cell=self.cell,
            hidden_dim=self.hidden_dim,
            bidirectional=self.bidirectional,
            n_layers=self.n_layers,
            pooling=self.pooling,
            dropout=self._for_modern(self.dropout, 0.5),
            init=_INITS.get(self.recipe, "keras"),
        )
