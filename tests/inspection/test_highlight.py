"""Highlighted texts as HTML, for terminals and as plain text."""

import html.parser
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
    to_html,
    to_printable,
)

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


class Page(html.parser.HTMLParser):
    """Parser that collects the text, tags and styles of HTML."""

    def __init__(self, source):
        super().__init__()
        self.text, self.tags, self.styles, self.open = "", [], [], []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.open.append(tag)
        for name, value in attrs:
            assert name == "style"
            self.styles.append(value)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def colors_of(style):
    parts = dict(part.split(":") for part in style.split(";"))
    return [
        tuple(int(parts[name][at : at + 2], 16) for at in (1, 3, 5))
        for name in ("background", "color")
    ]


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


@pytest.mark.parametrize("n_sentences", [0, 3])
def test_html_words_are_readable_on_any_page(n_sentences):
    text = " ".join(f"word{number}" for number in range(60))
    method = "attention" if n_sentences else "occlusion"
    page = Page(to_html(attribution_of(text, method=method, n_sentences=n_sentences)))
    shown = [style for style in page.styles if ";color:" in style]
    assert len(shown) > 40
    for style in shown:
        background, color = colors_of(style)
        assert contrast(background, color) >= 4.5
    # The outermost box sets both colors, so the page around it has no influence.
    assert shown[0] == page.styles[0]


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


@given(text=ANY_TEXT | st.sampled_from(HOSTILE), n_sentences=st.integers(0, 3))
def test_html_has_text_and_no_foreign_tags(text, n_sentences):
    source = to_html(attribution_of(text, n_sentences=n_sentences))
    page = Page(source)
    assert set(page.tags) <= {"div", "span"}
    assert page.open == []
    assert to_printable(text).replace("\n", "") in page.text.replace("\n", "")
    source.encode("utf-8")
    assert "\x00" not in source


@pytest.mark.parametrize("hostile", HOSTILE)
def test_html_escapes_label_and_method(hostile):
    page = Page(to_html(attribution_of("a b", label=hostile, method=hostile)))
    assert set(page.tags) <= {"div", "span"}
    assert page.text.count(to_printable(hostile)) == 4


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
