"""Highlighted texts for terminals and as plain text."""

import re

import pytest
from hypothesis import given, strategies as st

from sktextconv.inspection import Attribution, Span
from sktextconv.inspection._highlight import (
    annotate,
    contrast,
    highlight_color,
    split_rows,
    text_color,
    to_ansi,
    to_printable,
)

from .attributions import ANY_TEXT, HOSTILE, attribution_of


def test_contrast_matches_wcag():
    black, white = (0, 0, 0), (255, 255, 255)
    assert contrast(black, white) == contrast(white, black) == pytest.approx(21)
    assert contrast(white, white) == 1
    # The grays on either side of a contrast of 4.5 on white.
    assert contrast((118, 118, 118), white) == pytest.approx(4.54, abs=0.01)
    assert contrast((119, 119, 119), white) == pytest.approx(4.48, abs=0.01)


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_text_color_is_readable_on_any_background(background):
    assert contrast(text_color(background), background) >= 4.5


def test_highlight_color_from_white_to_orange_or_blue():
    assert highlight_color(0.0) == (255, 255, 255)
    for sign, strongest in ((1, 0), (-1, 2)):  # channel: red of orange, blue of blue
        colors = [highlight_color(sign * step / 20) for step in range(21)]
        light = [contrast(color, (0, 0, 0)) for color in colors]
        assert light == sorted(light, reverse=True)
        assert len(set(colors)) == 21
        assert max(range(3), key=colors[-1].__getitem__) == strongest


@given(text=ANY_TEXT | st.sampled_from(HOSTILE), n_sentences=st.integers(0, 3))
def test_split_rows_concatenate_to_text(text, n_sentences):
    attribution = attribution_of(text, n_sentences=n_sentences)
    rows = split_rows(attribution)
    assert "".join(piece for _, pieces in rows for piece, _ in pieces) == text
    weighted = [piece for _, pieces in rows for piece in pieces if piece[1] is not None]
    assert [piece for piece, _ in weighted] == attribution.words
    largest = max(map(abs, attribution.weights), default=1)
    fractions = [fraction for _, fraction in weighted]
    assert fractions == pytest.approx(attribution.weights / largest)
    assert len(rows) == max(len(attribution.sentences), 1)
    of_sentences = [fraction for fraction, _ in rows if fraction is not None]
    assert max(of_sentences, default=1) == 1


def test_to_printable_replaces_control_characters():
    assert to_printable("a\x00b\ud800\tc\r\nd\re\nf") == "a\ufffdb\ufffd\tc\nd\ne\nf"


CODE = re.compile(r"\x1b\[(?:48;5;(\d+);38;5;(\d+)|0)m")


@given(text=ANY_TEXT | st.sampled_from(HOSTILE))
def test_ansi_has_text_and_own_codes_only(text):
    head, _, body = to_ansi(attribution_of(text)).split("\n", 2)
    assert CODE.sub("", head) == "pos, by occlusion: for against"
    assert CODE.sub("", body) == to_printable(text)
    starts = [bool(match[1]) for match in CODE.finditer(body)]
    assert starts == [True, False] * (len(starts) // 2)


def test_ansi_text_is_readable():
    def color_of(number):  # in the color cube of xterm
        number -= 16
        digits = number // 36, number // 6 % 6, number % 6
        return tuple(0 if digit == 0 else 55 + 40 * digit for digit in digits)

    seen = set()
    for fraction in range(-100, 101):
        spans = Span(0, 1, fraction / 100), Span(2, 3, 1.0)
        attribution = Attribution("a b", "pos", "occlusion", spans, 0.0)
        match = CODE.match(to_ansi(attribution).splitlines()[-1])
        assert (match is None) == (abs(fraction) < 10)
        if match:
            background, foreground = map(color_of, map(int, match.groups()))
            assert contrast(background, foreground) > 4.5
            seen.add(background)
    assert len(seen) > 10


@given(text=ANY_TEXT | st.sampled_from(HOSTILE), n_sentences=st.integers(0, 3))
def test_annotate_has_every_large_weight(text, n_sentences):
    attribution = attribution_of(text, n_sentences=n_sentences)
    annotated = annotate(attribution)
    assert not CODE.search(annotated)
    assert to_printable(annotated) == annotated
    largest = max(map(abs, attribution.weights), default=1)
    for word, weight in zip(attribution.words, attribution.weights, strict=True):
        annotation = f"[{to_printable(word)} {weight / largest:+.2f}]"
        assert (annotation in annotated) or abs(weight / largest) < 0.1


def test_annotate_sentences_on_separate_lines():
    text = "One film. Two films."
    spans, sentences = (Span(4, 8, 2.0),), (Span(0, 9, 3.0), Span(10, 20, 1.5))
    attribution = Attribution(text, 1, "attention", spans, 0.0, None, sentences)
    assert annotate(attribution).splitlines() == [
        "1, by attention: weights relative to the largest",
        "",
        "1.00  One [film +1.00].",
        "0.50  Two films.",
    ]
