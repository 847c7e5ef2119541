"""Training loop, prediction of logits, and checks of memory and loss."""

import copy
import warnings

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from skorch.helper import predefined_split

from ._data import EncodedTexts
from ._device import autocast, memory
from ._net import DivergedError, epoch_record

__all__ = ["check_size", "predict_logits", "train"]


# ---------------------------------------------------------------------------
# The net
# ---------------------------------------------------------------------------


# A network that has learnt nothing after so many steps is not merely slow.
_STEPS_TO_LEARN = 500
_MARGIN = 0.02  # of the loss


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
    with torch.device("meta"):  # where a tensor of any size takes no memory
        weights = dict(make_network(*sizes).named_parameters())
    n_needed = 2 * sum(weight.nbytes for weight in weights.values())
    n_there = memory()
    if n_needed > n_there:
        largest = max(weights, key=lambda name: weights[name].nbytes)
        shape = " x ".join(f"{size:,}" for size in weights[largest].shape)
        raise ValueError(
            f"The network of {required_by} would take {n_needed / 1e9:,.0f} GB with "
            f"its gradients, and this machine has {n_there / 1e9:,.0f} GB of memory. "
            f"Its largest weight, {largest}, is {shape}: choose smaller sizes."
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
    renew=None,
    valid=None,
    callbacks=(),
):
    """Train `net` for some epochs and return a record of each.

    Parameters
    ----------
    net : TextNet
    dataset : EncodedTexts
    n_epochs : int
    batch_size : int
    learning_rate : float or None, default=None
        None takes the recipe's.
    epoch_size : int or None, default=None
        Minibatches in an epoch, see `Batches`; None is one pass over the data.
    bucketing : bool, default=False
        Whether texts of like size share minibatches.
    schedule : callable or None, default=None
        As in `Recipe`.
    renew : callable or None, default=None
        ``renew(epoch)`` returns the texts of an epoch, counted from 0, as a `Ragged`.
    valid : EncodedTexts or None, default=None
        Measured after each epoch.
    callbacks : sequence of skorch callbacks, default=()
        They are copied first.

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
    net.bucketing, net.renew = bucketing, renew
    net.train_split = None if valid is None else predefined_split(valid)
    # Not deeply: one may hold what cannot be copied, such as an open file.
    net.callbacks = [copy.copy(callback) for callback in callbacks]
    net.interrupted = False
    net.initialize_callbacks()
    net.initialize_history()
    settings = [dict(group) for group in net.optimizer_.param_groups]
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
        _fit_or_say_what_fits(net, dataset)
        history = [epoch_record(row) for row in net.history if "dur" in row]
    finally:
        # A schedule leaves its last rate and momentum, and entries of its own.
        for group, before in zip(net.optimizer_.param_groups, settings, strict=True):
            group.clear()
            group.update(before)
        # Whoever keeps the net shall not keep the training data with it.
        net.callbacks, net.train_split = None, None
        net.schedule, net.renew = None, None
        net.initialize_callbacks()
        net.initialize_history()
    if net.interrupted:
        if not history:
            raise KeyboardInterrupt
        warnings.warn("Training interrupted by user.", stacklevel=4)
    elif history:
        _warn_if_at_chance(net, dataset, history, n_epochs)
    return history


def _fit_or_say_what_fits(net, dataset):
    try:
        net.partial_fit(dataset)
        return
    except RuntimeError as error:
        # torch has an error of its own for devices, but not for the CPU.
        out_of_memory = isinstance(error, torch.OutOfMemoryError)
        if not out_of_memory and "DefaultCPUAllocator" not in str(error):
            raise
        got = str(error).splitlines()[0]
    # Outside the handler, which keeps what the failed step had computed.
    size = _largest_that_fits(net, dataset)
    remedy = f"Set batch_size={size}" if size else "Set a lower max_length"
    raise MemoryError(
        f"Expected minibatches of batch_size={net.batch_size} texts to fit into the "
        f"memory of {net.device}, got: {got} {remedy}, or choose a smaller network."
    )


def _largest_that_fits(net, dataset):
    """Halve the minibatch until one of the longest texts can be trained on; or 0."""
    longest, size = dataset.by_length().flip(0), net.batch_size
    while size := size // 2:
        net.optimizer_.zero_grad()
        if net.device.type == "cuda":
            torch.cuda.empty_cache()
        inputs, target = dataset.batch(longest[:size])
        try:
            net.criterion_(net.infer(inputs), target).backward()
            break
        except RuntimeError:
            continue
    net.optimizer_.zero_grad()
    return size


def _warn_if_at_chance(net, dataset, history, n_epochs):
    """Warn if, after many steps, the loss is still that of guessing by frequency."""
    n_steps = n_epochs * len(net.get_iterator(dataset, training=True))
    mass = torch.bincount(dataset.codes, dataset.weights)
    mass = mass[mass > 0]
    if len(mass) < 2:  # as a call of partial_fit may have; guessing knows all
        return
    if net.epoch_size is not None:  # classes are drawn uniformly
        mass = torch.ones_like(mass)
    chance = float(torch.distributions.Categorical(mass).entropy())
    loss = history[-1]["train_loss"]
    if n_steps >= _STEPS_TO_LEARN and loss > (1 - _MARGIN) * chance:
        warnings.warn(
            f"After {n_steps:,} minibatches the training loss is {loss:.3f}, and "
            f"guessing by the frequency of the classes has {chance:.3f}: nothing was "
            "learnt. Try another learning_rate, a smaller batch_size, more epochs or "
            "more texts.",
            ConvergenceWarning,
            stacklevel=4,
        )


def predict_logits(net, ragged, *, batch_size):
    """Return the logits of encoded texts, in their order.

    Parameters
    ----------
    net : TextNet
    ragged : Ragged, of length n_documents
    batch_size : int
        Texts in a forward pass. Texts of like length go together.

    Returns
    -------
    logits : ndarray of float64 of shape (n_documents, n_classes)

    Raises
    ------
    ValueError
        If they are not finite.
    """
    texts = EncodedTexts(ragged, net.device)
    order = texts.by_length()
    net.module_.eval()
    # Entered once: within it, weights are made bfloat16 once.
    with torch.inference_mode(), autocast(net.device, net.precision):
        logits = [
            net.infer((texts.ids(rows), texts.lengths(rows))).float()
            for rows in order.split(int(batch_size))
        ]
        logits = torch.cat(logits).cpu()[order.argsort()].double().numpy()
    if not np.isfinite(logits).all():
        raise DivergedError(
            "Expected finite logits, got NaN or infinity: the weights of the network "
            "have grown without bound in training. Fit it again with a lower "
            "learning_rate."
        )
    return logits
