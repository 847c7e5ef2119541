"""Pretrained word vectors: from a file, from memory, or trained on the texts."""

import contextlib
import gzip
import lzma
import os
import warnings
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..utils._optional_dependencies import require
from ._ragged import PAD

if TYPE_CHECKING:
    from ._base import BaseWordEncoder

__all__ = ["vector_size", "word_vectors"]

_SCALE = 0.25  # Kim (2014): about the standard deviation of word2vec's vectors
_MIN_COVERAGE = 0.01  # fraction of the vocabulary; fewer vectors indicate an error

_OPENERS = {b"\x1f\x8b": gzip.open, b"\xfd7zXZ\x00": lzma.open}  # by first bytes
_DAMAGE_ERRORS = (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError)
_MAX_DIM = 1_000_000  # numbers in a vector, as for embedding_dim
_HEAD_SIZE = 2**18  # bytes; enough for a header and the first vector
_BLOCK_SIZE = 2**20  # bytes read at a time
_MAX_WORD_SIZE = 2**16  # bytes
_NUMBER_BYTES = frozenset(b"0123456789+-.eEnaifNAIF \t\r\n")

# gensim ignores the words of a sentence beyond this number.
_WORDS_PER_SENTENCE = 10_000


def word_vectors(
    source: object,
    encoder: "BaseWordEncoder",
    texts: Collection[str],
    *,
    dim: int,
    seed: int,
) -> np.ndarray:
    """Return a vector for each id of an encoder of words.

    The vectors of words that `source` does not contain, and of `UNKNOWN` and
    `SENTENCE_END`, are uniformly distributed in [-0.25, 0.25], as in Kim (2014) [1]_.
    They do not depend on which other words are found. The vector of `PAD` is zero.

    Parameters
    ----------
    source : str, path, mapping or KeyedVectors
        "word2vec" trains vectors on `texts` with gensim. Any other path names a file
        in the text or binary format of word2vec or the text format of GloVe, plain or
        compressed with gzip or xz; the content determines the format. A mapping maps
        words to sequences of `dim` numbers. `KeyedVectors` are gensim's.
    encoder : WordEncoder or DocumentEncoder
        A fitted encoder.
    texts : array-like of str of shape (n_samples,)
        Texts that the encoder was fitted on. Only "word2vec" reads them.
    dim : int
        Size of the vectors; the parameter `embedding_dim` of the classifiers.
    seed : int
        Seed of the random vectors and of training.

    Returns
    -------
    vectors : ndarray of float32 of shape (n_tokens, dim)
        Row i belongs to id i.

    Raises
    ------
    ValueError
        If vectors have another size or are not finite, or if a file is damaged or has
        none of the formats.
    TypeError
        If `source` has another type.
    FileNotFoundError
        If the file does not exist.
    ImportError
        If `source` is "word2vec" and gensim is not installed.

    Warns
    -----
    UserWarning
        If less than 1 % of the words have a vector.

    Notes
    -----
    Words are looked up as they are in the vocabulary: with ``lowercase=True`` the
    vector of "Paris" is not used for "paris". Files are read in one pass, and only the
    vectors of the vocabulary are stored. If a word occurs twice, its first vector is
    used. Lines of other words are not validated, and reading stops after the last
    word of the vocabulary.

    Training uses the defaults of gensim's word2vec: a continuous bag of words with a
    window of 5, 5 negative samples and 5 epochs [2]_. Texts are read in full, by a
    `DocumentEncoder` up to its limits; words outside the vocabulary are removed first.
    Training uses one thread: with several, the vectors would depend on the order in
    which the threads run.

    References
    ----------
    .. [1] Y. Kim, "Convolutional Neural Networks for Sentence Classification", EMNLP
       2014, section 3. https://aclanthology.org/D14-1181
    .. [2] T. Mikolov, K. Chen, G. Corrado and J. Dean, "Efficient Estimation of Word
       Representations in Vector Space", 2013. https://arxiv.org/abs/1301.3781

    Examples
    --------
    >>> from sktextconv.encoding import WordEncoder, word_vectors
    >>> encoder = WordEncoder().fit(["good good film"])
    >>> known = {"good": [1.0, 2.0], "bad": [-1.0, -2.0]}
    >>> vectors = word_vectors(known, encoder, [], dim=2, seed=0)
    >>> encoder.words, vectors.shape
    (['good', 'film'], (4, 2))
    >>> vectors[2]
    array([1., 2.], dtype=float32)
    """
    rng = np.random.default_rng(seed)
    vectors = rng.random((encoder.n_tokens, dim), dtype=np.float32)
    vectors *= 2 * _SCALE
    vectors -= _SCALE
    vectors[PAD] = 0.0
    first = encoder.n_tokens - len(encoder.words)  # smaller ids are reserved
    if isinstance(source, str) and source == "word2vec":
        vectors[first:] = _train(encoder, texts, dim, seed)
        return vectors
    n_found = 0
    for index, values, location in _find_vectors(source, encoder.words, dim):
        vectors[first + index] = _check_vector(values, dim, location)
        n_found += 1
    if n_found < _MIN_COVERAGE * len(encoder.words):
        warnings.warn(
            f"Only {n_found} of the {len(encoder.words)} words of the vocabulary have "
            f"a vector in {_describe(source)}; the others start at random. Check that "
            "the vectors are of the same language and that case matches: with "
            "lowercase=True, words are looked up in lower case.",
            stacklevel=2,
        )
    return vectors


def vector_size(source: object) -> int | None:
    """Return the size of the vectors of a source, from its first vector or header.

    Parameters
    ----------
    source : str, path, mapping, KeyedVectors or None
        As in `word_vectors`.

    Returns
    -------
    size : int or None
        None if there is no vector yet: for None, "word2vec" and an empty mapping.

    Raises
    ------
    ValueError
        If the first vector is not one of numbers, if vectors have no or more than a
        million numbers, or if a file is damaged or has none of the formats.
    TypeError
        If `source` has another type.
    FileNotFoundError
        If the file does not exist.
    """
    if source is None or (isinstance(source, str) and source == "word2vec"):
        return None
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        with _open_file(path) as stream:
            _, _, size = _detect_format(stream, path)
        location = f"in {path}"
    else:
        known, get = _get_lookup(source)
        word = next(iter(known), None)
        if word is None:
            return None
        location = f"for the word {word!r}"
        size = len(_to_vector(get(word), location))
    if not 1 <= size <= _MAX_DIM:
        raise ValueError(
            f"Expected vectors of 1 to {_MAX_DIM:,} numbers, got {size:,} {location}."
        )
    return size


def _find_vectors(source, words, dim):
    """Yield index, vector and location of each word that is found.

    The location completes an error message, such as "on line 3 of vectors.txt".
    """
    if isinstance(source, (str, os.PathLike)):
        return _read_file(Path(source), words, dim)
    return _find_in_mapping(words, *_get_lookup(source))


def _get_lookup(source):
    """Return the known words of a source in memory, and a function of a word."""
    if isinstance(source, Mapping):
        return source, source.__getitem__
    if hasattr(source, "key_to_index") and hasattr(source, "get_vector"):
        return source.key_to_index, source.get_vector
    hint = " Pass its attribute wv." if hasattr(source, "wv") else ""
    raise TypeError(
        'Expected vectors to be "word2vec", the path of a file, a mapping of words to '
        f"vectors or gensim's KeyedVectors, got {type(source).__name__}.{hint}"
    )


def _find_in_mapping(words, known, get):
    for index, word in enumerate(words):
        if word in known:
            yield index, get(word), f"for the word {word!r}"


def _check_vector(values, dim, location):
    vector = _to_vector(values, location, dim)
    _check_size(len(vector), dim, location)
    if not np.isfinite(vector).all():
        raise ValueError(f"Expected finite numbers {location}, got NaN or infinity.")
    return vector


def _to_vector(values, location, dim=None):
    try:
        with np.errstate(over="ignore"):
            vector = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Expected a vector of numbers {location}: {error}."
        ) from error
    if vector.ndim != 1:
        numbers = "numbers" if dim is None else f"{dim} numbers"
        raise ValueError(
            f"Expected a vector of {numbers} {location}, got an array of shape "
            f"{vector.shape}."
        )
    return vector


def _check_size(size, dim, location):
    if size != dim:
        raise ValueError(
            f"Expected vectors of size {dim} (embedding_dim), got {size} {location}; "
            f"set embedding_dim={size}."
        )


def _describe(source):
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    return f"the {type(source).__name__}"


# -- files -----------------------------------------------------------------------


@contextlib.contextmanager
def _open_file(path):
    """Open a file of word vectors, decompressed, and convert errors of damage."""
    # Path.is_file would raise an error for some strings.
    if not os.path.isfile(path):
        raise FileNotFoundError(
            'Expected vectors to be "word2vec" or the path of a file of word vectors, '
            f"got {str(path)!r}, and there is no such file."
        )
    with path.open("rb") as file:
        magic = file.read(max(map(len, _OPENERS)))
    opener = next((_OPENERS[m] for m in _OPENERS if magic.startswith(m)), open)
    with opener(path, "rb") as stream:
        try:
            yield stream
        except _DAMAGE_ERRORS as error:
            raise ValueError(f"{path} is damaged: {error}.") from error


def _read_file(path, words, dim):
    wanted = {
        word.encode("utf-8", "surrogatepass"): index for index, word in enumerate(words)
    }
    with _open_file(path) as stream:
        read, n_words, size = _detect_format(stream, path)
        _check_size(size, dim, f"in {path}")
        yield from read(stream, n_words, wanted, dim, path)


def _detect_format(stream, path):
    """Return the function that reads a file, its number of words and their size.

    The number of words is None if the file has no header. The stream is left at its
    first vector.
    """
    head = stream.read(_HEAD_SIZE)
    line, _, rest = head.partition(b"\n")
    pieces = line.split()
    if len(pieces) == 2 and all(map(bytes.isdigit, pieces)):
        n_words, size = map(int, pieces)
        stream.seek(len(line) + 1)
        # In text, each number takes at least two bytes, with the space after it. The
        # bytes of a binary vector are almost never all characters of numbers.
        numbers = rest.partition(b" ")[2][: 2 * size]
        is_text = _NUMBER_BYTES.issuperset(numbers)
        return (_read_text if is_text else _read_binary), n_words, size
    if len(pieces) < 2 or not all(map(_is_number, pieces[1:])):
        raise ValueError(
            f"Expected {path} to begin with a word and its vector (GloVe), or with the "
            f"number of words and their size (word2vec), got {line[:40]!r}."
        )
    stream.seek(0)
    return _read_text, None, len(pieces) - 1


def _read_text(stream, n_words, wanted, dim, path):
    n_before = 0 if n_words is None else 1
    number = n_before
    for number, line in enumerate(stream, n_before + 1):
        pieces = line.split(None, 1)
        if not pieces or pieces[0] not in wanted:
            continue
        values = pieces[1].split() if len(pieces) == 2 else []
        if len(values) > dim and not _is_number(values[0]):
            continue  # in some files of GloVe words contain spaces
        if len(values) != dim:
            raise ValueError(
                f"Expected a word and {dim} numbers on line {number} of {path}, got "
                f"{len(values)} numbers; the file is damaged."
            )
        yield wanted.pop(pieces[0]), values, f"on line {number} of {path}"
        if not wanted:
            return
    if n_words is not None and number - n_before < n_words:
        raise ValueError(
            f"Expected {n_words} words in {path}, as its first line says, but it ends "
            f"after {number - n_before}; get the file again."
        )


def _read_binary(stream, n_words, wanted, dim, path):
    position = stream.tell()  # offset of the buffer in the file
    buffer, start = b"", 0
    for number in range(n_words):
        while True:
            space = buffer.find(b" ", start)
            end = space + 1 + dim * np.float32().nbytes
            if space >= 0 and end <= len(buffer):
                break
            more = stream.read(_BLOCK_SIZE)
            if not more or (space < 0 and len(buffer) - start > _MAX_WORD_SIZE):
                raise ValueError(
                    f"Expected {n_words} words in {path}, as its first line says, but "
                    f"it ends or is damaged after {number}, at byte "
                    f"{position + start}; get the file again."
                )
            position += start
            buffer, start = buffer[start:] + more, 0
        # The original word2vec writes a line break after each vector; gensim does not.
        word = buffer[start:space].lstrip(b"\n")
        if word in wanted:
            vector = np.frombuffer(buffer[space + 1 : end], dtype="<f4")
            yield wanted.pop(word), vector, f"at byte {position + space + 1} of {path}"
            if not wanted:
                return
        start = end


def _is_number(piece):
    try:
        float(piece)
    except ValueError:
        return False
    return True


# -- training --------------------------------------------------------------------


def _train(encoder, texts, dim, seed):
    """Return the vectors of an encoder's words, trained on texts with word2vec."""
    word2vec = require("gensim.models.word2vec", by="word2vec", extra="vectors")
    index_of = {word: index for index, word in enumerate(encoder.words)}
    sentences = []
    for words in encoder.split(texts):
        known = np.fromiter((index_of[w] for w in words if w in index_of), np.int32)
        for start in range(0, len(known), _WORDS_PER_SENTENCE):
            sentences.append(known[start : start + _WORDS_PER_SENTENCE])
    counts = np.bincount(np.concatenate(sentences), minlength=len(index_of))
    counts = dict(zip(encoder.words, counts.tolist(), strict=True))
    model = word2vec.Word2Vec(vector_size=dim, min_count=1, seed=seed, workers=1)
    model.build_vocab_from_freq(counts, corpus_count=len(sentences))
    model.train(
        _Sentences(sentences, encoder.words),
        total_examples=len(sentences),
        epochs=model.epochs,
    )
    return model.wv[encoder.words]


class _Sentences:
    """Iterable over lists of words, stored as indices; gensim reads it once per epoch.

    Indices take less memory than lists of str.
    """

    def __init__(self, sentences, words):
        self._sentences = sentences
        self._words = np.array(words, dtype=object)

    def __iter__(self):
        for indices in self._sentences:
            yield self._words[indices].tolist()
