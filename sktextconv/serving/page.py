"""One page without scripts: a text to be pasted, its label, and which words weigh."""

from importlib.resources import files

import numpy as np

from ..encoding._tokenize import word_spans
from ..inspection._attribution import occlude
from ..inspection._highlight import ink, rows_of, shade, visible
from ..persistence._onnx_classifier import OnnxClassifier
from ..utils._optional_dependencies import require

__all__ = ["Page", "explain_text"]

_MAX_WORDS = 256  # whose weights are worth a prediction each
_MAX_CLASSES = 12  # that are shown with their probability
_STEPS = 10  # of shading
_PAPERS = {"light": (255, 255, 255), "dark": (28, 30, 34)}


class Page:
    """The page of a classifier.

    Parameters
    ----------
    classifier : fitted classifier
    max_characters : int
        Of a text.

    Attributes
    ----------
    name : str
        Of the class of the network or pipeline.
    style : str
        CSS: colours are named by classes, since the page allows no other styles.
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
        environment.filters["visible"] = visible
        source = folder.joinpath("page.html").read_text("utf-8")
        self._template = environment.from_string(source)
        self.name = getattr(classifier, "estimator_name", type(classifier).__name__)
        self._labels = list(map(str, classifier.classes_.tolist()))
        self._max_characters = max_characters
        self.style = folder.joinpath("style.css").read_text("utf-8") + _shades()

    def render(self, *, text="", problem=None, row=None, attribution=None):
        """Return the page as HTML, with the answer to a text if there is one.

        Parameters
        ----------
        text : str, default=""
        problem : str, default=None
            Why there is no answer.
        row : ndarray of shape (n_classes,), default=None
            Probabilities.
        attribution : Attribution, default=None
        """
        answer = None
        if row is not None:
            likeliest = np.argsort(-row, kind="stable")
            answer = {
                "label": self._labels[likeliest[0]],
                "shown": [
                    (self._labels[code], float(row[code]))
                    for code in likeliest[:_MAX_CLASSES]
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
            problem=problem,
            answer=answer,
        )


def explain_text(classifier, text, row):
    """Return how much the words of a text weigh, or None if they are too many.

    Parameters
    ----------
    classifier : fitted classifier
    text : str
    row : ndarray of shape (n_classes,)
        The probabilities of the text.
    """
    if not isinstance(classifier, OnnxClassifier):
        from ..inspection._explain import explain, methods_for

        if "attention" in methods_for(classifier):
            return explain(classifier, text, method="attention")
    if len(word_spans(text, lowercase=False)) > _MAX_WORDS:
        return None
    code = int(np.argmax(row))
    return occlude(classifier, text, code, classifier.classes_.tolist()[code])


def _rows(attribution):
    """Return a share per sentence, or None, and pieces of text with a class of CSS."""
    return [
        (share, [(text, _class_of(weight), weight) for text, weight in pieces])
        for share, pieces in rows_of(attribution)
    ]


def _class_of(share):
    if share is None:
        return None
    step = round(abs(share) * _STEPS)
    return f"{'for' if share > 0 else 'against'}{step}" if step else "none"


def _shades():
    """Return the rules of CSS that give each class its colours, on either paper."""
    lines = []
    for scheme, paper in _PAPERS.items():
        lines.append(f"@media (prefers-color-scheme: {scheme}) {{")
        for name, sign in (("for", 1), ("against", -1)):
            for step in range(1, _STEPS + 1):
                background = shade(sign * step / _STEPS, paper)
                colors = [
                    "#{:02x}{:02x}{:02x}".format(*color)
                    for color in (background, ink(background))
                ]
                lines.append(
                    f".{name}{step} {{ background: {colors[0]}; color: {colors[1]}; }}"
                )
        lines.append("}")
    return "\n".join(lines) + "\n"
