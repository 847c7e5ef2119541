"""Agreement of a GPU with the CPU, speed of training on it, and learning curves.

    python -m benchmarks.speed.gpu  # all networks, in turn
    python -m benchmarks.speed.gpu --networks HAN LSTM  # other results stay
    python -m benchmarks.speed.gpu --short news.csv.xz  # AG News from a file
    python -m benchmarks.speed.gpu --device cpu --quick --out trial.json

For each network, the script first compares the device with the CPU and stops if they
differ by more than a tolerance. It then measures texts per second, operations per
second and their ratio to the measured bfloat16 peak, in both precisions (float32 with
torch's defaults, which let cuDNN round to TF32), eager and compiled. The small
character ConvNet is compared with a plain loop over one-hot input and with plain
skorch. Last, it trains on real data and records error against seconds. The file is
written after each network.
"""

import argparse
import copy
import json
import statistics
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from sktextconv import (
    CharCNNClassifier,
    HANClassifier,
    RNNClassifier,
    VDCNNClassifier,
)
from sktextconv.encoding import ALPHABETS

from .._record import RESULTS, describe_run, progress, write_json
from .._render import as_text
from .floors import lower_bound
from .references import OneHotTexts, PlainCharCNN, make_stock_net
from .timing import fitter, head, load_data, peak_flops, rates, training_flops

__all__ = [
    "RESULT",
    "compare_with_cpu",
    "count_synchronizations",
    "describe",
    "measure_learning_curve",
    "measure_limits",
    "measure_training",
    "table",
]

RESULT = RESULTS / "gpu.json"

NETWORKS = {
    "CharCNN small": CharCNNClassifier(alphabet="paper"),
    "CharCNN large": CharCNNClassifier(size="large", alphabet="paper"),
    "VDCNN-9": VDCNNClassifier(depth=9, alphabet="vdcnn"),
    "VDCNN-29": VDCNNClassifier(depth=29, alphabet="vdcnn"),
    "HAN": HANClassifier(),
    "LSTM": RNNClassifier(),
}
# Parameters for --quick.
_TINY = {
    "CharCNN small": {"max_length": 123},
    "VDCNN-9": {"max_length": 64, "dense_dim": 32},
    "HAN": {"embedding_dim": 16, "hidden_dim": 8},
    "LSTM": {"embedding_dim": 16, "hidden_dim": 16},
}
_SETTINGS = {
    "float32": {"precision": "float32"},
    "bfloat16": {"precision": "bfloat16"},
    "float32, compiled": {"precision": "float32", "compile": True},
    "bfloat16, compiled": {"precision": "bfloat16", "compile": True},
}
# Tolerance relative to the largest logit, because devices differ in order of summation.
_TOLERANCE = 1e-3


def compare_with_cpu(name, network, data, device):
    """Train a network briefly on the device and the CPU; return the differences.

    Returns
    -------
    differences : dict of str to float
        Largest relative differences of losses and logits.

    Raises
    ------
    AssertionError
        If losses or logits differ by more than the tolerance.
    """
    texts, y = head(data["short"], 64)
    settings = {"max_epochs": 2, "batch_size": 16, "random_state": 0}
    for dropout in {"dropout", "embedding_dropout"} & network.get_params().keys():
        settings[dropout] = 0.0  # random numbers differ between devices
    classifier = copy.deepcopy(network).set_params(learning_rate=1e-4, **settings)
    losses, logits = [], []
    for each in ("cpu", device):
        # `flags` switches cuDNN off unless it is told not to.
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            classifier.set_params(device=str(each)).fit(texts, y)
            logits.append(np.asarray(classifier._logits(texts)))
        losses.append([epoch["train_loss"] for epoch in classifier.history_])
    loss = np.max(np.abs(np.subtract(*losses)) / losses[0])
    logit = np.max(np.abs(np.subtract(*logits))) / np.max(np.abs(logits[0]))
    differences = {"loss": float(loss), "logits": float(logit)}
    if max(loss, logit) > _TOLERANCE:
        raise AssertionError(f"{name} differs between cpu and {device}: {differences}")
    return differences


def measure_limits(device):
    """Measure the peak of matrix products, copies and kernel launches."""
    clock, on_gpu = _clock(device), _is_cuda(device)
    size = 8192 if on_gpu else 1024
    peak = peak_flops(torch.bfloat16, size=size, device=device, clock=clock)
    large = torch.empty(2**28 if on_gpu else 2**20, device=device)
    scalar = torch.zeros(1, device=device)

    def copies():
        large.clone()
        return 2 * large.nbytes

    def launches():
        for _ in range(1000):
            scalar.add_(1)
        return 1000

    return {
        "TFLOP/s, bfloat16": peak / 1e12,
        "copy GB/s": _median(rates({"copy": copies}, clock=clock)) / 1e9,
        "launch µs": 1e6 / _median(rates({"launch": launches}, clock=clock)),
    }


def measure_training(
    name, network, data, device, peak, *, n_texts, batch_sizes, rounds, settings
):
    """Measure training with each setting: texts per second, fraction of `peak`.

    Returns
    -------
    rows : list of dict
        One row per setting and batch size. If the setting fails, for example because
        compilation fails, the row has the error instead of numbers.
    """
    clock, rows = _clock(device), []
    texts, y = head(data["short"], n_texts)
    for batch_size in batch_sizes:
        for setting, params in settings.items():
            # Compilation saves launches, which matter little in long steps.
            if params.get("compile") and batch_size != batch_sizes[0]:
                continue
            row = {"batch_size": batch_size, "how": setting}
            classifier = copy.deepcopy(network).set_params(
                device=str(device), batch_size=batch_size, **params
            )
            try:
                if _is_cuda(device):
                    torch.cuda.reset_peak_memory_stats(device)
                start = time.perf_counter()
                run = fitter(classifier, texts, y)
                row["first s"] = time.perf_counter() - start  # includes compilation
                rate = _median(rates({"run": run}, rounds=rounds, clock=clock))
                if _is_cuda(device):
                    n_bytes = torch.cuda.max_memory_allocated(device)
                    row["peak GiB"] = n_bytes / 2**30
                row |= _describe_rate(classifier, texts[: 4 * batch_size], rate, peak)
                floor = lower_bound(name, batch_size, _device_name(device))
                row["share of the floor"] = floor and floor * rate
            # A setting that fails must not stop the others.
            except Exception as error:
                row["failed"] = f"{type(error).__name__}: {error}".splitlines()[0]
            rows.append(row)
            progress(f"{name}: {row}")
        if name == "CharCNN small" and network.max_length == 1014:
            plain_runs = _make_plain_runs(texts, y, batch_size, device)
            for description, run in plain_runs.items():
                rate = _median(rates({"run": run}, rounds=1, clock=clock))
                row = {"batch_size": batch_size, "how": description, "texts/s": rate}
                rows.append(row)
                progress(f"{name}: {row}")
    return rows


def _describe_rate(classifier, texts, rate, peak):
    """Return a rate with its time per step and its operations, without padding."""
    flops = training_flops(classifier, texts)
    return {
        "texts/s": rate,
        "ms/step": 1e3 * classifier.batch_size / rate,
        "TFLOP/s": flops and flops * rate / 1e12,
        "share of peak": flops and flops * rate / peak,
    }


def _make_plain_runs(texts, y, batch_size, device):
    """Return two callables that train the same network, with a loop and with skorch."""
    one_hot = OneHotTexts(texts, y, ALPHABETS["paper"], 1014)
    n_classes = len(np.unique(y))
    plain = PlainCharCNN(70, n_classes).to(device)
    optimizer = torch.optim.AdamW(plain.parameters(), lr=1e-3)
    stock = make_stock_net(
        PlainCharCNN(70, n_classes), batch_size=batch_size, device=device
    )

    def loop():
        for x, target in DataLoader(one_hot, batch_size, shuffle=True):
            optimizer.zero_grad()
            logits = plain(x.to(device))
            nn.functional.cross_entropy(logits, target.to(device)).backward()
            optimizer.step()
        return len(texts)

    def skorch():
        stock.partial_fit(one_hot, y)
        return len(texts)

    return {
        "a plain loop, one-hot float32 from a DataLoader": loop,
        "skorch as it comes, the same input": skorch,
    }


def count_synchronizations(network, data, device, n_batches):
    """Count the CUDA synchronizations in a `fit` of `n_batches`, encoding included."""
    texts, y = head(data["short"], n_batches * network._batch_size())
    run = fitter(copy.deepcopy(network).set_params(device=str(device)), texts, y)
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            run()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return sum("synchroniz" in str(warning.message) for warning in caught)


def measure_learning_curve(network, data, device, *, max_epochs):
    """Train on 90 % of the short texts; return the errors on the rest by seconds."""
    texts, y = data["short"]
    classifier = copy.deepcopy(network).set_params(
        device=str(device),
        max_epochs=max_epochs,
        early_stopping=True,
        n_iter_no_change=max_epochs,
        random_state=0,
    )
    start = time.perf_counter()
    classifier.fit(texts, y)
    total = time.perf_counter() - start
    epochs, history = np.cumsum([e["seconds"] for e in classifier.history_]), []
    for seconds, epoch in zip(epochs, classifier.history_, strict=True):
        error = 100 * epoch["valid_error"]
        history.append({"seconds": float(seconds), "error %": error})
    return {"seconds in all": total, "n_texts": len(texts), "epochs": history}


def table(result):
    """Return the measurements as rows of cells; the first is the header."""
    keys = {
        "ms/step": "{:.2f}",
        "TFLOP/s": "{:.0f}",
        "share of peak": "{:.0%}",
        "share of the floor": "{:.0%}",
    }
    rows = [("Network", "Setting", "Minibatch", "texts/s", *keys)]
    for name, found in result["networks"].items():
        for row in found["training"]:
            figures = [
                "" if row.get(key) is None else form.format(row[key])
                for key, form in keys.items()
            ]
            rate = f"{row['texts/s']:,.0f}" if "texts/s" in row else "failed"
            rows.append((name, row["how"], str(row["batch_size"]), rate, *figures))
    return rows


def describe(result):
    """Return the machine and the version of torch, or that no GPU was measured."""
    if not result["networks"]:
        return "No GPU was measured."
    records = result["networks"].values()
    machines = {
        record["machine"]["gpu"] or record["machine"]["cpu"] for record in records
    }
    versions = {record["versions"]["torch"] for record in records}
    return f"{'; '.join(sorted(machines))}, torch {'; '.join(sorted(versions))}."


def _clock(device):
    """Return a clock that synchronizes the device before it is read."""
    if not _is_cuda(device):
        return time.perf_counter

    def clock():
        torch.cuda.synchronize(device)
        return time.perf_counter()

    return clock


def _is_cuda(device):
    return torch.device(device).type == "cuda"


def _device_name(device):
    return torch.cuda.get_device_name(device) if _is_cuda(device) else "CPU"


def _median(measured):
    (values,) = measured.values()
    return statistics.median(values)


def _parse():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed.gpu", description=__doc__.partition("\n")[0]
    )
    add = parser.add_argument
    add("--networks", nargs="+", choices=NETWORKS, default=[*NETWORKS])
    add("--device", default="cuda")
    add("--short", metavar="FILE", help="CSV file of AG News, instead of the loader")
    add("--epochs", type=int, default=5, help="epochs of each training on real data")
    add("--quick", action="store_true", help="tiny networks, to try the script")
    add("--out", type=Path, help="JSON file; its other networks stay")
    options = parser.parse_args()
    if options.out is None:
        if options.quick or not _is_cuda(options.device):
            parser.error(
                "--quick and --device cpu make no results: name another file with --out"
            )
        options.out = RESULT
    return options


def main():
    options = _parse()
    device, on_gpu = options.device, _is_cuda(options.device)
    about = describe_run(torch.get_num_threads(), None)
    result = json.loads(options.out.read_text()) if options.out.exists() else {}
    result = {"networks": {}} | result
    if on_gpu and not torch.cuda.is_available():
        write_json(options.out, result | about)
        sys.exit(f"torch finds no CUDA device. {describe(result)}")
    if on_gpu:
        about["machine"]["gpu"] = _device_name(device)
    data = load_data(options.short, ["short"])
    networks = {name: NETWORKS[name] for name in options.networks}
    # Losses are summed every 64 minibatches; 70 include one of these sums.
    settings, n_batches = _SETTINGS, 70
    sizes = {"n_texts": 20_480, "batch_sizes": (128, 1024), "rounds": 5}
    if options.quick:
        networks = {
            name: copy.deepcopy(networks[name]).set_params(**tiny)
            for name, tiny in _TINY.items()
            if name in networks
        }
        settings = {"float32": _SETTINGS["float32"]}
        sizes = {"n_texts": 32, "batch_sizes": (16,), "rounds": 1}
        data = {name: head(labeled, 200) for name, labeled in data.items()}
        options.epochs = 1
    result["limits"] = measure_limits(device) | about
    peak = 1e12 * result["limits"]["TFLOP/s, bfloat16"]
    for name, network in networks.items():
        found = {
            "agreement with the CPU": compare_with_cpu(name, network, data, device)
        }
        progress(f"{name}: {found}")
        found["training"] = measure_training(
            name, network, data, device, peak, settings=settings, **sizes
        )
        if on_gpu:
            found[f"host waits in a fit of {n_batches}"] = count_synchronizations(
                network, data, device, n_batches
            )
        found["learning"] = measure_learning_curve(
            network, data, device, max_epochs=options.epochs
        )
        progress(f"{name}: {found['learning']['epochs'][-1]}")
        result["networks"][name] = found | about
        write_json(options.out, result | about)
    sys.stdout.write(f"{as_text(table(result))}\n{describe(result)} {options.out}\n")


if __name__ == "__main__":
    main()
