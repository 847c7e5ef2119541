"""Records of delimited files, and recognition of their delimiter."""

import contextlib
import csv
import itertools
import re
import threading

from ._decoding import open_text

__all__ = ["check_delimiter", "read_delimited", "suggest_delimiter"]

# csv.field_size_limit is global to the process: only one thread may change it.
_field_size_lock = threading.Lock()

# Size of the sample from which a delimiter is recognized.
_MAX_LINES = 100
_MAX_CHARACTERS = 2**20

_RECOGNIZED = "\t;"  # besides the comma
_SUGGESTED = ",\t;|"

# First line that Excel reads as the name of the delimiter.
_DELIMITER_LINE = re.compile(r'"?sep=([^"\r\n])"?\r?\n?')
# A label, number or name of a column: one to three words.
_LABEL = re.compile(r"[\w.+/-]{1,40}(?: [\w.+/-]{1,40}){0,2}")
# Cells before and after semicolons that do not delimit.
_PROSE_BEFORE = re.compile(r"\s\Z|[&#]\w+\Z")
_PROSE_AFTER = re.compile(r"\s|\W+\Z")


def check_delimiter(delimiter):
    """Raise `ValueError` unless a delimiter is None or one character."""
    if delimiter is not None and not (
        isinstance(delimiter, str) and len(delimiter) == 1 and delimiter not in '"\r\n'
    ):
        raise ValueError(
            "Expected delimiter to be one character, such as ';', other than a quote "
            f"or line break, got {delimiter!r}."
        )


def read_delimited(text, head, delimiter):
    """Yield the first line number and the cells of each record.

    A first line like ``sep=;`` names the delimiter and is no record.

    Parameters
    ----------
    text : TextFile
        Open file.
    head : list of str
        Lines that were already read: blank ones, and one that is not blank.
    delimiter : str or None
        Delimiter; None recognizes it from the first lines.
    """
    line = 1
    if head and (match := _DELIMITER_LINE.fullmatch(head[-1])):
        head[-1] = "\n"
        delimiter = delimiter or match[1]
    with _no_field_size_limit():
        text.delimiter = _find_delimiter(text, head, delimiter)
        lines = itertools.chain(head, text.lines)
        reader = csv.reader(lines, delimiter=text.delimiter, strict=True)
        text.count_lines = lambda: max(reader.line_num, len(head))
        try:
            for cells in reader:
                if cells:
                    yield line, cells
                line = reader.line_num + 1
        except csv.Error as error:
            raise ValueError(
                f"{text.path}, line {line}: expected cells in double quotes, with "
                "quotes inside doubled, in the record that begins here, got: "
                f"{error}{suggest_delimiter(text, text.delimiter)}."
            ) from error


def suggest_delimiter(text, used):
    """Return a clause about a delimiter that reads the first lines, or nothing."""
    if not text.path.is_file():
        return ""
    head = []
    with open_text(text.path, text.encoding) as again:
        is_whole = _extend(head, again.lines)
    for delimiter in _SUGGESTED.replace(used, ""):
        if width := _width(_parse(head, delimiter, is_whole)):
            return (
                f"; the first lines have {width} columns with delimiter={delimiter!r}"
            )
    return ""


@contextlib.contextmanager
def _no_field_size_limit():
    with _field_size_lock:
        limit = csv.field_size_limit(2**31 - 1)
        try:
            yield
        finally:
            csv.field_size_limit(limit)


def _find_delimiter(text, head, given):
    """Return the delimiter of a file; add the lines that were read to `head`.

    Lines are read ahead only if the first one holds another delimiter than the comma.
    """
    candidates = _RECOGNIZED if given is None else ","
    others = [d for d in candidates if head and d in head[-1] and d != given]
    if not others:
        return given or ","
    is_whole = _extend(head, text.lines)
    parsed = {d: _parse(head, d, is_whole) for d in others}
    fitting = {d: records for d, records in parsed.items() if _width(records)}
    if given is not None:
        # Read a file of commas as one column only if it might be meant.
        own = _parse(head, given, is_whole)
        is_wrong = _is_single(own) and any(map(_is_sure, fitting, fitting.values()))
        found = None if is_wrong else given
    else:
        found = _choose(_parse(head, ",", is_whole), fitting)
    if found is None:
        raise ValueError(_describe_ambiguous(text.path, given or ",", fitting))
    return found


def _choose(comma, fitting):
    """Return the delimiter that must be meant, or None.

    Parameters
    ----------
    comma : list of list of str, or None
        Records with a comma as delimiter; None if their quotes are broken.
    fitting : dict
        Records with each of the delimiters that give columns.
    """
    possible = {d for d, records in fitting.items() if _may_be_table(d, records)}
    labeled = {d for d in possible if _has_labels(fitting[d])}
    sure = {d for d, records in fitting.items() if _is_sure(d, records)}
    if _width(comma):
        is_open = labeled & sure if _has_labels(comma) else labeled
        return None if is_open else ","
    if len(sure) == 1 and labeled <= sure:
        return sure.pop()
    return None if sure or (possible and _is_single(comma)) else ","


def _describe_ambiguous(path, used, fitting):
    others = [f"delimiter={d!r}" for d in fitting]
    return (
        f"{path}: expected columns with delimiter={used!r}, but the first lines also "
        f"have columns with {' and '.join(others)}; pass {' or '.join(others)}"
        + (
            ", or delimiter=',' for one column of texts or a file of commas."
            if used == ","
            else "."
        )
    )


def _extend(head, lines):
    """Add lines up to the size of a sample to `head`; return whether all were added."""
    n_characters = sum(map(len, head))
    while len(head) < _MAX_LINES and n_characters < _MAX_CHARACTERS:
        line = next(lines, None)
        if line is None:
            return True
        head.append(line)
        n_characters += len(line)
    return False


def _parse(lines, delimiter, is_whole):
    """Return the records of some lines, or None if their quotes are broken."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    records = []
    try:
        records.extend(filter(None, reader))
    except csv.Error:
        # The sample may end inside a record.
        if is_whole or reader.line_num < len(lines):
            return None
    return records


def _width(records):
    """Return the number of columns, or 0 unless all records have the same, over 1."""
    widths = {*map(len, records or ())}
    return max(widths) if len(widths) == 1 and widths != {1} else 0


def _is_single(records):
    """Return whether there are records, and all have a single column."""
    return {*map(len, records or ())} == {1}


def _has_labels(records):
    """Return whether all cells of some column can be labels, numbers or names."""
    return any(
        all(map(_LABEL.fullmatch, column)) for column in zip(*records, strict=True)
    )


def _is_sure(delimiter, records):
    """Return whether records, read with this delimiter, cannot be plain sentences."""
    columns = list(zip(*records, strict=True))
    if len(records) < 2 or not all(map(any, columns)):
        return False
    if delimiter == "\t" and all(map(all, columns)):
        return True
    return _has_labels(records) and not _is_prose(delimiter, columns)


def _may_be_table(delimiter, records):
    """Return whether records are more than sentences that happen to fit."""
    columns = list(zip(*records, strict=True))
    if len(records) > 2:
        return True
    is_table = all(map(any, columns)) and _has_labels(records)
    return is_table and (len(records) > 1 or not _is_prose(delimiter, columns))


def _is_prose(delimiter, columns):
    """Return whether semicolons belong to sentences, emoticons or HTML entities."""
    before = itertools.chain(*columns[:-1])
    after = itertools.chain(*columns[1:])
    return delimiter == ";" and (
        any(map(_PROSE_BEFORE.search, before)) or any(map(_PROSE_AFTER.match, after))
    )
