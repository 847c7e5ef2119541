"""Model card: a page in Markdown about a trained model, its data and its error."""

import datetime
import functools
import importlib.metadata
import json
import platform
import shlex
import statistics
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from ..comparison._markdown import escape_markdown
from ._report import describe_error

__all__ = [
    "HELD_OUT",
    "TRAINED_ON",
    "CardFacts",
    "Part",
    "changed_parameters",
    "model_card",
]

# Parts of the data.
TRAINED_ON, HELD_OUT = "trained on", "held out"

_USE = """\
## Use

```sh
{command}
```

```python
from sktextconv import load

classifier = load({path})
classifier.predict(["a text"])
```"""

_LIMITS = """\
## Intended use and limits

- The model gives each text exactly one of the classes above, also a text that belongs
  to none of them, is empty, or is in another language.
- It is intended for texts like those that it was trained on: of the same language,
  source, length and time. On other texts its error can be much higher than the one
  stated here. Measure it on labeled texts of the new kind with `sktextconv evaluate`.
- It learned the labels of the training texts with their errors, and the words that go
  with each label in them, whether or not they cause it. Words that name or suggest
  groups of people may change its answers. It should not decide about people without a
  person who checks the answer.
- Classes with few texts are recognized less reliably, and their figures are less
  certain.
- A probability is the model's own estimate. The calibration error, where it was
  measured, says by how much these estimates are off on average.
- The interval of the error covers the choice of the held-out texts, but not another
  training run or other training texts. If the same or nearly the same texts occur
  several times in the data, the measured error is too low.
- The file may contain words of the training texts. If these are confidential, so is
  the file."""


_escape = functools.partial(escape_markdown, n_characters=200)


class Part(NamedTuple):
    """Part of the data: its file, texts, and array of labels."""

    path: object
    texts: list
    labels: object


@dataclass(frozen=True)
class CardFacts:
    """Facts about a training run for its model card.

    Attributes
    ----------
    path : pathlib.Path
        File of the model.
    n_bytes : int
        Size of the file.
    model : str
        Name of the model on the command line, such as "kimcnn".
    estimator : str
        Class or function that made it.
    parameters : dict of str to object
        Parameters that differ from the defaults.
    parts : dict of str to Part
        The texts trained on and, if there are any, those held out.
    seed : int
    cpu_seconds : float
        CPU time of the training, also that of its worker processes.
    packages : list of str
        Packages whose versions matter for the model.
    report : Report, default=None
        Report on the held-out texts; None if there are none.
    remarks : list of str
        Sentences about the training, such as on a search of parameters.
    """

    path: object
    n_bytes: int
    model: str
    estimator: str
    parameters: dict
    parts: dict
    seed: int
    cpu_seconds: float
    packages: list
    report: object = None
    remarks: list = field(default_factory=list)


def changed_parameters(classifier, default):
    """Return the parameters of a classifier that differ from those of another.

    Parameters
    ----------
    classifier, default : estimator or Pipeline
        Pipelines have the same steps, with the parameters ``step__parameter``.
    """
    defaults = default.get_params()
    return {
        name: value
        for name, value in classifier.get_params().items()
        if not hasattr(value, "get_params")  # a step
        and name not in ("steps", "verbose")
        and repr(value) != repr(defaults[name])
    }


def model_card(facts):
    """Return a model card in Markdown.

    Parameters
    ----------
    facts : CardFacts

    Returns
    -------
    card : str
    """
    classes = sorted(
        {label for _, _, labels in facts.parts.values() for label in labels}
    )
    command = f"sktextconv predict {shlex.quote(str(facts.path))} NEW.csv > labels.csv"
    parts = [
        f"# Model card: {_escape(facts.path.name)}",
        f"Classifier of texts into {len(classes)} classes: the model `{facts.model}` "
        f"({facts.estimator}) of sktextconv. The file has {facts.n_bytes / 1e6:.1f} "
        "MB.",
        _USE.format(command=command, path=json.dumps(str(facts.path))),
        "## Data",
        *_describe_data(facts.parts, classes),
        "## Error",
        *_describe_report(facts.report),
        "## Training",
        *_describe_training(facts),
        _LIMITS,
    ]
    return "\n\n".join(parts) + "\n"


def _describe_data(parts, classes):
    """Yield tables of the files and of the classes."""
    rows = []
    for role, (path, texts, _) in parts.items():
        lengths = [*map(len, texts)]
        n_empty = sum(not text.strip() for text in texts)
        middle = f"{statistics.median(lengths):,.0f}"
        name = f"`{path}`" if "`" not in str(path) else _escape(path)
        rows.append(
            [role, name, f"{len(texts):,}", middle, f"{max(lengths):,}", f"{n_empty:,}"]
        )
    head = ["", "file", "texts", "median characters", "longest", "empty"]
    yield _table(head, rows)
    counts = {role: Counter(labels) for role, (_, _, labels) in parts.items()}
    rows = [
        [_escape(label), *(f"{counts[role][label]:,}" for role in parts)]
        for label in classes
    ]
    yield _table(["class", *parts], rows)


def _describe_report(report):
    """Yield sentences and tables of the error on the held-out texts."""
    if report is None:
        yield (
            "The error was not measured: all texts were trained on. Measure it on "
            "other labeled texts with `sktextconv evaluate`."
        )
        return
    yield (
        f"On the {report.n_texts:,} texts {HELD_OUT}, which were not trained on: "
        f"{describe_error(report.n_wrong, report.n_texts)}."
    )
    yield _table(["metric", "value", "95 % interval"], report.describe_metrics())
    rows = [
        [
            _escape(row["label"]),
            f"{row['n_texts']:,}",
            *(
                "-" if x is None else f"{100 * x:.1f} %"
                for x in (row["precision"], row["recall"])
            ),
        ]
        for row in report.classes
    ]
    yield _table(["class", "texts", "precision", "recall"], rows)


def _describe_training(facts):
    """Yield lists of the parameters and of the versions."""
    lines = [
        f"- Date: {datetime.datetime.now(datetime.UTC).date()}",
        f"- Seed: {facts.seed}",
        f"- CPU time: {facts.cpu_seconds:,.1f} s",
        f"- Versions: Python {platform.python_version()}, "
        + ", ".join(
            f"{name} {importlib.metadata.version(name)}" for name in facts.packages
        ),
    ]
    yield "\n".join([*lines, *(f"- {remark}" for remark in facts.remarks)])
    if not facts.parameters:
        yield "All parameters have their default values."
        return
    yield "Parameters that differ from the defaults:"
    rows = [[_escape(key), _escape(repr(x))] for key, x in facts.parameters.items()]
    yield _table(["parameter", "value"], rows)


def _table(head, rows):
    """Return a table in Markdown."""
    cells = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        + " |"
        for row in cells
    ]
    rule = "".join(f"|{'-' * (width + 2)}" for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])
