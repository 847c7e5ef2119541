"""Letters and marks of scripts without spaces, by the names of Unicode."""

import re
import unicodedata

from sktextconv.encoding._scripts import LETTERS as BLOCKS

__all__ = [
    "LETTERS",
    "MARKS",
    "is_letter",
    "is_mark",
    "is_unspaced",
    "slow_words",
]

_SCRIPTS = r"THAI|LAO|KHMER|MYANMAR|HIRAGANA|HENTAIGANA|KATAKANA|HALFWIDTH KATAKANA"
_LETTER = re.compile(
    rf"({_SCRIPTS})\b|CJK (UNIFIED|COMPATIBILITY) IDEOGRAPH|HANGZHOU NUMERAL"
    r"|(VERTICAL )?IDEOGRAPHIC (?!ANNOTATION|TALLY)|VERTICAL KANA REPEAT|MASU MARK"
)
_MARK = re.compile(
    r"(THAI|LAO|KHMER|MYANMAR|(COMBINING|HALFWIDTH) KATAKANA|VARIATION SELECTOR"
    r"|(IDEOGRAPHIC|HANGUL) .* TONE MARK|ZERO WIDTH (NON-)?JOINER)\b"
)
_IN_BLOCKS = re.compile(f"[{BLOCKS}]")

# Samples, in which a mark can stand anywhere.
LETTERS = "好𠀀々あカーｶกำໂຂគឥမဿ"
MARKS = "ัี่ຸ້ុំ្ာိ့္ﾞ゙\ufe00"


def is_letter(character):
    """Return whether a character is a letter or sign of such a script, not a digit."""
    return (
        character.isalnum()
        and unicodedata.category(character) != "Nd"
        and bool(_LETTER.match(unicodedata.name(character, "")))
    )


def is_mark(character):
    """Return whether a character belongs to the letter before it."""
    if character == "\u0ece":  # of Lao, unknown to Python before Unicode 15
        return True
    return bool(_MARK.match(unicodedata.name(character, ""))) and (
        unicodedata.category(character) in ("Mn", "Mc", "Cf") or character in "ำຳﾞﾟ"
    )


def is_unspaced(character):
    """Return whether a character, assigned or not, is in the blocks of these scripts.

    Of letters, `is_letter` says the same by their names.
    """
    return bool(_IN_BLOCKS.match(character))


def slow_words(text, *, lowercase=False):
    """Return the words of a text, character by character."""
    # Whether the last word begins with a character of these scripts.
    words, in_script, before = [""], False, ""
    for character in text.lower() if lowercase else text:
        is_stacked = is_unspaced(character) and before in ("\u1039", "\u17d2")
        if in_script and (is_mark(character) or is_stacked):
            words[-1] += character
        elif is_unspaced(character):
            words.append(character)
            in_script = True
        elif character.isspace():
            words.append("")
            in_script = False
        elif not (character.isalnum() or character == "_"):
            words += [character, ""]
            in_script = False
        elif in_script:
            words.append(character)
            in_script = False
        else:
            words[-1] += character
        before = character
    return [word for word in words if word]
