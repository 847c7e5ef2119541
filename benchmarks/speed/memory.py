"""Memory and time on a corpus larger than memory, in one process per measurement.

    python -m benchmarks.speed.memory --documents 3600000
    python -m benchmarks.speed.memory --documents 3600000 --vectorizer 400000 3600000

The corpus is generated from a fixed model and streamed into a text store. "RSS" is the
resident memory of a process. Its "anonymous" part belongs to the process alone. The
rest is cached pages of files, which the system frees on demand.
"""

import argparse
import contextlib
import tempfile
import threading
from pathlib import Path

import numpy as np

from sktextconv import (
    CharCNNClassifier,
    KimCNNClassifier,
    NGramVectorizer,
    TextStore,
)
from sktextconv.utils._processes import open_processes

from .._record import RESULTS, describe_run, progress, reset_peak, timed, write_json

__all__ = [
    "NETWORKS",
    "draw_corpus",
    "fit",
    "labels",
    "main",
    "measured",
    "run_in_process",
    "spell",
]

SEED = 0
N_WORDS = 2_000_000
N_SUCCESSORS = 4  # words that often follow a word
MEAN_LENGTH = 83  # words per text, about 430 characters
TEXTS_PER_CHUNK = 4096

NETWORKS = {
    "charcnn": CharCNNClassifier(
        max_epochs=1, epoch_size=20, batch_size=16, random_state=SEED, n_jobs=1
    ),
    "kimcnn": KimCNNClassifier(
        embedding_dim=16,
        n_filters=8,
        max_epochs=1,
        epoch_size=20,
        random_state=SEED,
        n_jobs=1,
    ),
}
# Numbers of texts to predict. If texts are streamed, the peak is the same for both.
PREDICTED = {"charcnn": (500, 2_000), "kimcnn": (50_000, 200_000)}


# -- the corpus --------------------------------------------------------------------


def draw_corpus(n_texts, mean_length=MEAN_LENGTH):
    """Yield texts whose words follow Zipf's law and depend on the word before.

    Half of the words are drawn by rank alone, the others from the frequent successors
    of the word before. One word in twenty is the word of the class.
    """
    rng = np.random.default_rng(SEED)
    words = np.array([spell(rank) for rank in range(N_WORDS)], dtype=object)
    successors = _draw_ranks(rng, (N_WORDS, N_SUCCESSORS)).astype(np.int32)
    for start in range(0, n_texts, TEXTS_PER_CHUNK):
        n = min(TEXTS_PER_CHUNK, n_texts - start)
        lengths = np.clip(rng.lognormal(np.log(mean_length) - 0.18, 0.6, n), 1, 400)
        lengths = lengths.astype(int)
        ranks = _draw_ranks(rng, (int(lengths.max()), n))
        follows = rng.random(ranks.shape) < 0.5
        choice = rng.integers(0, N_SUCCESSORS, ranks.shape)
        for step in range(1, len(ranks)):
            after = successors[ranks[step - 1], choice[step]]
            ranks[step] = np.where(follows[step], after, ranks[step])
        own = rng.random(ranks.shape) < 0.05
        ranks = np.where(own, 1_000 + labels(start, n), ranks)
        for column, length in zip(ranks.T, lengths, strict=True):
            yield " ".join(words[column[:length]])


def labels(start, n):
    """Return the classes of `n` texts."""
    return np.arange(start, start + n) % 2


def _draw_ranks(rng, shape):
    """Draw ranks with probability proportional to 1 / rank."""
    return (N_WORDS ** rng.random(shape)).astype(np.int64) % N_WORDS


def spell(rank):
    """Return the word of a rank; frequent words are shorter."""
    syllables = []
    while rank or not syllables:
        rank, syllable = divmod(rank, 100)
        syllables.append("bcdfghjklmnprstvwxyz"[syllable // 5] + "aeiou"[syllable % 5])
    return "".join(syllables)


# -- measurements ----------------------------------------------------------------------


def make(path, n_texts):
    """Measure writing a text store."""
    with measured("make") as phases:
        TextStore.from_texts(draw_corpus(n_texts), path)
    return phases | {"bytes": path.stat().st_size}


def fit(path, n_texts, classifier, predicted):
    """Measure training, and prediction of numbers of texts."""
    with measured("open") as opened:
        store = TextStore(path)[:n_texts]
    with measured("fit") as fitted:
        classifier.fit(store, labels(0, len(store)))
    phases = opened | fitted
    for n in (n for n in predicted if n <= len(store)):
        with measured(f"predict {n}") as phase:
            classifier.predict(store[:n])
        phases |= phase
    return phases | {"estimator": " ".join(repr(classifier).split())}


def vectorize(path, n_texts):
    """Measure counting n-grams."""
    store = TextStore(path)[:n_texts]
    with measured("fit") as phases:
        vectorizer = NGramVectorizer().fit(store)
    with measured("transform") as transformed:
        counts = vectorizer.transform(store)
    return phases | transformed | {"n_counts": counts.nnz}


@contextlib.contextmanager
def measured(phase):
    """Measure a block; the yielded dict holds the numbers afterwards."""
    peak, stopped = {}, threading.Event()

    def sample():
        for key, mib in _memory().items():
            peak[key] = max(peak.get(key, 0), mib)

    def watch():
        while not stopped.wait(0.02):
            sample()

    reset_peak()
    watcher = threading.Thread(target=watch)
    found = {}
    watcher.start()
    try:
        with timed() as seconds:
            yield found
    finally:
        stopped.set()
        watcher.join()
        sample()
    found[phase] = {
        "seconds": round(seconds.wall, 2),
        "cpu_seconds": round(seconds.cpu, 2),
        "peak_rss_mib": peak["VmHWM"],  # from the kernel; the others are sampled
        "peak_anonymous_mib": peak["RssAnon"],
        "peak_of_files_mib": peak["RssFile"],
    }


def _memory():
    """Return the memory of this process in MiB, by name of the kernel."""
    keys = ("VmHWM", "RssAnon", "RssFile")
    lines = Path("/proc/self/status").read_text().splitlines()
    pairs = (line.split() for line in lines if line.startswith(keys))
    return {key.rstrip(":"): int(kib) // 1024 for key, kib, _ in pairs}


def run_in_process(measure, *arguments):
    """Call a function in a new process and return its result."""
    with open_processes(1) as executor:
        return executor.submit(measure, *arguments).result()


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed.memory",
        description=__doc__.partition("\n")[0],
    )
    parser.add_argument("--documents", type=int, default=3_600_000)
    parser.add_argument(
        "--vectorizer",
        type=int,
        nargs="+",
        help="numbers of texts to count n-grams of, instead of training networks",
    )
    parser.add_argument("--results", type=Path, default=RESULTS / "memory")
    arguments = parser.parse_args()
    n = arguments.documents
    result = {"n_documents": n, **describe_run(1, None)}
    name = f"documents={n}.json" if arguments.vectorizer is None else "ngrams.json"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "corpus.texts")
        result["make"] = run_in_process(make, path, n)
        for size in arguments.vectorizer or ():
            progress(f"n-grams of {size:,} documents")
            result[size] = run_in_process(vectorize, path, size)
        for name in NETWORKS if arguments.vectorizer is None else ():
            progress(f"{name}, {n:,} documents")
            settings = NETWORKS[name], PREDICTED[name]
            result[name] = run_in_process(fit, path, n, *settings)
    write_json(arguments.results / name, result)


if __name__ == "__main__":
    main()
