"""What training shows while it runs: a line per epoch, or a bar as well."""

import sys
import time

from skorch.callbacks import Callback
from tqdm import tqdm

from ._net import epoch_record

__all__ = ["EpochLine", "ProgressBar"]

_FIGURES = "{rate_noinv_fmt}, {remaining} left"
_BAR = "{desc} {percentage:3.0f}%|{bar}| " + _FIGURES
_LINE = "{desc} {percentage:3.0f} % of all, " + _FIGURES

_SECONDS_PER_LINE = 10


class EpochLine(Callback):
    """Write a line per epoch to the standard output."""

    def on_epoch_end(self, net, **kwargs):
        epoch = epoch_record(net.history[-1])
        parts = [_epoch(epoch["epoch"])]
        parts += [
            f"{key.replace('_', ' ')} {epoch[key]:.4f}"
            for key in epoch
            if key.endswith(("_loss", "_error"))
        ]
        _write(f"{'  '.join(parts)}  {epoch['seconds']:.1f} s")


class ProgressBar(EpochLine):
    """Write a line per epoch, and below how far the whole training is.

    On a terminal that is a bar, which goes away in the end, and elsewhere a plain line
    now and then.
    """

    def __init__(self):
        self.shown = None

    def on_epoch_begin(self, net, dataset_train, **kwargs):
        n_finished = len(net.history) - 1
        if self.shown is None:
            n_texts = len(dataset_train)
            if net.epoch_size is not None:
                n_texts = net.epoch_size * net.batch_size
            shown = _Bar if sys.stdout.isatty() else _Lines
            # One that goes on from a checkpoint has some epochs behind it.
            self.shown = shown(
                desc=_epoch(n_finished + 1),
                initial=n_texts * n_finished,
                total=n_texts * (n_finished + net.max_epochs),
            )
        self.shown.desc = _epoch(n_finished + 1)

    def on_batch_end(self, net, batch, training, **kwargs):
        if training:
            self.shown.update(len(batch[1][0]))  # known to the host, unlike the loss

    def on_epoch_end(self, net, **kwargs):
        self.shown.clear()
        super().on_epoch_end(net)

    def on_train_end(self, net, **kwargs):
        if self.shown is not None:
            self.shown.close()


class _Bar(tqdm):
    monitor_interval = 0  # it needs no thread beside it

    def __init__(self, *, desc, initial, total):
        super().__init__(
            desc=desc,
            initial=initial,
            total=total,
            file=sys.stdout,
            leave=False,
            dynamic_ncols=True,
            smoothing=0,  # what is left takes validation too
            unit=" texts",
            bar_format=_BAR,
        )


class _Lines:
    """As far as it is needed here, what a bar is, for where lines cannot be redrawn."""

    def __init__(self, *, desc, initial, total):
        self.desc, self.n, self.initial, self.total = desc, initial, initial, total
        self.began = self.written = time.monotonic()

    def update(self, n_texts):
        self.n += n_texts
        now = time.monotonic()
        if now - self.written >= _SECONDS_PER_LINE:
            self.written = now
            line = tqdm.format_meter(
                self.n,
                self.total,
                now - self.began,
                initial=self.initial,
                prefix=self.desc,
                unit=" texts",
                bar_format=_LINE,
            )
            _write(line)

    def clear(self):
        pass

    def close(self):
        pass


def _epoch(number):
    return f"epoch {number:>3}"


def _write(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()  # to be seen now, in a file or pipe too
