"""Web page without scripts: a form, the prediction and its explanation."""

from importlib.resources import files
from typing import NamedTuple

import numpy as np

from ..encoding._tokenize import word_spans
from ..inspection._attribution import occlusion
from ..inspection._highlight import (
    BACKGROUNDS,
    highlight_color,
    split_rows,
    text_color,
    to_printable,
)
from ..persistence._onnx_classifier import OnnxClassifier
from ..utils._optional_dependencies import require

__all__ = ["Page", "explain_text"]

_MAX_WORDS = 256  # of an explained text: occlusion takes one prediction per word
_MAX_BARS = 12  # of classes that are visible at once
_MAX_CLASSES = 1000  # of a result
_N_COLORS = 10  # of each sign


class ServedModel(NamedTuple):
    """Name, kind and labels of a classifier, as the page shows them."""

    name: str
    kind: str
    labels: list[str]

    @property
    def summary(self):
        """Kind of the classifier and number of classes."""
        return f"{self.kind}, {len(self.labels)} classes"


class Page:
    """Web page of one or more classifiers.

    Parameters
    ----------
    models : dict of str to fitted classifier
        The classifiers by name.
    examples : sequence of str
        Texts to select.
    max_characters : int
        Maximum length of a text.

    Attributes
    ----------
    models : list of ServedModel
    style : str
        CSS. Highlight colors are CSS classes, because the security policy forbids
        inline styles.
    """

    def __init__(self, models, *, examples, max_characters):
        jinja2 = require("jinja2", by="create_app", extra="serve")
        folder = files(__package__)
        environment = jinja2.Environment(
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )
        environment.filters["printable"] = to_printable
        environment.filters["percent"] = lambda number: f"{100 * number:.1f}"
        source = folder.joinpath("page.html").read_text("utf-8")
        self._template = environment.from_string(source)
        self.models = [
            ServedModel(name, _kind(model), list(map(str, model.classes_.tolist())))
            for name, model in models.items()
        ]
        self._examples = [text for text in examples if len(text) <= max_characters]
        self._max_characters = max_characters
        self.style = folder.joinpath("style.css").read_text("utf-8") + _highlight_css()

    def render(self, *, text="", error=None, results=()):
        """Return the page as HTML, with the results for a text if given.

        Parameters
        ----------
        text : str, default=""
            Content of the text field.
        error : str, default=None
            Error message.
        results : list of tuple, default=()
            For each model, the class probabilities of the text, an ndarray of shape
            (n_classes,), and the weights of the words, an Attribution, or None if the
            text is too long.
        """
        return self._template.render(
            models=self.models,
            examples=self._examples,
            max_characters=self._max_characters,
            max_words=_MAX_WORDS,
            text=text,
            error=error,
            results=[
                _describe_result(model, row, attribution, order)
                for (model, (row, attribution), order) in zip(
                    self.models, results, self._orders(results), strict=False
                )
            ],
        )

    def _orders(self, results):
        """Return the order in which each result lists its classes.

        Models with the same classes list them in the same order, the most likely first.
        """
        rows = [row for row, _ in results]
        labels = [model.labels for model in self.models]
        if rows and all(each == labels[0] for each in labels):
            rows = [np.mean(rows, axis=0)] * len(rows)
        return [np.argsort(-row, kind="stable") for row in rows]


def _kind(classifier):
    """Return the class name of a classifier, or of the steps of a pipeline."""
    steps = [step for _, step in getattr(classifier, "steps", ())] or [classifier]
    names = [getattr(each, "estimator_name", type(each).__name__) for each in steps]
    return " + ".join(names)


def _describe_result(model, row, attribution, order):
    """Return the values that the template shows for a model."""
    bars = [(model.labels[index], float(row[index])) for index in order]
    best = int(np.argmax(row))
    return {
        "model": model,
        "label": model.labels[best],
        "probability": float(row[best]),
        "first": bars[:_MAX_BARS],
        "others": bars[_MAX_BARS:_MAX_CLASSES],
        "n_omitted": max(len(bars) - _MAX_CLASSES, 0),
        "attention": attribution is not None and attribution.method == "attention",
        "rows": [] if attribution is None else _rows(attribution),
        "too_long": attribution is None,
    }


def explain_text(classifier, text, row):
    """Explain a prediction, or return None if the text has too many words.

    Parameters
    ----------
    classifier : fitted classifier
    text : str
    row : ndarray of shape (n_classes,)
        Class probabilities of the text.

    Returns
    -------
    attribution : Attribution or None
    """
    if not isinstance(classifier, OnnxClassifier):
        from ..inspection._explain import attribute, available_methods

        if "attention" in available_methods(classifier):
            return attribute(classifier, text, method="attention")
    if len(word_spans(text, lowercase=False)) > _MAX_WORDS:
        return None
    index = int(np.argmax(row))
    return occlusion(classifier, text, index, classifier.classes_.tolist()[index])


def _rows(attribution):
    """Return the rows of `split_rows` with a CSS class for each piece."""
    return [
        (fraction, [(text, _css_class(weight), weight) for text, weight in pieces])
        for fraction, pieces in split_rows(attribution)
    ]


def _css_class(weight):
    """Return the CSS class of a word, or None for the text between words."""
    if weight is None:
        return None
    step = round(abs(weight) * _N_COLORS)
    return f"{'for' if weight > 0 else 'against'}{step}" if step else "none"


def _highlight_css():
    """Return CSS rules with the colors of each class, in light and dark mode."""
    lines = []
    for scheme, base in BACKGROUNDS.items():
        lines.append(f"@media (prefers-color-scheme: {scheme}) {{")
        for name, sign in (("for", 1), ("against", -1)):
            for step in range(1, _N_COLORS + 1):
                background = highlight_color(sign * step / _N_COLORS, base)
                colors = [
                    "#{:02x}{:02x}{:02x}".format(*color)
                    for color in (background, text_color(background))
                ]
                lines.append(
                    f".{name}{step} {{ background: {colors[0]}; color: {colors[1]}; }}"
                )
        lines.append("}")
    return "\n".join(lines) + "\n"
