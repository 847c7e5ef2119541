"""Letters and marks of scripts without spaces, by the names of Unicode."""

import re
import unicodedata

__all__ = ["LETTERS", "MARKS", "is_letter", "is_mark", "slow_words"]

_SCRIPTS = r"THAI|LAO|KHMER|MYANMAR|HIRAGANA|HENTAIGANA|KATAKANA|HALFWIDTH KATAKANA"
_LETTER = re.compile(
    rf"({_SCRIPTS})\b|CJK (UNIFIED|COMPATIBILITY) IDEOGRAPH|HANGZHOU NUMERAL"
    r"|(VERTICAL )?IDEOGRAPHIC (?!ANNOTATION|TALLY)|VERTICAL KANA REPEAT|MASU MARK"
)
_MARK = re.compile(r"(THAI|LAO|KHMER|MYANMAR|COMBINING KATAKANA|VARIATION SELECTOR)\b")

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
    if not character:
        return False
    name = unicodedata.name(character, "")
    combines = unicodedata.category(character) in ("Mn", "Mc")
    return (combines and bool(_MARK.match(name))) or character in "ำຳﾞﾟ"


def slow_words(text):
    """Return the words of a text, character by character."""
    # Whether the last word has a letter or a mark of these scripts.
    words, in_script, before = [""], False, ""
    for character in text:
        is_stacked = is_letter(character) and before in ("\u1039", "\u17d2")
        if in_script and (is_mark(character) or is_stacked):
            words[-1] += character
        elif is_letter(character) or (is_mark(character) and character != "\ufe00"):
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
