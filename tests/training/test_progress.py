"""Progress output of training, on a terminal and elsewhere."""

import io
import re
import sys
import threading
from types import SimpleNamespace

import pytest
from skorch.callbacks import Callback
from torch.utils._python_dispatch import TorchDispatchMode
from tqdm import TMonitor

from sktextconv import KimCNNClassifier
from sktextconv.training import _progress


class Terminal(io.StringIO):
    """Text stream that claims to be a terminal."""

    def isatty(self):
        return True


def tiny(**parameters):
    """Return a small network that shows its progress."""
    tiny = {"embedding_dim": 16, "n_filters": 8, "batch_size": 8, "max_epochs": 2}
    return KimCNNClassifier(**tiny | {"random_state": 0, "verbose": 2} | parameters)


def shown_on(stream, monkeypatch, corpus, **parameters):
    """Return the text that training writes to `stream` as standard output."""
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        tiny(**parameters).fit(*corpus)
    return stream.getvalue()


def screen_of(text):
    """Return the final lines of a terminal that wraps none of them."""
    lines = []
    for line in text.split("\n"):
        row = ""
        for part in line.split("\r"):
            row = part + row[len(part) :]
        lines.append(row.rstrip())
    return lines


def percentages(text):
    """Return all percentages in a text, in their order."""
    return [int(number) for number in re.findall(r"(\d+) ?%", text)]


def test_progress_without_terminal(monkeypatch, corpus):
    """Output to a file or pipe consists of plain ASCII lines."""
    monkeypatch.setattr(_progress, "_SECONDS_PER_LINE", 0)
    text = shown_on(io.StringIO(), monkeypatch, corpus)
    assert text.isascii()
    assert set(text) & set(map(chr, range(32))) == {"\n"}
    *lines, last = text.splitlines()
    assert percentages(text) == [17, 33, 50, 67, 83, 100]
    assert re.fullmatch(
        r"epoch   1  17 % of all, +\d+\.\d\d texts/s, \d\d:\d\d left", lines[0]
    )
    assert [line[:9] for line in lines] == ["epoch   1"] * 4 + ["epoch   2"] * 3
    assert "train loss" in lines[3]
    assert "train loss" in last


def test_progress_of_quick_training(monkeypatch, corpus):
    """Training of less than ten seconds shows one line per epoch only."""
    clock = SimpleNamespace(monotonic=lambda: 0.0)
    monkeypatch.setattr(_progress, "time", clock)
    lines = shown_on(io.StringIO(), monkeypatch, corpus).splitlines()
    assert [line[:21] for line in lines] == [
        "epoch   1  train loss",
        "epoch   2  train loss",
    ]


@pytest.mark.parametrize("stopping", [False, True])
def test_progress_bar_is_removed_at_end(monkeypatch, corpus, stopping):
    """Only the lines of the epochs stay, also if early stopping ends training."""
    # With this tolerance, training stops in the second epoch.
    settings = {"early_stopping": stopping, "n_iter_no_change": 1, "tol": 100.0}
    settings |= {"max_epochs": 3} if stopping else {}
    text = shown_on(Terminal(), monkeypatch, corpus, **settings)
    assert re.search(r"epoch   1 +0%\|.*\| +\? texts/s, \? left", text)
    *lines, last = screen_of(text)
    assert [line[:21] for line in lines] == [
        "epoch   1  train loss",
        "epoch   2  train loss",
    ]
    assert all(line.endswith(" s") for line in lines)
    assert last == ""


def test_progress_bar_is_removed_on_error(monkeypatch, corpus):
    """The screen is empty after training that failed in its first epoch."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    with pytest.raises(ValueError, match="loss became"):
        tiny(learning_rate=1e30).fit(*corpus)
    assert "texts/s" in terminal.getvalue()
    assert screen_of(terminal.getvalue()) == [""]


def test_progress_with_epoch_size(monkeypatch, corpus):
    """Percentages count the sampled texts."""
    monkeypatch.setattr(_progress, "_SECONDS_PER_LINE", 0)
    text = shown_on(io.StringIO(), monkeypatch, corpus, epoch_size=5, max_epochs=1)
    assert percentages(text) == [20, 40, 60, 80, 100]


def test_progress_of_resumed_training(monkeypatch, corpus, tmp_path):
    """Percentages start at the finished epochs."""
    monkeypatch.setattr(_progress, "_SECONDS_PER_LINE", 0)

    class Crash(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 3:
                raise ConnectionError

    settings = {"max_epochs": 4, "checkpoint": tmp_path / "training", "resume": True}
    with pytest.raises(ConnectionError):
        shown_on(io.StringIO(), monkeypatch, corpus, callbacks=[Crash()], **settings)
    text = shown_on(io.StringIO(), monkeypatch, corpus, **settings)
    assert percentages(text) == [58, 67, 75, 83, 92, 100]
    assert text.startswith("epoch   3 ")


class CountReads(TorchDispatchMode):
    """Mode that counts blocking reads of a number from the device."""

    n_reads = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.n_reads += "_local_scalar_dense" in str(func)
        return func(*args, **(kwargs or {}))


def test_progress_bar_never_reads_from_device(monkeypatch, corpus):
    """The progress bar adds no blocking read of a number from the device."""
    n_reads = []
    for verbose in (0, 2):
        with CountReads() as reads:
            shown_on(Terminal(), monkeypatch, corpus, verbose=verbose)
        n_reads.append(reads.n_reads)
    assert n_reads[0] == n_reads[1] > 0


def test_progress_bar_starts_no_thread(monkeypatch, corpus):
    """tqdm's monitor thread is not started."""

    class ListThreads(Callback):
        def on_epoch_end(self, net, **kwargs):
            seen.append(threading.enumerate())

    # Other users of tqdm may have started a monitor thread before.
    before, seen = threading.enumerate(), []
    shown_on(Terminal(), monkeypatch, corpus, callbacks=[ListThreads()])
    started = {type(one) for each in seen for one in each if one not in before}
    assert seen
    assert TMonitor not in started


class LogToFile(Callback):
    """Callback whose attributes cannot be copied, like skorch's TensorBoard."""

    def __init__(self, file):
        self.file, self.lock = file, threading.Lock()

    def on_epoch_end(self, net, **kwargs):
        self.file.write(f"{net.history[-1, 'train_error']:.1f} ")


def test_callback_with_open_file(corpus, tmp_path):
    """Callbacks that cannot be deep-copied work."""
    with (tmp_path / "log").open("w") as file:
        tiny(verbose=0, callbacks=[LogToFile(file)]).fit(*corpus)
    assert len((tmp_path / "log").read_text().split()) == 2
