"""Check a GPU against the CPU, measure training on it, and train on real data.

    python -m benchmarks.gpu                          # a few minutes
    python -m benchmarks.gpu --short news.csv.xz      # where AG News has no loader
    python -m benchmarks.gpu --device cpu --quick     # that the script itself works

Results of the device equal those of the CPU to a tolerance, or it stops there. Then it
prints texts per second of each network, achieved operations and their share of the
measured peak of bfloat16, in both precisions, eager and compiled, beside skorch as it
comes with one-hot input; and last, error against seconds on real data.
"""

import argparse
import copy
import statistics
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import torch

from sktextconv import (
    CharCNNClassifier,
    HANClassifier,
    RNNClassifier,
    VDCNNClassifier,
)
from sktextconv.encoding import ALPHABETS

from .cell import describe_run, progress, write_json
from .naive import OneHotTexts, PlainCharCNN, make_stock_net
from .speed import fitter, head, load_data, peak_flops, rates, training_flops

__all__ = ["RESULT", "agreements", "learning_curve", "measurements", "syncs_per_epoch"]

RESULT = Path(__file__).parent / "results" / "gpu.json"

NETWORKS = {
    "CharCNN small": CharCNNClassifier(),
    "CharCNN large": CharCNNClassifier(size="large"),
    "VDCNN-9": VDCNNClassifier(depth=9),
    "VDCNN-29": VDCNNClassifier(depth=29),
    "HAN": HANClassifier(),
    "LSTM": RNNClassifier(),
}
_TINY = {  # for --quick
    "CharCNN small": {"max_length": 123},
    "VDCNN-9": {"max_length": 64, "dense_dim": 32},
    "HAN": {"embedding_dim": 16, "hidden_dim": 8},
    "LSTM": {"embedding_dim": 16, "hidden_dim": 16},
}
_SETTINGS = {
    "float32": {"precision": "float32"},
    "bfloat16": {"precision": "bfloat16"},
    "bfloat16, compiled": {"precision": "bfloat16", "compile": True},
}
# Relative to the largest logit; the sums of float32 come in another order there.
_TOLERANCE = 1e-3


def agreements(networks, data, device):
    """Train each network a little on device and CPU; return how far they are apart.

    Raises
    ------
    AssertionError
        If losses or logits differ by more than float32 explains.
    """
    texts, codes = head(data["short"], 64)
    apart = {}
    for name, network in networks.items():
        settings = {"max_epochs": 2, "batch_size": 16, "random_state": 0}
        for dropout in {"dropout", "embedding_dropout"} & network.get_params().keys():
            settings[dropout] = 0.0  # each device draws its own
        classifier = copy.deepcopy(network).set_params(learning_rate=1e-4, **settings)
        losses, logits = [], []
        for where in ("cpu", device):
            classifier.set_params(device=str(where)).fit(texts, codes)
            losses.append([epoch["train_loss"] for epoch in classifier.history_])
            logits.append(np.asarray(classifier._logits(texts)))
        of_loss = np.max(np.abs(np.subtract(*losses)) / losses[0])
        of_logits = np.max(np.abs(np.subtract(*logits))) / np.max(np.abs(logits[0]))
        apart[name] = {"loss": float(of_loss), "logits": float(of_logits)}
        progress(f"{name}: {apart[name]}")
        if max(of_loss, of_logits) > _TOLERANCE:
            raise AssertionError(f"{name} differs between cpu and {device}: {apart}")
    return apart


def measurements(networks, data, device, *, batch_sizes, n_batches, rounds, settings):
    """Texts per second in training of each network and setting, and their use.

    Returns
    -------
    peak : float
        Operations per second of a product of large matrices in bfloat16.
    rows : list of dict
    """
    clock = _clock(device)
    on_gpu = torch.device(device).type == "cuda"
    size = 8192 if on_gpu else 1024
    peak = peak_flops(torch.bfloat16, size=size, device=device, clock=clock)
    rows = []
    for name, network in networks.items():
        for batch_size in batch_sizes:
            texts, codes = head(data["short"], n_batches * batch_size)
            for how, given in settings.items():
                classifier = copy.deepcopy(network).set_params(
                    device=str(device), batch_size=batch_size, **given
                )
                start = time.perf_counter()
                run = fitter(classifier, texts, codes)
                first = time.perf_counter() - start
                rate = _median(rates({"run": run}, rounds=rounds, clock=clock))
                flops = training_flops(classifier.set_params(compile=False), texts)
                rows.append(
                    {
                        "network": name,
                        "batch_size": batch_size,
                        "how": how,
                        "texts/s": rate,
                        "ms/step": 1e3 * batch_size / rate,
                        "first s": first,  # with translation, where compiled
                        "TFLOP/s": flops and flops * rate / 1e12,
                        "share of peak": flops and flops * rate / peak,
                        "peak GiB": _peak_gib(device),
                    }
                )
                progress(f"{rows[-1]}")
            if name == "CharCNN small" and network.max_length == 1014:
                rows.append(_naive(texts, codes, batch_size, device, rounds, clock))
                progress(f"{rows[-1]}")
    return peak, rows


def _naive(texts, codes, batch_size, device, rounds, clock):
    """The same network as one would write it first, with skorch as it comes."""
    plain = PlainCharCNN(70, len(np.unique(codes)))
    net = make_stock_net(plain, batch_size=batch_size, device=device)
    one_hot = OneHotTexts(texts, codes, ALPHABETS["paper"], 1014)

    def run():
        net.partial_fit(one_hot, codes)
        return len(texts)

    return {
        "network": "CharCNN small",
        "batch_size": batch_size,
        "how": "skorch, one-hot float32 from a DataLoader",
        "texts/s": _median(rates({"run": run}, rounds=rounds, clock=clock)),
    }


def syncs_per_epoch(network, data, device, n_batches):
    """How often the host waits for a CUDA device in one epoch of `n_batches`."""
    texts, codes = head(data["short"], n_batches * network._batch_size())
    run = fitter(copy.deepcopy(network).set_params(device=str(device)), texts, codes)
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            run()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return sum("synchroniz" in str(warning.message) for warning in caught)


def learning_curve(network, data, device, *, max_epochs):
    """Train on the short texts but a tenth; error on that tenth against seconds."""
    texts, codes = data["short"]
    classifier = copy.deepcopy(network).set_params(
        device=str(device),
        max_epochs=max_epochs,
        early_stopping=True,
        n_iter_no_change=max_epochs,
        random_state=0,
    )
    start = time.perf_counter()
    classifier.fit(texts, codes)
    total = time.perf_counter() - start
    epochs, history = np.cumsum([e["seconds"] for e in classifier.history_]), []
    for seconds, epoch in zip(epochs, classifier.history_, strict=True):
        error = 100 * epoch["valid_error"]
        history.append({"seconds": float(seconds), "error %": error})
    return {"seconds in all": total, "n_texts": len(texts), "epochs": history}


def _clock(device):
    """Seconds, after the device has done what it was given."""
    if torch.device(device).type != "cuda":
        return time.perf_counter

    def clock():
        torch.cuda.synchronize()
        return time.perf_counter()

    return clock


def _median(measured):
    (values,) = measured.values()
    return statistics.median(values)


def _peak_gib(device):
    if torch.device(device).type != "cuda":
        return None
    peak = torch.cuda.max_memory_allocated() / 2**30
    torch.cuda.reset_peak_memory_stats()
    return peak


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu", description=__doc__.partition("\n")[0]
    )
    add = parser.add_argument
    add("--device", default="cuda")
    add("--short", metavar="FILE", help="CSV of AG News, where it has no loader")
    add("--epochs", type=int, default=5, help="of each training on real data")
    add("--quick", action="store_true", help="tiny networks: does the script work?")
    add("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    data = load_data(options.short, ["short"])
    networks, settings = NETWORKS, _SETTINGS
    how = {"batch_sizes": (128, 1024), "n_batches": 20, "rounds": 5}
    if options.quick:
        networks = {
            name: copy.deepcopy(NETWORKS[name]).set_params(**tiny)
            for name, tiny in _TINY.items()
        }
        settings = {"float32": _SETTINGS["float32"]}
        how = {"batch_sizes": (16,), "n_batches": 2, "rounds": 1}
        data = {name: head(labelled, 200) for name, labelled in data.items()}
        options.epochs = 1
    probe = networks["HAN"]
    result = {"agreement with the CPU": agreements(networks, data, options.device)}
    peak, rows = measurements(networks, data, options.device, settings=settings, **how)
    result |= {"peak TFLOP/s, bfloat16": peak / 1e12, "training": rows}
    if torch.device(options.device).type == "cuda":
        result["host waits per epoch of 20"] = {
            name: syncs_per_epoch(network, data, options.device, 20)
            for name, network in networks.items()
        }
    result["learning"] = {}
    for name, network in networks.items():
        found = learning_curve(network, data, options.device, max_epochs=options.epochs)
        result["learning"][name] = found
        progress(f"{name}: {found['epochs'][-1]}")
    about = describe_run(torch.get_num_threads(), probe)
    if torch.device(options.device).type == "cuda":
        about["machine"]["gpu"] = torch.cuda.get_device_name()
    write_json(options.out, result | about)
    sys.stdout.write(f"{options.out}\n")


if __name__ == "__main__":
    main()
