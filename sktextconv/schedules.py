"""Learning-rate schedules, stepped after each minibatch."""

import functools
import math
from collections.abc import Callable
from typing import Literal

from torch.optim import Optimizer, lr_scheduler
from torch.optim.lr_scheduler import LRScheduler

__all__ = [
    "SCHEDULES",
    "constant",
    "cyclical",
    "decay",
    "halving",
    "one_cycle",
    "ramp",
    "resolve_schedule",
]

# Each function is called at the start of training and returns a scheduler, which is
# stepped after each minibatch. The base rate is the optimizer's rate at the call.


def constant(
    optimizer: Optimizer, *, steps_per_epoch: int, n_epochs: int
) -> LRScheduler:
    """Leave the rate constant."""
    return lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)


def halving(
    optimizer: Optimizer, *, steps_per_epoch: int, n_epochs: int
) -> LRScheduler:
    """Halve the rate every 3 epochs, 10 times (Zhang et al. 2015, section 2.3)."""
    milestones = [3 * halvings * steps_per_epoch for halvings in range(1, 11)]
    return lr_scheduler.MultiStepLR(optimizer, milestones, gamma=0.5)


def one_cycle(
    optimizer: Optimizer, *, steps_per_epoch: int, n_epochs: int
) -> LRScheduler:
    """Raise the rate linearly for a tenth of the steps, then lower it to zero.

    It falls along a cosine (Smith 2018). torch's OneCycleLR divides by zero if a tenth
    of the steps is one step.
    """
    n_steps = steps_per_epoch * n_epochs
    n_rising = max(1, n_steps // 10)

    def factor(step):
        if step < n_rising:
            return (step + 1) / n_rising
        done = (step - n_rising) / max(1, n_steps - n_rising)
        return 0.5 * (1 + math.cos(math.pi * min(done, 1)))

    return lr_scheduler.LambdaLR(optimizer, factor)


def decay(
    optimizer: Optimizer, *, steps_per_epoch: int, n_epochs: int, gamma: float = 0.94
) -> LRScheduler:
    """Multiply the rate by `gamma` after each epoch."""
    return lr_scheduler.StepLR(optimizer, steps_per_epoch, gamma=gamma)


def ramp(
    optimizer: Optimizer,
    *,
    steps_per_epoch: int,
    n_epochs: int,
    ratio: float = 1e5,
    spacing: Literal["log", "linear"] = "log",
) -> LRScheduler:
    """Raise the rate over the whole training, for a range test (Smith 2017).

    The rate grows from the optimizer's rate divided by `ratio` to the optimizer's rate,
    by a constant factor ("log") or a constant difference ("linear") per minibatch.
    """
    last = max(1, steps_per_epoch * n_epochs - 1)

    def factor(step):
        done = min(step / last, 1)
        if spacing == "log":
            return ratio ** (done - 1)
        return (1 + (ratio - 1) * done) / ratio

    return lr_scheduler.LambdaLR(optimizer, factor)


def cyclical(
    optimizer: Optimizer,
    *,
    steps_per_epoch: int,
    n_epochs: int,
    mode: Literal["triangular", "triangular2", "exp_range"] = "triangular",
    half_cycle: float = 2,
    ratio: float = 6,
    gamma: float = 0.99994,
    momentum: tuple[float, float] | None = (0.85, 0.95),
) -> LRScheduler:
    """Vary the rate in triangular cycles, and the momentum in the opposite direction.

    The rate rises from its minimum for `half_cycle` epochs and falls for as many [1]_.
    The momentum is highest when the rate is lowest [2]_.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        Its rate at the call is the maximum of the cycle. Its momentum or first beta
        cycles too, unless it is 0 or missing.
    steps_per_epoch : int
        Minibatches in an epoch.
    n_epochs : int
        Epochs of the training; it has no effect on the cycle.
    mode : {"triangular", "triangular2", "exp_range"}, default="triangular"
        Height of the cycles: constant, halved after each cycle, or multiplied by
        `gamma` after each minibatch.
    half_cycle : float, default=2
        Epochs from the lowest rate to the highest; 2 to 8 are usual. A training of
        ``2 * k * half_cycle`` epochs ends at the lowest rate.
    ratio : float, default=6
        Highest rate over lowest rate.
    gamma : float, default=0.99994
        Factor for "exp_range". The default leaves 55 % of the height after 10,000
        minibatches.
    momentum : tuple of two floats or None, default=(0.85, 0.95)
        Minimum and maximum; None leaves the optimizer's momentum unchanged.

    Returns
    -------
    scheduler : torch.optim.lr_scheduler.CyclicLR
        Scheduler to step after each minibatch.

    Raises
    ------
    ValueError
        If `mode` is unknown, `half_cycle` is not above 0 or `ratio` is below 1.

    Notes
    -----
    With t minibatches done and S minibatches in half a cycle, in cycle
    c = floor(1 + t / 2S), the height is h = max(0, 1 - abs(t / S - 2c + 1)), times
    2 ** (1 - c) for "triangular2" or gamma ** t for "exp_range". The rate is
    low + (high - low) h, the momentum is high - (high - low) h.

    A widely used public implementation of hierarchical attention networks with cyclical
    rates has a sign error: its momentum runs from 0.85 to 0.75 and back instead of from
    0.95 to 0.85 and back. This function implements the latter.

    References
    ----------
    .. [1] L. N. Smith, "Cyclical Learning Rates for Training Neural Networks", WACV
       2017. https://arxiv.org/abs/1506.01186
    .. [2] L. N. Smith, "A disciplined approach to neural network hyper-parameters:
       Part 1", 2018. https://arxiv.org/abs/1803.09820

    Examples
    --------
    >>> from functools import partial
    >>> from sktextconv import CharCNNClassifier
    >>> from sktextconv.schedules import cyclical
    >>> schedule = partial(cyclical, half_cycle=4, mode="triangular2")
    >>> classifier = CharCNNClassifier(schedule=schedule, max_epochs=16)
    """
    modes = ("triangular", "triangular2", "exp_range")
    if mode not in modes:
        raise ValueError(f"Expected mode to be one of {modes}, got {mode!r}.")
    if not half_cycle > 0:
        raise ValueError(f"Expected half_cycle > 0 (in epochs), got {half_cycle!r}.")
    if not ratio >= 1:
        raise ValueError(
            f"Expected ratio >= 1, the highest rate over the lowest, got {ratio!r}."
        )
    rates = [group["lr"] for group in optimizer.param_groups]
    cycled = {}
    # An optimizer without momentum gets none: RMSprop would lack its buffer.
    if momentum is not None and all(map(_momentum, optimizer.param_groups)):
        cycled = dict(zip(("base_momentum", "max_momentum"), momentum, strict=True))
    return lr_scheduler.CyclicLR(
        optimizer,
        base_lr=[rate / ratio for rate in rates],
        max_lr=rates,
        step_size_up=half_cycle * steps_per_epoch,
        mode=mode,
        gamma=gamma,
        cycle_momentum=bool(cycled),
        **cycled,
    )


def _momentum(group):
    return group["betas"][0] if "betas" in group else group.get("momentum", 0)


SCHEDULES = {
    "constant": constant,
    "halving": halving,
    "one_cycle": one_cycle,
    "triangular": functools.partial(cyclical, mode="triangular"),
    "triangular2": functools.partial(cyclical, mode="triangular2"),
    "exp_range": functools.partial(cyclical, mode="exp_range"),
    "decay": decay,
}


def resolve_schedule(schedule: str | Callable) -> Callable:
    """Return the schedule called `schedule`, or `schedule` itself if it is callable.

    Raises
    ------
    ValueError
        If it is neither a known name nor callable.
    """
    if callable(schedule):
        return schedule
    if isinstance(schedule, str) and schedule in SCHEDULES:
        return SCHEDULES[schedule]
    raise ValueError(
        f"The 'schedule' parameter must be a str among {list(SCHEDULES)} or a function "
        "schedule(optimizer, *, steps_per_epoch, n_epochs) that returns a torch "
        f"scheduler. Got {schedule!r} instead."
    )
