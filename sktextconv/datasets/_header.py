"""Recognition of a first record that names the columns."""

import re
import unicodedata

__all__ = [
    "HeaderInference",
    "could_be_header",
    "describe_cells",
    "has_common_name",
    "is_header",
    "kind_of_column",
]

# Words in common names of columns. A word may be a plural, or end in digits.
_WORDS = {
    "label": "annotation category class emotion genre gold intent label polarity "
    "rating score sentiment stance star status tag target topic type",
    "other": "age asin author city count country created date datetime fold id idx "
    "index key lang language len length link location name num number row source "
    "split time timestamp uid unnamed url user username uuid",
    "text": "abstract answer article body caption comment content description doc "
    "document email feedback headline message paragraph passage phrase post prompt "
    "query question review sentence sms snippet story subject summary text title "
    "transcript tweet txt utterance",
}
# A name with words of two kinds, such as label_id, is of the first of them.
_KINDS = {kind: frozenset(words.split()) for kind, words in _WORDS.items()}

_NAME = re.compile(r"[^\W\d][\w .:/()#&-]{0,39}")
_MAX_WORDS = 5  # in a name
_MAX_WORD = 30  # characters of a name without a space
_MAX_UNCASED = 6  # the same, in scripts such as Han, which write texts without spaces
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def is_header(names):
    """Return whether all cells are plausible names and two or more are common ones.

    One of the common names must be that of labels or texts.

    Parameters
    ----------
    names : list of str of shape (n_columns,)
        The cells of the first record, without white space at their ends.
    """
    # pandas writes an empty name for the index, which is as telling as a common one.
    body = _without_index(names)
    kinds = [*filter(None, map(kind_of_column, body))]
    is_common = len(names) - len(body) + len(kinds) >= 2 and {*kinds} != {"other"}
    return is_common and len({*body}) == len(body) and _are_names(body)


def could_be_header(names, second=None):
    """Return whether the first record of unlabeled texts could be names of columns.

    Parameters
    ----------
    names : list of str of shape (n_columns,)
        The cells of the first record, without white space at their ends.
    second : list of str, default=None
        Those of the second one, if there is one.
    """
    body = _without_index(names)
    if all(map(str.isdecimal, body)):
        return _is_range(body) or not (second and all(map(str.isdecimal, second)))
    return _are_names(body) and (
        any(any(_kinds_of_words(name).values()) for name in body)
        or all(map(_is_one_word, body))
    )


def has_common_name(name):
    """Return whether a cell is a common name of a column."""
    return kind_of_column(name) is not None


def kind_of_column(name):
    """Return "label", "other" or "text" for common names of columns, else None."""
    kinds = _kinds_of_words(name)
    # A short text with spaces or hyphens may contain one of these words by chance.
    if re.search(r"\W", name) and not all(kinds.values()):
        return None
    found = {kind for kind in kinds.values() if kind}
    return next((kind for kind in _KINDS if kind in found), None)


def describe_cells(cells):
    """Return cells that may be texts, shortened for an error message."""
    shown = [cell if len(cell) <= 24 else f"{cell[:20]}…" for cell in cells[:8]]
    more = f" and {len(cells) - 8} more" if len(cells) > 8 else ""
    return ", ".join(map(repr, shown)) + more


class HeaderInference:
    """Inference of a header from the first record and the others.

    Parameters
    ----------
    where : str
        File and line of the first record, for errors.
    names : list of str of shape (n_columns,)
        Its cells, without white space at their ends.
    label : int
        Position of the label.
    known_labels : collection of str, default=()
        Labels that are known from elsewhere.
    hint : str, default=""
        Another remedy, for the end of the message.

    Attributes
    ----------
    is_header : bool
        Whether the record is taken as a header. `check` confirms it when all other
        records are known.
    """

    def __init__(self, where, names, label, known_labels=(), *, hint=""):
        self.is_header = is_header(names)
        self._where = where
        self._label = names[label]
        self._others = [name for at, name in enumerate(names) if at != label]
        self._hint = hint
        self._is_known = self._label in known_labels
        self._could_be_names = _are_names(_without_index(names))
        body = _without_index(names)
        self._is_range = _is_range(body)
        self._are_integers = all(map(str.isdecimal, body)) and len({*body}) == len(body)
        self._text_recurs = False
        self._has_integer_texts = False

    def see(self, text, *, is_first_text):
        """Take note of the text of another record, and whether the first has it."""
        self._text_recurs |= is_first_text
        if self._are_integers and not self._has_integer_texts:
            self._has_integer_texts = text.replace(" ", "").isdecimal()

    def check(self, labels):
        """Raise `ValueError` if the first record could be a header and data as well.

        Parameters
        ----------
        labels : collection of str
            The labels of the other records.
        """
        problem = self._find_problem(labels)
        if problem:
            raise ValueError(
                f"{self._where}: expected names of columns or a labeled text, and "
                f"cannot tell which, because {problem}; pass header=True if this line "
                f"names the columns, or header=False if it is data{self._hint}."
            )

    def _find_problem(self, labels):
        label, recurs = describe_cells([self._label]), self._label in labels
        recurs |= self._is_known
        common = [*filter(has_common_name, self._others)]
        if self.is_header:
            if recurs:
                return f"its cells are common names, but {label} is also a label"
            if self._text_recurs:
                return "its cells are common names, but another record has its text"
        elif self._is_range or (self._are_integers and not self._has_integer_texts):
            return "its cells are numbers, as in a header that pandas writes"
        elif self._could_be_names and common:
            return f"{describe_cells(common)} is a common name of a column"
        elif not recurs and not all(map(_NUMBER.fullmatch, [self._label, *labels])):
            return f"its label {label} occurs in no other record"
        return None


def _without_index(names):
    return names[1:] if len(names) > 1 and not names[0] else names


def _is_range(names):
    return names == list(map(str, range(len(names))))


def _are_names(names):
    return all(_NAME.fullmatch(x) and len(x.split()) <= _MAX_WORDS for x in names)


def _kinds_of_words(name):
    """Return the kind of each word of a name, or None."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    kinds = {}
    for part in re.split(r"[\W_]+", parted.lower()):
        word = part.rstrip("0123456789")
        if word:
            forms = {word, word.removesuffix("s")}
            kinds[word] = next(
                (k for k, words in _KINDS.items() if forms & words), None
            )
    return kinds


def _is_one_word(name):
    is_uncased = any(unicodedata.category(character) == "Lo" for character in name)
    most = _MAX_UNCASED if is_uncased else _MAX_WORD
    return " " not in name and len(name) <= most
