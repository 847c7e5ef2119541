"""Records of JSON lines."""

import json

__all__ = ["is_json_object", "read_json_lines"]


class _Number(str):
    """Number, true or false, as it is written."""


class _DuplicateError(ValueError):
    """Object with two fields of one name."""


def is_json_object(line):
    """Return whether a line contains a whole JSON object with fields."""
    if line.lstrip()[:1] != "{":
        return False
    try:
        return bool(_decoder.decode(line))
    except (ValueError, RecursionError):
        return False


def read_json_lines(records, text, head):
    """Yield the names of the fields, and then the line and cells of each object.

    The fields of the first object give the names. Other objects may have them in
    another order, lack those that are not in use, and have more.

    Parameters
    ----------
    records : Records
        Its `text_indices` and `other_indices` are the columns in use.
    text : TextFile
        Open file.
    head : list of str
        Lines that were already read.
    """
    names = None
    for number, line in text.enumerate_lines(head):
        if not line.strip():
            continue
        where = f"{text.path}, line {number}"
        fields = _parse(where, line)
        if names is None:
            names = list(fields)
            yield number, names
        cells = [fields.get(name) for name in names]
        for index in records.text_indices:
            if type(cells[index]) is not str:
                raise ValueError(
                    f"{where}: expected a string in the field {names[index]!r}, got "
                    f"{_describe(fields, names[index])}; name the fields of texts with "
                    "text_columns."
                )
        for index in records.other_indices:
            if not isinstance(cells[index], str):
                raise ValueError(
                    f"{where}: expected a string or number in the field "
                    f"{names[index]!r}, got {_describe(fields, names[index])}; name "
                    "the field of labels with label_column."
                )
        yield number, cells


def _parse(where, line):
    try:
        fields = _decoder.decode(line)
    except json.JSONDecodeError as error:
        problem = f"a broken line ({error.msg} at character {error.colno})"
    except _DuplicateError:
        problem = "an object with two fields of one name"
    except RecursionError:
        problem = "deeply nested arrays or objects"
    else:
        if isinstance(fields, dict):
            for name, value in fields.items():
                if type(value) is bool:
                    fields[name] = _Number(str(value).lower())
            if fields:
                return fields
            problem = "an object without fields"
        else:
            problem = _describe_type(fields)
    raise ValueError(
        f"{where}: expected one JSON object per line, got {problem}."
    ) from None


def _make_object(pairs):
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise _DuplicateError
    return fields


_decoder = json.JSONDecoder(
    object_pairs_hook=_make_object,
    # Numbers stay as written, as in CSV files.
    parse_int=_Number,
    parse_float=_Number,
)


def _describe(fields, name):
    return _describe_type(fields[name]) if name in fields else "no such field"


def _describe_type(value):
    if value is None:
        return "null"
    kinds = {_Number: "a number, true or false", str: "a string", list: "an array"}
    return kinds.get(type(value), "an object" if isinstance(value, dict) else "NaN")
