"""Damaged and foreign files are rejected; their code is never run."""

import json
import lzma
import os
import pickle

import numpy as np
import pytest
import safetensors.numpy
import skops.io
import torch
from hypothesis import assume, given, settings, strategies as st
from sklearn.base import clone
from torch.utils._python_dispatch import TorchDispatchMode

import sktextconv
from sktextconv import ModelFormatError

from ..classifiers import NETWORKS
from ..conftest import same_bits
from .model_files import (
    KIM,
    LABELS,
    TEXTS,
    join_file,
    load_error,
    split_file,
    trained,
)


def test_load_reassembled_file(saved, path):
    path.write_bytes(join_file(*split_file(saved)))
    assert same_bits(sktextconv.load(path), clone(KIM).fit(TEXTS, LABELS), TEXTS)


@settings(max_examples=100)
@given(st.data())
def test_load_truncated_file(saved, folder, data):
    size = data.draw(st.integers(0, len(saved) - 1))
    load_error(saved[:size], folder / "short")


@settings(max_examples=200)
@given(st.data())
def test_load_flipped_bits(saved, folder, data):
    damaged = bytearray(saved)
    for position in data.draw(st.sets(st.integers(0, len(saved) - 1), min_size=1)):
        damaged[position] ^= 1 << data.draw(st.integers(0, 7))
    load_error(bytes(damaged), folder / "flipped")


@settings(max_examples=50)
@given(st.data(), st.binary(max_size=20))
def test_load_inserted_or_removed_bytes(saved, folder, data, between):
    start = data.draw(st.integers(0, len(saved)))
    end = data.draw(st.integers(start, len(saved)))
    damaged = saved[:start] + between + saved[end:]
    assume(damaged != saved)
    load_error(damaged, folder / "changed")


@settings(max_examples=50)
@given(st.binary(max_size=200))
def test_load_arbitrary_bytes(folder, data):
    load_error(data, folder / "any")


def test_load_wrong_tensors(saved, path):
    _, header, _ = split_file(saved)
    tensors = safetensors.numpy.load(saved)

    def message(**others):
        changed = {
            name: array
            for name, array in (tensors | others).items()
            if array is not None
        }
        data = safetensors.numpy.save(changed, {"sktextconv": json.dumps(header)})
        outer, _, body = split_file(data)
        return load_error(join_file(outer, header, body), path)

    bias = tensors["head.bias"]
    assert "Expected F32 [3] as tensor 'head.bias', got none" in message(
        **{"head.bias": None}
    )
    assert "Expected none as tensor 'more', got F32 [3]" in message(more=bias)
    assert "got F64 [3]" in message(**{"head.bias": bias.astype(float)})
    assert "got F16 [3]" in message(**{"head.bias": bias.astype(np.float16)})
    assert "got F32 [3, 1]" in message(**{"head.bias": bias[:, None]})
    assert "got NaN or infinity in 'head.bias'" in message(
        **{"head.bias": np.array([0, np.nan, 1], np.float32)}
    )


def test_load_overlapping_tensors(saved, path):
    outer, header, body = split_file(saved)
    outer["head.bias"]["data_offsets"] = [0, 12]
    assert "safetensors" in load_error(join_file(outer, header, body), path)


def test_load_foreign_file(tmp_path, path):
    weights = {"head.bias": np.zeros(3, np.float32)}
    message = load_error(safetensors.numpy.save(weights), path)
    assert "it has no header of sktextconv" in message
    message = load_error(safetensors.numpy.save(weights, {"sktextconv": "no"}), path)
    assert "it has no header of sktextconv" in message
    for data in (b"", b"{}", skops.io.dumps(clone(KIM)), lzma.compress(b"")):
        assert "it is not a complete safetensors file" in load_error(data, path)


class MaliciousPickle:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("protocol", [0, pickle.HIGHEST_PROTOCOL])
def test_load_pickle_is_not_executed(protocol, path, tmp_path):
    data = pickle.dumps(MaliciousPickle(str(tmp_path / "harm")), protocol)
    assert "Read a pickle with pickle.load or joblib.load" in load_error(data, path)
    assert not (tmp_path / "harm").exists()


def test_load_folder_or_missing_file(tmp_path):
    with pytest.raises(ModelFormatError, match="it is not a file"):
        sktextconv.load(tmp_path)
    with pytest.raises(FileNotFoundError):
        sktextconv.load(tmp_path / "none")


class LargestTensor(TorchDispatchMode):
    """Recorder of the size in bytes of the largest tensor off the meta device."""

    size = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and result.device.type != "meta":
            self.size = max(self.size, result.nbytes)
        return result


def test_load_checks_shapes_before_allocating(saved, path):
    outer, header, body = split_file(saved)
    with LargestTensor() as usual:
        path.write_bytes(saved)
        sktextconv.load(path)
    assert 0 < usual.size < len(saved)
    for size in (10**4, 2**62):
        header["parameters"]["embedding_dim"] = size
        with LargestTensor() as largest:
            load_error(join_file(outer, header, body), path)
        assert largest.size == 0


def test_load_bounds_layers_by_tensors(path):
    sktextconv.save(trained("rnn"), path)
    outer, header, body = split_file(path.read_bytes())
    header["parameters"]["n_layers"] = 10**3
    message = load_error(join_file(outer, header, body), path)
    assert "no more layers than there are tensors" in message


def test_load_bounds_buffers_by_file_size(path, monkeypatch):
    """Tensors that are not in the file are bounded by its size."""
    # The network rebuilds its one-hot rows, which are larger than the header.
    network = clone(NETWORKS["charcnn"]).set_params(alphabet="bytes")
    sktextconv.save(network.fit(TEXTS, LABELS), path)
    monkeypatch.setattr("sktextconv.persistence._network._MAX_MEMORY", 1)
    assert "Expected a larger file" in load_error(path.read_bytes(), path)
