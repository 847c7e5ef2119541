"""skorch net for encoded texts."""

import functools
import inspect
import math

import skorch
import torch
from skorch.callbacks import EarlyStopping, EpochTimer
from torch import nn

from ._data import BatchLoader
from ._device import (
    autocast,
    generators,
    resolve_backend,
    resolve_precision,
    to_device,
)
from ._ranks import SINGLE
from ._row_gradients import RowGradients

__all__ = [
    "DivergedError",
    "TextNet",
    "WeightedCrossEntropy",
    "epoch_record",
    "make_net",
]


# Minibatches whose losses and errors are summed together.
_BATCHES_PER_SUM = 64


class DivergedError(ArithmeticError, ValueError):
    """Error raised if training diverges although all parameters are valid."""


class WeightedCrossEntropy(nn.Module):
    """Mean over a batch of weight times cross-entropy."""

    def forward(self, logits, target):
        targets, weights = target[:2]
        losses = nn.functional.cross_entropy(logits.float(), targets, reduction="none")
        return (losses * weights).mean()


def window_cross_entropy(window_logits, target):
    """Return the mean cross-entropy of windows, weighted like their texts.

    Parameters
    ----------
    window_logits : tensor of shape (batch, n_positions, n_classes)
    target : tuple of targets, weights, probabilities and number of windows
        As `EncodedDataset.batch` returns it. The probabilities have the shape (batch,
        n_windows, n_classes) with ``n_windows <= n_positions``, and are 0 where there
        is no window.
    """
    _, weights, probabilities, n_windows = target
    logits = window_logits[:, : probabilities.shape[1]].float()
    losses = -(probabilities * logits.log_softmax(-1)).sum(-1)  # (batch, n_windows)
    return (losses * weights[:, None]).sum() / n_windows


class TextNet(skorch.NeuralNet):
    """skorch net that reads results from the device once per epoch, not per batch."""

    def __init__(self, *args, recipe, precision, takes_lengths, **kwargs):
        super().__init__(*args, **kwargs)
        self.recipe = recipe
        self.precision = precision
        self.takes_lengths = takes_lengths
        self.epoch_size = None
        self.bucketing = False
        self.augment_fn = None
        self.schedule = None
        self.row_gradients = RowGradients()
        self.interrupted = False
        self.ranks = SINGLE
        self.parallel = None  # function of the network with gradients of all ranks
        self.order = None  # generator of the order of texts, the same in all ranks

    @property
    def _default_callbacks(self):
        return [("epoch_timer", EpochTimer())]

    @functools.cached_property
    def optimizer_(self):
        """Optimizer, created at its first use.

        Prediction needs none, and the first optimizer of a process imports
        `torch._dynamo`, which takes a second.
        """
        super().initialize_optimizer()
        return vars(self)["optimizer_"]

    def initialize_optimizer(self):
        vars(self).pop("optimizer_", None)
        if "optimizer" not in self._optimizers:
            self._register_attribute("optimizer", None)
        return self

    def generators(self):
        """Return the generators that training draws from; first that of the order."""
        first, *others = generators(self.device)
        return [self.order or first, *others]

    def get_iterator(self, dataset, training=False):
        if not training:
            return BatchLoader(dataset, self.batch_size, ranks=self.ranks)
        return BatchLoader(
            dataset,
            self.batch_size,
            training=True,
            epoch_size=self.epoch_size,
            bucketing=self.bucketing,
            ranks=self.ranks,
            generator=self.order,
        )

    def _set_training(self, training=True):
        # Visiting all modules in each batch takes longer than a small training step.
        if self.module_.training != training:
            super()._set_training(training)

    def infer(self, x, **fit_params):
        ids, lengths = x
        network = self.parallel or self.module_
        with autocast(self.device, self.precision):
            if self.takes_lengths:
                return network(ids, lengths)
            return network(ids)

    def losses(self, batch):
        """Return the logits, their loss, and the loss to minimize in training."""
        inputs, target = batch
        output = self.infer(inputs)
        has_windows = isinstance(output, tuple)
        logits, window_logits = output if has_windows else (output, None)
        loss = self.criterion_(logits, target)
        if not has_windows or len(target) == 2:
            return logits, loss, loss
        window_loss = window_cross_entropy(window_logits, target)
        return logits, loss, loss + self.recipe.window_loss * window_loss

    def on_grad_computed(self, net, named_parameters, **kwargs):
        super().on_grad_computed(net, named_parameters, **kwargs)
        if self.recipe.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.module_.parameters(), self.recipe.clip_norm)

    def train_step(self, batch, **fit_params):
        # skorch's own method without the parts that cost time in each minibatch:
        # closures, conversions between tensors, support of several optimizers.
        self._set_training(True)
        self.row_gradients.clear()
        self.optimizer_.zero_grad()
        y_pred, loss, total_loss = self.losses(batch)
        total_loss.backward()
        self.row_gradients.collect()
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

    def fit_loop(self, X, y=None, **fit_params):
        try:
            return super().fit_loop(X, y, **fit_params)
        except KeyboardInterrupt:
            # skorch catches this exception, which its EarlyStopping raises too.
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
            if self.augment_fn is not None:
                iterator.dataset.set_ids(self.augment_fn(len(self.history) - 1))
            self._seed_dropout()
        metrics = EpochMetrics(self.device, self.ranks)
        for batch, n_texts in iterator.with_sizes():
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch, **fit_params)
            rate = self.optimizer_.param_groups[0]["lr"]
            metrics.add(step["loss"], step["y_pred"], batch[1], n_texts, rate)
            step["n_texts"] = n_texts
            self.notify("on_batch_end", batch=batch, training=training, **step)
        if training:
            self.ranks.synchronize(self.module_)
        loss, error = metrics.means()
        self.history.record(f"{prefix}_loss", loss)
        self.history.record(f"{prefix}_error", error)
        self.history.record(f"{prefix}_texts", metrics.n_texts)
        if not math.isfinite(loss):
            number, rate = metrics.first_not_finite()
            raise DivergedError(
                f"The {prefix} loss became {loss} in epoch {len(self.history)}, at "
                f"minibatch {number}, where the learning rate was {rate:g}. Set a "
                "lower learning_rate."
            )

    def _seed_dropout(self):
        """Draw other masks in each of several ranks, and the same ones on resuming."""
        if self.order is not None:
            number = self.ranks.size * len(self.history) + self.ranks.rank
            for generator in generators(self.device):
                generator.manual_seed(self.order.initial_seed() + number)


class EpochMetrics:
    """Loss and error rate of an epoch, summed on the device over several batches."""

    def __init__(self, device, ranks):
        self.n_texts = 0
        self._ranks = ranks
        self._sums = torch.zeros(2, dtype=torch.float32, device=device)
        self._pending, self._losses, self._rates = [], [], []

    def add(self, loss, logits, target, n_texts, rate):
        """Add a batch of `n_texts` in all ranks, given the results in this one."""
        self.n_texts += n_texts
        self._rates.append(rate)
        self._pending.append((loss.detach(), logits.detach(), *target[:2], n_texts))
        if len(self._pending) == _BATCHES_PER_SUM:
            self._flush()

    def means(self):
        """Return the mean loss and the error rate; this waits for the device."""
        if self._pending:
            self._flush()
        return (self._ranks.add(self._sums) / self.n_texts).tolist()

    def first_not_finite(self):
        """Return number and learning rate of the first batch with a non-finite loss."""
        losses = self._ranks.add(torch.cat(self._losses))
        index = int(losses.isfinite().int().argmin())
        return index + 1, self._rates[index]

    def _flush(self):
        losses, logits, targets, weights, sizes = zip(*self._pending, strict=True)
        losses = torch.stack(losses)
        # The loss of a rank is its part of the mean, times the number of ranks.
        sizes = torch.tensor(sizes, dtype=losses.dtype) / self._ranks.size
        sizes = to_device(sizes, losses.device)
        # A rank without a text of a minibatch computes one of weight 0.
        wrong = torch.cat(logits).argmax(1) != torch.cat(targets)
        wrong &= torch.cat(weights) > 0
        self._sums += torch.stack([losses @ sizes, wrong.sum()])
        self._losses.append(losses)
        self._pending.clear()


def epoch_record(row):
    """Return one epoch of skorch's history as a dict of numbers."""
    keys = ("train_loss", "train_error", "valid_loss", "valid_error", "learning_rate")
    return {
        "epoch": row["epoch"],
        "n_texts": row["train_texts"],
        **{key: row[key] for key in keys if key in row},
        "seconds": row["dur"],
    }


def make_net(network, recipe, *, device, precision, compile=False):
    """Return a skorch net that trains a network by a recipe.

    Parameters
    ----------
    network : nn.Module
        Maps ids to logits; it is moved to `device`. If its `forward` has a parameter
        `lengths`, it gets `EncodedDataset.lengths` too, unless it is compiled.
    recipe : Recipe
    device : torch.device
    precision : {"float32", "bfloat16", "auto"}
    compile : bool or str, default=False
        Whether to compile the network with `torch.compile`; a str names the backend.

    Returns
    -------
    net : TextNet
    """
    if compile:
        # In place, which preserves weight names and the network's other methods.
        network.compile(backend=resolve_backend(compile))
    options = dict(recipe.options)
    # On one CPU thread, a fused step takes a quarter of the time of the default one.
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
        # A graph with lengths would be compiled again for each minibatch.
        takes_lengths=not compile
        and "lengths" in inspect.signature(network.forward).parameters,
        **{f"optimizer__{name}": value for name, value in options.items()},
    )
    return net.initialize()
