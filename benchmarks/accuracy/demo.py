"""Error table and training curve on the docstrings of installed libraries."""

import argparse
import os
import shutil
import sys
from pathlib import Path

import matplotlib as mpl

from sktextconv import TrainingCurveDisplay

from .cell import Cell
from .run import run_cells
from .tables import read_results, render

OUT = Path("out/demo")
SAMPLE = 3_000  # texts; all rows take five minutes on two cores
# To save time, penalties are fixed instead of selected, and there are fewer n-grams
# than in the paper. The last column of the table shows both.
WORDS = {"logisticregression__C": 1e5}
NGRAMS = WORDS | {"ngramvectorizer__max_features": 50_000}
SETTINGS = {
    "bow": WORDS,
    "bow-tfidf": WORDS,
    "ngrams": NGRAMS,
    "ngrams-tfidf": NGRAMS,
    "charcnn-small": {"max_epochs": 6, "max_length": 501},
}


def main():
    argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy.demo", description=__doc__
    ).parse_args()
    shutil.rmtree(OUT, ignore_errors=True)
    cells = [
        Cell(
            data="docstrings",
            model=model,
            sample=SAMPLE,
            settings=settings,
            threads=os.cpu_count(),
        )
        for model, settings in SETTINGS.items()
    ]
    failed, _ = run_cells(cells, OUT)
    found = read_results(OUT)
    sys.stdout.write("\n" + render(found) + "\n")
    for result in found.get(("docstrings", SAMPLE), []):
        if result["history"]:
            mpl.use("Agg")
            display = TrainingCurveDisplay({result["row"]: result["history"]}).plot()
            display.figure_.suptitle(f"{result['row']} on {SAMPLE:,} docstrings")
            path = OUT / "training_curve.png"
            display.figure_.savefig(path, dpi=120)
            sys.stdout.write(f"Training curve: {path}\n")
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
