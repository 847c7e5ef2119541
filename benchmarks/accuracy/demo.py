"""Comparison of linear models and a network on docstrings of installed libraries."""

import argparse
import sys
import textwrap
from pathlib import Path

from sktextconv import RNNClassifier, compare, load_docstrings

OUT = Path("out/demo")
SAMPLE = 3_000  # training texts
# Small, so that all of it takes less than three minutes of CPU time.
NETWORK = RNNClassifier(
    cell="gru",
    hidden_dim=64,
    embedding_dim=64,
    max_length=100,
    max_epochs=6,
    batch_size=32,
)


def main():
    argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy.demo", description=__doc__
    ).parse_args()
    train, test = load_docstrings(subset="train"), load_docstrings(subset="test")
    found = compare(
        train.data[:SAMPLE],
        [train.target_names[target] for target in train.target[:SAMPLE]],
        test=(test.data, [test.target_names[target] for target in test.target]),
        models=["fast", ("gru", NETWORK)],
        train_sizes=[0.3],
        noise=[0.05],
        max_seconds=300,
        verbose=True,
    )
    found.write(OUT)
    sys.stdout.write(f"\n{found.to_markdown()}\n")
    sys.stdout.write("\n".join(textwrap.wrap(found.summarize(), 80)) + "\n")
    sys.stdout.write(f"Report: {OUT / 'report.html'}\n")


if __name__ == "__main__":
    main()
