"""How a network is trained: recipe + network + encoded texts → a skorch net."""

import contextlib
import copy
import inspect
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import skorch
import torch
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import EarlyStopping, EpochTimer
from skorch.helper import predefined_split
from torch import nn

from .batches import Batches, EncodedTexts
from .devices import autocast, memory, resolve_backend, resolve_precision, to_device

__all__ = [
    "DivergedError",
    "Recipe",
    "check_size",
    "epoch_record",
    "load_net_state",
    "make_net",
    "net_state",
    "predict_logits",
    "train",
    "unharmed",
]


# ---------------------------------------------------------------------------
# Recipes
# ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Recipe:
    """How a paper trains, apart from what its users tune.

    Attributes
    ----------
    optimizer : type of torch.optim.Optimizer
    learning_rate : float
        The rate where the estimator's `learning_rate` is None.
    options : mapping
        Further arguments of the optimizer.
    schedule : callable or None
        ``schedule(optimizer, steps_per_epoch=, n_epochs=)`` returns a torch scheduler
        that is stepped after each minibatch. None keeps the rate.
    epoch_size : int or None
        Minibatches in an epoch where the estimator's `epoch_size` is None; None is
        one pass over the data.
    clip_norm : float or None
        Largest norm of all gradients together; longer ones are scaled back.
    constrain : callable or None
        ``constrain(network)`` is called after each step, without gradients, to bring
        weights back to where they must lie.
    batch_size : int
        Texts in a minibatch where the estimator's `batch_size` is None.
    """

    optimizer: type[torch.optim.Optimizer]
    learning_rate: float
    options: Mapping = field(default_factory=lambda: MappingProxyType({}))
    schedule: Callable | None = None
    epoch_size: int | None = None
    clip_norm: float | None = None
    constrain: Callable | None = None
    batch_size: int = 128


# ---------------------------------------------------------------------------
# The net
# ---------------------------------------------------------------------------


# A network that has learnt nothing after so many steps is not merely slow.
_STEPS_TO_LEARN = 500
_MARGIN = 0.02  # of the loss

# Of so many minibatches, losses and errors are added up at once.
_BATCHES_PER_SUM = 64


class DivergedError(ArithmeticError, ValueError):
    """Training went wrong though all that was given is right; weights are useless."""


class WeightedCrossEntropy(nn.Module):
    """The mean over a batch of weight times cross-entropy."""

    def forward(self, logits, target):
        codes, weights = target
        losses = nn.functional.cross_entropy(logits.float(), codes, reduction="none")
        return (losses * weights).mean()


class TextNet(skorch.NeuralNet):
    """skorch's net, reading results back from the device once an epoch, not a batch."""

    def __init__(self, *args, recipe, precision, takes_lengths, **kwargs):
        super().__init__(*args, **kwargs)
        self.recipe = recipe
        self.precision = precision
        self.takes_lengths = takes_lengths
        self.epoch_size = None
        self.bucketing = False
        self.renew = None
        self.schedule = None
        self.interrupted = False

    @property
    def _default_callbacks(self):
        return [("epoch_timer", EpochTimer())]

    def get_iterator(self, dataset, training=False):
        if not training:
            return Batches(dataset, self.batch_size)
        return Batches(
            dataset,
            self.batch_size,
            training=True,
            epoch_size=self.epoch_size,
            bucketing=self.bucketing,
        )

    def _set_training(self, training=True):
        # Walking through all modules for every batch costs more than a small step.
        if self.module_.training != training:
            super()._set_training(training)

    def infer(self, x, **fit_params):
        ids, lengths = x
        with autocast(self.device, self.precision):
            if self.takes_lengths:
                return self.module_(ids, lengths)
            return self.module_(ids)

    def on_grad_computed(self, net, named_parameters, **kwargs):
        super().on_grad_computed(net, named_parameters, **kwargs)
        if self.recipe.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.module_.parameters(), self.recipe.clip_norm)

    def train_step(self, batch, **fit_params):
        # As skorch's own, but for what each minibatch would pay for generality:
        # closures, conversions of tensors to tensors, many optimizers.
        texts, target = batch
        self._set_training(True)
        self.optimizer_.zero_grad()
        y_pred = self.infer(texts)
        loss = self.criterion_(y_pred, target)
        loss.backward()
        named = self.module_.named_parameters()
        self.notify(
            "on_grad_computed", named_parameters=named, batch=batch, training=True
        )
        self.optimizer_.step()
        if self.recipe.constrain is not None:
            with torch.no_grad():
                self.recipe.constrain(self.module_)
        if self.schedule is not None:
            self.schedule.step()
        return {"loss": loss, "y_pred": y_pred}

    def fit_loop(self, X, y=None, **how):
        try:
            return super().fit_loop(X, y, **how)
        except KeyboardInterrupt:
            # skorch swallows it, and its EarlyStopping raises it to stop.
            self.interrupted = not any(
                isinstance(callback, EarlyStopping)
                and callback.misses_ == callback.patience
                for _, callback in self.callbacks_
            )
            raise

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        if iterator is None:
            return
        if training:
            self.history.record("learning_rate", self.optimizer_.param_groups[0]["lr"])
            if self.renew is not None:
                iterator.dataset.put(self.renew(len(self.history) - 1))
        tally = _Tally(self.device)
        for batch in iterator:
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch, **fit_params)
            rate = self.optimizer_.param_groups[0]["lr"]
            tally.add(step["loss"], step["y_pred"], batch[1][0], rate)
            self.notify("on_batch_end", batch=batch, training=training, **step)
        loss, error = tally.means()
        self.history.record(f"{prefix}_loss", loss)
        self.history.record(f"{prefix}_error", error)
        self.history.record(f"{prefix}_texts", tally.n_texts)
        if not math.isfinite(loss):
            number, rate = tally.first_not_finite()
            raise DivergedError(
                f"The {prefix} loss became {loss} in epoch {len(self.history)}, at "
                f"minibatch {number}, where the learning rate was {rate:g}. Set a "
                "lower learning_rate."
            )


class _Tally:
    """Loss and errors of an epoch, summed on the device, some minibatches at once."""

    def __init__(self, device):
        self.n_texts = 0
        self._sums = torch.zeros(2, device=device)
        self._waiting, self._losses, self._rates = [], [], []

    def add(self, loss, logits, codes, rate):
        self.n_texts += len(codes)
        self._rates.append(rate)
        self._waiting.append((loss.detach(), logits.detach(), codes))
        if len(self._waiting) == _BATCHES_PER_SUM:
            self._add_up()

    def means(self):
        """Return the mean loss and the share of errors; the device is waited for."""
        if self._waiting:
            self._add_up()
        return (self._sums / self.n_texts).tolist()

    def first_not_finite(self):
        """Return the number of the first minibatch without a loss, and its rate."""
        index = int(torch.cat(self._losses).isfinite().int().argmin())
        return index + 1, self._rates[index]

    def _add_up(self):
        losses, logits, codes = zip(*self._waiting, strict=True)
        losses = torch.stack(losses)
        sizes = torch.tensor([len(each) for each in codes], dtype=losses.dtype)
        sizes = to_device(sizes, losses.device)
        wrong = torch.cat(logits).argmax(1) != torch.cat(codes)
        self._sums += torch.stack([losses @ sizes, wrong.sum()])
        self._losses.append(losses)
        self._waiting.clear()


def epoch_record(row):
    """One epoch of skorch's history as a plain dict of numbers."""
    keys = ("train_loss", "train_error", "valid_loss", "valid_error", "learning_rate")
    return {
        "epoch": row["epoch"],
        "n_texts": row["train_texts"],
        **{key: row[key] for key in keys if key in row},
        "seconds": row["dur"],
    }


def make_net(network, recipe, *, device, precision, compile=False):
    """Compose a network and a recipe into a skorch net that is ready to train.

    Parameters
    ----------
    network : nn.Module
        Ids in, logits out; it is moved to `device`. If its `forward` takes `lengths`,
        it is given those of `EncodedTexts.lengths` too, unless it is compiled.
    recipe : Recipe
    device : torch.device
    precision : {"float32", "bfloat16", "auto"}
    compile : bool or str, default=False
        Whether, or with which backend, `torch.compile` translates the network.

    Returns
    -------
    net : TextNet
    """
    if compile:
        # In place: the names of weights and the network's other methods stay.
        network.compile(backend=resolve_backend(compile))
    options = dict(recipe.options)
    # On one CPU thread a fused step takes a quarter of the time of the default one.
    fusible = "fused" in inspect.signature(recipe.optimizer).parameters
    if fusible and device.type in ("cpu", "cuda"):
        options["fused"] = True
    net = TextNet(
        network,
        criterion=WeightedCrossEntropy,
        optimizer=recipe.optimizer,
        lr=recipe.learning_rate,
        train_split=None,
        device=device,
        verbose=0,
        recipe=recipe,
        precision=resolve_precision(precision, device),
        # A graph of them would have to be made anew for each minibatch.
        takes_lengths=not compile
        and "lengths" in inspect.signature(network.forward).parameters,
        **{f"optimizer__{name}": value for name, value in options.items()},
    )
    return net.initialize()


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


# ---------------------------------------------------------------------------
# Keeping
# ---------------------------------------------------------------------------


@contextlib.contextmanager
def unharmed(net):
    """Put weights and optimizer back as they were if the block fails."""
    before = copy.deepcopy(
        {"module": net.module_.state_dict(), "optimizer": net.optimizer_.state_dict()}
    )
    try:
        yield
    except Exception:
        load_net_state(net, before)
        raise


def net_state(net):
    """Return weights and optimizer of `net` as plain values and NumPy arrays."""
    return _plain(
        {
            "device": str(net.device),
            "module": dict(net.module_.state_dict()),
            "optimizer": net.optimizer_.state_dict(),
        }
    )


def load_net_state(net, state):
    """Put what `net_state` returned into a net of the same make.

    Without an "optimizer" in it, that of the net stays as new.
    """
    net.module_.load_state_dict(_tensors(state["module"]))
    if "optimizer" not in state:
        return
    net.optimizer_.load_state_dict(_tensors(state["optimizer"]))
    # A fused step goes through weights and moments in the order of memory, so the
    # moments must lie there as their weights do: channels last, not as loaded.
    for parameter, moments in net.optimizer_.state.items():
        for name, moment in moments.items():
            if moment.shape == parameter.shape:
                moments[name] = torch.empty_like(parameter).copy_(moment)


def _plain(value):
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().numpy()
    return _rebuild(value, _plain)


def _tensors(value):
    if isinstance(value, np.ndarray):
        return torch.tensor(value)
    return _rebuild(value, _tensors)


def _rebuild(value, convert):
    if isinstance(value, dict):
        return {key: convert(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(convert, value))
    return value
