"""Error tables of the results; trains nothing.

python -m benchmarks.accuracy.tables --data imdb ag_news --format markdown
python -m benchmarks.accuracy.tables --format readme  # the table of the README
"""

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path

from .._record import RESULTS
from .._render import WALL_MARK, as_list_table, as_markdown, as_text, wrap
from .lines import COLUMNS, Line
from .models import ROWS
from .published import PUBLISHED, PUBLISHED_SIZES

__all__ = [
    "README_DATA",
    "README_ROWS",
    "make_overview",
    "read_results",
    "readme_lines",
    "render",
    "render_readme",
]

_WALL_NOTE = (
    f"{WALL_MARK} Wall time of a shared machine: the record is older than the "
    "measurement of CPU time, or a GPU computed."
)
# The table of the README: at most twelve rows, each with the cells that it may show, of
# which it shows the first that was run.
README_ROWS = {
    "BoW TFIDF": ("bow-tfidf",),
    "ngrams TFIDF": ("ngrams-tfidf",),
    "ngrams NB": ("ngrams-nb",),
    "TF-IDF, SVM": ("tfidf",),
    "fastText, bigrams": ("fasttext-bigram",),
    "Bag of n-grams, NB": ("fasttext-net",),
    "LSTM": ("lstm",),
    "HAN": ("han-attention",),
    "KimCNN": ("kim-rand", "kim-non-static"),
    "WordCNN": ("wordcnn-small-lookup", "wordcnn-small-w2v"),
    "CharCNN": ("charcnn-small",),
    "VDCNN": ("vdcnn-9-max",),
}
README_DATA = {"ag_news": "AG News", "imdb": "IMDB"}
# Data sets with a column in the overview, which are the first of the tables.
_TITLES = README_DATA | {
    "dbpedia_subset": "DBPedia",
    "yelp_full_subset": "Yelp Full",
}
_SUBSET_COLUMN = "Paper, all data %"  # instead of "Paper %", where there is no gap
_SAMPLE_MARK = "\N{DOUBLE DAGGER}"
_SD_NOTE = "± is the standard deviation over seeds, of three or more."


def read_results(folder):
    """Return the results in a folder of JSON files, by data set."""
    found = defaultdict(list)
    for path in sorted(Path(folder).glob("*/*.json")):
        result = json.loads(path.read_text())
        if "cell" not in result:  # a record of speed or memory
            continue
        found[path.parent.name].append(result)
    names = [*_TITLES, *sorted(found.keys() - _TITLES.keys())]
    return {name: found[name] for name in names if name in found}


def _of_paper(data):
    """Return the name of the published data set that a subset is part of."""
    return data.removesuffix("_subset")


def _size_of_paper(data):
    """Return the published number of training texts, or None."""
    return PUBLISHED_SIZES.get(_of_paper(data), (None,))[0]


def _title_of(data, results):
    title = _TITLES.get(data, data)
    whole = _size_of_paper(data)
    is_subset = whole is not None and results[0]["n_train_available"] != whole
    return f"{title}, subset" if is_subset else title


def lines_of(data, results):
    """Return a line for each row and setting; rows without results are empty."""
    by_row = {key: defaultdict(list) for key in ROWS}
    for result in results:
        cell = result["cell"]
        samples = cell["sample"], cell.get("test_sample")
        setting = json.dumps([cell["settings"], *samples], sort_keys=True)
        by_row[cell["model"]][setting].append(result)
    lines = []
    for key, settings in by_row.items():
        name = ROWS[key].name
        published = PUBLISHED.get((_of_paper(data), name))
        for group in list(settings.values()) or [[]]:
            sizes = {(r["n_train"], r["n_test"]) for r in group}
            comparable = sizes == {PUBLISHED_SIZES.get(_of_paper(data))}
            lines.append(Line(name, group, published, comparable))
    return lines


def _sizes_of(result):
    """Return the numbers of training and of test texts, of which samples are taken."""
    # Records without the key were tested on all texts.
    n_test = result.get("n_test_available", result["n_test"])
    return result["n_train_available"], n_test


def heading_of(data, results):
    """Return the sizes of the data, how C was selected, and the machine."""
    first, whole = results[0], _size_of_paper(data)
    n_train, n_test = _sizes_of(first)
    parts = [
        f"{n_train:,} training texts, {n_test:,} test texts, {first['n_classes']} "
        "classes."
    ]
    is_split = first["cell"].get("held_out") is not None
    if is_split:
        parts.append(
            f"A split of a subset, {n_test:,} test texts, stratified, drawn with seed "
            f"{first['cell']['split_seed']}."
        )
    if whole is not None and n_train != whole:
        parts += [] if is_split else ["A subset."]
        parts.append(
            f"The paper trains on {whole:,} texts: its errors stand beside ours for "
            "context only, without a gap."
        )
    if any(result["selection"] for result in results):
        parts.append("Penalties (C) are selected on a validation split of these texts.")
    parts.append("The test texts are used once, at the end.")
    machines = {
        f"{r['machine']['gpu'] or r['machine']['cpu']}, "
        f"{r['machine']['threads']} thread(s)"
        for r in results
    }
    versions = {
        f"torch {r['versions']['torch']}, scikit-learn {r['versions']['scikit-learn']}"
        for r in results
    }
    parts.append(
        f"Machine: {'; '.join(sorted(machines))}; {'; '.join(sorted(versions))}."
    )
    return " ".join(parts)


def render(found, style="text"):
    """Return the tables of `read_results` as text, Markdown or reStructuredText."""
    blocks = []
    for data, results in found.items():
        lines = lines_of(data, results)
        rows = [COLUMNS, *(line.cells() for line in lines)]
        heading = f"{heading_of(data, results)} Times are CPU times."
        heading += _explain_marks(rows)
        if not any(line.comparable for line in lines):
            rows = _without_gap(rows)
        blocks.append(_STYLES[style](_title_of(data, results), heading, rows))
    return "\n".join(blocks)


def _without_gap(rows):
    """Return rows of cells without the gap, which needs the data of the paper."""
    gap, paper = COLUMNS.index("Gap"), COLUMNS.index("Paper %")
    rows = [[*row[:gap], *row[gap + 1 :]] for row in rows]
    rows[0][paper] = _SUBSET_COLUMN
    return rows


def make_overview(found):
    """Return rows of cells: the error of each row on each data set with a title.

    A row that was run with several settings shows the one that is closest to its
    defaults, whatever the errors are. A mark stands at samples of texts.
    """
    shown = {data: found[data] for data in _TITLES if data in found}
    columns = []
    for data, results in shown.items():
        errors = defaultdict(str)
        for name, lines in _by_name(lines_of(data, results)).items():
            line = _closest(lines)
            errors[name] = line.short_cell() + _SAMPLE_MARK * line.is_of_sample()
        columns.append(errors)
    titles = [_title_of(data, results) for data, results in shown.items()]
    names = [row.name for row in ROWS.values()]
    rows = [[name, *(errors[name] for errors in columns)] for name in names]
    return [["Error %", *titles], *rows]


def _by_name(lines):
    by_name = defaultdict(list)
    for line in lines:
        if line.results:
            by_name[line.name].append(line)
    return by_name


def _closest(lines):
    return min(lines, key=Line.distance)


def _explain_marks(rows):
    """Return the note on wall times, after a space, if a cell has their mark."""
    marked = any(WALL_MARK in cell for row in rows for cell in row)
    return f" {_WALL_NOTE}" * marked


def readme_lines(found, data):
    """Return the lines of a data set that the README shows, by their name there."""
    by_key = defaultdict(list)
    for line in lines_of(data, found[data]):
        if line.results and not line.is_of_sample():
            by_key[_readme_key(line)].append(line)
    lines = {}
    for name, keys in README_ROWS.items():
        if key := next((key for key in keys if key in by_key), None):
            lines[name] = _closest(by_key[key])
    return lines


def _readme_key(line):
    cell = line.results[0]["cell"]
    init = cell["settings"].get("init")
    return cell["model"] if init is None else f"{cell['model']}, init={init}"


def render_readme(found):
    """Return the table of the README: chosen rows, a column for each data set."""
    columns, sizes = [], []
    for data, title in README_DATA.items():
        lines = readme_lines(found, data)
        column = [(f"{title}: error %", "95 % interval", "train CPU s")]
        for name in README_ROWS:
            if name not in lines:
                column.append(("", "", ""))
                continue
            cells = dict(zip(COLUMNS, lines[name].cells(), strict=True))
            error = lines[name].short_cell()
            column.append((error, cells["95 % interval"], cells["Train CPU s"]))
        columns.append(column)
        n_train, n_test = _sizes_of(found[data][0])
        whole, _ = PUBLISHED_SIZES[data]
        subset = "" if n_train == whole else f" of {whole:,}"
        sizes.append(
            f"{title}: {n_train:,}{subset} training texts, {n_test:,} test texts."
        )
    names = ["", *README_ROWS]
    rows = [
        [name, *cells[0], *cells[1]]
        for name, *cells in zip(names, *columns, strict=True)
    ]
    notes = f"{' '.join(sizes)} {_SD_NOTE}{_explain_marks(rows)}"
    return f"{as_markdown(rows)}\n\n{notes}\n"


def _as_text(title, heading, rows):
    """Return two lines per row: the error, and the cost below it."""
    head, *body = rows
    done, absent = _divide(body)
    n_errors = head.index("What was run")
    table = [(head[0], "error %", *head[2:n_errors])]
    notes = []
    for row in done:
        note, train, per_s, predict, size, peak = row[n_errors:]
        table.append(row[:n_errors])
        notes.append(
            f"{train} CPU s to train, {per_s} texts/s; predicts {predict} texts/s; "
            f"{size} parameters; {peak} MiB; {note}"
        )
    blocks = [wrap(f"{title}: {heading}"), as_text(table, notes)]
    if absent:
        blocks.append(wrap(f"Not run: {', '.join(absent)}."))
    return "\n".join([*blocks, ""])


def _divide(rows):
    """Return the rows with results, and the names of the others."""
    error = COLUMNS.index("Error %")
    done = [row for row in rows if row[error]]
    return done, [row[0] for row in rows if not row[error]]


def _as_markdown(title, heading, rows):
    return "\n".join([f"## {title}", "", heading, "", as_markdown(rows), ""])


def _as_rst(title, heading, rows):
    # Browsers break a line after a dash, unless a word joiner follows.
    rows = [[cell.replace("–", "–\N{WORD JOINER}") for cell in row] for row in rows]
    return "\n".join([title, "~" * len(title), "", heading, "", as_list_table(rows)])


_STYLES = {"text": _as_text, "markdown": _as_markdown, "rst": _as_rst}


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy.tables",
        description=__doc__.partition("\n")[0],
    )
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--data", nargs="+", help="only these data sets")
    parser.add_argument("--format", choices=[*_STYLES, "readme"], default="text")
    options = parser.parse_args()
    found = read_results(options.results)
    if options.data:
        found = {data: found[data] for data in found if data in options.data}
    if not found:
        parser.error(
            f"no results in {options.results}; see python -m benchmarks.accuracy.run"
        )
    if options.format == "readme":
        if missing := [data for data in README_DATA if data not in found]:
            parser.error(f"--format readme needs results of {', '.join(missing)}")
        sys.stdout.write(render_readme(found))
        return
    sys.stdout.write(render(found, options.format) + "\n")


if __name__ == "__main__":
    main()
