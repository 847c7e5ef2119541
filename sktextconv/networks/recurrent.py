"""Recurrent layers over padded sequences, exact without packing them."""

import torch
from torch import nn
from torch.nn import functional as F

__all__ = ["CELLS", "POOLINGS", "Recurrent", "inside", "pool_steps"]

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
POOLINGS = ("mean", "last", "max")


class Recurrent(nn.Module):
    """Run LSTM, GRU or plain recurrent cells over padded sequences.

    The outputs and gradients are those of torch's layer over a packed sequence. Packing
    is what that layer needs for sequences of different lengths, and slower on a
    CPU. Since padding comes last, the forward cell is done with a sequence before it
    meets any; the backward cell is a forward one over the sequence turned around.

    Parameters
    ----------
    cell : {"lstm", "gru", "rnn"}
        "rnn" is the plain one, with the hyperbolic tangent.
    input_dim : int
    hidden_dim : int
        Outputs of one direction.
    bidirectional : bool, default=False
    n_layers : int, default=1
    dropout : float, default=0.0
        Share of the outputs of each layer but the last dropped in training.
    init : {"uniform", "orthogonal"}, default="uniform"
        "uniform" is torch's own. "orthogonal" is Glorot's for the weights of the inputs
        and orthogonal for those between steps, gate by gate, with biases of 0, but of 1
        for the forget gate of an LSTM.

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
        cell,
        input_dim,
        hidden_dim,
        *,
        bidirectional=False,
        n_layers=1,
        dropout=0.0,
        init="uniform",
    ):
        super().__init__()
        # Cells of torch take Python's ints alone, and searches hand out NumPy's.
        input_dim, hidden_dim = int(input_dim), int(hidden_dim)
        n_directions = 2 if bidirectional else 1
        self.dropout = dropout
        self.layers = nn.ModuleList()
        for _ in range(n_layers):
            self.layers.append(
                nn.ModuleList(
                    CELLS[cell](input_dim, hidden_dim, batch_first=True)
                    for _ in range(n_directions)
                )
            )
            input_dim = n_directions * hidden_dim
        if init == "orthogonal":
            for layer in self.layers:
                for cell in layer:
                    _init_orthogonal(cell)

    def forward(self, x, lengths):
        """Return the outputs at each step.

        Parameters
        ----------
        x : tensor of shape (n, length, input_dim)
        lengths : tensor of int64 of shape (n,)
            Steps of each sequence; 0 is allowed. What `x` holds after them has no
            influence.

        Returns
        -------
        outputs : tensor of shape (n, length, n_directions * hidden_dim)
            The forward outputs of a step, then the backward ones; zero after the end of
            a sequence.
        """
        valid = inside(lengths, x.shape[1])
        steps = torch.arange(x.shape[1], device=x.device)
        turned = torch.where(valid, lengths[:, None] - 1 - steps, steps)
        for number, (forward, *backward) in enumerate(self.layers):
            if number:
                x = F.dropout(x, self.dropout, self.training)
            outputs = [forward(x)[0]]
            for cell in backward:
                outputs.append(_take_steps(cell(_take_steps(x, turned))[0], turned))
            x = torch.cat(outputs, 2) if backward else outputs[0]
        return x.masked_fill(~valid[:, :, None], 0.0)


def _init_orthogonal(cell):
    for gate in cell.weight_ih_l0.split(cell.hidden_size):
        nn.init.xavier_uniform_(gate)
    for gate in cell.weight_hh_l0.split(cell.hidden_size):
        nn.init.orthogonal_(gate)
    nn.init.zeros_(cell.bias_ih_l0)
    nn.init.zeros_(cell.bias_hh_l0)
    if cell.mode == "LSTM":
        # torch's gates are input, forget, cell, output. Forgetting little at first lets
        # gradients reach far back.
        _, forget, _, _ = cell.bias_ih_l0.split(cell.hidden_size)
        nn.init.ones_(forget)


def inside(lengths, length):
    """Return which steps belong to a sequence: (n,) lengths → (n, length) bool."""
    return torch.arange(length, device=lengths.device) < lengths[:, None]


def pool_steps(outputs, lengths, pooling, *, bidirectional=False):
    """Bring the outputs at all steps of a sequence to one vector.

    Parameters
    ----------
    outputs : tensor of shape (n, length, dim)
        As of `Recurrent`: zero after the end of a sequence.
    lengths : tensor of int64 of shape (n,)
    pooling : {"mean", "last", "max"}
        "last" takes what each direction has read last: the forward half at the last
        step of the sequence, the backward half at the first.
    bidirectional : bool, default=False
        Whether the second half of `outputs` is the backward direction's.

    Returns
    -------
    pooled : tensor of shape (n, dim)
        Zero for a sequence of length 0.
    """
    some = lengths.clamp(min=1)[:, None]
    if pooling == "mean":
        return outputs.sum(1) / some
    if pooling == "max":
        after = ~inside(some[:, 0], outputs.shape[1])
        return outputs.masked_fill(after[:, :, None], -torch.inf).amax(1)
    last = _take_steps(outputs, some - 1).squeeze(1)
    if not bidirectional:
        return last
    half = outputs.shape[2] // 2
    return torch.cat([last[:, :half], outputs[:, 0, half:]], 1)


def _take_steps(x, steps):  # (n, length, dim), (n, n_steps)
    """Return ``x[i, steps[i]]`` for each i, in a form that trains fast."""
    rows = torch.arange(x.shape[0], device=x.device)[:, None]  # len is no symbol
    # Not an index: its gradient is summed in the order threads happen to come.
    return F.embedding(rows * x.shape[1] + steps, x.flatten(0, 1))  # (n, n_steps, dim)
