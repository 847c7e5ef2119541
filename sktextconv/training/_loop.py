"""Training loop, and checks of memory and loss."""

import copy
import warnings

import torch
from sklearn.exceptions import ConvergenceWarning
from skorch.helper import predefined_split

from ._device import memory
from ._net import epoch_record
from ._ranks import SINGLE
from ._row_gradients import find_row_gradients

__all__ = ["check_size", "train"]


# Warn about chance-level loss after this many steps.
_CHANCE_CHECK_STEPS = 500
# Relative margin below the chance-level loss.
_CHANCE_MARGIN = 0.02


def check_size(make_network, sizes, *, required_by):
    """Raise `ValueError` if this machine cannot hold a network and its gradients.

    Parameters
    ----------
    make_network : callable
        ``make_network(*sizes)`` returns the network.
    sizes : tuple of int
    required_by : str
        Name of the estimator, for the message.
    """
    with torch.device("meta"):  # tensors on it take no memory
        network = make_network(*sizes)
    weights = dict(network.named_parameters())
    n_needed = sum(weight.nbytes for weight in weights.values())  # of gradients
    weights |= dict(network.named_buffers())
    n_needed += sum(weight.nbytes for weight in weights.values())
    n_available = memory()
    if n_needed > n_available:
        largest = max(weights, key=lambda name: weights[name].nbytes)
        shape = " x ".join(f"{size:,}" for size in weights[largest].shape)
        raise ValueError(
            f"The network of {required_by} would take {n_needed / 1e9:,.0f} GB with "
            f"its gradients, and this machine has {n_available / 1e9:,.0f} GB of "
            f"memory. Its largest weight, {largest}, is {shape}: choose smaller sizes."
        )


def train(
    net,
    dataset,
    *,
    n_epochs,
    batch_size,
    learning_rate=None,
    epoch_size=None,
    bucketing=False,
    schedule=None,
    augment_fn=None,
    valid=None,
    callbacks=(),
    ranks=SINGLE,
    order=None,
):
    """Train `net` for some epochs and return a record of each.

    Parameters
    ----------
    net : TextNet
    dataset : EncodedDataset
    n_epochs : int
    batch_size : int
    learning_rate : float or None, default=None
        None takes the recipe's.
    epoch_size : int or None, default=None
        Minibatches in an epoch, see `BatchLoader`; None is one pass over the data.
    bucketing : bool, default=False
        Whether texts of similar length share minibatches.
    schedule : callable or None, default=None
        As in `Recipe`.
    augment_fn : callable or None, default=None
        ``augment_fn(epoch)`` returns the ids of an epoch, counted from 0, as a
        `Ragged`.
    valid : EncodedDataset or None, default=None
        Measured after each epoch.
    callbacks : sequence of skorch callbacks, default=()
        Shallow copies of them are used.
    ranks : Ranks
        The processes that train together, which all call this function.
    order : torch.Generator or None, default=None
        Generator of the order of texts; None is torch's default one, which seeds
        dropout too.

    Returns
    -------
    history : list of dict
        One per epoch: see `epoch_record`.

    Raises
    ------
    ValueError
        If the loss is not finite.
    """
    net.batch_size, net.epoch_size, net.max_epochs = batch_size, epoch_size, n_epochs
    net.bucketing, net.augment_fn = bucketing, augment_fn
    net.train_split = None if valid is None else predefined_split(valid)
    # A shallow copy, as a callback may hold what cannot be copied, such as a file.
    net.callbacks = [copy.copy(callback) for callback in callbacks]
    net.interrupted, net.ranks, net.order = False, ranks, order
    net.initialize_callbacks()
    net.initialize_history()
    initial_groups = [dict(group) for group in net.optimizer_.param_groups]
    try:
        for group in net.optimizer_.param_groups:
            group["lr"] = learning_rate or net.recipe.learning_rate
        if schedule is not None:
            steps_per_epoch = len(net.get_iterator(dataset, training=True))
            net.schedule = schedule(
                net.optimizer_, steps_per_epoch=steps_per_epoch, n_epochs=n_epochs
            )
            if not hasattr(net.schedule, "step"):
                raise TypeError(
                    "Expected the function given as schedule to return a scheduler "
                    f"of torch, got {net.schedule!r}."
                )
        net.row_gradients = find_row_gradients(net)
        net.parallel = ranks.parallel(net.module_)
        _fit_within_memory(net, dataset)
        history = [epoch_record(row) for row in net.history if "dur" in row]
    finally:
        # A schedule has changed rate and momentum, and added entries of its own.
        for group, before in zip(
            net.optimizer_.param_groups, initial_groups, strict=True
        ):
            group.clear()
            group.update(before)
        # Drop references to the training data from the net.
        net.callbacks, net.train_split = None, None
        net.schedule, net.augment_fn = None, None
        net.parallel, net.order, net.ranks = None, None, SINGLE
        net.row_gradients.close()
        net.initialize_callbacks()
        net.initialize_history()
    if net.interrupted:
        # Several ranks were interrupted at different steps.
        if not history or ranks.size > 1:
            raise KeyboardInterrupt
        warnings.warn("Training interrupted by user.", stacklevel=4)
    elif history:
        _warn_if_at_chance(net, dataset, history, n_epochs)
    return history


def _fit_within_memory(net, dataset):
    try:
        net.partial_fit(dataset)
        return
    except RuntimeError as error:
        # torch has an exception class for a full device, but not for the CPU.
        out_of_memory = isinstance(error, torch.OutOfMemoryError)
        if not out_of_memory and "DefaultCPUAllocator" not in str(error):
            raise
        got = str(error).splitlines()[0]
    net.parallel = None  # this rank computes alone
    # Outside the handler, since the traceback holds the tensors of the failed step.
    size = _largest_that_fits(net, dataset)
    hint = f"Set batch_size={size}" if size else "Set a lower max_length"
    raise MemoryError(
        f"Expected minibatches of batch_size={net.batch_size} texts to fit into the "
        f"memory of {net.device}, got: {got} {hint}, or choose a smaller network."
    )


def _largest_that_fits(net, dataset):
    """Return the largest halved batch size whose longest texts fit, or 0."""
    longest, size = dataset.by_length().flip(0), net.batch_size
    while size := size // 2:
        net.optimizer_.zero_grad()
        if net.device.type == "cuda":
            torch.cuda.empty_cache()
        batch = dataset.batch(longest[:size])
        try:
            *_, loss = net.losses(batch)
            loss.backward()
            break
        except RuntimeError:
            continue
    net.optimizer_.zero_grad()
    return size


def _warn_if_at_chance(net, dataset, history, n_epochs):
    """Warn if, after many steps, the loss is still at chance level."""
    n_steps = n_epochs * len(net.get_iterator(dataset, training=True))
    counts = torch.bincount(dataset.targets)
    # Weight of each class in the mean loss over minibatches.
    mass = torch.bincount(dataset.targets, dataset.weights) / len(dataset)
    if net.epoch_size is not None:  # which draws classes uniformly
        mass *= len(dataset) / counts.clamp(min=1) / (counts > 0).sum()
    mass = mass[mass > 0]
    # A call of partial_fit may have texts of one class, whose chance loss is 0.
    if len(mass) < 2:
        return
    chance = float(mass.sum() * torch.distributions.Categorical(mass).entropy())
    loss = history[-1]["train_loss"]
    if n_steps >= _CHANCE_CHECK_STEPS and loss > (1 - _CHANCE_MARGIN) * chance:
        warnings.warn(
            f"After {n_steps:,} minibatches the training loss is {loss:.3f}, and "
            f"guessing by class frequency has {chance:.3f}: nothing was learned. Try "
            "another learning_rate, a smaller batch_size, more epochs or more texts.",
            ConvergenceWarning,
            stacklevel=4,
        )
