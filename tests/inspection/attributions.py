"""Texts and weights for the tests of highlighted texts."""

import re

from hypothesis import strategies as st

from sktextconv.inspection import Attribution, Span

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
HOSTILE = [
    "<script>alert(1)</script>",
    "</span></div><img src=x onerror=alert(1)>",
    "\"'`&amp;&<>",
    "a\x00b\x1b[31m\x7f",
    "\ud83d \udfff",
    "\u202eright to left",
    "javascript:alert(1)",
]


def attribution_of(text, *, label="pos", method="occlusion", n_sentences=0):
    """Return weights of two thirds of the words, and sentences of equal length."""
    spans = tuple(
        Span(*match.span(), (-1) ** number * (number + 0.5))
        for number, match in enumerate(re.finditer(r"\w+|[^\w\s]", text))
        if number % 3
    )
    size = len(text) // max(n_sentences, 1) + 1
    starts = range(0, len(text), size) if n_sentences else ()
    sentences = tuple(
        Span(start, min(start + size, len(text)), 1.0 + start) for start in starts
    )
    return Attribution(text, label, method, spans, 0.0, sentences=sentences)
