"""Progress of training: a line per epoch and a progress bar."""

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
    """Callback that writes a line per epoch to the standard output."""

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
    """Callback that writes a line per epoch and the progress of the whole training.

    On a terminal it shows a progress bar, which is removed at the end; elsewhere it
    writes a line every few seconds.
    """

    def __init__(self):
        self.bar = None

    def on_epoch_begin(self, net, dataset_train, **kwargs):
        n_finished = len(net.history) - 1
        if self.bar is None:
            n_texts = net.get_iterator(dataset_train, training=True).n_texts
            make_bar = _Bar if sys.stdout.isatty() else _Lines
            # A training that resumes from a checkpoint has finished some epochs.
            self.bar = make_bar(
                desc=_epoch(n_finished + 1),
                initial=n_texts * n_finished,
                total=n_texts * (n_finished + net.max_epochs),
            )
        self.bar.desc = _epoch(n_finished + 1)

    def on_batch_end(self, net, training, n_texts, **kwargs):
        if training:
            self.bar.update(n_texts)

    def on_epoch_end(self, net, **kwargs):
        self.bar.clear()
        super().on_epoch_end(net)

    def on_train_end(self, net, **kwargs):
        if self.bar is not None:
            self.bar.close()


class _Bar(tqdm):
    monitor_interval = 0  # no monitor thread

    def __init__(self, *, desc, initial, total):
        super().__init__(
            desc=desc,
            initial=initial,
            total=total,
            file=sys.stdout,
            leave=False,
            dynamic_ncols=True,
            smoothing=0,  # the average rate, which includes validation
            unit=" texts",
            bar_format=_BAR,
        )


class _Lines:
    """Plain-text replacement of `_Bar` for output that is not a terminal."""

    def __init__(self, *, desc, initial, total):
        self.desc, self.n, self.initial, self.total = desc, initial, initial, total
        self.start_time = self.last_time = time.monotonic()

    def update(self, n_texts):
        self.n += n_texts
        now = time.monotonic()
        if now - self.last_time >= _SECONDS_PER_LINE:
            self.last_time = now
            line = tqdm.format_meter(
                self.n,
                self.total,
                now - self.start_time,
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
    sys.stdout.flush()  # shows it at once in files and pipes too
