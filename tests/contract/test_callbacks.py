"""Callbacks, progress output, history and interrupts of training."""

import pytest
from sklearn.exceptions import NotFittedError
from skorch.callbacks import Callback


def test_verbose_writes_line_per_epoch(network, corpus, capfd):
    network.set_params(verbose=1).fit(*corpus)
    out, err = capfd.readouterr()
    assert len(out.splitlines()) == network.n_iter_
    assert err == ""


def test_history_has_record_per_epoch(fitted):
    assert [row["epoch"] for row in fitted.history_] == [1, 2]
    assert fitted.n_iter_ == 2
    for row in fitted.history_:
        assert row.keys() >= {"train_loss", "train_error", "learning_rate", "seconds"}
        assert 0 <= row["train_error"] <= 1


def test_callbacks_are_called_as_copies(network, corpus):
    """Training calls copies and leaves the user's callbacks unchanged."""
    epochs = []

    class Counter(Callback):
        seen = 0

        def on_epoch_end(self, net, **kwargs):
            self.seen += 1
            epochs.append(self.seen)

    counter = Counter()
    network.set_params(callbacks=[counter]).fit(*corpus)
    assert epochs == [1, 2]
    assert counter.seen == 0


class Interrupt(Callback):
    """Callback that raises `KeyboardInterrupt` in a given epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_batch_begin(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise KeyboardInterrupt


def test_interrupt_in_first_epoch(network, corpus):
    """KeyboardInterrupt propagates and the classifier stays unfitted."""
    network.set_params(callbacks=[Interrupt(1)])
    with pytest.raises(KeyboardInterrupt):
        network.fit(*corpus)
    with pytest.raises(NotFittedError):
        network.predict(corpus[0])


def test_interrupt_in_later_epoch(network, corpus):
    """The finished epochs stay, with a warning."""
    network.set_params(callbacks=[Interrupt(2)])
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        network.fit(*corpus)
    assert network.n_iter_ == len(network.history_) == 1
