"""Convolutional recurrent network over characters (Xiao & Cho, 2016)."""

import math
from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from torch import nn
from torch.nn import functional as F

from ..encoding._char import CharEncoder
from ..encoding._char_tokenizer import BYTES
from ..encoding._ragged import PAD, UNKNOWN
from ..schedules import one_cycle
from ..training._recipe import Recipe
from ..utils._param_validation import Count, Fraction, Size, Sizes, hyperparameters
from ._char_classifier import BaseCharClassifier
from ._convolution import Convolution
from ._dropout import Dropout
from .embedding import WordEmbedding
from .recurrent import Recurrent, pool_steps

__all__ = ["CharCRNN", "CharCRNNClassifier"]

# The 95 printable characters of ASCII and the line feed.
_PAPER_ALPHABET = "".join(map(chr, range(32, 127))) + "\n"

# Scale of the random weights that `CharCRNN.init_from_ngrams` adds to the detectors.
_NOISE_SCALE = 0.3

# Character vectors are initialized uniformly with a variance of 1.
_EMBEDDING_SCALE = math.sqrt(3.0)


class CharCRNN(nn.Module):
    """Convolutions with pooling over characters, then a bidirectional LSTM.

    Parameters
    ----------
    n_tokens : int
        Number of ids, including `PAD`, whose vector stays zero.
    n_classes : int
    embedding_dim : int, default=8
    widths : sequence of int, default=(5, 3)
        Window sizes of the convolutions; each is followed by max pooling of 2 steps.
    n_filters : int, default=128
        Filters of each convolution.
    hidden_dim : int, default=128
        Outputs of the LSTM per direction.
    pooling : {"last", "mean", "max"}, default="last"
        Pooling of the outputs of the LSTM, see `pool_steps`.
    dropout : float, default=0.5
        Dropout probability after the last convolution and after the LSTM.
    init : {"uniform", "orthogonal"}, default="orthogonal"
        Initialization of the LSTM, see `Recurrent`.

    Notes
    -----
    Each convolution reads zeros beyond both ends of a text, so the logits of a text do
    not depend on the length of its minibatch. A text of L characters has
    ``ceil(L / 2 ** len(widths))`` steps in the LSTM.

    Examples
    --------
    >>> import torch
    >>> from sktextconv.networks.charcrnn import CharCRNN
    >>> CharCRNN(10, 2)(torch.tensor([[4, 9, 2], [5, 0, 0]])).shape
    torch.Size([2, 2])
    """

    def __init__(
        self,
        n_tokens: int,
        n_classes: int,
        *,
        embedding_dim: int = 8,
        widths: Sequence[int] = (5, 3),
        n_filters: int = 128,
        hidden_dim: int = 128,
        pooling: Literal["last", "mean", "max"] = "last",
        dropout: float = 0.5,
        init: Literal["uniform", "orthogonal"] = "orthogonal",
    ) -> None:
        super().__init__()
        self.pooling = pooling
        self.export_length = 2 * 2 ** len(widths)  # which leaves two steps
        self.embedding = WordEmbedding(n_tokens, embedding_dim, scale=_EMBEDDING_SCALE)
        self.convolutions = nn.ModuleList()
        n_in = embedding_dim
        for size in widths:
            layer = Convolution(n_in, n_filters, size, padding=size // 2)
            # Drawn in the order of the axes, not of the memory of the layer.
            weight = torch.empty(layer.weight.shape)
            nn.init.kaiming_normal_(weight, nonlinearity="relu")
            layer.weight.data.copy_(weight)
            nn.init.zeros_(layer.bias)
            self.convolutions.append(layer)
            n_in = n_filters
        self.dropout = Dropout(dropout)
        self.recurrent = Recurrent(
            "lstm", n_filters, hidden_dim, bidirectional=True, init=init
        )
        self.head = nn.Linear(2 * int(hidden_dim), n_classes)

    @torch.no_grad()
    def init_unknown(self):
        """Initialize the vector of `UNKNOWN` to that of `PAD`."""
        self.embedding.weight[UNKNOWN] = self.embedding.weight[PAD]

    @torch.no_grad()
    def init_from_ngrams(self, ngrams):
        """Initialize the network as a detector of n-grams plus noise.

        Each of the first filters of the first convolution responds with 1 to its
        n-gram, with less to similar ones and with 0 to most others, apart from the
        noise of the random weights. The other layers pass the responses on.

        Parameters
        ----------
        ngrams : ndarray of int of shape (n_ngrams, n)
            Ids; at most as many n-grams as filters, of at most the size of the first
            convolution. `PAD` matches any character.
        """
        first, *others = self.convolutions
        ngrams = torch.tensor(ngrams)
        vectors = self.embedding(ngrams)  # (n_ngrams, n, embedding_dim)
        # The product of the filter and its n-gram is the number of characters.
        vectors /= vectors.square().sum(2, keepdim=True).clamp(min=1e-9)
        first.weight.mul_(_NOISE_SCALE)
        first.weight[: len(ngrams), :, 0, : ngrams.shape[1]] += vectors.mT
        first.bias[: len(ngrams)] = 1.0 - (ngrams != PAD).sum(1)
        for layer in others:
            layer.weight.mul_(_NOISE_SCALE)
            layer.weight[:, :, 0, layer.kernel_size[1] // 2].fill_diagonal_(1.0)
        for cell in self.recurrent.layers[0]:
            gates = cell.weight_ih_l0.split(cell.hidden_size)
            gates[2].mul_(_NOISE_SCALE).diagonal().fill_(2.0)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:  # (batch, length)
        # Each pooling then halves an even number of steps.
        ids = F.pad(ids, (0, -ids.shape[1] % 2 ** len(self.convolutions)), value=PAD)
        mask = (ids != PAD).float()[:, None, None]  # (batch, 1, 1, length)
        x = self.embedding(ids)  # (batch, length, embedding_dim)
        x = x.transpose(1, 2).unsqueeze(2)  # (batch, embedding_dim, 1, length)
        for layer in self.convolutions:
            # An even size gives one step too many.
            x = layer(x)[..., : x.shape[3]].relu()  # (batch, n_filters, 1, length)
            # Departs from the paper: it masks steps beyond the end of a text in the
            # recurrent layer only, where they have affected the last steps of the text.
            x = F.max_pool2d(x * mask, (1, 2))  # (batch, n_filters, 1, length / 2)
            mask = F.max_pool2d(mask, (1, 2))
        lengths = mask.sum((1, 2, 3)).long()  # (batch,)
        x = self.dropout(x.squeeze(2).transpose(1, 2))  # (batch, n_steps, n_filters)
        x = self.recurrent(x, lengths)  # (batch, n_steps, 2 * hidden_dim)
        pooled = pool_steps(x, lengths, self.pooling, bidirectional=True)
        return self.head(self.dropout(pooled))  # (batch, n_classes)


@hyperparameters
class CharCRNNClassifier(BaseCharClassifier):
    """Text classifier with convolutions and an LSTM over characters.

    A few convolutions with max pooling shorten the sequence of embedded characters, and
    a bidirectional LSTM reads the result [1]_. It needs no words, as
    `CharCNNClassifier`, has a twentieth of the weights, and learns from fewer texts.

    Parameters
    ----------
    embedding_dim : int, default=None
        Size of the character vectors. None takes 32 with ``recipe="modern"`` and 8 with
        ``recipe="paper"``.
    widths : tuple or list of int, default=(5, 3)
        Window sizes of the convolutions. Each is followed by max pooling of 2 steps, so
        a further one halves the steps of the LSTM. The paper has (5, 3), (5, 5, 3),
        (5, 5, 3, 3) and (5, 5, 3, 3, 3).
    n_filters : int, default=None
        Filters of each convolution. None takes 256 with ``recipe="modern"`` and 128
        with ``recipe="paper"``.
    hidden_dim : int, default=128
        Outputs of the LSTM per direction. The paper's networks have as many as filters:
        128, 256, 512 or 1,024.
    pooling : {"last", "mean", "max"}, default=None
        Pooling of the outputs of the LSTM to one vector: the last output of each
        direction, the mean, or the maximum in each dimension. None takes "max" with
        ``recipe="modern"`` and "last" with ``recipe="paper"``.
    max_length : int, default=1014
        Maximal number of characters read of a text, or of bytes with
        ``alphabet="bytes"``.
    keep : {"start", "end"}, default="start"
        Whether the start or the end of a text longer than `max_length` is read.
    dropout : float, default=0.5
        Dropout probability after the last convolution and after the LSTM.
    init : {"ngrams", "random"}, default="ngrams"
        Initial weights of the recipe "modern": "ngrams" makes filters that detect the
        n-grams which best discriminate between the classes of the training texts [2]_.
        The recipe "paper" always takes random weights.
    recipe : {"modern", "paper"}, default="modern"
        "modern": passes over the data with AdamW under a one-cycle schedule up to a
        rate of 0.003, minibatches of 32 texts, an alphabet learned from the training
        texts, filters initialized as detectors of n-grams. "paper": Adadelta with a
        factor of 1 and minibatches of 128 texts [1]_. Both rescale gradients of a norm
        above 5.
    {inherited_parameters}

    Attributes
    ----------
    net_ : skorch.NeuralNet
        Trained skorch net; ``net_.module_`` is the `CharCRNN`.
    {inherited_attributes}

    See Also
    --------
    sktextconv.CharCNNClassifier : Convolutions only.
    sktextconv.make_tfidf_classifier : Trains in seconds; to compare with.

    Notes
    -----
    A character costs 238,000 multiply-accumulates, and 95,000 with the sizes of the
    paper; training costs three times as much. The paper's C3R1D256, with three
    convolutions and 256 filters, is ``widths=(5, 5, 3), n_filters=256, hidden_dim=256,
    recipe="paper"``.

    Departures from the paper: (1) "modern" differs in training, alphabet, sizes,
    pooling and initialization; see the parameters with the default None, and `init`.
    (2) Convolutions read zeros beyond the end of a text, where the paper's read the
    padding of the minibatch, so that the result does not depend on the other texts. (3)
    With `bucketing`, texts of similar length share minibatches.

    The paper itself could not be consulted; these facts are from several summaries of
    it: layers and their sizes, dropout, 96 characters, vectors of size 8, Adadelta,
    minibatches of 128 texts, masks, clipping at 5, early stopping on validation texts,
    for which ``early_stopping=True`` stands. Chosen here: (4) Adadelta's rho of 0.95
    and epsilon of 1e-5, which no summary states. (5) The 96 characters; those outside
    share a vector. (6) The first 1,014 characters are read. (7) Convolutions keep the
    length. (8) Convolutions are initialized as He et al. propose, character vectors
    uniformly with variance 1, the LSTM as in PyTorch with "paper". (9) There is no
    penalty of the weights with "paper".

    References
    ----------
    .. [1] Y. Xiao and K. Cho, "Efficient Character-level Document Classification by
       Combining Convolution and Recurrent Layers", 2016.
       https://arxiv.org/abs/1602.00367
    .. [2] S. Li, Z. Zhao, T. Liu, R. Hu and X. Du, "Initializing Convolutional Filters
       with Semantic Features for Text Classification", EMNLP 2017.
       https://aclanthology.org/D17-1201

    Examples
    --------
    >>> from sktextconv import CharCRNNClassifier
    >>> texts = ["a fine film", "so good", "what a bore", "too long"] * 8
    >>> labels = ["pos", "pos", "neg", "neg"] * 8
    >>> classifier = CharCRNNClassifier(
    ...     hidden_dim=16, max_epochs=6, batch_size=8, random_state=0
    ... )
    >>> classifier.fit(texts, labels).predict(["so good", "too long"])
    array(['pos', 'neg'], dtype='<U3')
    """

    _paper_alphabet: ClassVar = _PAPER_ALPHABET
    _derived_parameters: ClassVar = BaseCharClassifier._derived_parameters | {
        # Departs from the paper: more detectors of n-grams, and more distinct ones.
        "embedding_dim": lambda self: 8 if self.recipe == "paper" else 32,
        "n_filters": lambda self: 128 if self.recipe == "paper" else 256,
        # Departs from the paper: an n-gram counts wherever it stands in the text.
        "pooling": lambda self: "last" if self.recipe == "paper" else "max",
    }
    _recipes: ClassVar = {
        "paper": Recipe(
            torch.optim.Adadelta,
            learning_rate=1.0,
            options={"rho": 0.95, "eps": 1e-5},
            clip_norm=5.0,
        ),
        # Departs from the paper: another optimizer, schedule and initialization.
        "modern": Recipe(
            torch.optim.AdamW,
            learning_rate=3e-3,
            batch_size=32,
            options={"betas": (0.9, 0.98), "weight_decay": 1e-2},
            schedule=one_cycle,
            clip_norm=5.0,
        ),
    }

    # Departs from the paper: texts of similar length share minibatches.
    bucketing: bool = True
    embedding_dim: Size | None = None
    widths: Sizes = (5, 3)
    n_filters: Size | None = None
    hidden_dim: Size = 128
    pooling: Literal["last", "mean", "max"] | None = None
    # Departs from the paper: no summary of it names a length.
    max_length: Count = 1014
    keep: Literal["start", "end"] = "start"
    dropout: Fraction = 0.5
    init: Literal["ngrams", "random"] = "ngrams"

    def _make_encoder(self):
        return CharEncoder(
            **self._encoder_params(),
            reverse=False,
            keep=self.keep,
            unknown=self.alphabet != BYTES,
        )

    def _make_network(self, n_tokens, n_classes):
        return CharCRNN(
            n_tokens,
            n_classes,
            embedding_dim=self.embedding_dim,
            widths=self.widths,
            n_filters=self.n_filters,
            hidden_dim=self.hidden_dim,
            pooling=self.pooling,
            dropout=self.dropout,
            init="uniform" if self.recipe == "paper" else "orthogonal",
        )

    def _init_weights(self, network, encoder, examples, seed):
        super()._init_weights(network, encoder, examples, seed)
        if self.recipe != "paper" and self.init == "ngrams":
            # Departs from the paper: it initializes all weights at random.
            size = {"n": int(self.widths[0]), "n_ngrams": int(self.n_filters)}
            self._init_from_ngrams(network, encoder, examples, seed, **size)
