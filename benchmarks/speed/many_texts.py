"""Growth of time and peak memory with the number of short texts, up to ten million.

    python -m benchmarks.speed.many_texts         # what is missing, half an hour
    python -m benchmarks.speed.many_texts --show  # the tables of an earlier run

CSV files of generated texts of about 10 words are written to a text store, on which
classifiers are trained and predict. Each measurement has a process of its own, with one
thread. The file of results is written after each size, and its sizes are not measured
again.
"""

import argparse
import itertools
import json
import sys
import tempfile
from pathlib import Path

from sklearn.base import clone

from sktextconv import OnlineNGramClassifier, TextStore

from .._record import RESULTS, describe_run, progress, write_json
from .._render import as_text
from .growth_tables import fit_exponent
from .memory import NETWORKS, draw_corpus, fit, measured, run_in_process

__all__ = ["COSTS", "RESULT", "run", "table"]

RESULT = RESULTS / "memory" / "growth.json"
MEAN_LENGTH = 11  # before rounding down: 10 words, 54 characters
TEXTS_PER_FILE = 1_250_000
N_FILES = (1, 2, 4, 8)
# Classifiers, and the share of the texts that each predicts.
_CLASSIFIERS = {
    "kimcnn": (NETWORKS["kimcnn"], 0.02),
    "charcnn": (clone(NETWORKS["charcnn"]).set_params(max_length=123), 0.002),
    "online": (OnlineNGramClassifier(max_epochs=1, random_state=0), 0.02),
}
COSTS = {
    "cpu_seconds": "CPU seconds",
    "peak_rss_mib": "Peak resident memory, MiB",
    "peak_anonymous_mib": "Peak memory without cached pages of files, MiB",
}
_PHASES = {
    "store": "Store from CSV",
    "kimcnn fit": "Training of a word network",
    "kimcnn predict": "Prediction of one text in 50",
    "charcnn fit": "Training of a character network",
    "charcnn predict": "Prediction of one text in 500",
    "online fit": "Training of the online linear model",
    "online predict": "Prediction of one text in 50",
}


def write_csv(folder, n_files, texts_per_file):
    """Write files of generated texts and their labels, and return the paths."""
    texts = enumerate(draw_corpus(n_files * texts_per_file, MEAN_LENGTH))
    paths = [Path(folder, f"{number}.csv") for number in range(n_files)]
    for path in paths:
        with path.open("w") as file:
            rows = itertools.islice(texts, texts_per_file)
            file.writelines(f"{index % 2},{text}\n" for index, text in rows)
    return paths


def build(sources, path):
    """Measure writing a text store from CSV files."""
    with measured("store") as phases:
        TextStore.from_csv(sources, path)
    return phases


def measure(sources, folder, n_texts, done):
    """Return the costs of each phase on the texts of some files, by phase.

    Classifiers with costs in `done` are not measured again.
    """
    path = Path(folder, "corpus.texts")
    progress(f"store of {n_texts:,} texts")
    found = run_in_process(build, sources, path)
    found["store"] |= {"texts": n_texts, "bytes": path.stat().st_size}
    for name, (classifier, share) in _CLASSIFIERS.items():
        if f"{name} fit" in done:
            continue
        progress(f"{name}, {n_texts:,} texts")
        n_predicted = int(share * n_texts)
        phases = run_in_process(fit, path, n_texts, classifier, [n_predicted])
        sizes = {"open": n_texts, "fit": n_texts, f"predict {n_predicted}": n_predicted}
        for phase, size in sizes.items():
            key = f"{name} {phase.partition(' ')[0]}"
            found[key] = phases[phase] | {"texts": size}
        found[f"{name} fit"]["estimator"] = phases["estimator"]
    for phase in _PHASES.keys() & found.keys():
        seconds = max(found[phase]["cpu_seconds"], 0.01)  # of two digits, perhaps 0
        rate = found[phase]["texts"] / seconds
        found[phase]["texts_per_cpu_second"] = round(rate)
    path.unlink()
    return found | done


def run(path=RESULT, *, n_files=N_FILES, texts_per_file=TEXTS_PER_FILE):
    """Measure the sizes that the JSON file lacks; return its content.

    Parameters
    ----------
    path : Path, default=RESULT
    n_files : sequence of int, default=N_FILES
        Numbers of files of texts; the last is the largest.
    texts_per_file : int, default=TEXTS_PER_FILE
    """
    result = json.loads(path.read_text()) if path.exists() else {"sizes": {}}
    sizes = result["sizes"]
    missing = {n: n * texts_per_file for n in n_files}
    done = {n: sizes.get(str(size), {"phases": {}}) for n, size in missing.items()}
    for n in [n for n in missing if _PHASES.keys() <= done[n]["phases"].keys()]:
        del missing[n]
    if not missing:
        return result
    with tempfile.TemporaryDirectory() as folder:
        progress("CSV files")
        sources = write_csv(folder, max(missing), texts_per_file)
        for n, size in missing.items():
            phases = measure(sources[:n], folder, size, done[n]["phases"])
            sizes[str(size)] = {"phases": phases} | describe_run(1, None)
            write_json(path, result)
    return result


def table(result, cost):
    """Return a cost by phase and number of texts, as rows; the first is the header.

    The last column is the exponent of the growth, with its standard error; it is empty
    for fewer than three sizes.
    """
    sizes = sorted(map(int, result["sizes"]))
    rows = [("", *(f"{size / 1e6:g} million" for size in sizes), "Exponent")]
    for phase, title in _PHASES.items():
        points = [result["sizes"][str(size)]["phases"][phase] for size in sizes]
        costs = [point[cost] for point in points]
        cells = [f"{each:,.0f}" for each in costs]
        if len(sizes) < 3:
            cells.append("")
        else:
            exponent, error = fit_exponent(sizes, costs)
            cells.append(f"{exponent:.2f} ± {error:.2f}")
        rows.append((title, *cells))
    return rows


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed.many_texts",
        description=__doc__.partition("\n")[0],
    )
    add = parser.add_argument
    add("--texts-per-file", type=int, default=TEXTS_PER_FILE)
    add("--out", type=Path, default=RESULT)
    add("--show", action="store_true", help="print the tables of the file only")
    options = parser.parse_args()
    if not options.show:
        run(options.out, texts_per_file=options.texts_per_file)
    result = json.loads(options.out.read_text())
    for cost, title in COSTS.items():
        sys.stdout.write(f"{title}\n{as_text(table(result, cost))}\n")


if __name__ == "__main__":
    main()
