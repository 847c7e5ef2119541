"""Small fitted networks and the bytes of their saved files."""

import functools
import hashlib
import json

import pytest
from sklearn.base import clone

import sktextconv
from sktextconv import KimCNNClassifier, ModelFormatError

from .. import golden
from ..classifiers import NETWORKS

TEXTS = golden.TEXTS
LABELS = ["good", "bad", "odd", "good"]

KIM = KimCNNClassifier(
    embedding_dim=2, n_filters=2, max_epochs=1, batch_size=4, random_state=0
)


@functools.cache
def trained(name):
    network = clone(NETWORKS[name]).set_params(max_epochs=1)
    return network.fit(TEXTS[:2] * 4, ["good", "bad"] * 4)


def split_file(data):
    """Return the safetensors header, our header without checksum, the tensor bytes."""
    end = 8 + int.from_bytes(data[:8], "little")
    outer = json.loads(data[8:end])
    header = json.loads(outer.pop("__metadata__")["sktextconv"])
    return outer, header | {"sha256": "0" * 64}, data[end:]


def join_file(outer, header, body):
    """Return the bytes of a file with any content and a valid checksum."""
    text = header if isinstance(header, str) else json.dumps(header)
    text = json.dumps({"__metadata__": {"sktextconv": text}} | outer)
    data = len(text).to_bytes(8, "little") + text.encode() + body
    return data.replace(b"0" * 64, hashlib.sha256(data).hexdigest().encode(), 1)


def load_error(data, path):
    """Return the error message of loading a file with these bytes."""
    path.write_bytes(data)
    with pytest.raises(ModelFormatError) as error:
        sktextconv.load(path)
    message = str(error.value)
    assert message.startswith(f"Expected {path} to be a model that sktextconv.save")
    assert message.endswith(("save the file again.", "Update sktextconv."))
    assert "\n" not in message
    return message
