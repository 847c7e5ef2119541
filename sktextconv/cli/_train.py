"""The command `train`."""

import functools
import itertools
import shlex
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from ..persistence._safetensors import save
from ..utils._fit import fit_model
from ..utils._labels import reject_swapped
from ..utils._timing import timed
from ._card import HELD_OUT, TRAINED_ON, CardFacts, Part, changed_parameters, model_card
from ._inputs import check_split, class_indices, read_labeled
from ._models import MODELS, make_model
from ._output import (
    check_suffix,
    check_writable,
    open_output,
    print_data,
    print_line,
)
from ._report import describe_error, make_report
from ._search import search_parameters

__all__ = ["train"]


_EXAMPLE_LENGTH = 1000  # characters of a text that --examples may select


def train(args):
    """Train a model on a file and save it."""
    # Check the output files now rather than after the training.
    check_suffix(args.out, "train")
    for path in filter(None, (args.out, args.card)):
        check_writable(path)
    if args.card == args.out:
        raise ValueError(f"--card {args.card}: expected another file than --out.")
    if args.examples and args.valid == 0:
        raise ValueError("--examples: expected held-out texts, got --valid 0.")
    settings = dict(args.settings)
    options = {"max_epochs": args.max_epochs, "device": args.device}
    # Raise errors of the parameters before the texts are read.
    make_model(args.model, settings, seed=args.seed, **options)
    settings |= {key: value for key, value in options.items() if value is not None}
    make = functools.partial(make_model, args.model, seed=args.seed)
    parts, columns = _read(args)
    _, texts, labels = parts[TRAINED_ON]
    remarks = []
    with timed() as seconds:
        classifier = make(settings)
        if args.search:
            given = {name.rpartition("__")[2] for name in settings}
            remark = search_parameters(
                classifier, args.model, texts, labels, given=given, seed=args.seed
            )
            remarks.append(remark)
        fit_model(classifier, texts, labels)
    report = _report_held_out(classifier, parts, is_complete=args.card is not None)
    classifier.columns_ = columns
    save(classifier, args.out, examples=_select_examples(parts, args.examples))
    n_bytes = args.out.stat().st_size
    print_line(f"saved {args.out} ({n_bytes / 1e6:.1f} MB)")
    if args.card:
        facts = CardFacts(
            path=args.out,
            n_bytes=n_bytes,
            model=args.model,
            estimator=MODELS[args.model][0],
            parameters=changed_parameters(classifier, make({})),
            parts=parts,
            seed=args.seed,
            cpu_seconds=seconds.cpu,
            packages=["sktextconv", "numpy", "scikit-learn"]
            + (["torch"] if hasattr(classifier, "net_") else []),
            report=report,
            remarks=remarks,
        )
        with open_output(args.card) as out:
            out.write(model_card(facts))
        print_line(f"saved {args.card}")
    name = shlex.quote(str(args.out))
    print_line(f"label new texts with: sktextconv predict {name} NEW.csv")


def _read(args):
    """Return the texts to train on and the held-out ones, and the columns."""
    texts, labels, columns = read_labeled(args.data, args)
    if len(set(labels)) < 2:
        only = str(labels[0])
        raise ValueError(f"{args.data}: expected 2 classes or more, got only {only!r}.")
    print_data(args.data, texts, labels)
    reject_swapped(texts, labels)
    if not args.valid:
        return {TRAINED_ON: Part(args.data, texts, labels)}, columns
    if isinstance(args.valid, Path):
        classes = sorted(set(labels.tolist()))
        held_out, y_true, _ = read_labeled(args.valid, args, columns, classes)
        # Raise if a label does not occur in the training data.
        class_indices(y_true.tolist(), classes, args.valid)
        print_data(args.valid, held_out, y_true)
        source = args.valid
    else:
        check_split(
            args.data,
            labels,
            args.valid,
            option="--valid",
            advice="pass --valid 0",
            larger="pass a larger fraction or --valid 0",
        )
        texts, held_out, labels, y_true = train_test_split(
            texts,
            labels,
            test_size=args.valid,
            stratify=labels,
            random_state=args.seed,
        )
        print_line(f"{len(texts):,} to train on, {len(held_out):,} held out")
        source = args.data
    return {
        TRAINED_ON: Part(args.data, texts, labels),
        HELD_OUT: Part(source, held_out, y_true),
    }, columns


def _report_held_out(classifier, parts, is_complete):
    """Print the error on the held-out texts; return the whole report if asked for."""
    if HELD_OUT not in parts:
        return None
    _, texts, labels = parts[HELD_OUT]
    if not is_complete:
        n_wrong = int((classifier.predict(texts) != labels).sum())
        print_line(f"held-out {describe_error(n_wrong, len(labels))}")
        return None
    classes = classifier.classes_.tolist()
    y_true = class_indices(labels.tolist(), classes, HELD_OUT)
    report = make_report(y_true, classifier.predict_proba(texts), classes)
    print_line(f"held-out {describe_error(report.n_wrong, report.n_texts)}")
    return report


def _select_examples(parts, number):
    """Return up to that many different short texts, of each class in turn, or None."""
    if HELD_OUT not in parts:
        return None
    _, texts, labels = parts[HELD_OUT]
    by_class = {label: {} for label in np.unique(labels).tolist()}
    for text, label in zip(texts, labels.tolist(), strict=True):
        if text.strip() and len(text) <= _EXAMPLE_LENGTH:
            by_class[label].setdefault(text)
    turns = itertools.zip_longest(*by_class.values())
    examples = [text for turn in turns for text in turn if text is not None]
    return examples[:number] or None
