"""Convolutional network of Zhang, Zhao & LeCun (2015) over characters or words."""

import abc

import torch
from torch import nn
from torch.nn import functional as F

from ..encoding._ragged import PAD
from ..training._device import to_device
from ..training._windows import Windows
from ._batch_norm import BatchNorm
from ._convolution import Convolution
from ._dropout import Dropout

__all__ = ["SIZES", "ConvNet", "VelocitySGD", "check_max_length"]

# Section 2.3, Tables 1 and 2: kernel and pooling sizes of the six convolutions. One
# frame, an output position of the last pooling, has a receptive field of 123 inputs;
# neighboring frames are 27 inputs apart.
_KERNELS = (7, 7, 3, 3, 3, 3)
_POOLS = (3, 3, 1, 1, 1, 3)
_STRIDE = 27
_OVERLAP = 96  # inputs that the receptive fields of neighboring frames share

# Channels of the convolutions, outputs of the dense layers, standard deviation of the
# initial weights (section 2.3).
SIZES = {"small": (256, 1024, 0.05), "large": (1024, 2048, 0.02)}

# Scale of the random weights that `ConvNet.init_identity` adds to the identity.
_NOISE_SCALE = 0.3


class ConvNet(nn.Module, abc.ABC):
    """Six convolutions and three dense layers over embedded ids.

    A subclass implements `embed`, which must map `PAD` to zeros.

    Parameters
    ----------
    n_channels : int
        Size of the vectors that `embed` returns.
    n_classes : int
    size : {"small", "large"}
        Width of the layers (Tables 1 and 2).
    max_length : int
        Ids per text; 96 + 27 k for an int k >= 1.
    dropout : float
        Dropout probability after each of the first two dense layers.
    init : {"paper", "kaiming"}
        "paper" draws all weights from a normal distribution (section 2.3). "kaiming"
        initializes weights as He et al. propose and biases to 0.
    batch_norm : bool, default=False
        Whether batch normalization follows each convolution.
    classify_windows : bool, default=False
        Whether a linear layer classifies each frame too. In training, `forward` then
        returns the logits of the texts and, of shape (batch, n_frames, n_classes), of
        the frames.

    Notes
    -----
    The convolutions do not pad their input, and no layer before the dense ones mixes
    texts. A frame whose receptive field holds only padding is therefore the same in all
    texts. Short texts are packed end to end into a few rows, and that frame is computed
    once: logits and gradients are the same, at a fraction of the positions. Only the
    statistics of batch normalization in training depend on the packing, since they
    count padding; predictions do not.
    """

    def __init__(
        self,
        n_channels,
        n_classes,
        *,
        size,
        max_length,
        dropout,
        init,
        batch_norm=False,
        classify_windows=False,
    ):
        super().__init__()
        width, dense_width, std = SIZES[size]
        check_max_length(max_length, required_by=type(self).__name__)
        self.max_length = max_length
        self.n_frames = (max_length - _OVERLAP) // _STRIDE
        channels = [n_channels] + [width] * len(_KERNELS)
        self.convolutions = nn.ModuleList(
            Convolution(n_in, width, kernel)
            for n_in, kernel in zip(channels, _KERNELS, strict=False)
        )
        # Departs from the paper: it has no normalization.
        self.norms = nn.ModuleList(BatchNorm(width) for _ in _KERNELS if batch_norm)
        self.windows = self.window_head = None
        if classify_windows:
            self.windows = Windows(0, _STRIDE + _OVERLAP, _STRIDE, self.n_frames)
            self.window_head = nn.Linear(width, n_classes)
        self.dense = nn.Sequential(
            nn.Linear(width * self.n_frames, dense_width),
            nn.ReLU(),
            Dropout(dropout),
            nn.Linear(dense_width, dense_width),
            nn.ReLU(),
            Dropout(dropout),
            nn.Linear(dense_width, n_classes),
        )
        if init == "paper":
            # Departs from the paper: it names weights only; the authors' code draws
            # biases from the same distribution.
            for layer in self._layers():
                nn.init.normal_(layer.weight, std=std)
                nn.init.normal_(layer.bias, std=std)
        else:
            self._init_kaiming()

    @abc.abstractmethod
    def embed(self, ids):  # (rows, length)
        """Return the vectors of `ids`, of shape (rows, length, n_channels)."""

    def _layers(self):
        """Return the convolutions and the linear layers, the one of logits last."""
        return [m for m in self.modules() if isinstance(m, (Convolution, nn.Linear))]

    def _init_kaiming(self):
        layers = self._layers()
        for layer in layers:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
        # Adam takes steps of similar size for all weights. Small initial weights of the
        # first layer are thus soon dominated by the updates, and training leaves chance
        # level within the first pass instead of after several.
        with torch.no_grad():
            layers[0].weight.mul_(0.25)
            layers[-1].weight.mul_(0.1)
            if self.window_head is not None:
                self.window_head.weight.mul_(0.1)

    @torch.no_grad()
    def init_identity(self):
        """Initialize all but the first convolution to the identity plus noise.

        The first dense layer gets the same weights for all frames. A response of the
        first convolution then reaches the dense layers wherever it occurs in a text,
        except in the last 96 positions of `max_length`.
        """
        for convolution in self.convolutions[1:]:
            convolution.weight.mul_(_NOISE_SCALE)
            convolution.weight[:, :, 0, 0] += torch.eye(len(convolution.weight))
        weight = self.dense[0].weight
        by_frame = weight.view(len(weight), self.n_frames, -1)
        by_frame[:] = by_frame[:, :1].clone()

    def forward(
        self, ids: torch.Tensor, lengths: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return the logits of texts.

        Parameters
        ----------
        ids : tensor of int64 of shape (batch, length)
        lengths : tensor of int64 of shape (batch,), on the CPU, default=None
            Number of ids of each text before its padding. None computes it from
            `ids`, which blocks the CPU if `ids` are on another device.

        Returns
        -------
        logits : tensor of shape (batch, n_classes)
            With `classify_windows`, a tuple in training, see there.
        """
        frames = self._frames(ids, lengths)
        logits = self.dense(frames.flatten(1))
        if self.training and self.window_head is not None:
            return logits, self.window_head(frames)
        return logits

    def _frames(self, ids, lengths=None):
        """Return the output of the convolutions, on packed texts if cheaper."""
        if torch.compiler.is_compiling():  # the packed shape depends on the data
            return self._padded_frames(ids)
        n_texts, length = ids.shape
        steps = torch.arange(length, device=ids.device)
        if lengths is None:
            lengths = ((ids != PAD) * (steps + 1)).amax(1).cpu()
        if n_texts == 1 and not torch.is_grad_enabled():
            return self._frames_of_text(ids, int(lengths))
        # Frames that see at least one id. A text also takes slots of padding for
        # the receptive field of its last frame.
        n_frames = (-(-lengths // _STRIDE)).clamp(max=self.n_frames)
        n_rows, row, start, n_slots = _pack(n_frames + -(-_OVERLAP // _STRIDE))
        packed_width = n_slots * _STRIDE + _STRIDE + _OVERLAP
        if n_rows * packed_width > 0.9 * n_texts * self.max_length:
            return self._padded_frames(ids)
        # The layout is computed on the CPU and copied without blocking, so that the CPU
        # can prepare the next minibatch meanwhile.
        layout = torch.stack([lengths, n_frames, row, start])[:, :, None]
        lengths, n_frames, row, start = to_device(layout, ids.device)

        # Padding goes to one extra cell at the end, which is sliced off.
        packed = ids.new_zeros(n_rows * packed_width + 1)
        target = row * packed_width + start * _STRIDE + steps
        packed[torch.where(steps < lengths, target, n_rows * packed_width)] = ids
        frames = self._convolve(packed[:-1].view(n_rows, packed_width))

        # The last frame of each row sees only padding.
        n_columns = frames.shape[1]
        column = torch.arange(self.n_frames, device=ids.device)
        index = row * n_columns + start + column
        index = torch.where(column < n_frames, index, n_columns - 1)
        # An embedding lookup, because the gradient of indexing is summed in an order
        # that depends on the threads.
        return F.embedding(index, frames.flatten(0, 1))  # (batch, n_frames, width)

    def _frames_of_text(self, ids, length):
        """Return what `_frames` packs for one text, without the layout of a batch."""
        n_frames = min(-(-length // _STRIDE), self.n_frames)
        # The width of the packed row: in a narrower one, sums are rounded differently.
        width = (n_frames + 1 - (-_OVERLAP // _STRIDE)) * _STRIDE + _OVERLAP
        if width > 0.9 * self.max_length:
            return self._padded_frames(ids)
        frames = self._convolve(F.pad(ids[:, :length], (0, width - length), value=PAD))
        padding = frames[:, -1:].expand(-1, self.n_frames - n_frames, -1)
        return torch.cat([frames[:, :n_frames], padding], 1)

    def _padded_frames(self, ids):
        """Return the output of the convolutions for texts padded to `max_length`."""
        padding = self.max_length - ids.shape[1]
        return self._convolve(F.pad(ids, (0, padding), value=PAD))

    def first_convolution(self, ids):  # (rows, length)
        """Return the output of the first convolution, before pooling and ReLU."""
        x = self.embed(ids)  # (rows, length, n_channels)
        x = x.transpose(1, 2).unsqueeze(2)  # (rows, n_channels, 1, length)
        return self.convolutions[0](x)  # (rows, width, 1, length - 6)

    def _convolve(self, ids):  # (rows, length)
        x = self.first_convolution(ids)
        for number, pool in enumerate(_POOLS):
            if number:
                x = self.convolutions[number](x)
            if self.norms:
                x = self.norms[number](x)
            if pool > 1:
                x = F.max_pool2d(x, (1, pool))
            x = x.relu()  # commutes with max pooling; here on a third of the values
        return x.squeeze(2).transpose(1, 2)  # (rows, n_frames, width)


class VelocitySGD(torch.optim.Optimizer):
    """Stochastic gradient descent with the learning rate inside the velocity.

    The update is that of the authors' code: ``v = momentum * v - lr * gradient``, then
    ``w = (1 - lr * weight_decay) * w + v``. torch's SGD multiplies the velocity by the
    learning rate instead, so that its steps shrink at once when the rate is halved, and
    adds the weight decay to the velocity.

    Parameters
    ----------
    params : iterable of parameters
    lr : float
    momentum : float, default=0.9
    weight_decay : float, default=1e-5
    """

    def __init__(self, params, lr, momentum=0.9, weight_decay=1e-5):
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            rate = group["lr"]
            weights = [p for p in group["params"] if p.grad is not None]
            if not weights:
                continue
            for weight in weights:
                if "velocity" not in self.state[weight]:
                    self.state[weight]["velocity"] = torch.zeros_like(weight)
            velocities = [self.state[weight]["velocity"] for weight in weights]
            gradients = [weight.grad for weight in weights]
            torch._foreach_mul_(velocities, group["momentum"])
            torch._foreach_add_(velocities, gradients, alpha=-rate)
            torch._foreach_mul_(weights, 1 - rate * group["weight_decay"])
            torch._foreach_add_(weights, velocities)
        return loss


def check_max_length(max_length, *, required_by):
    """Raise ValueError unless `max_length` is 96 + 27 k for an int k >= 1."""
    frames, rest = divmod(max_length - _OVERLAP, _STRIDE)
    if frames >= 1 and rest == 0:
        return
    below = _OVERLAP + _STRIDE * max(frames, 1)
    nearest = [below] if frames < 1 else [below, below + _STRIDE]
    raise ValueError(
        f"The 'max_length' parameter of {required_by} must be 96 + 27 k for an int "
        "k >= 1, so that three poolings of size 3 divide the length. Got "
        f"{max_length} instead; nearest: {' and '.join(map(str, nearest))}."
    )


def _pack(n_slots):
    """Assign texts to rows of similar total length.

    Texts are dealt to the rows from the longest to the shortest, in alternating
    direction. There are up to 16 rows; convolutions of fewer rows are slow.

    Parameters
    ----------
    n_slots : tensor of int64 of shape (n_texts,)
        Length of each text.

    Returns
    -------
    n_rows : int
    row, start : tensors of int64 of shape (n_texts,)
        Row and first slot of each text.
    length : int
        Length of the longest row.
    """
    n_texts = len(n_slots)
    n_rows = min(16, n_texts)
    n_rounds = -(-n_texts // n_rows)
    order = n_slots.argsort(descending=True, stable=True)
    dealt = n_slots.new_zeros(n_rounds * n_rows)
    dealt[:n_texts] = n_slots[order]
    dealt = dealt.view(n_rounds, n_rows)
    columns = torch.arange(n_rows).repeat(n_rounds, 1)
    columns[1::2] = columns[1::2].flip(1)
    by_row = torch.zeros_like(dealt).scatter(1, columns, dealt)
    ends = by_row.cumsum(0)
    row, start = torch.empty_like(n_slots), torch.empty_like(n_slots)
    row[order] = columns.flatten()[:n_texts]
    start[order] = (ends - by_row).gather(1, columns).flatten()[:n_texts]
    return n_rows, row, start, int(ends[-1].max())
