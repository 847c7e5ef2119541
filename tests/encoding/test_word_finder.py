"""Words of a tokenizer are found where they stand in the text."""

import itertools
import re

import pytest
from hypothesis import given, strategies as st

from sktextconv.encoding import WordEncoder
from sktextconv.encoding._tokenize import TOKEN_PATTERN

# The words that a tokenizer returns, and the text with those that are found in it.
EXAMPLES = {
    "lemma that follows as a word": (
        "it be a fine film but to be long be bad",
        "[it] is [a] [fine] [film], [but] [to] [be] [long] is [bad]",
    ),
    "lemma that follows within a word": (
        "he be fat , maybe rich",
        "[he] is [fat][,] [maybe] [rich]",
    ),
    "lemma within a word that is dropped": ("he be fat", "[he] is an obese, [fat] man"),
    "lemma at the start of a word": (
        "he be so dumb and beam",
        "[he] is [so] [dumb]er [and] [beam]s",
    ),
    "phrase that is repeated": (
        "this be a fine film , and to be a fine film be all",
        "[this] is [a] [fine] [film][,] [and] [to] [be] [a] [fine] [film] is [all]",
    ),
    "several lemmas before a word": (
        "man be walk home and woman be walk too",
        "men were gone [home] [and] women [be] [walk] [too]",
    ),
    "lower case": (
        "good films are as good as bad",
        "Good [films] [are] [as] [good] [as] [bad]",
    ),
    "dropped words": ("a bore", "the bad films are [a] [bore]"),
    "dropped parts of speech": ("open can fast", "i can [open] a [can] [fast]"),
    "few words of a long text": (
        "go bad",
        "the " + "agog agora " * 500 + "[go] " + "embadge " * 500 + "[bad]",
    ),
    "stems": ("the film are bor", "[the] [film]s [are] [bor]ing"),
    "article in front of a word": ("كتاب قديم", "ال[كتاب] [قديم]"),
    "parts of words": (
        "un happi ness un real be un",
        "[un][happi][ness] [un][real] [be] [un]",
    ),
    "parts of words that change": ("un happy ness un", "[un]happi[ness] [un]"),
    "characters": ("b a n a n a a n", "[b][a][n][a][n][a] [a][n]"),
    "chinese": ("喜欢 电影 看 电影", "他[喜欢][电影]的目的是[看][电影]"),
    "chinese that changes": ("電影 好 看 电影", "电影[好][看]， [电影]"),
    "thai": ("หนัง ดี หนัง", "[หนัง]นี้[ดี]มาก [หนัง]"),
    "german compound": ("haus tür schlüssel", "[haus][tür][schlüssel]"),
    "no word": ("x y", "a b"),
    "repeated words": ("to be or not to be", "[to] [be] [or] [not] [to] [be]"),
    "white space in words": ("new york| |york", "in [new york][ ][york]"),
    "null character": ("\0 a\0b c", "[\0]\0 \0[a\0b]\0[c]"),
}


def spans_of(text, words):
    encoder = WordEncoder(tokenizer=lambda text: words, lowercase=False)
    encoder.set_params(max_length=5_000).fit(["a"])
    return list(map(tuple, encoder.offsets(text).tolist()))


@pytest.mark.parametrize("name", EXAMPLES)
def test_words_are_found_where_they_stand(name):
    words, marked = EXAMPLES[name]
    words = words.split("|" if "|" in words else " ")
    text = re.sub(r"[][]", "", marked)
    expected = [
        (match.start() - 2 * n_before, match.end() - 2 * n_before - 2)
        for n_before, match in enumerate(re.finditer(r"\[[^]]*\]", marked))
    ]
    spans = spans_of(text, words)
    assert [(start, end) for start, end in spans if start < end] == expected
    for word, (start, end) in zip(words, spans, strict=True):
        assert text[start:end] in (word, "")


@given(text=st.text(st.sampled_from("ab1_ .!\n\0é好ก\u0e35")), data=st.data())
def test_words_of_text_are_all_found(text, data):
    """Each word is found at its place, whether other words are changed or not."""
    text += "a"
    matches = list(re.finditer(TOKEN_PATTERN, text))
    kept = [data.draw(st.booleans()) for _ in matches]
    words = [m[0] if keep else "#" for m, keep in zip(matches, kept, strict=True)]
    spans = spans_of(text, [match[0] for match in matches])
    assert spans == [match.span() for match in matches]
    spans = spans_of(text, words)
    position = 0
    for word, (start, end) in zip(words, spans, strict=True):
        assert position <= start
        assert text[start:end] in (word, "")
        position = end
    assert sum(a < b for a, b in spans) >= sum(kept)


def test_long_text_with_changed_words():
    """All words but the changed ones are found at their places in a long text."""
    words = [f"w{number * number % 97}" for number in range(5_000)]
    ends = list(itertools.accumulate(len(word) + 1 for word in words))
    changed = [f"{word}x" if word[-1] in "13" else word for word in words]
    expected = [
        (end - 1 - len(word), end - 1)
        for word, other, end in zip(words, changed, ends, strict=True)
        if word == other
    ]
    spans = spans_of(" ".join(words), changed)
    assert [(start, end) for start, end in spans if start < end] == expected
