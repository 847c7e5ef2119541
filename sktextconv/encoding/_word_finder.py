"""Words of a text and their offsets, by a regular expression or a callable."""

import re

from ._scripts import has_unspaced

__all__ = ["CallableFinder", "PatternFinder"]


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
        """Return start and end of each word, searched for in order.

        The span of a word that does not follow verbatim is empty.
        """
        spans, position = [], 0
        for word in self.words(text):
            start = text.find(word, position)
            if start < 0:
                spans.append((position, position))
            else:
                position = start + len(word)
                spans.append((start, position))
        return spans
