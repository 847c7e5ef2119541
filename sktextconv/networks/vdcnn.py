"""Very deep convolutional network over characters (Conneau et al., 2017)."""

import dataclasses
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..encoding._char import CharEncoder
from ..encoding._char_tokenizer import BYTES
from ..encoding._ragged import PAD, UNKNOWN
from ..schedules import halving, one_cycle
from ..training._recipe import Recipe
from ..training._windows import Windows
from ..utils._param_validation import LossWeight, Size, hyperparameters
from ._batch_norm import BatchNorm
from ._char_classifier import BaseCharClassifier
from ._convolution import Convolution

__all__ = ["VDCNN", "VDCNNClassifier", "kmax_pool"]

_EMBEDDING_DIM = 16
_WIDTHS = (64, 128, 256, 512)  # channels of the four levels
_BLOCKS = {9: (1, 1, 1, 1), 17: (2, 2, 2, 2), 29: (5, 5, 2, 2), 49: (8, 8, 5, 3)}
_K = 8  # positions that the last k-max pooling keeps
_DOWNSAMPLING = 8  # each of three levels halves the length
_TRIM_STEP = 64


def kmax_pool(x: torch.Tensor, k: int) -> torch.Tensor:
    """Return the `k` largest values of the last axis in their original order.

    Among equal values the earlier ones are selected. The gradient of a value that is
    not selected is zero.

    Parameters
    ----------
    x : tensor of shape (..., length)
    k : int
        Number of values, from 1 to `length`.

    Returns
    -------
    pooled : tensor of shape (..., k)

    Raises
    ------
    ValueError
        If `k` is less than 1 or greater than `length`.

    Examples
    --------
    >>> kmax_pool(torch.tensor([1.0, 2.0, 4.0, 10.0, 5.0, 3.0]), 3)
    tensor([ 4., 10.,  5.])
    """
    if not 1 <= k <= x.shape[-1]:
        raise ValueError(
            f"Expected k between 1 and the {x.shape[-1]} values of the last axis, got "
            f"k={k}. Pad the sequence or choose a smaller k."
        )
    x = x.contiguous()
    # NumPy has no bfloat16, so half precision is sorted as float32. NaN sorts as the
    # largest value.
    values = x.detach().to(torch.promote_types(x.dtype, torch.float32))
    values = values.masked_fill(values.isnan(), torch.inf)
    eager = x.device.type == "cpu" and not torch.compiler.is_compiling()
    find = _kmax_positions_numpy if eager else _kmax_positions
    return x.gather(-1, find(values, k))


def _kmax_positions(x, k):
    """Return the ascending positions of the `k` largest values, with ONNX operators."""
    kth = x.topk(k, sorted=False).values.amin(-1, keepdim=True)
    selected = _mark_kmax(x, kth, k)
    # The slots are a permutation, so that the result of `scatter` is defined: first the
    # selected positions, in order, then the others.
    steps = torch.arange(x.shape[-1], device=x.device).expand_as(selected)
    n_selected = selected.cumsum(-1)
    slots = torch.where(selected, n_selected - 1, k + steps - n_selected)
    return torch.zeros_like(slots).scatter(-1, slots, steps)[..., :k]


def _kmax_positions_numpy(x, k):
    """Return the same positions by NumPy's vectorized sort, several times faster."""
    length = x.shape[-1]
    kth = np.sort(x.numpy())[..., length - k, None]
    selected = np.flatnonzero(_mark_kmax(x, torch.from_numpy(kth), k).numpy())
    positions = selected.reshape(-1, k)
    positions -= np.arange(len(positions))[:, None] * length
    return torch.from_numpy(positions).view(*x.shape[:-1], k)


def _mark_kmax(x, kth, k):
    """Mark the values above the k-th largest and the first ties, `k` in each row."""
    above, equal = x > kth, x == kth
    n_ties = k - above.sum(-1, keepdim=True, dtype=torch.int32)
    return above | (equal & (equal.cumsum(-1, dtype=torch.int32) <= n_ties))


class Block(nn.Module):
    """Two convolutions, each followed by batch normalization and ReLU (Figure 2).

    Parameters
    ----------
    n_in, n_out : int
        Channels.
    stride : int, default=1
        Stride of the first convolution.
    shortcut : bool, default=False
        Whether the input is added before the last ReLU. If the number of channels
        changes, a 1 x 1 convolution and batch normalization project it.
    """

    def __init__(self, n_in, n_out, *, stride=1, shortcut=False):
        super().__init__()
        self.convolution1 = Convolution(n_in, n_out, 3, stride=stride, padding=1)
        self.norm1 = BatchNorm(n_out)
        self.convolution2 = Convolution(n_out, n_out, 3, padding=1)
        self.norm2 = BatchNorm(n_out)
        self.shortcut = None
        if shortcut and n_in == n_out:
            self.shortcut = nn.Identity()
        elif shortcut:
            projection = Convolution(n_in, n_out, 1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(projection, BatchNorm(n_out))

    def forward(self, x):  # (batch, n_in, 1, length)
        y = self.norm1(self.convolution1(x)).relu_()
        y = self.norm2(self.convolution2(y))
        if self.shortcut is not None:
            y = y + self.shortcut(x)
        return y.relu_()  # (batch, n_out, 1, length)


class VDCNN(nn.Module):
    """Very deep convolutional network over characters with three dense layers.

    Parameters
    ----------
    n_tokens : int
        Number of ids, including `PAD`, which has a learned vector like the others.
    n_classes : int
    depth : {9, 17, 29, 49}, default=9
        Number of convolutions, without those of shortcuts.
    pooling : {"max", "kmax", "conv"}, default="max"
        Downsampling by 2 between levels: max pooling of 3 positions, k-max pooling, or
        a convolution of stride 2.
    shortcut : bool, default=False
        Whether blocks are residual.
    max_length : int, default=1014
        Characters to which texts are padded; at least 64.
    dense_dim : int, default=2048
        Outputs of the first two dense layers.
    trim : bool, default=False
        Whether training pads texts only to the longest of their minibatch, rounded up
        to a multiple of 64 and limited to `max_length`. The paper pads to a fixed
        length.
    classify_windows : bool, default=False
        Whether a linear layer classifies each position of the last level too. In
        training, `forward` then returns the logits of the texts and, of shape (batch,
        n_positions, n_classes), of the positions.

    Notes
    -----
    Batch normalization and k-max pooling see the padding, so the padded length is part
    of the model. In evaluation it is always `max_length`. There, positions whose
    receptive field holds only padding are the same for all texts and are computed once,
    unless ``pooling="kmax"``.
    """

    def __init__(
        self,
        n_tokens: int,
        n_classes: int,
        *,
        depth: Literal[9, 17, 29, 49] = 9,
        pooling: Literal["max", "kmax", "conv"] = "max",
        shortcut: bool = False,
        max_length: int = 1014,
        dense_dim: int = 2048,
        trim: bool = False,
        classify_windows: bool = False,
    ) -> None:
        super().__init__()
        self.max_length = int(check_max_length(max_length))
        self.pooling = pooling
        self.trim = trim
        self.receptive_radius = _receptive_radius(_BLOCKS[depth])
        self.embedding = nn.Embedding(n_tokens, _EMBEDDING_DIM)
        self.convolution = Convolution(_EMBEDDING_DIM, _WIDTHS[0], 3, padding=1)
        self.levels = nn.ModuleList()
        n_in = _WIDTHS[0]
        for n_blocks, n_out in zip(_BLOCKS[depth], _WIDTHS, strict=True):
            # The convolution that doubles the width also halves the length.
            stride = 2 if pooling == "conv" and n_out > n_in else 1
            blocks = [Block(n_in, n_out, stride=stride, shortcut=shortcut)]
            blocks += [
                Block(n_out, n_out, shortcut=shortcut) for _ in range(n_blocks - 1)
            ]
            self.levels.append(nn.Sequential(*blocks))
            n_in = n_out
        self.windows = self.window_head = None
        if classify_windows:
            if pooling == "kmax":
                raise ValueError(
                    "Expected pooling 'max' or 'conv' for a window_loss above 0, got "
                    "'kmax', which does not preserve the positions of windows. Set "
                    "window_loss=0."
                )
            self.windows = Windows(
                first=-self.receptive_radius,
                size=2 * self.receptive_radius + 1,
                stride=_DOWNSAMPLING,
                max_windows=-(-self.max_length // _DOWNSAMPLING),
            )
            self.window_head = nn.Linear(_WIDTHS[-1], n_classes)
        self.dense = nn.Sequential(
            nn.Linear(_WIDTHS[-1] * _K, dense_dim),
            nn.ReLU(),
            nn.Linear(dense_dim, dense_dim),
            nn.ReLU(),
            nn.Linear(dense_dim, n_classes),
        )
        for layer in self.modules():
            if isinstance(layer, Convolution):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    @torch.no_grad()
    def init_unknown(self):
        """Initialize the vector of `UNKNOWN` to that of `PAD`."""
        self.embedding.weight[UNKNOWN] = self.embedding.weight[PAD]

    def forward(self, ids: torch.Tensor) -> torch.Tensor:  # (batch, length)
        features = self._features(ids)  # (batch, 512, n_positions)
        pooled = kmax_pool(features, _K)  # (batch, 512, 8)
        logits = self.dense(pooled.flatten(1))  # (batch, n_classes)
        if self.training and self.window_head is not None:
            return logits, self.window_head(features.transpose(1, 2))
        return logits

    def _features(self, ids):  # (batch, length)
        """Return the output of the last level, computing shared padding once."""
        n_texts, length = ids.shape
        if self.training and self.trim:
            width = max(-(-length // _TRIM_STEP), 1) * _TRIM_STEP
            return self._convolve(ids, min(width, self.max_length))
        # Positions from `n_own` on see only padding. Those before it do not see the end
        # of an input of length `width`.
        n_own = -(-(length + self.receptive_radius) // _DOWNSAMPLING)
        width = (n_own - 1) * _DOWNSAMPLING + self.receptive_radius + 1
        plain_cost = n_texts * self.max_length
        if (
            self.training
            or self.pooling == "kmax"  # selects from all positions
            or torch.compiler.is_compiling()
            or n_texts * width + self.max_length > 0.9 * plain_cost
        ):
            return self._convolve(ids, self.max_length)
        own = self._convolve(ids, width)[..., :n_own]
        others = self._convolve(ids.new_full((1, 1), PAD), self.max_length)[..., n_own:]
        return torch.cat([own, others.expand(n_texts, -1, -1)], 2)

    def _convolve(self, ids, width):  # (rows, length)
        ids = F.pad(ids, (0, width - ids.shape[1]), value=PAD)
        x = self.embedding(ids)  # (rows, width, 16)
        x = self.convolution(x.transpose(1, 2).unsqueeze(2))  # (rows, 64, 1, width)
        for number, level in enumerate(self.levels):
            if number > 0:
                x = self._downsample(x)
            x = level(x)
        return x.squeeze(2)  # (rows, 512, width / 8)

    def _downsample(self, x):  # (rows, channels, 1, length)
        if self.pooling == "max":
            return F.max_pool2d(x, (1, 3), stride=(1, 2), padding=(0, 1))
        if self.pooling == "kmax":
            return kmax_pool(x, x.shape[3] // 2)
        return x


def check_max_length(max_length):
    """Return `max_length`; raise ValueError if the last pooling gets too few values."""
    smallest = _K * _DOWNSAMPLING
    if max_length >= smallest:
        return max_length
    raise ValueError(
        "The 'max_length' parameter of VDCNNClassifier must be an int in the range "
        f"[{smallest}, inf), so that halving the length three times leaves the {_K} "
        f"positions that the last k-max pooling keeps. Got {max_length} instead."
    )


def _receptive_radius(blocks):
    """Return the radius of the receptive field of the last level in characters."""
    step, radius = 1, 1  # the first convolution
    for number, n_blocks in enumerate(blocks):
        if number > 0:
            radius += step  # max pooling of 3 positions or a convolution of stride 2
            step *= 2
        radius += 2 * n_blocks * step
    return radius


@hyperparameters
class VDCNNClassifier(BaseCharClassifier):
    """Text classifier with a very deep convolutional network over characters.

    From 9 to 49 convolutions of width 3 read a text as a sequence of embedded
    characters, without words, and halve its length three times [1]_. Prefer it to
    `CharCNNClassifier` on hundreds of thousands of texts or more, as in [1]_. On all
    data sets measured so far, of up to 40,184 texts, `make_tfidf_classifier` has a
    lower error and takes less than a hundredth of the time.

    Parameters
    ----------
    depth : {9, 17, 29, 49}, default=9
        Number of convolutions, without those of shortcuts.
    pooling : {"max", "kmax", "conv"}, default="max"
        Downsampling by 2 after each of the first three levels: max pooling of 3
        positions, k-max pooling (the larger half, in order), or a convolution of
        stride 2. "max" was the best in most of the paper's results.
    shortcut : bool, default=False
        Whether the input of each block of two convolutions is added to its output. In
        the paper this helped the deepest network.
    max_length : int, default=1014
        Characters read from the start of each text, or bytes with
        ``alphabet="bytes"``; shorter texts are padded to it. At least 64.
    dense_dim : int, default=2048
        Outputs of the first two dense layers, which have nine tenths of the weights of
        the network of depth 9.
    trim : bool, default=False
        Whether training pads the texts of a minibatch only to the longest of them,
        rounded up to a multiple of 64: faster if texts are short, the more so with
        `bucketing`. Training then depends slightly on which texts share a minibatch,
        since batch normalization and k-max pooling see less padding. Predictions do
        not, because they always pad texts to `max_length`.
    window_loss : float, default=None
        Weight of an auxiliary loss in training: a linear layer classifies each position
        of the last level, which sees a window of characters (77 at depth 9). Its
        targets are the class probabilities that naive Bayes over the n-grams of the
        window, counted in all other texts, assigns to it. At most 1,000; 0 trains
        without it, as ``pooling="kmax"`` requires. None takes 1 with
        ``recipe="modern"`` where possible, and 0 with ``recipe="paper"``.
    recipe : {"modern", "paper"}, default="modern"
        "modern": passes over the data with AdamW under a one-cycle schedule up to a
        rate of 0.001, minibatches of 32 texts, fewer on few texts (`batch_size`), an
        alphabet learned from the training texts. "paper": SGD with momentum 0.9 and a
        rate of 0.01 on minibatches of 128 texts as in [1]_, and, after Zhang et al.
        [2]_, an epoch of 5,000 minibatches with balanced classes and the rate halved
        every 3 epochs.
    {inherited_parameters}

    Attributes
    ----------
    net_ : skorch.NeuralNet
        Trained skorch net; ``net_.module_`` is the `VDCNN`.
    {inherited_attributes}

    See Also
    --------
    sktextconv.CharCNNClassifier : Wider and shallower, without computing padding.
    sktextconv.make_tfidf_classifier : Linear model of words or characters.

    Notes
    -----
    A pass over n texts costs 3 n times 0.30, 0.68, 0.90 or 1.63 billion
    multiply-accumulates at depth 9, 17, 29 or 49 and 1,014 characters, whatever the
    lengths of the texts unless `trim` is set; the dense layers take 13 million of them.
    Prediction skips positions that see only padding, except with ``pooling="kmax"``,
    which selects from all positions.

    Departures from the paper: (1) "modern" differs in training and alphabet, see
    `recipe`, and the loss of windows, which is of this package. (2) `trim`.

    Choices that the paper leaves open: (3) It states lengths of 1,014 and of 1,024;
    1,014 is the default. (4) The first characters are kept, in their order, and padding
    comes at the end. Padding has a learned vector like the other tokens; so have the
    space and, with one vector, all characters outside the alphabet. (5) The paper
    trains as [2]_ does, which "paper" takes to mean the schedule and the epochs; there
    is no weight decay. (6) Convolutions are initialized as He et al. propose, with
    biases of zero; embedding and dense layers as in PyTorch. (7) Max pooling pads one
    position on either side; k-max pooling keeps half of an odd length rounded down, and
    the earlier of equal values. (8) A shortcut is the identity or, if the width
    doubles, a 1 x 1 convolution without bias and batch normalization, added before the
    last ReLU.

    The network in R of the experiment with MXNet on Amazon reviews is not offered: it
    reads one-hot characters without an embedding, a block has one convolution and adds
    a 1 x 1 convolution of its output, and max pooling takes the place of the last
    k-max pooling.

    References
    ----------
    .. [1] A. Conneau, H. Schwenk, L. Barrault and Y. LeCun, "Very Deep Convolutional
       Networks for Text Classification", EACL 2017. https://arxiv.org/abs/1606.01781
    .. [2] X. Zhang, J. Zhao and Y. LeCun, "Character-level Convolutional Networks
       for Text Classification", NIPS 2015. https://arxiv.org/abs/1509.01626
    .. [3] X. Zhang and Y. LeCun, "Which Encoding is the Best for Text Classification in
       Chinese, English, Japanese and Korean?", 2017. https://arxiv.org/abs/1708.02657

    Examples
    --------
    >>> from sktextconv.networks.vdcnn import VDCNNClassifier
    >>> texts = ["a fine film", "so good", "what a bore", "too long"] * 8
    >>> labels = ["pos", "pos", "neg", "neg"] * 8
    >>> classifier = VDCNNClassifier(
    ...     max_length=64, dense_dim=128, max_epochs=3, batch_size=8, random_state=0
    ... )
    >>> classifier.fit(texts, labels).predict(["so good", "too long"])
    array(['pos', 'neg'], dtype='<U3')
    """

    _paper_alphabet: ClassVar = "vdcnn"
    _derived_parameters: ClassVar = BaseCharClassifier._derived_parameters | {
        "window_loss": lambda self: float(
            self.recipe != "paper" and self.pooling != "kmax"
        ),
    }
    _recipes: ClassVar = {
        "paper": Recipe(
            torch.optim.SGD,
            learning_rate=0.01,
            options={"momentum": 0.9},
            schedule=halving,
            epoch_size=5_000,
        ),
        # Departs from the paper: another optimizer and schedule.
        "modern": Recipe(
            torch.optim.AdamW,
            learning_rate=1e-3,
            batch_size=32,
            min_batches=100,
            options={"betas": (0.9, 0.98), "weight_decay": 1e-2},
            schedule=one_cycle,
            clip_norm=1.0,
        ),
    }

    depth: Literal[9, 17, 29, 49] = 9
    pooling: Literal["max", "kmax", "conv"] = "max"
    shortcut: bool = False
    max_length: Size = 1014
    dense_dim: Size = 2048
    trim: bool = False
    window_loss: LossWeight | None = None

    def _recipe(self):
        window_loss = float(self.window_loss or 0.0)
        return dataclasses.replace(super()._recipe(), window_loss=window_loss)

    def _make_encoder(self):
        check_max_length(self.max_length)
        return CharEncoder(
            **self._encoder_params(),
            reverse=False,
            keep="start",
            unknown=self.alphabet != BYTES,
        )

    def _make_network(self, n_tokens, n_classes):
        return VDCNN(
            n_tokens,
            n_classes,
            depth=self.depth,
            pooling=self.pooling,
            shortcut=self.shortcut,
            max_length=self.max_length,
            dense_dim=self.dense_dim,
            trim=self.trim,
            classify_windows=self.window_loss > 0,
        )
