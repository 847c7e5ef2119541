"""HTML page of a comparison, without scripts or other files."""

import html
import math
import re
from collections import Counter
from pathlib import Path

from ..inspection._highlight import to_printable
from . import _findings as findings
from ._charts import draw_cost, draw_curves, draw_strips
from ._format import (
    clip_text,
    format_integer,
    format_percent,
    make_columns,
    quote_label,
)
from ._html import (
    bullets,
    definitions,
    escape,
    escape_sentence,
    figure,
    format_count,
    paragraph,
    section,
)

__all__ = ["to_html"]

_MAX_CHARACTERS = 300  # of a text
_MAX_MATRIX = 8  # classes in a confusion matrix; more classes are listed as pairs
_MAX_CLASSES = 12  # in the chart of classes
_MAX_COUNTS = 30  # classes whose numbers of texts are listed
_N_TEXTS = 8  # in each list of texts


def to_html(comparison, fragment=False):
    """Return a page, or for notebooks a part of it: summary, chart and table."""
    style = Path(__file__).with_name("report.css").read_text("utf-8")
    ranks = _rank(comparison)
    parts = [_head(comparison), _cost(comparison, ranks), _table(comparison, ranks)]
    if fragment:
        body = "\n".join(parts)
        return f'<div class="sktc"><style>{style}</style><div>{body}</div></div>'
    parts += [
        _learning(comparison, ranks),
        _noise(comparison, ranks),
        _lengths(comparison),
        _classes(comparison),
        _confusion(comparison),
        _disagreements(comparison),
        _label_errors(comparison),
        _parameters(comparison),
        _left(comparison),
        _data(comparison),
        _reading(),
    ]
    body = "\n".join(filter(None, parts))
    title = f"Comparison of {format_count(len(comparison.results), 'model')}"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{title}</title>
<style>{style}</style>
</head>
<body class="sktc page">
<main>
{body}
</main>
</body>
</html>
"""


# The page loads nothing and runs nothing, whatever is in a text.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def _rank(comparison):
    """Return the emphasis of each model in charts and tables."""
    ranks = {
        result.model: "good" if result.is_as_good else "other"
        for result in comparison.results
    }
    return ranks | {comparison.winner: "winner"}


# ---------------------------------------------------------------------------
# Sections
# ---------------------------------------------------------------------------


def _head(comparison):
    n_models = len(comparison.results)
    winner = f"The winner is {comparison.winner}"
    rest = comparison.summarize().removeprefix(winner)
    data = comparison.about.get("data", {})
    scale = [findings.describe_resolution(comparison)]
    scale += [findings.describe_baseline(comparison)]
    sizes = ""
    if data:
        sizes = (
            f"{format_count(data['n_train'], 'training text')}, "
            f"{format_count(data['n_test'], 'test text')}, "
            f"{format_count(len(comparison.classes), 'class', 'classes')}"
        )
        if data["n_splits"] > 1:
            sizes += f", {data['n_splits']} divisions"
    return f"""<header>
<h1>Comparison of {format_count(n_models, "model")}</h1>
<p class="sizes">{sizes}</p>
<p class="lead">The winner is <strong>{escape(comparison.winner)}</strong>{
        escape_sentence(rest)
    }</p>
<p>{escape_sentence(" ".join(filter(None, scale)))}</p>
</header>"""


def _cost(comparison, ranks):
    if len(comparison.results) == 1:
        return ""
    key = "".join(
        f'<span class="key"><svg viewBox="0 0 14 14" width="14" height="14" '
        f'aria-hidden="true"><circle cx="7" cy="7" r="5" class="{rank}"/></svg> '
        f"{name}</span>"
        for rank, name in (
            ("winner", "winner"),
            ("good", "as good, within noise"),
            ("other", "worse, beyond noise"),
        )
        if rank in ranks.values()
    )
    return section(
        "Error and cost",
        paragraph(findings.describe_frontier(comparison)),
        figure(lambda width: draw_cost(comparison.results, ranks, width), key),
    )


def _table(comparison, ranks):
    columns = make_columns(comparison)
    badges = {"winner": "winner", "good": "as good", "other": ""}
    heads = "".join(
        f'<th scope="col">{escape(column.heading)}<span>{column.unit}</span></th>'
        for column in columns
    )
    rows = []
    for result in comparison.results:
        rank = ranks[result.model]
        badge = f' <span class="badge">{badges[rank]}</span>' if badges[rank] else ""
        name = f'<th scope="row">{escape(clip_text(result.model, 60))}{badge}</th>'
        cells = []
        for column in columns:
            value, notes = column.cell(result)
            label = escape(f"{column.heading}, {column.unit}")
            style = "cost" if column.is_cost else "metric"
            cells.append(
                f'<td class="{style}" data-label="{label}"><div>{value or "–"}'
                f"<span>{'<br>'.join(map(escape, notes))}</span></div></td>"
            )
        rows.append(f'<tr class="{rank}">{name}{"".join(cells)}</tr>')
    return section(
        "All models",
        '<div class="scroll"><table class="models">'
        f'<thead><tr><th scope="col">Model</th>{heads}</tr>'
        f"</thead><tbody>{''.join(rows)}</tbody></table></div>",
        paragraph(
            "Small figures are 95 % intervals; those of times and sizes are the lowest "
            "and the highest of several divisions. Times are CPU times. Lower is "
            "better, except for macro F1 and texts per second.",
            "note",
        ),
    )


def _learning(comparison, ranks):
    curves = [c for c in comparison.learning_curves() if len(c.points) > 1]
    if comparison.winner not in [curve.model for curve in curves]:
        return ""
    return section(
        "Learning curves",
        paragraph(findings.describe_learning(comparison, curves)),
        figure(
            lambda width: draw_curves(
                curves,
                ranks,
                width,
                title="training texts, logarithmic",
                to_label=format_integer,
                logarithmic=True,
            ),
            "The band is the 95 % interval of the winner.",
        ),
        paragraph(findings.LEARNING_RULE, "note"),
    )


def _noise(comparison, ranks):
    curves = comparison.noise_curves()
    if not curves:
        return ""
    return section(
        "Typing errors",
        paragraph(findings.describe_noise(curves, comparison.winner)),
        figure(
            lambda width: draw_curves(
                curves,
                ranks,
                width,
                title="letters mistyped in the test texts",
                to_label=lambda rate: f"{100 * rate:g} %",
            ),
            "Letters are dropped, doubled, exchanged with the next or replaced, at "
            "random. The band is the 95 % interval of the winner.",
        ),
    )


def _lengths(comparison):
    bounds, errors = comparison.errors_by_length()
    if len(bounds) < 2:
        return ""
    labels = [
        f"{format_integer(low)} to {format_integer(high)}" for low, high in bounds
    ]
    winner = errors[comparison.winner]
    return section(
        "Error by length of the text, in characters",
        paragraph(findings.describe_length_errors(bounds, winner)),
        _strips(comparison, list(enumerate(labels)), errors),
    )


def _classes(comparison):
    errors = comparison.errors_by_class()
    winner = errors[comparison.winner]
    tested = [at for at, each in enumerate(winner) if not math.isnan(each.value)]
    tested.sort(key=lambda at: -winner[at].value)
    labels = [(at, str(comparison.classes[at])) for at in tested]
    if len(labels) < 2:
        return ""
    sentence = findings.describe_class_errors(
        [(label, winner[at]) for at, label in labels]
    )
    if len(labels) > _MAX_CLASSES:
        sentence += f" The chart has the {_MAX_CLASSES} hardest of {len(labels)}."
    return section(
        "Error by class",
        paragraph(sentence),
        _strips(comparison, labels[:_MAX_CLASSES], errors),
    )


def _strips(comparison, labels, errors):
    """Return the figure of errors by group; `labels` has indices and labels."""
    others = [model for model in errors if model != comparison.winner]
    rows = [
        (label, errors[comparison.winner][at], [errors[m][at].value for m in others])
        for at, label in labels
    ]
    caption = "The dot is the winner with its 95 % interval"
    caption += "; each thin line is another model." if others else "."
    return figure(lambda width: draw_strips(rows, width), caption)


def _confusion(comparison):
    pairs = findings.confused_pairs(comparison)
    if not pairs:
        return ""
    counts = comparison.confusion()
    parts = []
    if len(counts) <= _MAX_MATRIX:
        labels = [escape(clip_text(label, 14)) for label in comparison.classes]
        heads = "".join(
            f'<th scope="col"><span>{label}</span></th>' for label in labels
        )
        rows = []
        for at, (label, row) in enumerate(zip(labels, counts, strict=True)):
            shares = row / max(row.sum(), 1)
            cells = "".join(
                f'<td class="{"right" if column == at else "wrong"}" '
                f'style="--s:{share:.2f}">{format_integer(count)}</td>'
                for column, (count, share) in enumerate(zip(row, shares, strict=True))
            )
            rows.append(f'<tr><th scope="row">{label}</th>{cells}</tr>')
        parts.append(
            '<table class="matrix"><thead><tr><td>label \\ answer</td>'
            f"{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        )
    if len(counts) > 2:
        rows = [
            f"<tr><td>{escape(clip_text(true, 40))}</td>"
            f"<td>{escape(clip_text(answer, 40))}</td><td>{format_integer(count)}</td>"
            f"<td>{format_percent(fraction)}</td></tr>"
            for true, answer, count, fraction in pairs
        ]
        parts.append(
            '<table class="list pairs"><thead><tr><th>Label</th><th>Answer</th>'
            "<th>Texts</th><th>% of label</th></tr></thead>"
            f"<tbody>{''.join(rows)}</tbody></table>"
        )
    true, answer, count, _ = pairs[0]
    sentence = (
        f"{comparison.winner} most often takes {quote_label(true)} for "
        f"{quote_label(answer)}: {format_count(count, 'text')}."
    )
    return section("Confusion of the winner", paragraph(sentence), *parts)


def _disagreements(comparison):
    found = comparison.disagreements(_N_TEXTS)
    if not found:
        return ""
    return section(
        "Texts with divided answers",
        paragraph(
            "On these test texts the models disagree most. Reading them shows if the "
            "task is ambiguous."
        ),
        *map(_text_card, found),
    )


def _label_errors(comparison):
    found = comparison.label_errors(int(comparison.confusion().sum()))
    if not found:
        return ""
    sentence = (
        f"All models give the same answer to {format_count(len(found), 'test text')}, "
        "and it is not the label. Check these labels first: some may be wrong, and "
        "each wrong one makes every error above look worse than it is."
    )
    heading = "Likely label errors"
    if len(comparison.results) == 1:
        heading = "Most confident errors"
        sentence = (
            f"The model is wrong on {format_count(len(found), 'test text')}. Check the "
            "labels of the most confident errors first."
        )
    return section(heading, paragraph(sentence), *map(_text_card, found[:_N_TEXTS]))


def _text_card(found):
    """Return a text with its label and the answers of the models."""
    text = re.sub(r"\s*\n\s*\n\s*", "\n", to_printable(found.text).strip())
    if len(text) > _MAX_CHARACTERS:
        text = f"{text[:_MAX_CHARACTERS]}…"
    by_answer = {}
    for model, answer in found.answers.items():
        by_answer.setdefault(str(answer), []).append(clip_text(model, 40))
    by_answer = dict(sorted(by_answer.items(), key=lambda each: -len(each[1])))
    if len(by_answer) == 1:
        (answer,) = by_answer
        models = "All answer" if len(found.answers) > 1 else "Answer"
        given = f"{models} <b>{escape(clip_text(answer, 60))}</b>"
        if found.confidence is not None:
            given += f" with a mean probability of {found.confidence:.2f}"
    else:
        answers = "; ".join(
            f"<b>{escape(clip_text(answer, 60))}</b> by {escape(', '.join(models))}"
            for answer, models in by_answer.items()
        )
        given = f"Answers: {answers}"
    return (
        f'<article><p class="note">Text {found.row}, label '
        f"<b>{escape(clip_text(found.label, 60))}</b>. {given}.</p>"
        f'<blockquote dir="auto">{html.escape(text)}</blockquote></article>'
    )


def _parameters(comparison):
    found = findings.selections(comparison)
    if not found:
        return ""
    rows = []
    for model, (chosen, tried) in found.items():
        n_cells = chosen.total()
        selected = ", ".join(
            f"{params} ({n} of {n_cells})" if n_cells > 1 else params
            for params, n in chosen.most_common()
        )
        listed = "; ".join(
            f"{name}: {error:.2f} %" if math.isfinite(error) else f"{name}: diverged"
            for name, error in tried.items()
        )
        rows.append(
            f'<tr><th scope="row">{escape(clip_text(model, 60))}</th>'
            f'<td data-label="Selected">{escape(selected)}</td>'
            f'<td data-label="Tried">{escape(listed)}</td></tr>'
        )
    sentence = (
        "Parameters were selected on a part of the training texts; no test text was "
        "used. Errors are those on that part, and are optimistic. "
        f"{findings.describe_edges(comparison)}"
    )
    return section(
        "Selected parameters",
        paragraph(sentence.strip()),
        '<table class="list stack"><thead><tr><th>Model</th><th>Selected</th>'
        f"<th>Tried</th></tr></thead><tbody>{''.join(rows)}</tbody></table>",
    )


def _left(comparison):
    counts = Counter((each.model, each.reason) for each in comparison.left)
    items = [
        f"<b>{escape(clip_text(model, 60))}</b>, {format_count(n, 'cell')}: "
        f"{escape(clip_text(reason, 300))}"
        for (model, reason), n in counts.items()
    ]
    warned = {
        (cell.model, message): None
        for cell in comparison.cells
        for message in cell.record.get("warnings", [])
    }
    warnings = [
        f"<b>{escape(clip_text(model, 60))}</b>: {escape(clip_text(message, 300))}"
        for model, message in warned
    ]
    parts = []
    if items:
        parts += [section("Cells without a result", bullets(items))]
    if warnings:
        parts += [section("Warnings", bullets(warnings))]
    return "\n".join(parts)


def _data(comparison):
    about = dict(comparison.about)
    data = dict(about.pop("data", {}))
    counts = data.pop("classes", {})
    parts = [definitions(data)] if data else []
    if counts:
        largest = sorted(counts.items(), key=lambda each: -each[1])
        listed = ", ".join(
            f"{clip_text(label, 40)} {format_integer(n)}"
            for label, n in largest[:_MAX_COUNTS]
        )
        if len(largest) > _MAX_COUNTS:
            listed += f", and {len(largest) - _MAX_COUNTS} more"
        parts += [paragraph(f"Texts by class: {listed}.")]
    for key, values in about.items():
        if isinstance(values, dict):
            parts += [f"<h3>{escape(key.capitalize())}</h3>", definitions(values)]
    return section("Data and settings", *parts) if parts else ""


def _reading():
    return section(
        "Reading of the figures",
        paragraph(
            "A model is as good as the best, within noise, if a paired test on the "
            "same test texts finds no difference at the level of 5 %, divided by the "
            "number of other models. The winner is the cheapest such model; costs "
            "below 10 s count as equal, and the lower error decides. Intervals and "
            "tests are about these trained models on other texts of the same kind. "
            "They do not cover other training texts, other seeds, wrong labels, or "
            "texts of another kind than these."
        ),
    )
