"""Recurrent layers and pooling over padded sequences."""

import numbers
from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence

from ..training._device import to_device
from ._dropout import dropout

__all__ = ["CELLS", "POOLINGS", "Recurrent", "pool_steps", "sequence_mask"]

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
POOLINGS = ("mean", "last", "max")


class Recurrent(nn.Module):
    """LSTM, GRU or plain recurrent layers over padded sequences.

    Outputs and gradients equal those of torch's layer on a packed sequence, which is
    slower on a CPU. No packing is needed because padding comes last: the forward cell
    has read the whole sequence before it reads padding. The backward direction is a
    forward cell on the reversed sequence. On CUDA, where cuDNN computes both directions
    at the same time, sequences are packed if their lengths are on the CPU.

    Parameters
    ----------
    cell : {"lstm", "gru", "rnn"}
        "rnn" is the plain cell with the hyperbolic tangent.
    input_dim : int
    hidden_dim : int or sequence of int
        Outputs per direction; a sequence has those of each layer.
    bidirectional : bool, default=False
    n_layers : int, default=1
        Number of layers if `hidden_dim` is an int.
    dropout : float, default=0.0
        Fraction of the outputs of each layer but the last that training drops.
    init : {"uniform", "orthogonal", "keras"}, default="uniform"
        "uniform" is torch's default. "orthogonal" initializes input weights as Glorot
        proposes, hidden-to-hidden weights as orthogonal matrices, both gate by gate,
        and biases to 0, but to 1 for the forget gate of an LSTM. "keras" is the same
        with one matrix for all gates, as in Keras.

    Attributes
    ----------
    output_dim : int
        Size of the outputs of the last layer, of all directions together.

    Examples
    --------
    >>> import torch
    >>> from sktextconv.networks.recurrent import Recurrent
    >>> recurrent = Recurrent("gru", 3, 5, bidirectional=True)
    >>> outputs = recurrent(torch.randn(2, 4, 3), torch.tensor([4, 2]))
    >>> outputs.shape
    torch.Size([2, 4, 10])
    >>> outputs[1, 2:].any()
    tensor(False)
    """

    def __init__(
        self,
        cell: Literal["lstm", "gru", "rnn"],
        input_dim: int,
        hidden_dim: int | Sequence[int],
        *,
        bidirectional: bool = False,
        n_layers: int = 1,
        dropout: float = 0.0,
        init: str = "uniform",
    ) -> None:
        super().__init__()
        if isinstance(hidden_dim, numbers.Integral):
            hidden_dim = [hidden_dim] * n_layers
        # torch accepts Python ints only; parameter searches pass NumPy ints.
        input_dim = int(input_dim)
        n_directions = 2 if bidirectional else 1
        self.dropout = dropout
        self._joined = {}  # bidirectional layers by number, see `_join_directions`
        self.layers = nn.ModuleList()
        for dim in map(int, hidden_dim):
            self.layers.append(
                nn.ModuleList(
                    CELLS[cell](input_dim, dim, batch_first=True)
                    for _ in range(n_directions)
                )
            )
            input_dim = n_directions * dim
        self.output_dim = input_dim
        if init != "uniform":
            for layer in self.layers:
                for cell in layer:
                    _init_orthogonal(cell, by_gate=init == "orthogonal")

    def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Return the outputs at each step.

        Parameters
        ----------
        x : tensor of shape (n, length, input_dim)
        lengths : tensor of int64 of shape (n,), preferably on the CPU
            Steps of each sequence, 0 or more. Values of `x` at later steps are ignored.

        Returns
        -------
        outputs : tensor of shape (n, length, n_directions * hidden_dim)
            Forward outputs, then backward outputs of each step; zero after the end of a
            sequence.
        """
        if not torch.compiler.is_compiling():
            if x.is_cuda and not lengths.is_cuda and lengths.any():
                return self._forward_packed(x, lengths)
            lengths = to_device(lengths, x.device)
        mask = sequence_mask(lengths, x.shape[1])
        steps = torch.arange(x.shape[1], device=x.device)
        reversed_steps = torch.where(mask, lengths[:, None] - 1 - steps, steps)
        for number, (forward, *backward) in enumerate(self.layers):
            if number:
                x = dropout(x, self.dropout, self.training)
            outputs = [forward(x)[0]]
            for cell in backward:
                reversed_outputs, _ = cell(_gather_steps(x, reversed_steps))
                outputs.append(_gather_steps(reversed_outputs, reversed_steps))
            x = torch.cat(outputs, 2) if backward else outputs[0]
        return x.masked_fill(~mask[:, :, None], 0.0)

    def _forward_packed(self, x, lengths):
        """Return the outputs of `forward` by one call per layer on packed sequences.

        The layout is computed on the CPU and copied without blocking, so that the CPU
        can prepare the next minibatch meanwhile.
        """
        length = x.shape[1]
        sorted_lengths, order = lengths.sort(descending=True, stable=True)
        steps = torch.arange(int(sorted_lengths[0]))[:, None]
        mask = steps < sorted_lengths  # (longest, n)
        index = to_device((order * length + steps)[mask], x.device)
        batch_sizes = mask.sum(1)
        # An embedding lookup, as in `_gather_steps`.
        data = F.embedding(index, x.flatten(0, 1))  # (n_steps, dim)
        for number in range(len(self.layers)):
            if number:
                data = dropout(data, self.dropout, self.training)
            layer = self._join_directions(number)
            data = layer(PackedSequence(data, batch_sizes))[0].data
        outputs = data.new_zeros(x.shape[0] * length, data.shape[1])
        return outputs.index_copy(0, index, data).view(*x.shape[:2], -1)

    def _join_directions(self, number):
        """Return torch's layer with the weights of all directions of a layer.

        cuDNN wants them in one block of memory. Moving the network to a device puts
        those of each direction into a block of its own, so that the addresses tell when
        to join them again.
        """
        forward, *backward = self.layers[number]
        if not backward:
            return forward
        weights = [*self.layers[number].parameters()]
        joined, addresses = self._joined.get(number, (None, None))
        if addresses != [weight.data_ptr() for weight in weights]:
            with torch.device("meta"):
                joined = type(forward)(
                    forward.input_size,
                    forward.hidden_size,
                    batch_first=True,
                    bidirectional=True,
                )
            for suffix, direction in (("", forward), ("_reverse", *backward)):
                for name, weight in direction.named_parameters():
                    setattr(joined, name + suffix, weight)
            joined.flatten_parameters()
            addresses = [weight.data_ptr() for weight in weights]
            self._joined[number] = joined, addresses
        return joined.train(self.training)


def _init_orthogonal(cell, *, by_gate):
    """Initialize the weights of each gate, or those of all gates as one matrix."""
    n_rows = cell.hidden_size if by_gate else len(cell.weight_ih_l0)
    for weight in cell.weight_ih_l0.split(n_rows):
        nn.init.xavier_uniform_(weight)
    for weight in cell.weight_hh_l0.split(n_rows):
        nn.init.orthogonal_(weight)
    nn.init.zeros_(cell.bias_ih_l0)
    nn.init.zeros_(cell.bias_hh_l0)
    if cell.mode == "LSTM":
        # torch orders the gates as input, forget, cell, output. A bias of 1 opens the
        # forget gate, so that gradients reach early steps.
        _, forget, _, _ = cell.bias_ih_l0.split(cell.hidden_size)
        nn.init.ones_(forget)


def sequence_mask(lengths, length):
    """Return a mask of shape (n, length): True at the steps within each sequence."""
    return torch.arange(length, device=lengths.device) < lengths[:, None]


def pool_steps(
    outputs: torch.Tensor,
    lengths: torch.Tensor,
    pooling: Literal["mean", "last", "max"],
    *,
    bidirectional: bool = False,
) -> torch.Tensor:
    """Pool the outputs at the steps of each sequence to one vector.

    Parameters
    ----------
    outputs : tensor of shape (n, length, dim)
        Outputs of `Recurrent`, zero after the end of a sequence.
    lengths : tensor of int64 of shape (n,)
    pooling : {"mean", "last", "max"}
        "last" is the final output of each direction: the forward half at the last step
        of the sequence, the backward half at the first step.
    bidirectional : bool, default=False
        Whether the second half of `outputs` belongs to the backward direction.

    Returns
    -------
    pooled : tensor of shape (n, dim)
        Zero for a sequence of length 0.
    """
    n_steps = lengths.clamp(min=1)[:, None]
    if pooling == "mean":
        return outputs.sum(1) / n_steps
    if pooling == "max":
        mask = sequence_mask(n_steps[:, 0], outputs.shape[1])
        return outputs.masked_fill(~mask[:, :, None], -torch.inf).amax(1)
    last = _gather_steps(outputs, n_steps - 1).squeeze(1)
    if not bidirectional:
        return last
    half = outputs.shape[2] // 2
    return torch.cat([last[:, :half], outputs[:, 0, half:]], 1)


def _gather_steps(x, steps):  # (n, length, dim), (n, n_steps)
    """Return ``x[i, steps[i]]`` for each i."""
    # `len(x)` would be a constant in an exported graph.
    rows = torch.arange(x.shape[0], device=x.device)[:, None]
    # An embedding lookup, because the gradient of indexing is summed in an order that
    # depends on the threads.
    return F.embedding(rows * x.shape[1] + steps, x.flatten(0, 1))  # (n, n_steps, dim)
