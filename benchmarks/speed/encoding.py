"""Speed of encoding texts to ids of characters and words."""

from sktextconv.encoding import ALPHABETS, CharEncoder, WordEncoder
from sktextconv.encoding._tokenize import PLAIN_PATTERN

from .comparison import make_line
from .references import encode_characters, encode_words
from .timing import rates

__all__ = ["LINES", "compare_char_encoding", "compare_word_encoding"]


def compare_char_encoding(data):
    """Compare the encoding of characters to ids."""
    texts, encoder = data["short"][0] * 3, CharEncoder()
    n_bytes = sum(len(text.encode()) for text in texts)

    def ours():
        encoder.encode(texts)
        return n_bytes

    def theirs():
        encode_characters(texts, ALPHABETS["paper"], 1014)
        return n_bytes

    measured = rates({"ours": ours, "theirs": theirs})
    return make_line(
        "characters to ids", measured, "MB/s", 20, "a dictionary in a loop", 1e-6
    )


def compare_word_encoding(data):
    """Compare building a vocabulary and encoding words to ids."""
    texts = data["short"][0] * 3
    n_words = int(WordEncoder().fit(texts).encode(texts).offsets[-1])

    def ours():
        WordEncoder().fit(texts).encode(texts)
        return n_words

    def theirs():
        encode_words(texts, PLAIN_PATTERN, 50_000, 400)
        return n_words

    return make_line(
        "words to vocabulary and ids",
        rates({"ours": ours, "theirs": theirs}),
        "million/s",
        3.5,
        "findall and Counter",
        1e-6,
    )


LINES = {"characters": compare_char_encoding, "words": compare_word_encoding}
