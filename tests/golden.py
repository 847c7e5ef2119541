"""Tiny saved file per network and linear model, for all later releases to load.

``python -m tests.golden`` writes the missing files of the current format. It never
rewrites a file: users have files with the same content.
"""

import json
import lzma
import tempfile
from pathlib import Path

import numpy as np
import torch
from sklearn.base import clone
from torch import nn

import sktextconv
from sktextconv.persistence import _onnx_format
from sktextconv.persistence._header import FORMAT
from sktextconv.training._data import EncodedDataset

from .classifiers import LINEAR, NETWORKS

FOLDER = Path(__file__).parent / "data" / f"format-{FORMAT}"
ONNX_FOLDER = Path(__file__).parent / "data" / f"onnx-{_onnx_format.FORMAT}"

TEXTS = [
    "Mr. Ito saw a fine film on Monday, and so did I! It is well made, well cast, and "
    "it made me laugh more than once.",
    "What a bore, said Mr. Abe of it. It never ends; 120 minutes (or was it 1,000?) of "
    "talk, talk & talk, and no story at all.",
    "",
    "Good, e.g. the U.S. cast; 'ünseen' words too.",
]
LINEAR_LABELS = ["pos", "neg", "neg", "pos", "pos", "pos"]
DEFAULT_LABELS = np.array(["pos", "neg"])
# Two classes each, in the other types that a file can hold.
LABELS = {
    "vdcnn": np.array([3, -1], dtype=np.int16),
    "wordcnn": np.array([True, False]),
    "kimcnn": np.array(["pos", "neg"], dtype=object),
    "rnn": np.array([2.0, 0.0], dtype=np.float32),
    "han": np.array([200, 7], dtype=np.uint8),
}
TINY = {
    "wordcnn": {"embedding_dim": 3},
    "kimcnn": {"embedding_dim": 3, "widths": [2, 3], "n_filters": 2},
    "rnn": {"embedding_dim": 3, "hidden_dim": 2, "bidirectional": True},
    "han": {"embedding_dim": 3, "hidden_dim": 2},
    "charcrnn": {"n_filters": 3, "hidden_dim": 2},
    "dpcnn": {"embedding_dim": 3, "n_filters": 2},
}
# Parameters set after fit: one of each kind of value.
SET_LATER = {
    "charcnn": {"random_state": None},
    "kimcnn": {
        "augmenter": sktextconv.SynonymReplacer(p=0.25),
        "class_weight": {"neg": 2.0, "pos": 1},
    },
}
ENCODED = ("charcnn", "rnn", "han")  # one for each encoder
_PERIOD = 37  # prime, so that the rows of a weight differ


@torch.no_grad()
def make(name):
    """Return a fitted classifier with distinct predictions and compressible weights."""
    if name in LINEAR:
        return clone(LINEAR[name]).fit(TEXTS[:2] + TEXTS[2:] * 2, LINEAR_LABELS)
    classifier = clone(NETWORKS[name]).set_params(max_epochs=1, **TINY.get(name, {}))
    classifier.fit(TEXTS[:2] * 8, np.tile(LABELS.get(name, DEFAULT_LABELS), 8))
    network = classifier.net_.module_
    repeat_values(network)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # cumulative mean over batches
    texts = EncodedDataset(classifier.encoder_.encode(TEXTS), torch.device("cpu"))
    network.train()(texts.ids(torch.arange(len(TEXTS))))
    repeat_values(network)
    *_, head = (m for m in network.modules() if isinstance(m, nn.Linear))
    head.weight /= classifier.decision_function(TEXTS).std()
    head.bias[1] -= classifier.decision_function(TEXTS).mean()
    return classifier.set_params(**SET_LATER.get(name, {}))


def repeat_values(network):
    """Fill each long tensor with repetitions of its first values."""
    for tensor in network.state_dict().values():
        if tensor.numel() > _PERIOD:
            values = tensor.flatten()[:_PERIOD]
            tensor.copy_(torch.tensor(np.resize(values, tensor.shape)))


def main():
    for folder, suffix, write, names in (
        (FOLDER, "safetensors", sktextconv.save, [*NETWORKS, *LINEAR]),
        (ONNX_FOLDER, "onnx", sktextconv.export_onnx, ENCODED),
    ):
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            path = folder / f"{name}.{suffix}.xz"
            if path.exists():
                continue
            classifier = make(name)
            with tempfile.TemporaryDirectory() as temporary:
                plain = Path(temporary) / "model"
                write(classifier, plain)
                path.write_bytes(lzma.compress(plain.read_bytes(), preset=9))
            expected = {
                "dtype": classifier.classes_.dtype.str,
                "labels": classifier.predict(TEXTS).tolist(),
                "probabilities": classifier.predict_proba(TEXTS).tolist(),
            }
            path.with_name(f"{name}.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    main()
