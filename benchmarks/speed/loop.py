"""Cost of the training loop around the steps of a network."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import TensorDataset

from sktextconv.encoding import Ragged
from sktextconv.training import Recipe
from sktextconv.training._data import EncodedDataset
from sktextconv.training._loop import train
from sktextconv.training._net import make_net

from .comparison import Line
from .references import make_stock_net
from .timing import rates

__all__ = ["LINES", "compare_loop_overhead"]

_N_BATCHES = 500
_BATCH_SIZE, _LENGTH = 64, 32


class _Constant(nn.Module):
    """Network whose logits do not depend on its input."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.logits = torch.zeros(_BATCH_SIZE, 2)

    def forward(self, ids):
        return self.logits


def compare_loop_overhead(data, *, one_batch=True):
    """Measure the loop per minibatch, with steps that compute nothing.

    All that remains is the loop itself, so that the time cannot be negative, as a
    difference of two measurements can.

    Parameters
    ----------
    data : mapping
        Not used.
    one_batch : bool, default=True
        Whether to reuse one minibatch, so that no time is spent on making them.
    """
    n_texts = _N_BATCHES * _BATCH_SIZE
    recipe = Recipe(torch.optim.SGD, learning_rate=1e-3)
    device = torch.device("cpu")
    net = make_net(_Constant(), recipe, device=device, precision="float32")
    stock = make_stock_net(_Constant(), batch_size=_BATCH_SIZE)
    ids = np.ones(n_texts * _LENGTH, dtype=np.uint16)
    texts = EncodedDataset(
        Ragged(ids, np.arange(0, len(ids) + 1, _LENGTH)),
        device,
        targets=np.zeros(n_texts, dtype=np.int64),
        weights=np.ones(n_texts),
    )
    whole = TensorDataset(
        torch.ones(n_texts, _LENGTH, dtype=torch.long),
        torch.zeros(n_texts, dtype=torch.long),
    )
    for each in (net, stock):
        _remove_computation(each)
        if one_batch:
            _reuse_one_batch(each)

    def ours():
        train(net, texts, n_epochs=1, batch_size=_BATCH_SIZE)
        return _N_BATCHES

    def theirs():
        stock.partial_fit(whole)
        return _N_BATCHES

    own, other = _microseconds(rates({"ours": ours, "theirs": theirs}, rounds=7))
    size = f"{_BATCH_SIZE} texts of {_LENGTH} ids"
    return Line(
        "training loop, per minibatch"
        if one_batch
        else f"training loop and minibatches of {size}, per minibatch",
        float(np.median(own)),
        float(np.median(other)),
        "µs",
        float(np.median(other / own)),
        None,
        "skorch as it comes; both with steps that compute nothing",
        limit=60 if one_batch else None,
    )


def _microseconds(measured):
    return [1e6 / np.array(rate) for rate in measured.values()]


def _remove_computation(net):
    """Replace loss, gradients and optimizer steps by constants."""
    loss = torch.zeros(())
    loss.backward = lambda: None
    net.criterion_ = lambda logits, target: loss
    net.get_loss = lambda logits, target, **kwargs: loss
    net.optimizer_.zero_grad = lambda **kwargs: None
    net.optimizer_.step = lambda closure=None: closure and closure()


def _reuse_one_batch(net):
    """Give a net batches from a list instead of its loader."""
    make_loader = net.get_iterator

    def get_iterator(dataset, training):
        batch = next(iter(make_loader(dataset, training=training)))
        return _Batches([batch] * _N_BATCHES)

    net.get_iterator = get_iterator


class _Batches(list):
    """Batches that exist already, in place of a loader."""

    def with_sizes(self):
        return [(batch, _BATCH_SIZE) for batch in self]


LINES = {
    "loop": compare_loop_overhead,
    "loop-batches": lambda data: compare_loop_overhead(data, one_batch=False),
}
