"""Highlighted texts as HTML."""

import html.parser
import re

import pytest
from hypothesis import given, strategies as st
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from sktextconv import explain
from sktextconv.inspection import Attribution
from sktextconv.inspection._highlight import contrast, to_printable
from sktextconv.inspection._html import to_html

from .attributions import ANY_TEXT, HOSTILE, attribution_of
from .conftest import LABELS, TEXT, TEXTS


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
    """Return background and text color without a scheme, in light and in dark mode."""
    plain, light, dark = (
        [
            re.search(rf"(?:^|;){name}:{form}", style)[1]
            for name in ("background", "color")
        ]
        for form in (
            r"(#\w{6})",
            r"light-dark\((#\w{6}),",
            r"light-dark\(#\w{6},(#\w{6})\)",
        )
    )
    assert plain == light
    return [[tuple(bytes.fromhex(c[1:])) for c in colors] for colors in (light, dark)]


@pytest.mark.parametrize("n_sentences", [0, 3])
def test_html_words_are_readable_on_any_page(n_sentences):
    text = " ".join(f"word{number}" for number in range(60))
    method = "attention" if n_sentences else "occlusion"
    page = Page(to_html(attribution_of(text, method=method, n_sentences=n_sentences)))
    shown = [style for style in page.styles if ";color:" in style]
    assert len(shown) > 40
    for style in shown:
        for background, color in colors_of(style):
            assert contrast(background, color) >= 4.5
    # The outermost box sets both colors, so the page around it has no influence.
    assert shown[0] == page.styles[0]


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


def test_html_has_probabilities_of_classes(bow, three_classes):
    """The page has the explained label as title, and a bar for each class."""
    for classifier in (bow, three_classes):
        row = dict(
            zip(classifier.classes_, classifier.predict_proba([TEXT])[0], strict=True)
        )
        attribution = explain(classifier, TEXT, target="neg")
        assert dict(attribution.probabilities) == row
        source = attribution._repr_html_()
        text = re.sub(r"\s+", " ", Page(source).text)
        assert text.startswith(f" neg {100 * row['neg']:.1f} % ")
        order = sorted(row, key=row.get, reverse=True)
        shown = [f"{label}{100 * row[label]:.1f} %" for label in order]
        assert " ".join(shown) in text
        widths = re.findall(r"width:([\d.]+)%;height:100%", source)
        assert widths == [f"{100 * row[label]:.1f}" for label in order]


def test_html_of_many_classes_and_of_none():
    """The most likely classes have a bar; without probabilities there is none."""
    pairs = tuple((f"class {number}", number / 190) for number in range(20))
    spans = attribution_of("a b").spans
    many = Attribution("a b", "class 3", "occlusion", spans, 0.0, probabilities=pairs)
    source = to_html(many)
    assert source.count("height:100%") == 12
    assert "8 more classes are less likely" in source
    assert "height:100%" not in to_html(attribution_of("a b"))


def test_attribution_without_predict_proba():
    """A classifier without probabilities is explained without them."""
    classifier = make_pipeline(CountVectorizer(), LinearSVC()).fit(TEXTS, LABELS)
    assert explain(classifier, TEXT).probabilities == ()
