"""Highlighted texts as HTML, for terminals and as plain text."""

import html.parser
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
NASTY = [
    "<script>alert(1)</script>",
    "</span></div><img src=x onerror=alert(1)>",
    "\"'`&amp;&<>",
    "a\x00b\x1b[31m\x7f",
    "\ud83d \udfff",
    "\u202eright to left",
    "javascript:alert(1)",
]


def attribution_of(text, *, label="pos", method="occlusion", n_sentences=0):
    """Weights for every second run of characters, and sentences of like length."""
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
    """Collects the text, tags and attributes of HTML, as a browser would."""

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


def test_contrast_is_that_of_the_standard():
    black, white = (0, 0, 0), (255, 255, 255)
    assert contrast(black, white) == contrast(white, black) == pytest.approx(21)
    assert contrast(white, white) == 1
    # The greys on either side of 4.5 on white.
    assert contrast((118, 118, 118), white) == pytest.approx(4.54, abs=0.01)
    assert contrast((119, 119, 119), white) == pytest.approx(4.48, abs=0.01)


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_ink_is_readable_on_any_background(background):
    assert contrast(text_color(background), background) >= 4.5


def test_shades_grow_from_white_to_orange_or_blue():
    assert highlight_color(0.0) == (255, 255, 255)
    for sign, strongest in ((1, 0), (-1, 2)):  # red of orange, blue of blue
        shades = [highlight_color(sign * part / 20) for part in range(21)]
        light = [contrast(color, (0, 0, 0)) for color in shades]
        assert light == sorted(light, reverse=True)
        assert len(set(shades)) == 21
        assert max(range(3), key=shades[-1].__getitem__) == strongest


@pytest.mark.parametrize("n_sentences", [0, 3])
def test_every_shaded_word_is_readable_on_light_and_dark_pages(n_sentences):
    text = " ".join(f"word{number}" for number in range(60))
    method = "attention" if n_sentences else "occlusion"
    page = Page(to_html(attribution_of(text, method=method, n_sentences=n_sentences)))
    shown = [style for style in page.styles if ";color:" in style]
    assert len(shown) > 40
    for style in shown:
        background, color = colors_of(style)
        assert contrast(background, color) >= 4.5
    # The page around it has no say: the outermost box brings both of its colours.
    assert shown[0] == page.styles[0]


@given(text=ANY_TEXT | st.sampled_from(NASTY), n_sentences=st.integers(0, 3))
def test_pieces_add_up_to_the_text(text, n_sentences):
    attribution = attribution_of(text, n_sentences=n_sentences)
    rows = split_rows(attribution)
    assert "".join(piece for _, pieces in rows for piece, _ in pieces) == text
    weighed = [piece for _, pieces in rows for piece in pieces if piece[1] is not None]
    assert [piece for piece, _ in weighed] == attribution.words
    largest = max(map(abs, attribution.weights), default=1)
    shares = [share for _, share in weighed]
    assert shares == pytest.approx(attribution.weights / largest)
    assert len(rows) == max(len(attribution.sentences), 1)
    assert max((share for share, _ in rows if share is not None), default=1) == 1


@given(text=ANY_TEXT | st.sampled_from(NASTY), n_sentences=st.integers(0, 3))
def test_html_holds_the_text_and_no_other_tags(text, n_sentences):
    source = to_html(attribution_of(text, n_sentences=n_sentences))
    page = Page(source)
    assert set(page.tags) <= {"div", "span"}
    assert page.open == []
    assert to_printable(text).replace("\n", "") in page.text.replace("\n", "")
    source.encode("utf-8")
    assert "\x00" not in source


@pytest.mark.parametrize("nasty", NASTY)
def test_labels_and_methods_are_escaped_too(nasty):
    page = Page(to_html(attribution_of("a b", label=nasty, method=nasty)))
    assert set(page.tags) <= {"div", "span"}
    assert page.text.count(to_printable(nasty)) == 4


def test_what_cannot_be_shown_is_a_replacement_character():
    assert to_printable("a\x00b\ud800\tc\r\nd\re\nf") == "a\ufffdb\ufffd\tc\nd\ne\nf"


CODE = re.compile(r"\x1b\[(?:48;5;(\d+);38;5;(\d+)|0)m")


@given(text=ANY_TEXT | st.sampled_from(NASTY))
def test_a_terminal_gets_the_text_and_no_codes_but_ours(text):
    head, _, body = to_ansi(attribution_of(text)).split("\n", 2)
    assert CODE.sub("", head) == "pos, by occlusion: for against"
    assert CODE.sub("", body) == to_printable(text)
    starts = [bool(match[1]) for match in CODE.finditer(body)]
    assert starts == [True, False] * (len(starts) // 2)


def test_letters_can_be_read_in_every_shade_of_a_terminal():
    def color_of(number):  # of the cube that xterm's table describes
        number -= 16
        digits = number // 36, number // 6 % 6, number % 6
        return tuple(0 if digit == 0 else 55 + 40 * digit for digit in digits)

    seen = set()
    for share in range(-100, 101):
        spans = Span(0, 1, share / 100), Span(2, 3, 1.0)
        attribution = Attribution("a b", "pos", "occlusion", spans, 0.0)
        match = CODE.match(to_ansi(attribution).splitlines()[-1])
        assert (match is None) == (abs(share) < 10)
        if match:
            background, letters = map(color_of, map(int, match.groups()))
            assert contrast(background, letters) > 4.5
            seen.add(background)
    assert len(seen) > 10


@given(text=ANY_TEXT | st.sampled_from(NASTY), n_sentences=st.integers(0, 3))
def test_marks_are_plain_and_name_every_weight_that_matters(text, n_sentences):
    attribution = attribution_of(text, n_sentences=n_sentences)
    marked = annotate(attribution)
    assert not CODE.search(marked)
    assert to_printable(marked) == marked
    largest = max(map(abs, attribution.weights), default=1)
    for word, weight in zip(attribution.words, attribution.weights, strict=True):
        mark = f"[{to_printable(word)} {weight / largest:+.2f}]"
        assert (mark in marked) or abs(weight / largest) < 0.1


def test_sentences_that_weigh_have_a_line_each():
    text = "One film. Two films."
    spans, sentences = (Span(4, 8, 2.0),), (Span(0, 9, 3.0), Span(10, 20, 1.5))
    attribution = Attribution(text, 1, "attention", spans, 0.0, None, sentences)
    assert annotate(attribution).splitlines() == [
        "1, by attention: weights relative to the largest",
        "",
        "1.00  One [film +1.00].",
        "0.50  Two films.",
    ]
