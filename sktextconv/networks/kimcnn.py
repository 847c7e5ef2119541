"""Convolutional network over the words of a sentence (Kim, 2014)."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from torch import nn
from torch.nn import functional as F

from ..encoding._ragged import PAD
from ..schedules import one_cycle
from ..training._recipe import Recipe
from ..utils._param_validation import (
    Fraction,
    Positive,
    Size,
    Sizes,
    hyperparameters,
)
from ._convolution import Convolution
from ._dropout import Dropout
from ._word_classifier import BaseEmbeddingClassifier, BaseSequenceClassifier
from .embedding import WordEmbedding

__all__ = ["KimCNN", "KimCNNClassifier"]

# Length from which `_max_over_time_sparse` is faster: it computes the windows at the
# maxima twice, but saves the gradient of all other windows, which is zero.
_SPARSE_LENGTH = 128


class MultichannelEmbedding(nn.Module):
    """Sum of a trained and a frozen word embedding (section 2.1).

    The paper applies each filter to both channels and adds the results. Convolution is
    linear, so applying it once to the sum of the vectors is the same.

    Parameters
    ----------
    n_tokens : int
        Number of ids, including `PAD`.
    dim : int
        Size of a vector.
    """

    def __init__(self, n_tokens, dim):
        super().__init__()
        self.tuned = WordEmbedding(n_tokens, dim)
        self.static = WordEmbedding(n_tokens, dim, static=True)
        with torch.no_grad():
            self.static.weight.copy_(self.tuned.weight)

    def load(self, vectors):
        """Set the vectors of both channels, see `WordEmbedding.load`."""
        self.tuned.load(vectors)
        self.static.load(vectors)

    def forward(self, ids):  # (...)
        return self.tuned(ids) + self.static(ids)  # (..., dim)


class KimCNN(nn.Module):
    """Convolutions over word vectors, max-over-time pooling and a linear layer.

    Parameters
    ----------
    n_tokens : int
        Number of ids, including `PAD`.
    n_classes : int
    embedding_dim : int, default=300
    widths : sequence of int, default=(3, 4, 5)
        Window sizes in words, one per convolution.
    n_filters : int, default=100
        Filters of each width.
    tuning : {"fine-tuned", "static", "multichannel"}, default="fine-tuned"
        Whether the word vectors are trained, frozen, or the sum of a trained and a
        frozen one.
    embedding_dropout : float, default=0.0
        Dropout probability of each dimension of each word vector.
    dropout : float, default=0.5
        Dropout probability of the pooled features.
    max_norm : float or None, default=3.0
        Maximal l2 norm of the weights of a class, applied by `constrain_norms`. None
        disables it.
    init : {"paper", "kaiming"}, default="kaiming"
        Initialization of the filters: uniform in [-0.01, 0.01] as in the author's code,
        or as He et al. propose.

    Notes
    -----
    A filter of width h computes ``c_i = relu(w . x[i : i + h] + b)`` in each window,
    equation (2), and its feature is ``max_i c_i``. The logits are a linear function of
    the features after dropout, equation (5).

    Examples
    --------
    >>> import torch
    >>> from sktextconv.networks.kimcnn import KimCNN
    >>> KimCNN(10, 2)(torch.tensor([[4, 9, 2], [5, 0, 0]])).shape
    torch.Size([2, 2])
    """

    def __init__(
        self,
        n_tokens: int,
        n_classes: int,
        *,
        embedding_dim: int = 300,
        widths: Sequence[int] = (3, 4, 5),
        n_filters: int = 100,
        tuning: Literal["fine-tuned", "static", "multichannel"] = "fine-tuned",
        embedding_dropout: float = 0.0,
        dropout: float = 0.5,
        max_norm: float | None = 3.0,
        init: Literal["paper", "kaiming"] = "kaiming",
    ) -> None:
        super().__init__()
        self.max_width = max(widths)
        self.max_norm = None if max_norm is None else float(max_norm)
        if tuning == "multichannel":
            self.embedding = MultichannelEmbedding(n_tokens, embedding_dim)
        else:
            static = tuning == "static"
            self.embedding = WordEmbedding(n_tokens, embedding_dim, static=static)
        self.embedding_dropout = Dropout(embedding_dropout)
        self.convolutions = nn.ModuleList(
            Convolution(embedding_dim, n_filters, width) for width in widths
        )
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(n_filters * len(widths), n_classes)
        for convolution in self.convolutions:
            if init == "paper":
                nn.init.uniform_(convolution.weight, -0.01, 0.01)
            else:
                nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
            nn.init.zeros_(convolution.bias)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:  # (batch, length)
        # Each text is padded at both ends, so that it has a window of only padding for
        # each width, as all texts but the longest have in the author's code. The
        # maximum is then independent of the length of the batch and needs no mask.
        # Departs from the paper: one more zero at the end, for the longest text too.
        ids = F.pad(ids, (self.max_width - 1, self.max_width), value=PAD)
        x = self.embedding_dropout(self.embedding(ids))  # (batch, length, dim)
        sparse = self.training and ids.shape[1] >= _SPARSE_LENGTH
        pool = _max_over_time_sparse if sparse else _max_over_time
        maxima = [pool(convolution, x) for convolution in self.convolutions]
        x = torch.cat(maxima, 1).relu()  # commutes with the maximum; fewer values here
        # The paper's dropout scales down in prediction instead of up in training, and
        # `max_norm` refers to weights at that scale.
        x = (1 - self.dropout.p) * self.dropout(x)  # (batch, n_filters * n_widths)
        return self.head(x)  # (batch, n_classes)


def constrain_norms(network):
    """Rescale the weights of each class whose l2 norm exceeds `max_norm`."""
    if network.max_norm is not None:
        network.head.weight.renorm_(2, 0, network.max_norm)


def _convolve(convolution, x):  # (batch, length, dim)
    x = convolution(x.transpose(1, 2).unsqueeze(2))  # (batch, n_filters, 1, n_windows)
    return x.squeeze(2)  # (batch, n_filters, n_windows)


def _max_over_time(convolution, x):  # (batch, length, dim)
    return _convolve(convolution, x).max(2).values  # (batch, n_filters)


def _max_over_time_sparse(convolution, x):  # (batch, length, dim)
    """Return `_max_over_time` with gradients only through the windows at the maxima.

    These windows are gathered and convolved again as one batched matrix product.
    """
    n_texts, length, _ = x.shape
    with torch.no_grad():
        steps = _convolve(convolution, x).max(2).indices  # (batch, n_filters)
    width = convolution.kernel_size[1]
    starts = steps + length * torch.arange(n_texts, device=x.device)[:, None]
    index = starts.T[:, :, None] + torch.arange(width, device=x.device)
    # An embedding lookup, because the gradient of indexing is summed in an order that
    # depends on the threads.
    windows = F.embedding(index, x.flatten(0, 1))  # (n_filters, batch, width, dim)
    weight = convolution.weight.squeeze(2).transpose(1, 2)  # (n_filters, width, dim)
    maxima = torch.bmm(windows.flatten(2), weight.flatten(1)[:, :, None])
    return maxima.squeeze(2).T + convolution.bias  # (batch, n_filters)


@hyperparameters
class KimCNNClassifier(BaseSequenceClassifier, BaseEmbeddingClassifier):
    """Text classifier with one convolutional layer over words, for sentences.

    Filters over three, four and five words detect phrases anywhere in the text; the
    strongest response of each filter is a feature of a linear classifier [1]_. The
    features do not tell the position or the number of occurrences of a phrase. On few
    texts, compare with `make_tfidf_classifier`, and with pretrained word `vectors`.

    Parameters
    ----------
    widths : tuple or list of int, default=(3, 4, 5)
        Window sizes of the filters in words.
    n_filters : int, default=100
        Filters of each width.
    max_norm : float, default=3.0
        Maximal l2 norm of the weights of a class in the last layer: larger ones are
        rescaled after each update. None disables it.
    tuning : {"fine-tuned", "static", "multichannel"}, default="fine-tuned"
        Whether word vectors are trained or frozen.
        "multichannel" is the sum of a trained and a frozen vector, both initialized to
        `vectors`.
    dropout : float, default=0.5
        Dropout probability of the pooled features.
    recipe : {"modern", "paper"}, default="modern"
        "modern": AdamW under a one-cycle schedule up to a rate of 0.003, Kaiming
        initialization, dropout of word vectors. "paper": section 3.1 of [1]_ and the
        author's code: Adadelta with a factor of 1, small uniform initial weights. Both
        have minibatches of 50 texts, "modern" of fewer on few texts (`batch_size`).
    {inherited_parameters}

    Attributes
    ----------
    net_ : skorch.NeuralNet
        Trained skorch net; ``net_.module_`` is the `KimCNN`.
    {inherited_attributes}

    See Also
    --------
    WordCNNClassifier : Six convolutions, for many long texts.
    sktextconv.make_tfidf_classifier : Trains in seconds; to compare with.

    Notes
    -----
    The four variants of [1]_: CNN-rand is ``vectors=None``; CNN-static, CNN-non-static
    and CNN-multichannel have `vectors` and ``tuning="static"``, "fine-tuned" and
    "multichannel". The vectors of the paper are trained on the Google News corpus. Its
    training takes the best of 25 epochs on a tenth of the texts: ``recipe="paper",
    max_epochs=25, early_stopping=True, n_iter_no_change=25``.

    A pass over n texts of L words costs about 3 n L x 360,000 multiply-accumulates,
    less in minibatches of long texts, for which the gradient is computed at the maxima
    only. The embedding has ``embedding_dim * max_tokens`` parameters, twice that for
    "multichannel".

    Departures from the paper: (1) "modern" differs in training, see `recipe`. (2) Words
    are found by a regular expression and lower-cased; the author's code removes all but
    a few characters and splits off endings such as "n't". (3) The author's vocabulary
    includes the test texts; here words that do not occur in the training texts share
    the vector of unknown words. (4) Texts are padded with one more zero at the end. (5)
    The best epoch is that of lowest loss, not of lowest error. (6) Each epoch draws
    texts into minibatches anew, and the last one is smaller; the author's code draws
    them once, fills the last one up with repeated texts, and permutes their order.

    References
    ----------
    .. [1] Y. Kim, "Convolutional Neural Networks for Sentence Classification", EMNLP
       2014. https://aclanthology.org/D14-1181

    Examples
    --------
    >>> from sktextconv import KimCNNClassifier
    >>> texts = ["a fine film", "so good", "what a bore", "too long"] * 8
    >>> labels = ["pos", "pos", "neg", "neg"] * 8
    >>> classifier = KimCNNClassifier(max_epochs=6, batch_size=8, random_state=0)
    >>> classifier.fit(texts, labels).predict(["so good", "too long"])
    array(['pos', 'neg'], dtype='<U3')
    """

    _recipes: ClassVar = {
        # torch's Adadelta is the author's update, with epsilon under both roots.
        # Departs from the paper: its code permutes minibatches of the same texts.
        "paper": Recipe(
            torch.optim.Adadelta,
            learning_rate=1.0,
            batch_size=50,
            options={"rho": 0.95, "eps": 1e-6},
            constrain=constrain_norms,
        ),
        # Departs from the paper: another optimizer, schedule and initialization, and
        # dropout of word vectors.
        "modern": Recipe(
            torch.optim.AdamW,
            learning_rate=3e-3,
            batch_size=50,
            min_batches=100,
            options={"weight_decay": 1e-2},
            schedule=one_cycle,
            constrain=constrain_norms,
        ),
    }

    widths: Sizes = (3, 4, 5)
    n_filters: Size = 100
    max_norm: Positive | None = 3.0
    tuning: Literal["fine-tuned", "static", "multichannel"] = "fine-tuned"
    dropout: Fraction = 0.5

    # Departs from the paper: the author's code has its own text cleaning and builds the
    # vocabulary from training and test texts.

    def _make_network(self, n_tokens, n_classes):
        is_paper = self.recipe == "paper"
        return KimCNN(
            n_tokens,
            n_classes,
            embedding_dim=self.embedding_dim,
            widths=self.widths,
            n_filters=self.n_filters,
            tuning=self.tuning,
            embedding_dropout=self._for_modern(self.embedding_dropout, 0.2),
            dropout=self.dropout,
            max_norm=self.max_norm,
            init="paper" if is_paper else "kaiming",
        )
