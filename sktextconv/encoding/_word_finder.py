"""Words of a text and their offsets, by a regular expression or a callable."""

import bisect
import re

from ._scripts import WORD_LETTER, has_unspaced

__all__ = ["CallableFinder", "PatternFinder"]

# Each position in a text except those between two letters or digits of a word.
_BORDER = re.compile(f"(?<!{WORD_LETTER})|(?!{WORD_LETTER})")
_MARK = "\0"  # inserted at borders, so that `str.find` finds whole words

# Score of a match inside a longer word of the text; a match of a whole word scores 1.
_PART_GAIN = 0.6
_MAX_STATES = 8  # alignments to continue, those with the highest scores
_MAX_SEARCHED = 200_000_000  # characters, over all words of a text


class PatternFinder:
    """Finder of the matches of a regular expression.

    Parameters
    ----------
    pattern : str
        If it has a group, the group is the word.
    unspaced_pattern : str or None, default=None
        Regular expression for texts with a letter of a script without spaces. It must
        find the same words in all other texts. None takes `pattern`.
    """

    def __init__(self, pattern, unspaced_pattern=None):
        self._pattern = re.compile(pattern)
        self._unspaced = None
        if unspaced_pattern is not None:
            self._unspaced = re.compile(unspaced_pattern)

    def words(self, text):
        """Return the words of a text as a list of str."""
        return self._choose(text).findall(text)

    def spans(self, text):
        """Return start and end of each word in characters, as a list of pairs."""
        pattern = self._choose(text)
        return [match.span(pattern.groups) for match in pattern.finditer(text)]

    def _choose(self, text):
        if self._unspaced is not None and has_unspaced(text):
            return self._unspaced
        return self._pattern


class CallableFinder:
    """Finder of the words that a callable returns for a text."""

    def __init__(self, tokenizer):
        self._tokenizer = tokenizer

    def words(self, text):
        """Return the words of a text; raise `TypeError` unless they are a list of str.

        The message does not show the text.
        """
        words = self._tokenizer(text)
        if not isinstance(words, list):
            raise TypeError(
                "Expected the tokenizer to return a list of str for a text, got "
                f"{type(words).__name__}. Wrap it in a function that returns a list."
            )
        for kind in set(map(type, words)):
            if not issubclass(kind, str):
                raise TypeError(
                    "Expected the tokenizer to return a list of str for a text, got "
                    f"a list with {kind.__name__}. Wrap it in a function that returns "
                    "the text of each token."
                )
        return words

    def spans(self, text):
        """Return start and end of each word, in order.

        The span of a word that is not found verbatim is empty.
        """
        return _align_words(text, self.words(text))


def _align_words(text, words):
    """Return start and end of words in a text, in their order.

    Of all ways to find the words one after another, without overlaps, the best one
    finds most of them, as whole words of the text rather than in parts of them; of
    equally good ones, the one that ends first. A word within another one is found only
    at its start, at its end, or where the word before ends. Time is linear: the more
    words, the less text is searched for each.

    Parameters
    ----------
    text : str
    words : list of str

    Returns
    -------
    spans : list of (start, end), of length n_words
        Empty for a word that is not found.
    """
    inserted = [match.start() for match in _BORDER.finditer(text)]
    inserted = [start + n_before for n_before, start in enumerate(inserted)]
    marked = _mark(text)
    window = _MAX_SEARCHED // max(len(words), 1)
    # Position after the last word found, its score, and its path: that of the word
    # before, index and start. Both position and score increase.
    states = [(0, 0.0, None)]
    for index, word in enumerate(words):
        if inner := _mark(word)[1:-1]:
            states = _add_word(states, index, inner, marked, window)
    starts, path = {}, states[-1][-1]
    while path is not None:
        path, index, start = path
        starts[index] = start - bisect.bisect_left(inserted, start)
    spans, position = [], 0
    for index, word in enumerate(words):
        start = starts.get(index)
        if start is None:
            spans.append((position, position))
        else:
            position = start + len(word)
            spans.append((start, position))
    return spans


def _mark(text):
    return _BORDER.sub(_MARK, text)


def _add_word(states, index, inner, marked, window):
    """Return the states after a word, which is found or not."""
    size = len(inner)
    found = {position: (score, path) for position, score, path in states}
    for state, start, gain in _find_next(states, inner, marked, window):
        _, score, path = state
        score += gain
        if start + size not in found or found[start + size][0] < score:
            found[start + size] = score, (path, index, start)
    selected, best = [], -1.0
    for position, (score, path) in sorted(found.items()):
        if score > best:
            selected.append((position, score, path))
            best = score
    return selected[-_MAX_STATES:]


def _find_next(states, inner, marked, window):
    """Yield the state before each next occurrence of a word, its start and its gain."""
    positions = [state[0] for state in states]
    stop = positions[-1] + window
    for before, after, gain in (
        (_MARK, _MARK, 1.0),
        (_MARK, "", _PART_GAIN),
        ("", _MARK, _PART_GAIN),
    ):
        n_before = 0
        while n_before < len(states):
            found = marked.find(before + inner + after, positions[n_before], stop)
            if found < 0:
                break
            # The last state has the highest score.
            n_before = bisect.bisect_right(positions, found)
            yield states[n_before - 1], found + len(before), gain
    for state in states:
        position = state[0]
        if marked[position] != _MARK and marked.startswith(inner, position):
            yield state, position, 1.0  # it continues the word of the text
