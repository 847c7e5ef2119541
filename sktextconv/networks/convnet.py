"""The convolutional network of Zhang, Zhao & LeCun (2015), over tokens of any kind."""

import abc

import torch
from torch import nn
from torch.nn import functional as F

from ..encoding._ragged import PAD
from ..training._device import to_device

__all__ = ["SIZES", "ConvNet", "VelocitySGD", "check_max_length"]

# Section 2.3, Tables 1 and 2: kernel and pooling of the six convolutions. Together
# they make a frame of 123 positions every 27.
_KERNELS = (7, 7, 3, 3, 3, 3)
_POOLS = (3, 3, 1, 1, 1, 3)
_STRIDE = 27
_OVERLAP = 96  # a frame sees _STRIDE + _OVERLAP positions

# Width of the convolutions and of the dense layers, standard deviation of the
# initial weights.
SIZES = {"small": (256, 1024, 0.05), "large": (1024, 2048, 0.02)}

# Share of the random weights in convolutions that start by passing on what they read.
_NOISE = 0.3


class ConvNet(nn.Module, abc.ABC):
    """Six convolutions over vectors, then three dense layers.

    A subclass says which vectors: `embed` takes ids to them, and `PAD` to zeros.

    Parameters
    ----------
    n_channels : int
        Size of the vectors.
    n_classes : int
    size : {"small", "large"}
    max_length : int
        Ids; 96 + 27 k for some k >= 1.
    dropout : float
        After each of the first two dense layers.
    init : {"paper", "kaiming"}

    Notes
    -----
    Every convolution is valid and nothing before the dense layers mixes documents, so
    a frame whose window holds padding alone is the same for all. Where texts are short
    the convolutions therefore run over documents packed end to end, and that frame is
    computed once: the same numbers and gradients for a fraction of the positions.
    """

    def __init__(self, n_channels, n_classes, *, size, max_length, dropout, init):
        super().__init__()
        width, dense_width, std = SIZES[size]
        check_max_length(max_length, required_by=type(self).__name__)
        self.max_length = max_length
        self.n_frames = (max_length - _OVERLAP) // _STRIDE
        channels = [n_channels] + [width] * len(_KERNELS)
        # Two-dimensional, with a height of 1, for the sake of channels-last kernels.
        self.convolutions = nn.ModuleList(
            nn.Conv2d(n_in, width, (1, kernel))
            for n_in, kernel in zip(channels, _KERNELS, strict=False)
        ).to(memory_format=torch.channels_last)
        self.dense = nn.Sequential(
            nn.Linear(width * self.n_frames, dense_width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(dense_width, dense_width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(dense_width, n_classes),
        )
        if init == "paper":
            # Departs from the paper: it names weights only, the authors' code draws
            # the biases so as well.
            for parameter in self.parameters():
                nn.init.normal_(parameter, std=std)
        else:
            self._init_kaiming()

    @abc.abstractmethod
    def embed(self, ids):  # (rows, length)
        """Return the vectors of `ids`."""  # (rows, length, n_channels)

    def _init_kaiming(self):
        layers = [m for m in self.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
        for layer in layers:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
        # Steps of Adam are of one size for all weights: a first layer of small ones
        # soon holds what it learnt, not what it was drawn from. Training then leaves
        # chance level within the first pass, not after several.
        with torch.no_grad():
            layers[0].weight.mul_(0.25)
            layers[-1].weight.mul_(0.1)

    @torch.no_grad()
    def pass_on(self):
        """Let all convolutions but the first start by passing on what they read.

        Some of their random weights are left. The dense layers then see an answer of
        the first convolution alike wherever in a text it stands, but for the last 96
        positions of `max_length`.
        """
        for convolution in self.convolutions[1:]:
            convolution.weight.mul_(_NOISE)
            convolution.weight[:, :, 0, 0] += torch.eye(len(convolution.weight))
        dense = self.dense[0]
        by_frame = dense.weight.view(len(dense.weight), self.n_frames, -1)
        by_frame[:] = by_frame[:, :1].clone()

    def forward(
        self, ids: torch.Tensor, lengths: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return the logits of documents.

        Parameters
        ----------
        ids : tensor of int64 of shape (batch, length)
        lengths : tensor of int64 of shape (batch,), on the CPU, default=None
            Ids of each document, after which there is padding alone. None looks for it,
            for which the host waits where `ids` are on another device.

        Returns
        -------
        logits : tensor of shape (batch, n_classes)
        """
        return self.dense(self._frames(ids, lengths).flatten(1))

    def _frames(self, ids, lengths=None):
        if torch.compiler.is_compiling():  # packing depends on the data
            return self._plain_frames(ids)
        n_documents, length = ids.shape
        steps = torch.arange(length, device=ids.device)
        if lengths is None:
            lengths = ((ids != PAD) * (steps + 1)).amax(1).cpu()
        # Frames that see a character at all, and room for the last one's window.
        n_frames = (-(-lengths // _STRIDE)).clamp(max=self.n_frames)
        n_rows, row, start, n_slots = _pack(n_frames + -(-_OVERLAP // _STRIDE))
        packed_width = n_slots * _STRIDE + _STRIDE + _OVERLAP
        if n_rows * packed_width > 0.9 * n_documents * self.max_length:
            return self._plain_frames(ids)
        # The layout is the host's, which goes on to the next step meanwhile.
        layout = torch.stack([lengths, n_frames, row, start])[:, :, None]
        lengths, n_frames, row, start = to_device(layout, ids.device)

        # One cell more, for what lies beyond the end of a document.
        packed = ids.new_zeros(n_rows * packed_width + 1)
        target = row * packed_width + start * _STRIDE + steps
        packed[torch.where(steps < lengths, target, n_rows * packed_width)] = ids
        frames = self._convolve(packed[:-1].view(n_rows, packed_width))

        # The last frame of each row saw padding alone.
        n_columns = frames.shape[1]
        column = torch.arange(self.n_frames, device=ids.device)
        index = row * n_columns + start + column
        index = torch.where(column < n_frames, index, n_columns - 1)
        # Not an index: its gradient is summed in the order threads happen to come.
        return F.embedding(index, frames.flatten(0, 1))  # (batch, n_frames, width)

    def _plain_frames(self, ids):
        padding = self.max_length - ids.shape[1]
        return self._convolve(F.pad(ids, (0, padding), value=PAD))

    def first_convolution(self, ids):  # (rows, length)
        """Return what the first convolution makes of `ids`."""
        x = self.embed(ids)  # (rows, length, n_channels)
        x = x.transpose(1, 2).unsqueeze(2)  # (rows, n_channels, 1, length)
        return self.convolutions[0](x)  # (rows, width, 1, length - 6)

    def _convolve(self, ids):  # (rows, length)
        x = self.first_convolution(ids)
        for number, pool in enumerate(_POOLS):
            if number:
                x = self.convolutions[number](x)
            if pool > 1:
                x = F.max_pool2d(x, (1, pool))
            x = x.relu()  # after the pooling: the same, on a third of the values
        return x.squeeze(2).transpose(1, 2)  # (rows, n_frames, width)


class VelocitySGD(torch.optim.Optimizer):
    """Gradient descent with the learning rate inside the velocity.

    The update of the authors' code: ``v = momentum v - lr g``, then
    ``w = (1 - lr weight_decay) w + v``. torch's SGD multiplies the velocity by the
    rate instead, so there it shrinks at once where the rate is halved; and its decay
    passes through the velocity.

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
    """Raise `ValueError` unless the poolings divide `max_length`; name the nearest."""
    frames, rest = divmod(max_length - _OVERLAP, _STRIDE)
    if frames >= 1 and rest == 0:
        return
    below = _OVERLAP + _STRIDE * max(frames, 1)
    nearest = [below] if frames < 1 else [below, below + _STRIDE]
    raise ValueError(
        f"The 'max_length' parameter of {required_by} must be 96 + 27 k for an int "
        "k >= 1, which six convolutions and three poolings by 3 ask for. Got "
        f"{max_length} instead; nearest: {' and '.join(map(str, nearest))}."
    )


def _pack(n_slots):
    """Lay documents on rows of like length: ``n_rows, row, start, row length``.

    Dealing them out from the longest to the shortest, to and fro, fills rows evenly.
    Fewer than 16 rows make slow convolutions.
    """
    n_documents = len(n_slots)
    n_rows = min(16, n_documents)
    n_rounds = -(-n_documents // n_rows)
    order = n_slots.argsort(descending=True, stable=True)
    dealt = n_slots.new_zeros(n_rounds * n_rows)
    dealt[:n_documents] = n_slots[order]
    dealt = dealt.view(n_rounds, n_rows)
    columns = torch.arange(n_rows).repeat(n_rounds, 1)
    columns[1::2] = columns[1::2].flip(1)
    on_row = torch.zeros_like(dealt).scatter(1, columns, dealt)
    ends = on_row.cumsum(0)
    row, start = torch.empty_like(n_slots), torch.empty_like(n_slots)
    row[order] = columns.flatten()[:n_documents]
    start[order] = (ends - on_row).gather(1, columns).flatten()[:n_documents]
    return n_rows, row, start, int(ends[-1].max())
