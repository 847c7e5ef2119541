"""Records of the files of fastText: a label with a prefix, then the text."""

__all__ = ["is_fasttext", "read_fasttext"]

_PREFIX = "__label__"


def is_fasttext(line):
    """Return whether a line begins with a label as fastText writes it."""
    label = _first_word(line)
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
        if not line.strip("\r\n"):
            continue
        label = _first_word(line)
        rest = line.strip()[len(label) :].strip()
        n_labels = _is_label(label)
        if _PREFIX in rest:
            n_labels += sum(map(_is_label, rest.split()))
        if n_labels != 1:
            raise ValueError(
                f"{text.path}, line {number}: expected one label that begins with "
                f"{_PREFIX} and then a text, as in the first line, got "
                f"{'several labels' if n_labels else 'no label'}; if the file is not "
                "in the format of fastText, pass its delimiter, such as delimiter=','."
            )
        yield number, [label.removeprefix(_PREFIX), rest]


def _first_word(line):
    return next(iter(line.split(maxsplit=1)), "")


def _is_label(word):
    return word.startswith(_PREFIX) and word != _PREFIX
