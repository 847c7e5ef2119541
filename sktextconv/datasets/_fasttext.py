"""Records of the files of fastText: a label with a prefix, then the text."""

import re

__all__ = ["is_fasttext", "read_fasttext"]

_PREFIX = "__label__"
# Only ASCII white space separates words in fastText.
_match_first = re.compile(r"\s*(\S*)\s?", re.ASCII).match
_find_words = re.compile(r"\S+", re.ASCII).findall


def is_fasttext(line):
    """Return whether a line begins with a label as fastText writes it."""
    label = _match_first(line)[1]
    # With a delimiter in the first word, the file is a table of such labels.
    return _is_label(label) and not any(d in label for d in ",;|\"'")


def read_fasttext(text, head):
    """Yield the line number, and the label and text, of each line.

    Parameters
    ----------
    text : TextFile
        Open file.
    head : list of str
        Lines that were already read.
    """
    for number, line in text.enumerate_lines(head):
        line = line.rstrip("\r\n")
        if not line:
            continue
        first = _match_first(line)
        label, rest = first[1], line[first.end() :]
        n_labels = _is_label(label)
        if _PREFIX in rest:
            n_labels += sum(map(_is_label, _find_words(rest)))
        if n_labels != 1:
            raise ValueError(
                f"{text.path}, line {number}: expected one label that begins with "
                f"{_PREFIX} and then a text, as in the first line, got "
                f"{'several labels' if n_labels else 'no label'}; if the file is not "
                "in the format of fastText, pass its delimiter, such as delimiter=','."
            )
        yield number, [label.removeprefix(_PREFIX), rest]


def _is_label(word):
    return word.startswith(_PREFIX) and word != _PREFIX
