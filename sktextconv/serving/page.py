"""Web page without scripts: a form, the prediction and its explanation."""

from importlib.resources import files

import numpy as np

from ..encoding._tokenize import word_spans
from ..inspection._attribution import occlusion
from ..inspection._highlight import (
    highlight_color,
    split_rows,
    text_color,
    to_printable,
)
from ..persistence._onnx_classifier import OnnxClassifier
from ..utils._optional_dependencies import require

__all__ = ["Page", "explain_text"]

_MAX_WORDS = 256  # of an explained text: occlusion takes one prediction per word
_MAX_CLASSES = 12  # shown with their probabilities
_N_COLORS = 10  # of each sign
_BACKGROUNDS = {"light": (255, 255, 255), "dark": (28, 30, 34)}


class Page:
    """Web page of a classifier.

    Parameters
    ----------
    classifier : fitted classifier
    max_characters : int
        Maximum length of a text.

    Attributes
    ----------
    name : str
        Class name of the network or pipeline.
    style : str
        CSS. Highlight colors are CSS classes, because the security policy forbids
        inline styles.
    """

    def __init__(self, classifier, *, max_characters):
        jinja2 = require("jinja2", by="create_app", extra="serve")
        folder = files(__package__)
        environment = jinja2.Environment(
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )
        environment.filters["printable"] = to_printable
        source = folder.joinpath("page.html").read_text("utf-8")
        self._template = environment.from_string(source)
        self.name = getattr(classifier, "estimator_name", type(classifier).__name__)
        self._labels = list(map(str, classifier.classes_.tolist()))
        self._max_characters = max_characters
        self.style = folder.joinpath("style.css").read_text("utf-8") + _highlight_css()

    def render(self, *, text="", error=None, row=None, attribution=None):
        """Return the page as HTML, with the result for a text if given.

        Parameters
        ----------
        text : str, default=""
            Content of the text field.
        error : str, default=None
            Error message.
        row : ndarray of shape (n_classes,), default=None
            Class probabilities of the text; None shows no result.
        attribution : Attribution, default=None
            Weights of the words; None if the text is too long.
        """
        result = None
        if row is not None:
            order = np.argsort(-row, kind="stable")
            result = {
                "label": self._labels[order[0]],
                "shown": [
                    (self._labels[index], float(row[index]))
                    for index in order[:_MAX_CLASSES]
                ],
                "n_others": max(len(row) - _MAX_CLASSES, 0),
                "attention": attribution is not None
                and attribution.method == "attention",
                "rows": [] if attribution is None else _rows(attribution),
                "max_words": _MAX_WORDS,
                "too_long": attribution is None,
            }
        return self._template.render(
            name=self.name,
            labels=self._labels,
            max_characters=self._max_characters,
            text=text,
            error=error,
            result=result,
        )


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
    for scheme, base in _BACKGROUNDS.items():
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
