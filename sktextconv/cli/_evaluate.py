"""The command `evaluate`."""

import csv
import json
import warnings
from pathlib import Path

import numpy as np

from ..comparison._statistics import compare_errors
from ..datasets._header import describe_cells
from ..persistence._load import load_model
from ..utils._files import atomic_write
from ..utils._optional_dependencies import require
from ._errors import path_errors
from ._inputs import class_indices, read_labeled
from ._output import (
    check_option_suffix,
    check_writable,
    open_output,
    print_data,
    print_line,
)
from ._report import comparison_lines, make_report
from ._tables import pad_or_truncate

__all__ = ["evaluate"]

_ERROR_FORMATS = (".csv", ".jsonl", ".ndjson")
_PLOT_FORMATS = (".png", ".svg")
_TITLE_WIDTH = 40  # of the name of the model


def evaluate(args):
    """Measure the errors of models on a file, and compare several of them."""
    for option, path, suffixes in (
        ("--errors", args.errors, _ERROR_FORMATS),
        ("--plot", args.plot, _PLOT_FORMATS),
    ):
        if path is not None:
            check_option_suffix(option, path, suffixes)
            check_writable(path)
    if args.data.lower().endswith((".safetensors", ".onnx")):
        raise ValueError(
            f"{args.data}: expected a file of labeled texts as the last argument, got "
            "a model."
        )
    if args.plot is not None:
        require("matplotlib", by="--plot", extra="plot")
    models = _load(args)
    texts, labels = _read(args, models)
    classes = next(iter(models.values())).classes_.tolist()
    y_true = np.array(class_indices(labels.tolist(), classes, args.data))
    probabilities = {
        name: _predict(model, classes, texts[name]) for name, model in models.items()
    }
    reports = {
        name: make_report(y_true, each, classes) for name, each in probabilities.items()
    }
    best, differences = _compare(reports, probabilities, y_true)
    if args.errors is not None:
        _write_errors(args.errors, _find_errors(probabilities, y_true, classes, texts))
    if args.plot is not None:
        _plot(args.plot, best, reports[best])
    if args.json:
        print_line(json.dumps(_to_json(reports, best, differences)))
        return
    print_data(args.data, texts[best], labels)
    if differences:
        print_line("\n".join(["", *comparison_lines(reports, best, differences)]))
    else:
        print_line("\n".join(reports[best].to_lines()))


# ---------------------------------------------------------------------------
# Reading
# ---------------------------------------------------------------------------


def _load(args):
    """Return the models by name, which have the same classes."""
    models = {}
    for path in args.paths:
        with path_errors():
            models[path] = model = load_model(Path(path), device=args.device)
        first, expected = next(iter(models.items()))
        expected = [*map(str, expected.classes_)]
        found = [*map(str, model.classes_)]
        if {*found} != {*expected}:
            raise ValueError(
                f"{path}: expected the classes of {first}, {describe_cells(expected)}, "
                f"got {describe_cells(found)}. Compare models of the same classes."
            )
    return models


def _read(args, models):
    """Return the texts for each model, and the labels, which are the same for all."""
    texts, by_columns, labels = {}, {}, None
    for name, model in models.items():
        columns = getattr(model, "columns_", None)
        key = json.dumps(columns)
        if key not in by_columns:
            if by_columns and args.data == "-":
                raise ValueError(
                    "-: expected models that read the same columns, got several; pass "
                    "the name of a file."
                )
            classes = model.classes_.tolist()
            by_columns[key], found, _ = read_labeled(args.data, args, columns, classes)
            if labels is not None and not np.array_equal(labels, found):
                raise ValueError(
                    f"{args.data}: expected the same labels for all models, but {name} "
                    "read another column than the first one; pass --label-column."
                )
            labels = found
        texts[name] = by_columns[key]
    return texts, labels


def _predict(model, classes, texts):
    """Return the probabilities of the classes, in their order."""
    columns = [*map(str, model.classes_)]
    order = [columns.index(str(label)) for label in classes]
    return np.asarray(model.predict_proba(texts), dtype=np.float64)[:, order]


# ---------------------------------------------------------------------------
# Results
# ---------------------------------------------------------------------------


def _compare(reports, probabilities, y_true):
    """Return the name of the best model, and the difference of each other to it."""
    best = min(
        reports,
        key=lambda name: (reports[name].n_wrong, reports[name].estimates["log_loss"]),
    )
    wrong = {
        name: each.argmax(axis=1) != y_true for name, each in probabilities.items()
    }
    return best, {
        name: compare_errors(wrong[best], wrong[name])
        for name in reports
        if name != best
    }


def _to_json(reports, best, differences):
    if not differences:
        return reports[best].to_json()
    rows = []
    for name, report in reports.items():
        against_best = None
        if name != best:
            value, low, high, p_value = differences[name]
            against_best = {
                "difference": value,
                "interval": [low, high],
                "p_value": p_value,
                "within_noise": differences[name].is_within_noise(len(differences)),
            }
        rows.append({"model": name} | report.to_json() | {"against_best": against_best})
    return {"n_texts": reports[best].n_texts, "best": best, "models": rows}


def _find_errors(probabilities, y_true, classes, texts):
    """Return a dict for each misclassified text, the most confident answers first."""
    rows = []
    for name, shown in probabilities.items():
        y_pred, confidence = shown.argmax(axis=1), shown.max(axis=1)
        (wrong,) = np.nonzero(y_pred != y_true)
        order = np.argsort(-confidence[wrong], kind="stable")
        rows += [
            ({"model": name} if len(probabilities) > 1 else {})
            | {
                "row": int(index) + 1,
                "true": classes[y_true[index]],
                "predicted": classes[y_pred[index]],
                "probability": round(float(confidence[index]), 6),
                "text": texts[name][index],
            }
            for index in wrong[order]
        ]
    names = ["row", "true", "predicted", "probability", "text"]
    return ["model", *names] if len(probabilities) > 1 else names, rows


def _write_errors(path, errors):
    names, rows = errors
    with open_output(path) as out:
        if path.suffix.lower() != ".csv":
            out.writelines(f"{json.dumps(row)}\n" for row in rows)
            return
        writer = csv.DictWriter(out, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _plot(path, name, report):
    """Write the confusion matrix of a model as a picture."""
    require("matplotlib", by="--plot", extra="plot")
    from matplotlib.figure import Figure

    from ..inspection._plot.confusion_matrix import draw_confusion_matrix

    n_classes = len(report.labels)
    side = min(max(0.45 * n_classes + 2.5, 4.5), 14) if n_classes <= 80 else 8
    figure = Figure(figsize=(side + 0.8, side), layout="constrained")
    axes = figure.add_subplot()
    draw_confusion_matrix(axes, report.confusion, report.labels)
    error = 100 * report.estimates["error"].value
    name = pad_or_truncate(name, _TITLE_WIDTH, keep_end=True).rstrip()
    axes.set_title(f"{name}: error {error:.2f} %", parse_math=False)
    with atomic_write(path) as out, warnings.catch_warnings(record=True) as caught:
        # One warning for each character, and each time it is drawn.
        warnings.filterwarnings("always", "Glyph .* missing from")
        figure.savefig(
            out, format=path.suffix[1:].lower(), dpi=150, bbox_inches="tight"
        )
    if any("Glyph" in str(each.message) for each in caught):
        warnings.warn(
            f"--plot {path}: the font has no sign for some characters of the labels; "
            "set font.family in the file matplotlibrc.",
            stacklevel=2,
        )
