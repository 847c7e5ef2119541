"""The command `train`."""

import collections
import itertools
import math
import warnings
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from ..datasets._header import describe_cells
from ..persistence._safetensors import save
from ..utils._labels import reject_swapped
from ._inputs import class_indices, read_labeled
from ._models import make_model
from ._output import check_suffix, check_writable, print_data, print_line
from ._report import describe_error

__all__ = ["train"]

_EXAMPLE_LENGTH = 1000  # characters of a text that --examples may select


def train(args):
    """Train a model on a file and save it."""
    # Check the output file now rather than after the training.
    check_suffix(args.out, "train")
    check_writable(args.out)
    if args.examples and args.valid == 0:
        raise ValueError("--examples: expected held-out texts, got --valid 0.")
    classifier = make_model(
        args.model,
        dict(args.settings),
        seed=args.seed,
        max_epochs=args.max_epochs,
        device=args.device,
    )
    texts, labels, columns = read_labeled(args.data, args)
    if len(set(labels)) < 2:
        only = str(labels[0])
        raise ValueError(f"{args.data}: expected 2 classes or more, got only {only!r}.")
    print_data(args.data, texts, labels)
    reject_swapped(texts, labels)
    held_out = ()
    if isinstance(args.valid, Path):
        classes = sorted(set(labels.tolist()))
        held_out, y_true, _ = read_labeled(args.valid, args, columns, classes)
        # Raise if a label does not occur in the training data.
        class_indices(y_true.tolist(), classes, args.valid)
        print_data(args.valid, held_out, y_true)
    elif args.valid:
        _check_split(args.data, labels, args.valid)
        texts, held_out, labels, y_true = train_test_split(
            texts,
            labels,
            test_size=args.valid,
            stratify=labels,
            random_state=args.seed,
        )
        print_line(f"{len(texts):,} to train on, {len(held_out):,} held out")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Training interrupted by user")
        classifier.fit(texts, labels)
    # A linear model raises KeyboardInterrupt by itself.
    if getattr(getattr(classifier, "net_", None), "interrupted", False):
        raise KeyboardInterrupt
    if held_out:
        n_wrong = int((classifier.predict(held_out) != y_true).sum())
        print_line(f"held-out {describe_error(n_wrong, len(y_true))}")
    classifier.columns_ = columns
    examples = _select_examples(held_out, y_true, args.examples) if held_out else []
    save(classifier, args.out, examples=examples or None)
    print_line(f"saved {args.out} ({args.out.stat().st_size / 1e6:.1f} MB)")


def _select_examples(texts, labels, number):
    """Return up to that many different short texts, of each class in turn."""
    by_class = {label: {} for label in np.unique(labels).tolist()}
    for text, label in zip(texts, labels.tolist(), strict=True):
        if text.strip() and len(text) <= _EXAMPLE_LENGTH:
            by_class[label].setdefault(text)
    turns = itertools.zip_longest(*by_class.values())
    examples = [text for turn in turns for text in turn if text is not None]
    return examples[:number]


def _check_split(path, labels, fraction):
    """Raise `ValueError` unless both parts of a split can have every class."""
    counts = collections.Counter(labels.tolist())
    label, n_texts = min(counts.items(), key=lambda item: item[1])
    if n_texts < 2:
        raise ValueError(
            f"{path}: expected 2 texts or more of each class, got 1 of "
            f"{describe_cells([label])}; set the label column with --label-column, or "
            "pass --valid 0."
        )
    n_held_out = math.ceil(len(labels) * fraction)
    if n_held_out < len(counts):
        raise ValueError(
            f"--valid: expected to hold out a text or more of each of {len(counts)} "
            f"classes, got {n_held_out} in total; pass a larger fraction or --valid 0."
        )
