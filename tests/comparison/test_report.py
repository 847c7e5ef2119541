"""Report of a comparison: page, Markdown and files."""

import json
import re
import shutil
import sys
from html.parser import HTMLParser

import numpy as np
import pytest

from sktextconv.comparison._statistics import compare_errors

from .synthetic import TWELVE, make_comparison

HOSTILE = "<script>document.title = 'run'</script><img src=x onerror=alert(1)>"
THREE = {"a": (0.10, 1.0), "b": (0.11, 2.0), "c": (0.4, 0.5)}


class Page(HTMLParser):
    """Elements, attributes and texts of a page, and the cells of its tables."""

    void = ("meta", "br", "circle", "line", "polyline", "polygon")

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.open = set(), [], []
        self.texts, self.headings, self.rows, self.quotes = [], [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in self.void:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    handle_startendtag = handle_starttag

    def handle_endtag(self, tag):
        if tag not in self.void:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" in self.open:
            return
        self.texts.append(data)
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)
        if self.open and self.open[-1] == "blockquote":
            self.quotes.append(data)
        if {"td", "th"} & {*self.open}:
            self.rows[-1][-1] += f"{data}\n"

    @property
    def text(self):
        return " ".join(self.texts).replace("\xa0", " ")


@pytest.fixture(scope="module")
def twelve():
    return make_comparison(
        TWELVE, n_test=400, fractions=(0.1, 0.3), noise=(0.05, 0.1), selection=True
    )


@pytest.fixture(scope="module")
def hostile():
    names = [f"{HOSTILE}{'x' * 300}", "a|b*_`\x00\ud800", "模型" * 20]
    return make_comparison(
        {name: (0.2 + 0.1 * number, 3 - number) for number, name in enumerate(names)},
        classes=(HOSTILE, "\u202eevil\ud800"),
        texts=[f"{HOSTILE} {row} {'x' * 2000}\x00\u202e\ud800" for row in range(500)],
        fractions=(0.2,),
        noise=(0.1,),
        left=[(HOSTILE, 0, 0.5, HOSTILE)],
        about={"settings": {HOSTILE: HOSTILE}},
    )


@pytest.fixture(scope="module")
def repeated():
    models = {"a": (0.1, 1234.5), "b-with-a-long-name": (0.13, 6e4), "c": (0.9, 9e5)}
    return make_comparison(
        models, n_splits=3, folds=False, selection=True, classes=("x", "y", "z")
    )


@pytest.mark.parametrize("name", ["twelve", "hostile"])
@pytest.mark.parametrize("form", ["to_html", "_repr_html_"])
def test_page_loads_and_runs_nothing(name, form, request):
    """Pages have neither scripts nor links to files, whatever texts and names are."""
    text = getattr(request.getfixturevalue(name), form)()
    page = Page(text)
    assert not page.tags & {"script", "link", "img", "iframe", "object", "a", "form"}
    loading = {"src", "href", "xlink:href", "data", "action", "srcset"}
    assert not [each for each, _ in page.attributes if each in loading]
    assert not [each for each, _ in page.attributes if each.startswith("on")]
    assert not re.search(r"url\(|@import", text)


def test_page_shows_hostile_texts_as_text(hostile):
    page = Page(hostile.to_html())
    assert HOSTILE in page.text
    # Characters that reorder what follows are in no label or name.
    assert not any("\u202e" in each for each in page.texts if each not in page.quotes)
    hostile.to_html().encode()  # no lone surrogates
    assert {len(each) for each in page.quotes} == {301}  # with an ellipsis


def test_markdown_escapes_names(hostile):
    """Names keep the table in shape, and add neither HTML nor formatting."""
    text = hostile.to_markdown()
    assert not re.search(r"(?<!\\)<(?! 0.001)", text)
    assert r"a\|b\*\_\`" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({len(re.split(r"(?<!\\)\|", row)) for row in rows}) == 1


def _signed(value):
    return f"{value:+.2f}".replace("-", "−") if abs(value) >= 0.005 else "0.00"


def _expected_figures(result):
    """Return the figures of the table of a result as they are printed."""
    found = [f"{100 * result.error.value:.2f}"]
    found += [f"{100 * result.macro_f1.value:.2f}", f"{result.log_loss.value:.3f}"]
    found += [f"{100 * end:.2f}" for end in (result.error.low, result.error.high)]
    if result.difference is not None:
        found.append(_signed(100 * result.difference.value))
        p_value = result.difference.p_value
        found.append("p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}")
    return found


def test_page_has_figures_of_results(twelve):
    rows = [row for row in Page(twelve.to_html()).rows if len(row) == 10][1:]
    assert [row[0].split()[0] for row in rows] == [r.model for r in twelve.results]
    for row, result in zip(rows, twelve.results, strict=True):
        for figure in _expected_figures(result):
            assert any(figure in cell for cell in row)
    marks = {row[0].split()[0]: " ".join(row[0].split()[1:]) for row in rows}
    assert marks[twelve.winner] == "winner"
    good = {model for model, mark in marks.items() if mark}
    assert good == {*twelve.as_good}


def test_markdown_has_figures_of_results(twelve):
    lines = twelve.to_markdown().splitlines()
    rows = [line for line in lines if line.startswith("| ")][2:]
    for row, result in zip(rows, twelve.results, strict=True):
        assert result.model in row
        assert ("(winner)" in row) == (result.model == twelve.winner)
        for figure in _expected_figures(result):
            assert figure in row
    assert lines[0].replace("**", "") == twelve.summarize()


def test_page_begins_with_winner(twelve):
    """The summary comes first, then the chart and the table."""
    text = twelve.to_html()
    assert Page(text).headings[:2] == ["Error and cost", "All models"]
    assert f"The winner is <strong>{twelve.winner}</strong>" in text
    assert text.index("The winner is") < text.index("<h2>")


@pytest.mark.parametrize(
    ("heading", "options"),
    [
        ("Learning curves", {"fractions": (0.2,)}),
        ("Typing errors", {"noise": (0.1,)}),
        ("Selected parameters", {"selection": True}),
        ("Cells without a result", {"left": [("c", 0, 0.5, "there was no time")]}),
    ],
)
def test_section_needs_data(heading, options):
    without, found = make_comparison(THREE), make_comparison(THREE, **options)
    assert heading not in Page(without.to_html()).headings
    assert heading in Page(found.to_html()).headings


def test_single_model_has_no_comparing_sections():
    page = Page(make_comparison({"a": (0.1, 1)}, about=None).to_html())
    absent = {"Error and cost", "Texts with divided answers", "Data and settings"}
    assert not absent & {*page.headings}
    assert "There is no other to compare it with." in page.text


def test_columns_of_probabilities_need_them():
    """Without any probabilities there are no columns of log loss and calibration."""
    comparison = make_comparison(THREE, probabilities=False)
    for text in (comparison.to_html(), comparison.to_markdown()):
        assert "Log loss" not in text
        assert "Calibration error" not in text


@pytest.mark.parametrize("error", [0, 0.9])
@pytest.mark.parametrize("seconds", [(0, 0), (1, 1), (1e-5, 1e5)])
def test_page_of_extreme_figures(error, seconds):
    """Models without errors, without right answers, or without cost have a page."""
    models = {"a": (error, seconds[0]), "b": (error, seconds[1])}
    page = Page(make_comparison(models).to_html())
    assert "nan" not in page.text.split()
    numbers = [value for name, value in page.attributes if name in ("x", "cx", "cy")]
    assert all(-1e3 < float(number) < 2e3 for number in numbers)


@pytest.mark.parametrize(
    ("n_test", "fraction", "verdict"),
    [
        (2000, 0.3, "More labels would probably help"),
        (2000, 0.999, "More labels would help little"),
        (60, 0.8, "It is open whether more labels would help"),
    ],
)
def test_learning_verdict_follows_rule(n_test, fraction, verdict):
    comparison = make_comparison({"a": (0.2, 1)}, n_test=n_test, fractions=(fraction,))
    page = Page(comparison.to_html())
    assert verdict in page.text
    gain = comparison.learning_gain()
    assert f"a change of {_signed(-100 * gain.value)} points" in page.text
    y = np.arange(300 + n_test) % 2
    fewer, most = (cell.predicted != y[cell.test] for cell in comparison.cells)
    assert gain == compare_errors(most, fewer)


def test_page_says_if_no_model_learned():
    """An error as high as that of the most frequent class is named so."""
    page = Page(make_comparison({"a": (0.5, 1), "b": (0.48, 2)}).to_html())
    assert "no model learned the task" in page.text
    assert "no model learned" not in Page(make_comparison(THREE).to_html()).text


def test_page_names_selected_ends_of_grids():
    comparison = make_comparison(THREE, selection=True)
    for cell in comparison.cells:
        cell.record["selection"].append({"params": {"C": 9.0}, "error": 50.0})
        cell.record["params"] = {"C": 9.0 if cell.model == "a" else 3.0}
    text = Page(comparison.to_html()).text
    assert "a has selected the smallest or largest value that was tried" in text


def test_page_names_diverged_candidates():
    """A candidate that diverged in a division has no finite error."""
    comparison = make_comparison(THREE, n_splits=2, selection=True)
    diverged = {"params": {"C": 9.0}, "error": None}
    for cell in comparison.cells:
        finite = diverged | {"error": 30.0}
        cell.record["selection"].append(finite if cell.split else diverged)
    text = Page(comparison.to_html()).text
    assert "C=3: 23.00 %; C=9: diverged" in text
    assert "Infinity" not in comparison.to_json()


def test_page_lists_confused_pairs_of_many_classes():
    """A matrix is drawn of a few classes only; the pairs have the matrix' counts."""
    classes = [f"class {number:02}" for number in range(30)]
    comparison = make_comparison(THREE, classes=classes, n_train=900, n_test=900)
    text = comparison.to_html()
    assert 'class="matrix"' not in text
    counts = comparison.confusion()
    pairs = [row for row in Page(text).rows if len(row) == 4][1:]
    assert len(pairs) == 10
    for row in pairs:
        true, answer, count, percent = (cell.strip() for cell in row)
        at = classes.index(true), classes.index(answer)
        assert at[0] != at[1]
        assert int(count) == counts[at]
        assert percent == f"{100 * counts[at] / counts[at[0]].sum():.2f}"
    off_diagonal = np.sort(counts[~np.eye(30, dtype=bool)])[::-1]
    assert [int(row[2]) for row in pairs] == off_diagonal[:10].tolist()


PICTURES = ("comparison", "confusion", "learning_curves", "typing_errors")
TEXTS = ["report.html", "report.json", "report.md"]


def test_write_replaces_older_files(tmp_path):
    """All files are replaced, and no temporary ones are left."""
    folder = tmp_path / "new" / "report"
    make_comparison({"old": (0.1, 1)}).write(folder)
    comparison = make_comparison(THREE, fractions=(0.2,), noise=(0.1,))
    comparison.write(folder)
    pictures = [f"{name}.{form}" for name in PICTURES for form in ("png", "svg")]
    assert sorted(each.name for each in folder.iterdir()) == sorted(TEXTS + pictures)
    assert (folder / "report.html").read_text("utf-8") == comparison.to_html()
    assert json.loads((folder / "report.json").read_text("utf-8"))["winner"] == "a"
    assert (folder / "comparison.png").read_bytes().startswith(b"\x89PNG")


def test_write_removes_pictures_of_older_report(tmp_path):
    """No picture of another comparison is beside the page."""
    make_comparison(THREE, fractions=(0.2,), noise=(0.1,)).write(tmp_path)
    make_comparison(THREE).write(tmp_path)
    pictures = {path.stem for path in tmp_path.iterdir() if path.stem in PICTURES}
    assert pictures == {"comparison", "confusion"}


def test_write_stops_at_folder_in_place_of_file(tmp_path):
    """A folder is not replaced by a file, and no temporary file is left."""
    (tmp_path / "report.md").mkdir()
    with pytest.raises(FileExistsError, match=r"report\.md"):
        make_comparison(THREE).write(tmp_path)
    assert sorted(each.name for each in tmp_path.iterdir()) == TEXTS[::2]


def test_write_works_without_matplotlib(tmp_path, monkeypatch):
    """The page has its charts, and there are no pictures."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    make_comparison(THREE).write(tmp_path)
    assert sorted(each.name for each in tmp_path.iterdir()) == TEXTS
    assert "<circle" in (tmp_path / "report.html").read_text("utf-8")


def test_write_accepts_hostile_names(hostile, tmp_path):
    hostile.write(tmp_path)
    found = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert found["winner"] == hostile.winner


BROWSER = shutil.which("chromium"), shutil.which("chromedriver")


@pytest.fixture(scope="module")
def browser():
    if None in BROWSER:
        pytest.skip("needs chromium and chromedriver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER[0]
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = webdriver.Chrome(options, webdriver.ChromeService(BROWSER[1]))
    yield found
    found.quit()


def open_page(browser, comparison, folder, *, width, scheme="light"):
    path = folder / "report.html"
    path.write_text(comparison.to_html(), "utf-8")
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(path.as_uri())


@pytest.mark.parametrize("name", ["twelve", "hostile", "repeated"])
@pytest.mark.parametrize("width", [390, 740, 1200])
def test_page_fits_screen(browser, name, width, request, tmp_path):
    """Nothing is wider than a phone, texts do not run, and the log is empty."""
    comparison = request.getfixturevalue(name)
    open_page(browser, comparison, tmp_path, width=width)
    right = browser.execute_script(
        "return Math.max(...[...document.querySelectorAll('body *')].map("
        "each => each.getBoundingClientRect().right))"
    )
    assert right <= width
    page = "document.documentElement"  # without the scroll bar
    assert browser.execute_script(f"return {page}.scrollWidth == {page}.clientWidth")
    assert browser.title == f"Comparison of {len(comparison.results)} models"
    assert not browser.get_log("browser")


@pytest.mark.parametrize("width", [390, 1200])
def test_chart_labels_do_not_overlap(browser, twelve, width, tmp_path):
    """The labels of twelve models are all there, apart from each other."""
    open_page(browser, twelve, tmp_path, width=width)
    charts = browser.execute_script(
        "return [...document.querySelectorAll('figure > div > svg')]"
        ".filter(svg => svg.getBoundingClientRect().width).map(svg => "
        "[...svg.querySelectorAll('text:not(.note):not(.name)')].map(text => {"
        "const b = text.getBoundingClientRect();"
        "return [text.textContent, b.left, b.right, b.top, b.bottom]}))"
    )
    cost, learning, noise, *_ = charts
    for labels in (cost, learning, noise):
        assert len({label[0] for label in labels}) == 12
        for number, (_, left, right, top, bottom) in enumerate(labels):
            for _, other_left, other_right, other_top, other_bottom in labels[:number]:
                apart = right <= other_left or other_right <= left
                # Boxes of lines include room above and below the letters.
                assert apart or bottom <= other_top + 3 or other_bottom <= top + 3


def test_page_follows_color_scheme(browser, twelve, tmp_path):
    colors = {}
    for scheme in ("light", "dark"):
        open_page(browser, twelve, tmp_path, width=800, scheme=scheme)
        colors[scheme] = browser.execute_script(
            "return [document.body, document.querySelector('svg text')].map(each => {"
            "const style = getComputedStyle(each);"
            "return each === document.body ? style.backgroundColor : style.fill})"
        )
    brightness = {
        scheme: [sum(map(int, re.findall(r"\d+", each)[:3])) / 3 for each in found]
        for scheme, found in colors.items()
    }
    assert brightness["light"][0] > brightness["light"][1] + 100
    assert brightness["dark"][0] < brightness["dark"][1] - 100
