"""Devices, precision and seeding."""

import multiprocessing
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone

import sktextconv
from sktextconv import RNNClassifier
from sktextconv.training import _device
from sktextconv.training._device import (
    resolve_device,
    resolve_precision,
    seeded,
    to_device,
)

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("amx", "avx512", "expected"),
    [
        (False, False, "float32"),
        (False, True, "bfloat16"),
        (True, False, "bfloat16"),
    ],
)
def test_resolve_precision_auto_on_cpu(monkeypatch, amx, avx512, expected):
    """`"auto"` is bfloat16 only if the CPU multiplies bfloat16 in hardware."""
    features = {"_is_amx_tile_supported": amx, "_is_avx512_bf16_supported": avx512}
    for name, has in features.items():
        monkeypatch.setattr(torch.cpu, name, lambda has=has: has, raising=False)
    assert resolve_precision("auto", CPU) == expected
    assert resolve_precision("auto", torch.device("mps")) == "float32"
    assert resolve_precision("float32", CPU) == "float32"


def test_cpu_without_bfloat16(monkeypatch):
    """Where torch cannot compute in bfloat16, `fit` warns and computes in float32."""
    monkeypatch.setattr(_device, "_computes_bfloat16", lambda device: False)
    texts, labels = ["good film", "bad film"] * 4, [1, 0] * 4
    network = RNNClassifier(max_epochs=1, random_state=0, device="cpu")
    expected = clone(network).fit(texts, labels).predict_proba(texts)
    network.set_params(precision="bfloat16")
    with pytest.warns(UserWarning, match="which this cpu does not: it computes in f"):
        network.fit(texts, labels)
    loaded = pickle.loads(pickle.dumps(network))  # without a warning
    np.testing.assert_array_equal(loaded.predict_proba(texts), expected)


@pytest.mark.parametrize("name", ["RNNClassifier", "KimCNNClassifier"])
def test_cpu_with_bfloat16(name):
    """On a CPU that computes in bfloat16, recurrent layers and convolutions do."""
    if not _device._computes_bfloat16(CPU):
        pytest.skip("this CPU does not compute in bfloat16")
    network = getattr(sktextconv, name)(
        max_epochs=1, random_state=0, device="cpu", precision="bfloat16"
    )
    network.fit(["good film", "bad film"] * 4, [1, 0] * 4)
    assert network.net_.precision == "bfloat16"


def test_resolve_precision_auto_on_cuda(monkeypatch):
    """`"auto"` is bfloat16 on GPUs of compute capability 8.0 and above."""
    for capability, expected in (((7, 5), "float32"), ((9, 0), "bfloat16")):
        monkeypatch.setattr(
            torch.cuda, "get_device_capability", lambda device, found=capability: found
        )
        assert resolve_precision("auto", torch.device("cuda")) == expected


def test_resolve_device_auto(monkeypatch):
    """`"auto"` prefers CUDA to MPS, and MPS to the CPU."""
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto").type == "cpu"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert resolve_device("auto").type == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto").type == "cuda"


@pytest.fixture
def worker(monkeypatch):
    """Make this process a worker of a parallel search that has not warned yet."""
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: object())
    _device._warn_of_unused_gpu.cache_clear()
    yield
    _device._warn_of_unused_gpu.cache_clear()


@pytest.mark.parametrize(
    ("module", "name"), [(torch.cuda, "cuda"), (torch.backends.mps, "mps")]
)
def test_auto_in_worker_warns_of_gpu_once(worker, monkeypatch, module, name):
    """A worker process uses the CPU and says once how to use the GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(module, "is_available", lambda: True)
    with pytest.warns(UserWarning, match="device='auto' takes the CPU") as caught:
        assert [resolve_device("auto").type for _ in range(3)] == ["cpu"] * 3
    (warning,) = caught
    assert str(warning.message) == (
        "device='auto' takes the CPU in a worker process of a parallel search, though "
        f"there is a GPU: the workers share its memory. Set device='{name}' to use it, "
        "with as few workers (n_jobs) as have room there, or n_jobs=1."
    )


def test_auto_in_worker_without_gpu(worker, monkeypatch):
    """A worker process of a machine without a GPU gives no warning."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert resolve_device("auto").type == "cpu"


@pytest.mark.parametrize("name", ["gpu", "", "CUDA", "cuda:", "nvidia", "cpu1"])
def test_resolve_device_unknown(name):
    with pytest.raises(ValueError, match="device") as caught:
        resolve_device(name)
    assert str(caught.value) == (
        "The 'device' parameter must be 'cpu', 'cuda', 'mps' or 'auto' for the best "
        f"available one; 'cuda:1' is the second GPU. Got {name!r} instead."
    )


@pytest.mark.parametrize("name", ["cuda:99", "meta", "hpu"])
def test_resolve_device_unusable(name):
    message = rf"a device that this PyTorch can use\. Got '{name}', which fails with: "
    with pytest.raises(ValueError, match=message) as caught:
        resolve_device(name)
    assert len(str(caught.value).splitlines()) == 1


def test_seeded_restores_generator():
    """The state is restored after the block, also if it raises."""
    before = torch.get_rng_state()
    with seeded(1, CPU):
        first = torch.rand(1)
    assert torch.equal(torch.get_rng_state(), before)
    with pytest.raises(AssertionError), seeded(1, CPU):
        assert not torch.equal(torch.rand(1), first)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("name", "waits"), [("meta", False), ("mps", True)])
def test_to_device_blocks_on_mps(name, waits):
    """A non-blocking copy to MPS may read memory that is already freed."""

    class FakeTensor:
        def to(self, device, *, non_blocking):
            return device.type, not non_blocking

    assert to_device(FakeTensor(), torch.device(name)) == (name, waits)
