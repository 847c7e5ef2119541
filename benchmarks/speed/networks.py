"""Speed of networks: training, prediction, fraction of peak operations."""

import copy
import statistics

import numpy as np
import torch

from sktextconv import (
    CharCNNClassifier,
    DPCNNClassifier,
    HANClassifier,
    KimCNNClassifier,
    RNNClassifier,
    VDCNNClassifier,
    WordCNNClassifier,
)
from sktextconv.encoding import ALPHABETS, PAD
from sktextconv.training._data import EncodedDataset
from sktextconv.training._loop import train
from sktextconv.training._net import make_net

from .._record import progress
from .comparison import make_line
from .references import (
    DenseGradients,
    OneHotTexts,
    PackedRNN,
    PaddedHAN,
    PlainCharCNN,
    make_stock_net,
    use_torch_convolutions,
    use_torch_dropout,
)
from .timing import configured, fitter, head, peak_flops, rates, training_flops

__all__ = [
    "LINES",
    "compare_charcnn_prediction",
    "compare_charcnn_training",
    "compare_convolutions",
    "compare_han_training",
    "compare_rnn_training",
    "compare_training_step",
    "measure_peak_fractions",
]

_BATCH = 128
# The stock network has no normalization and no layer of windows.
_AS_IN_PAPER = {"batch_size": _BATCH, "batch_norm": False, "window_loss": 0.0}
# Texts of the vocabulary, and minibatches, in a comparison of training steps.
_VOCABULARY_TEXTS, _N_BATCHES = 12_000, 8


def compare_charcnn_training(data, precision, target):
    """Compare training of the small character ConvNet on short texts."""
    texts, y = head(data["short"], 2 * _BATCH)
    classifier = CharCNNClassifier(
        alphabet="paper", precision=precision, **_AS_IN_PAPER
    )
    network = fitter(classifier, texts, y)
    n_classes = len(np.unique(y))
    stock = make_stock_net(PlainCharCNN(70, n_classes), batch_size=_BATCH)
    one_hot = OneHotTexts(texts, y, ALPHABETS["paper"], 1014)

    def theirs():
        stock.partial_fit(one_hot, y)
        return len(texts)

    return make_line(
        f"train CharCNN, {precision}",
        rates({"ours": network, "theirs": theirs}, rounds=3),
        "texts/s",
        target,
        "skorch, one-hot float32 from a DataLoader",
    )


def compare_charcnn_prediction(data, precision, target):
    """Compare prediction with the small character ConvNet on short texts."""
    texts, y = head(data["short"], 4 * _BATCH)
    n_classes = len(np.unique(y))
    classifier = CharCNNClassifier(
        alphabet="paper", precision=precision, epoch_size=1, **_AS_IN_PAPER
    )
    classifier = configured(classifier)
    classifier.fit(texts[:_BATCH], y[:_BATCH])
    plain = PlainCharCNN(70, n_classes)
    plain.take_weights_of(classifier.net_.module_)
    stock = make_stock_net(plain, batch_size=_BATCH)
    one_hot = OneHotTexts(texts, y, ALPHABETS["paper"], 1014)

    def ours():
        classifier.predict_proba(texts)
        return len(texts)

    def theirs():
        stock.predict_proba(one_hot)
        return len(texts)

    logits = stock.forward(one_hot).numpy()
    differs = np.abs(classifier._logits(texts) - logits).max()
    return make_line(
        f"predict with CharCNN, {precision}",
        rates({"ours": ours, "theirs": theirs}, rounds=3),
        "texts/s",
        target,
        "skorch, one-hot float32 from a DataLoader",
        largest_difference_of_logits=float(differs),
    )


def compare_rnn_training(data, cell, target):
    """Compare training of a bidirectional recurrent network on short texts."""
    texts, y = head(data["short"], 2000)
    classifier = RNNClassifier(cell=cell, bidirectional=True, batch_size=64)
    ours = fitter(classifier, texts, y)
    encoded = classifier.encoder_.encode(texts)
    encoded_texts = EncodedDataset(encoded, torch.device("cpu"))
    n_classes = len(classifier.classes_)
    packed = PackedRNN(classifier.encoder_.n_tokens, n_classes, cell=cell)
    theirs = _trainer(packed, classifier, encoded, y)
    network = classifier.net_.module_
    recurrent, dim = network.recurrent, network.embedding.weight.shape[1]
    inputs = [
        (torch.randn(*ids.shape, dim, requires_grad=True), ids)
        for ids in map(encoded_texts.ids, encoded_texts.by_length().split(64))
    ]

    def layers_alone():
        for x, ids in inputs:
            recurrent(x, (ids != PAD).sum(1)).sum().backward()
        return len(texts)

    sides = {"ours": ours, "theirs": theirs, "layers alone": layers_alone}
    measured = rates(sides, rounds=3)
    # Each step multiplies by every weight matrix once.
    n_steps = sum(ids.numel() for _, ids in inputs)
    macs = sum(p.numel() for p in recurrent.parameters() if p.dim() == 2)
    flops = 3 * 2 * macs * n_steps / len(texts)
    flops_per_second = flops * statistics.median(measured["layers alone"])
    return make_line(
        f"train {cell.upper()}, both directions",
        measured,
        "texts/s",
        target,
        "packed sequences, minibatches at random",
        layers_alone_share_of_peak=flops_per_second / peak_flops(torch.float32),
    )


def compare_han_training(data):
    """Compare training of the hierarchical network on long reviews."""
    texts, y = head(data["long"], 384)
    classifier = HANClassifier()
    ours = fitter(classifier, texts, y)
    encoded = classifier.encoder_.encode(texts)
    network = classifier.net_.module_
    n_tokens = classifier.encoder_.n_tokens
    padded = PaddedHAN(n_tokens, len(classifier.classes_))
    theirs = _trainer(padded, classifier, encoded, y)
    padded.load_state_dict(network.state_dict())
    ids = EncodedDataset(encoded, torch.device("cpu")).ids(torch.arange(32))
    with torch.inference_mode():
        differs = (padded.eval()(ids) - network.eval()(ids)).abs().max()
    return make_line(
        "train HAN",
        rates({"ours": ours, "theirs": theirs}, rounds=3),
        "texts/s",
        8,
        "documents padded to the minibatch, at random",
        largest_difference_of_logits=float(differs),
    )


def compare_training_step(data, classifier, corpus, target):
    """Compare training with that by torch's dropout and gradients of embeddings."""
    network, encoded, y = _few_minibatches(data, classifier, corpus)
    dense = [DenseGradients()]
    plain = use_torch_dropout(copy.deepcopy(network))
    sides = {
        "ours": _trainer(copy.deepcopy(network), classifier, encoded, y),
        "theirs": _trainer(plain, classifier, encoded, y, dense),
        "masks alone": _trainer(network, classifier, encoded, y, dense),
    }
    name = type(classifier).__name__.removesuffix("Classifier")
    return make_line(
        f"train {name} on {corpus} texts, dropout and embedding",
        rates(sides, rounds=3),
        "texts/s",
        target,
        "the same network with torch's dropout and gradient of the embedding",
        n_tokens=classifier.encoder_.n_tokens,
    )


def compare_convolutions(data, classifier, corpus):
    """Compare training with that by torch's gradients of convolutions."""
    network, encoded, y = _few_minibatches(data, classifier, corpus)
    plain = use_torch_convolutions(copy.deepcopy(network))
    sides = {
        "ours": _trainer(network, classifier, encoded, y),
        "theirs": _trainer(plain, classifier, encoded, y),
    }
    name = type(classifier).__name__.removesuffix("Classifier")
    name = f"{getattr(classifier, 'size', '')} {name}".strip()
    return make_line(
        f"train {name} on {corpus} texts, convolutions",
        rates(sides, rounds=3),
        "texts/s",
        None,
        "the same network with torch's gradients of convolutions",
        capability=torch.backends.cpu.get_cpu_capability(),
    )


def _few_minibatches(data, classifier, corpus):
    """Return a network, and minibatches for it with their labels.

    The vocabulary is that of many texts, of which a few minibatches are trained.
    """
    texts, y = head(data[corpus], _VOCABULARY_TEXTS)
    configured(classifier).set_params(epoch_size=1).fit(texts, y)
    texts, y = head((texts, y), _N_BATCHES * classifier._batch_size())
    return classifier.net_.module_, classifier.encoder_.encode(texts), y


def measure_peak_fractions(data):
    """Return texts per second in training and the fraction of peak operations."""
    peaks = {name: peak_flops(getattr(torch, name)) for name in ("float32", "bfloat16")}
    rows = []
    for classifier, corpus in (
        (CharCNNClassifier(alphabet="paper"), "short"),
        (VDCNNClassifier(alphabet="vdcnn", batch_size=64), "short"),
        (WordCNNClassifier(), "long"),
        (KimCNNClassifier(), "long"),
        (RNNClassifier(), "long"),
        (HANClassifier(), "long"),
    ):
        texts, y = head(data[corpus], 2 * classifier._batch_size())
        for precision in peaks:
            classifier.set_params(precision=precision)
            run = fitter(classifier, texts, y)
            (rate,) = rates({"ours": run}, rounds=3).values()
            flops = training_flops(classifier, texts)
            rows.append(
                {
                    "network": type(classifier).__name__.removesuffix("Classifier"),
                    "texts": corpus,
                    "precision": precision,
                    "texts/s": statistics.median(rate),
                    "GFLOP/text": flops and flops / 1e9,
                    "share of peak": flops
                    and flops * statistics.median(rate) / peaks[precision],
                }
            )
            progress(f"{rows[-1]}")
    peaks = {name: peak / 1e9 for name, peak in peaks.items()}
    return {"peak GFLOP/s": peaks, "networks": rows}


def _trainer(network, classifier, encoded, y, callbacks=()):
    """Return a callable that trains `network` for an epoch, on random minibatches."""
    device = torch.device("cpu")
    recipe = classifier._recipe()
    net = make_net(network, recipe, device=device, precision="float32")
    targets = np.unique(y, return_inverse=True)[1]
    texts = EncodedDataset(
        encoded, device, targets=targets, weights=np.ones(len(targets))
    )

    def run():
        size = classifier._batch_size()
        train(net, texts, n_epochs=1, batch_size=size, callbacks=callbacks)
        return len(y)

    return run


LINES = {
    "train-charcnn": lambda data: compare_charcnn_training(data, "float32", 3.3),
    "train-charcnn-bf16": lambda data: compare_charcnn_training(data, "bfloat16", 9),
    "predict-charcnn": lambda data: compare_charcnn_prediction(data, "float32", 4),
    "predict-charcnn-bf16": lambda data: compare_charcnn_prediction(
        data, "bfloat16", 10
    ),
    "train-gru": lambda data: compare_rnn_training(data, "gru", 3),
    "train-lstm": lambda data: compare_rnn_training(data, "lstm", 4),
    "train-han": compare_han_training,
    "step-kimcnn": lambda data: compare_training_step(
        data, KimCNNClassifier(), "short", 1.15
    ),
    "step-kimcnn-long": lambda data: compare_training_step(
        data, KimCNNClassifier(), "long", 1.15
    ),
    "step-wordcnn": lambda data: compare_training_step(
        data, WordCNNClassifier(), "long", 1.05
    ),
    "step-rnn": lambda data: compare_training_step(data, RNNClassifier(), "long", 1.05),
    "step-han": lambda data: compare_training_step(data, HANClassifier(), "long", 1.05),
    "step-charcnn": lambda data: compare_training_step(
        data, CharCNNClassifier(), "short", None
    ),
    "convolutions-charcnn": lambda data: compare_convolutions(
        data, CharCNNClassifier(), "short"
    ),
    "convolutions-vdcnn": lambda data: compare_convolutions(
        data, VDCNNClassifier(max_length=256), "short"
    ),
    "convolutions-kimcnn": lambda data: compare_convolutions(
        data, KimCNNClassifier(), "short"
    ),
    "convolutions-wordcnn": lambda data: compare_convolutions(
        data, WordCNNClassifier(), "short"
    ),
    "convolutions-wordcnn-large": lambda data: compare_convolutions(
        data, WordCNNClassifier(size="large", batch_size=32), "short"
    ),
    "convolutions-dpcnn": lambda data: compare_convolutions(
        data, DPCNNClassifier(), "short"
    ),
}
