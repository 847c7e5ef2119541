"""Program of one of several processes, of which the last one stops in a fit."""

import datetime
import os
import signal
import sys

import numpy as np
import torch
from skorch.callbacks import Callback

from sktextconv import KimCNNClassifier
from sktextconv.encoding import WordEncoder
from sktextconv.training import _ranks

from .fits import LABELS, TEXTS, make_deterministic, weights_of

TIMEOUT = datetime.timedelta(seconds=10)


def make_classifier(checkpoint, **params):
    classifier = make_deterministic("kimcnn")
    return classifier.set_params(max_epochs=4, checkpoint=checkpoint, **params)


def is_last():
    return torch.distributed.get_rank() == torch.distributed.get_world_size() - 1


def stop_last(number):
    """Send a signal to this process if it is the last one."""
    if is_last():
        os.kill(os.getpid(), number)


class Stop(Callback):
    """Callback that stops the last process in the third epoch."""

    def __init__(self, number):
        self.number = number

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 3:
            stop_last(self.number)


class StopInBuild(KimCNNClassifier):
    """Network that stops in the process that builds it."""

    def _make_encoder(self):
        os.kill(os.getpid(), signal.SIGSTOP)


class FaultyEncoder(WordEncoder):
    """Encoder that stops, or fails, in the last process."""

    fails = False

    def _encode(self, texts):
        if self.fails and is_last():
            raise ValueError("the file has changed")
        stop_last(signal.SIGSTOP)
        return super()._encode(texts)


class StopInEncoding(KimCNNClassifier):
    def _make_encoder(self):
        return FaultyEncoder()


def main(mode, path):
    torch.set_num_threads(1)
    if mode.startswith("SIGSTOP"):
        _ranks._TIMEOUT = TIMEOUT
    if mode == "resume":
        fitted = make_classifier(path, resume=True).fit(TEXTS, LABELS)
        np.save(f"{path}.{os.environ['RANK']}.npy", weights_of(fitted))
    elif mode == "SIGSTOP in build":
        StopInBuild().fit(TEXTS, LABELS)
    elif mode.endswith("in encoding"):
        FaultyEncoder.fails = mode.startswith("error")
        StopInEncoding(random_state=0).fit(TEXTS, LABELS)
    elif mode == "other data":
        rank = int(os.environ["RANK"])
        KimCNNClassifier(random_state=0).fit(TEXTS[rank:], LABELS[rank:])
    else:
        stop = Stop(getattr(signal, mode))
        make_classifier(path, callbacks=[stop]).fit(TEXTS, LABELS)


if __name__ == "__main__":
    main(*sys.argv[1:])
