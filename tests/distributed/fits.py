"""Program for torchrun: fits of small networks, written to a file by each process."""

import sys
from pathlib import Path

import numpy as np
import torch
from sklearn.base import clone

from sktextconv import CharCNNClassifier, KimCNNClassifier
from sktextconv.encoding import CharEncoder, DocumentEncoder, WordEncoder
from sktextconv.training import _ranks

from ..classifiers import NETWORKS

# One text is left for the last minibatch of 8, and two of three processes have none.
TEXTS = [
    f"{('a fine film', 'so good a play', 'what a bore')[number % 3]} {number}"
    for number in range(25)
]
LABELS = [number % 3 for number in range(len(TEXTS))]
WEIGHTS = np.random.RandomState(0).uniform(0.5, 2.0, len(TEXTS))


def make_deterministic(name):
    """Return a network that draws nothing but the order of texts in training."""
    classifier = clone(NETWORKS[name])
    dropouts = [key for key in classifier.get_params() if key.endswith("dropout")]
    classifier.set_params(**dict.fromkeys(dropouts, 0.0))
    if name == "charcnn":
        classifier.set_params(batch_norm=False, window_loss=0.5)
    return classifier


def fit_all():
    """Yield the name and the fitted classifier of each fit."""
    for name in NETWORKS:
        yield name, make_deterministic(name).fit(TEXTS, LABELS, WEIGHTS)
    yield (
        "dropout",
        CharCNNClassifier(max_length=123, max_epochs=1, random_state=0).fit(
            TEXTS, LABELS
        ),
    )
    yield (
        "validation",
        make_deterministic("kimcnn")
        .set_params(
            early_stopping=True, validation_fraction=0.3, max_epochs=4, bucketing=True
        )
        .fit(TEXTS, LABELS),
    )
    yield (
        "sgd",
        make_deterministic("charcnn")
        .set_params(recipe="paper", epoch_size=4)
        .fit(TEXTS, LABELS),
    )
    pieces = make_deterministic("rnn")
    for _ in range(2):
        pieces.partial_fit(TEXTS, LABELS, classes=range(3))
    yield "partial_fit", pieces


def weights_of(classifier):
    """Return all weights of a classifier as one array."""
    weights = classifier.net_.module_.state_dict().values()
    return np.concatenate([np.asarray(each).ravel() for each in weights])


def results_of(classifier):
    """Return the logits of the texts and the history of a classifier."""
    history = [
        [value for key, value in row.items() if key != "seconds"]
        for row in classifier.history_
    ]
    return np.append(classifier.decision_function(TEXTS), history)


ENCODERS = {
    "characters": CharEncoder(),
    "words": WordEncoder(),
    "sentences": DocumentEncoder(min_count=1),
}
# Blocks of two sizes, and parts of three processes: one of them has none of two texts.
TEXTS_PER_BLOCK = 5
N_SHARED = (2, len(TEXTS))


def arrays_of(ragged):
    """Return the arrays of a `Ragged` and of its parts by their names."""
    arrays = {"ids": ragged.ids, "offsets": ragged.offsets}
    if ragged.parts is not None:
        parts = arrays_of(ragged.parts).items()
        arrays |= {f"{name} of parts": array for name, array in parts}
    return arrays


def share_texts():
    """Yield names and arrays of shared ids, and the texts that this process encoded."""
    _ranks._TEXTS_PER_BLOCK = TEXTS_PER_BLOCK
    for name, encoder in ENCODERS.items():
        encoder.fit(TEXTS)
        for n in N_SHARED:
            encoded = []

            def encode(texts, encoder=encoder, encoded=encoded):
                encoded.extend(texts)
                return encoder._encode(texts)

            shared = _ranks.find_ranks().share_encoded(encode, TEXTS[:n])
            for kind, array in arrays_of(shared).items():
                yield f"{n} {name} {kind}", array
            yield f"{n} {name} texts", np.array(encoded, dtype=str)


class CountedEncoder(WordEncoder):
    """Encoder that counts its work in this process."""

    n_fits = n_texts = 0

    def fit(self, texts):
        CountedEncoder.n_fits += 1
        return super().fit(texts)

    def _encode(self, texts):
        CountedEncoder.n_texts += len(texts)
        return super()._encode(texts)


class CountedKimCNN(KimCNNClassifier):
    def _make_encoder(self):
        return CountedEncoder()


def count_work():
    """Return the vocabularies that this process learns and the texts it encodes."""
    CountedKimCNN(max_epochs=2, random_state=0).fit(TEXTS, LABELS)
    return np.array([CountedEncoder.n_fits, CountedEncoder.n_texts])


def main(folder):
    torch.set_num_threads(1)
    found = {"work": count_work()} | dict(share_texts())
    for name, classifier in fit_all():
        found[f"{name} weights"] = weights_of(classifier)
        found[f"{name} results"] = results_of(classifier)
    np.savez(Path(folder) / f"{torch.distributed.get_rank()}.npz", **found)


if __name__ == "__main__":
    main(sys.argv[1])
