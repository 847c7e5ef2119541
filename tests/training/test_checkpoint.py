"""Checkpoints: interrupted training resumes bit for bit."""

import errno
import os
import pickle
import random
import signal
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from sklearn.base import clone
from skorch.callbacks import Callback

from sktextconv import SynonymReplacer
from sktextconv.schedules import decay

from ..classifiers import NETWORKS
from ..conftest import REPOSITORY

TEXTS = ["a good day", "so good", "bad day", "so bad, bad"] * 8
LABELS = ["+", "+", "-", "-"] * 8


class RepeatSo:
    """Augmenter whose texts differ in each epoch."""

    def __repr__(self):  # for the names of tests
        return "RepeatSo()"

    def augment(self, texts, *, seed, epoch):
        return [f"{text} {'so ' * (epoch + 1)}" for text in texts]


class Crash(Callback):
    """Callback that raises in the middle of an epoch."""

    def __init__(self, after):
        self.after = after

    def on_batch_begin(self, net, training=False, **kwargs):
        if training and len(net.history) > self.after:
            raise ConnectionError


def state_of(classifier):
    """Return weights, moments, history and random state."""
    state = classifier.__getstate__()
    times = {"seconds"}
    history = [
        {name: value for name, value in row.items() if name not in times}
        for row in state["history_"]
    ]
    net = pickle.dumps(state["net_"])
    return net, history, state["n_iter_"], state["_rng"].get_state()[1].tolist()


def fit_interrupted_and_resumed(classifier, path, after):
    """Return a classifier whose training crashed after some epochs and resumed."""
    interrupted = clone(classifier).set_params(
        checkpoint=path, callbacks=[Crash(after)]
    )
    with pytest.raises(ConnectionError):
        interrupted.fit(TEXTS, LABELS)
    return clone(classifier).set_params(checkpoint=path, resume=True).fit(TEXTS, LABELS)


@pytest.mark.parametrize("name", NETWORKS)
def test_resume_equals_uninterrupted(name, tmp_path):
    """Training resumed after two of four epochs ends with the same bits."""
    network = clone(NETWORKS[name]).set_params(max_epochs=4)
    straight = clone(network).fit(TEXTS, LABELS)
    resumed = fit_interrupted_and_resumed(network, tmp_path / "state", after=2)
    assert state_of(resumed) == state_of(straight)


@pytest.mark.parametrize(
    "settings",
    [
        {"recipe": "paper", "epoch_size": 3},
        {"schedule": "triangular2"},
        {"schedule": "constant", "bucketing": True},
        {"early_stopping": True, "validation_fraction": 0.25, "n_iter_no_change": 9},
        {"early_stopping": True, "n_iter_no_change": 2, "tol": 1.0},
        {"augmenter": RepeatSo()},
        {"precision": "bfloat16"},
    ],
    ids=str,
)
@pytest.mark.parametrize("after", [1, 3])
def test_resume_restores_training_state(settings, after, tmp_path):
    """Schedule, early stopping, augmentation and precision resume bit for bit."""
    network = clone(NETWORKS["kimcnn"]).set_params(max_epochs=5, **settings)
    straight = clone(network).fit(TEXTS, LABELS)
    if straight.n_iter_ <= after:
        after = straight.n_iter_ - 1
    resumed = fit_interrupted_and_resumed(network, tmp_path / "state", after)
    assert state_of(resumed) == state_of(straight)


def test_resume_restores_random_seed(tmp_path):
    """With random_state=None, the seed comes from the checkpoint."""
    network = clone(NETWORKS["kimcnn"]).set_params(max_epochs=3, random_state=None)
    path = tmp_path / "state"
    whole = clone(network).set_params(checkpoint=path).fit(TEXTS, LABELS)
    again = clone(network).set_params(checkpoint=path, resume=True).fit(TEXTS, LABELS)
    assert state_of(again) == state_of(whole)
    assert [row["seconds"] for row in again.history_] == [
        row["seconds"] for row in whole.history_
    ]


def test_resume_without_file(tmp_path):
    """Training starts from scratch and writes the checkpoint."""
    network = clone(NETWORKS["kimcnn"])
    straight = clone(network).fit(TEXTS, LABELS)
    network.set_params(checkpoint=str(tmp_path / "state"), resume=True)
    assert state_of(network.fit(TEXTS, LABELS)) == state_of(straight)
    assert (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"learning_rate": 0.5}, "learning_rate was 'None' and is '0.5'"),
        ({"max_epochs": 9}, "max_epochs was '2' and is '9'"),
        ({"random_state": 1}, "random_state was '0' and is '1'"),
        ({"augmenter": SynonymReplacer()}, "augmenter was 'None' and is 'SynonymR"),
    ],
)
def test_resume_with_changed_parameter(change, sentence, tmp_path):
    """The error names the parameter with its old and its new value."""
    network = clone(NETWORKS["kimcnn"]).set_params(checkpoint=tmp_path / "state")
    network.fit(TEXTS, LABELS)
    network.set_params(resume=True, **change)
    with pytest.raises(ValueError, match="belongs to another training: ") as caught:
        network.fit(TEXTS, LABELS)
    assert sentence in str(caught.value)
    assert str(caught.value).endswith("or start from scratch with resume=False.")


class Splitter:
    """Tokenizer whose parameters no attribute or method tells."""

    __slots__ = ("mark",)

    def __init__(self, mark):
        self.mark = mark

    def __call__(self, text):
        return text.split(self.mark)


def test_resume_with_changed_schedule(tmp_path):
    """Arguments of a function are parameters too."""
    network = clone(NETWORKS["kimcnn"]).set_params(checkpoint=tmp_path / "state")
    network.set_params(schedule=partial(decay, gamma=0.9)).fit(TEXTS, LABELS)
    network.set_params(schedule=partial(decay, gamma=0.9), resume=True)
    network.fit(TEXTS, LABELS).set_params(schedule=partial(decay, gamma=0.8))
    with pytest.raises(ValueError, match="belongs to another training: schedule was"):
        network.fit(TEXTS, LABELS)


def test_resume_with_changed_vocabulary(tmp_path):
    """Another vocabulary is found, even if no parameter tells it."""
    network = clone(NETWORKS["kimcnn"]).set_params(checkpoint=tmp_path / "state")
    network.set_params(tokenizer=Splitter(" ")).fit(TEXTS, LABELS)
    network.set_params(resume=True, tokenizer=Splitter("d"))
    with pytest.raises(ValueError, match="belongs to another training: encoder was"):
        network.fit(TEXTS, LABELS)


@pytest.mark.parametrize(
    "data",
    [
        ([*TEXTS[1:], "other"], LABELS, None),
        (TEXTS, LABELS[::-1], None),
        (TEXTS, LABELS, [2, *[1] * 31]),
        ([TEXTS[0] + TEXTS[1][:1], TEXTS[1][1:], *TEXTS[2:]], LABELS, None),
    ],
    ids=["texts", "labels", "weights", "text boundaries"],
)
def test_resume_with_changed_data(data, tmp_path):
    """Other texts, labels, weights or boundaries of texts raise `ValueError`."""
    network = clone(NETWORKS["kimcnn"]).set_params(checkpoint=tmp_path / "state")
    network.fit(TEXTS, LABELS).set_params(resume=True)
    with pytest.raises(ValueError, match="belongs to another training: data was"):
        network.fit(*data)


def test_resume_without_path():
    with pytest.raises(ValueError, match="resume=True of KimCNNClassifier needs"):
        clone(NETWORKS["kimcnn"]).set_params(resume=True).fit(TEXTS, LABELS)


def test_read_damaged_checkpoint(tmp_path):
    """Truncated and bit-flipped files raise one error and stay as they are."""
    path = tmp_path / "state"
    network = clone(NETWORKS["kimcnn"]).set_params(checkpoint=path, resume=True)
    whole = network.fit(TEXTS, LABELS).checkpoint.read_bytes()
    draw = random.Random(0)
    damaged = [b"", b"text", pickle.dumps({"format": 1}), whole[:-1]]
    damaged += [whole[: draw.randrange(len(whole))] for _ in range(20)]
    for _ in range(40):
        flipped = bytearray(whole)
        flipped[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
        damaged.append(bytes(flipped))
    for data in damaged:
        path.write_bytes(data)
        with pytest.raises(
            ValueError, match="to be a checkpoint of format 1, but it is"
        ):
            network.fit(TEXTS, LABELS)
        assert path.read_bytes() == data


def test_write_checkpoint_on_full_disk(tmp_path, monkeypatch):
    """The error is reported and the previous checkpoint stays."""
    path = tmp_path / "state"
    network = clone(NETWORKS["kimcnn"]).set_params(checkpoint=path)
    network.fit(TEXTS, LABELS)
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match=r"after epoch 1, got: .*No space left.*previous"):
        network.fit(TEXTS, LABELS)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def long_training(path):
    """Return a classifier that trains long enough to be killed many times."""
    return clone(NETWORKS["kimcnn"]).set_params(max_epochs=300, checkpoint=path)


# With one torch thread, a process may fork after computing. Forked children start at
# once, without importing torch.
KILLER = """
import os, random, signal, sys, time
from pathlib import Path
from sktextconv.training._checkpoint import read_checkpoint
from tests.training.test_checkpoint import LABELS, TEXTS, long_training

path, draw, epochs, longest = Path(sys.argv[1]), random.Random(0), [0], 0.15
long_training(None).set_params(max_epochs=1).fit(TEXTS, LABELS)
while len(epochs) < 26 or len(set(epochs[1:])) < 4 and len(epochs) < 500:
    child = os.fork()
    if not child:
        long_training(path).set_params(resume=True).fit(TEXTS, LABELS)
        os._exit(0)
    time.sleep(draw.uniform(0.01, longest))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    state = read_checkpoint(path)
    epochs.append(len(state["history"]) if state else 0)
    if epochs[-1] == epochs[-2]:
        longest = min(1.1 * longest, 5)  # a busy machine needs more time for an epoch
    elif epochs[-1] > epochs[-2] + 5:
        longest = max(longest / 2, 0.02)  # a fast one must not finish before the kills
    print(os.waitstatus_to_exitcode(status), epochs[-1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_checkpoint_survives_sigkill(tmp_path):
    """A process killed at any moment leaves a complete checkpoint to resume from."""
    path = tmp_path / "state"
    ran = subprocess.run(
        [sys.executable, "-c", KILLER, str(path)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    exit_codes, epochs = np.loadtxt(ran.stdout.splitlines(), dtype=int).T.tolist()
    assert exit_codes.count(-signal.SIGKILL) >= 20
    assert epochs == sorted(epochs)
    assert len(set(epochs)) > 3
    resumed = long_training(path).set_params(resume=True).fit(TEXTS, LABELS)
    straight = long_training(None).fit(TEXTS, LABELS)
    assert state_of(resumed) == state_of(straight)
