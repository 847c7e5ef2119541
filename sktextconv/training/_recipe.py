"""Training recipes: optimizer, learning rate, schedule and clipping of a paper."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import torch

__all__ = ["Recipe"]


@dataclass(frozen=True)
class Recipe:
    """Training settings of a paper that estimators do not expose as parameters.

    Attributes
    ----------
    optimizer : type of torch.optim.Optimizer
    learning_rate : float
        Learning rate if the estimator's `learning_rate` is None.
    options : mapping
        Further keyword arguments of the optimizer.
    schedule : callable or None
        ``schedule(optimizer, steps_per_epoch=, n_epochs=)`` returns a torch scheduler
        that is stepped after each minibatch. None leaves the rate constant.
    epoch_size : int or None
        Minibatches in an epoch if the estimator's `epoch_size` is None; None is one
        pass over the data.
    clip_norm : float or None
        Maximal norm of the gradients of all weights together.
    constrain : callable or None
        ``constrain(network)`` is called after each step, without gradients, to
        constrain the weights.
    batch_size : int
        Texts in a minibatch if the estimator's `batch_size` is None.
    min_batches : int
        On few texts, minibatches of `fit` shrink until an epoch has this many, or until
        they hold four texts; unless the estimator's `batch_size` or `epoch_size` is
        given. 0 leaves their size.
    min_steps : int
        A `fit` of fewer minibatches has a learning rate that is higher in proportion,
        at most 50 times, unless it continues from trained weights or the estimator's
        `learning_rate` is given. 0 leaves the rate.
    window_loss : float
        Weight of the auxiliary loss of windows, of a network with windows.
    """

    optimizer: type[torch.optim.Optimizer]
    learning_rate: float
    options: Mapping = field(default_factory=lambda: MappingProxyType({}))
    schedule: Callable | None = None
    epoch_size: int | None = None
    clip_norm: float | None = None
    constrain: Callable | None = None
    batch_size: int = 128
    min_batches: int = 0
    min_steps: int = 0
    window_loss: float = 0.0
