"""Scripts that are written without spaces between words."""

import re

import numpy as np

__all__ = [
    "CHARACTER",
    "LETTERS",
    "WORD_LETTER",
    "check_split_scripts",
    "has_unspaced",
    "may_have_unspaced",
]

# Blocks of Thai, Lao, Myanmar, Khmer, Han, Hiragana and Katakana without their digits,
# as ranges of a regular expression. They contain their marks, too.
LETTERS = (
    r"\u0e01-\u0e4f\u0e5a-\u0ecf\u0eda-\u0eff"  # Thai, Lao
    r"\u1000-\u103f\u104a-\u108f\u109a-\u109f\ua9e0-\ua9ef\ua9fa-\ua9ff\uaa60-\uaa7f"
    r"\u1780-\u17df\u17ea-\u17ff\u19e0-\u19ff"  # Khmer
    r"\u3005-\u3007\u3021-\u3035\u3038-\u303c\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    r"\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # Hiragana, Katakana
    r"\U0001aff0-\U0001b16f\U00020000-\U0003ffff"
)

# Vowel signs, tone marks and variation selectors, which belong to the letter before.
_MARKS = (
    r"\u0e31\u0e33-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb3-\u0ebc\u0ec8-\u0ece"
    r"\u102b-\u103e\u1056-\u1059\u105e-\u1060\u1062-\u1064\u1067-\u106d\u1071-\u1074"
    r"\u1082-\u108d\u108f\u109a-\u109d\ua9e5\uaa7b-\uaa7d"
    r"\u17b4-\u17d3\u17dd\u302a-\u302f\u3099\u309a\uff9e\uff9f"
    r"\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef"
)
# The letter after one of these, of Myanmar and Khmer, is written below the one before.
_STACKERS = r"\u1039\u17d2"

# A letter with its marks and the letters below it.
CHARACTER = rf"[{LETTERS}](?:[{_MARKS}]|(?<=[{_STACKERS}])[{LETTERS}])*"
# Part of a word in all other scripts: `\w` without these letters.
WORD_LETTER = rf"[^\W{LETTERS}]"

_search = re.compile(f"[{LETTERS}]").search


def has_unspaced(text):
    """Return whether a text contains a letter of these scripts."""
    return not text.isascii() and _search(text) is not None


def may_have_unspaced(texts):
    """Return False only if no text contains a letter of these scripts; far faster."""
    joined = "".join(text for text in texts if not text.isascii())
    units = np.frombuffer(joined.encode("utf-16-le", "surrogatepass"), dtype="<u2")
    # From Thai on, without typographic punctuation and symbols.
    candidates = (units >= 0x0E00) & ((units < 0x2000) | (units >= 0x2E00))
    return bool(candidates.any())


def check_split_scripts(split_scripts):
    """Raise `ValueError` unless this part of a fitted state is a bool."""
    if type(split_scripts) is not bool:
        raise ValueError(f"Expected a bool as split_scripts, got {split_scripts!r}.")
