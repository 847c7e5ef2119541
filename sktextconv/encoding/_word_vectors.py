"""Word vectors for a vocabulary: read from a file, handed over, or trained."""

import gzip
import lzma
import os
import warnings
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..utils._optional_dependencies import require
from ._ragged import PAD

__all__ = ["word_vectors"]

_SCALE = 0.25  # Kim (2014): about the spread of vectors trained by word2vec
_FEW = 0.01  # part of the vocabulary; with fewer vectors something must be wrong

_COMPRESSED = {b"\x1f\x8b": gzip.open, b"\xfd7zXZ\x00": lzma.open}
_DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError)
_HEAD = 2**18  # bytes, in which a header and the first vector end
_BLOCK = 2**20  # bytes read at a time
_LONGEST_WORD = 2**16  # bytes
_OF_NUMBERS = frozenset(b"0123456789+-.eEnaifNAIF \t\r\n")

# gensim drops what a sentence has beyond these words.
_WORDS_PER_SENTENCE = 10_000


def word_vectors(source, encoder, texts, *, dim, seed):
    """Return a vector for each id of an encoder of words.

    Words without a vector, and ids that are no word, are uniform in [-0.25, 0.25] in
    every dimension, as in Kim (2014) [1]_, and the same whichever words are found;
    `PAD` is zero.

    Parameters
    ----------
    source : str, path, mapping or KeyedVectors
        "word2vec" trains vectors on `texts` with gensim. Any other path is a file in
        the text or binary format of word2vec, or the text format of GloVe, plain,
        gzip or xz: told apart by content. A mapping takes words to sequences of
        `dim` numbers. `KeyedVectors` are gensim's.
    encoder : WordEncoder or DocumentEncoder
        Fitted: its `words`, which have its last ids, are the vocabulary; its `split`
        finds those of texts.
    texts : list of str or TextSequence, of length n_documents
        Those that the encoder was fitted on; read by "word2vec" alone.
    dim : int
        Size of the vectors, the parameter `embedding_dim` of classifiers.
    seed : int
        Of random vectors, and of training.

    Returns
    -------
    vectors : ndarray of float32 of shape (n_tokens, dim)
        Row i belongs to id i.

    Raises
    ------
    ValueError
        If vectors are of another size or not finite, or a file is damaged or in none
        of the formats.
    TypeError
        If `source` is none of these.
    FileNotFoundError
        If there is no such file.
    ImportError
        If gensim is needed to train and not installed.

    Warns
    -----
    UserWarning
        If less than 1 % of the words have a vector.

    Notes
    -----
    Words are looked up as the encoder has them: with ``lowercase=True`` a vector of
    "Paris" is not taken for "paris". Files are read in one pass, and only the vectors
    of the vocabulary are kept; of a word listed twice the first one counts. Other
    lines are not looked at, and reading ends with the last word found.

    Training is word2vec as gensim sets it by default: a continuous bag of words with
    a window of 5, negative sampling of 5 and 5 passes [2]_. Texts are read whole;
    words outside the vocabulary are left out first. One thread trains: several are
    faster, but their order is left to chance and the vectors with it.

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
    first = encoder.n_tokens - len(encoder.words)  # the ids before it are no words
    if isinstance(source, str) and source == "word2vec":
        vectors[first:] = _train(encoder, texts, dim, seed)
        return vectors
    n_found = 0
    for index, values, place in _look_up(source, encoder.words, dim):
        vectors[first + index] = _check_vector(values, dim, place)
        n_found += 1
    if n_found < _FEW * len(encoder.words):
        warnings.warn(
            f"Only {n_found} of the {len(encoder.words)} words of the vocabulary have "
            f"a vector in {_describe(source)}; the others start at random. Are the "
            "vectors of the same language, and their words lower-cased as the texts "
            "are?",
            stacklevel=2,
        )
    return vectors


def _look_up(source, words, dim):
    """Yield the index of a word, its vector, and where it stood, for those found."""
    if isinstance(source, (str, os.PathLike)):
        return _read_file(Path(source), words, dim)
    if isinstance(source, Mapping):
        return _take(words, source, source.__getitem__)
    if hasattr(source, "key_to_index") and hasattr(source, "get_vector"):
        return _take(words, source.key_to_index, source.get_vector)
    hint = " Pass its attribute wv." if hasattr(source, "wv") else ""
    raise TypeError(
        'Expected vectors to be "word2vec", the path of a file, a mapping of words to '
        f"vectors or gensim's KeyedVectors, got {type(source).__name__}.{hint}"
    )


def _take(words, known, get):
    for index, word in enumerate(words):
        if word in known:
            yield index, get(word), f"for the word {word!r}"


def _check_vector(values, dim, place):
    try:
        with np.errstate(over="ignore"):
            vector = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f"Expected a vector of numbers {place}: {error}.") from error
    if vector.ndim != 1:
        raise ValueError(
            f"Expected a vector of {dim} numbers {place}, got an array of shape "
            f"{vector.shape}."
        )
    _check_size(len(vector), dim, place)
    if not np.isfinite(vector).all():
        raise ValueError(f"Expected finite numbers {place}, got NaN or infinity.")
    return vector


def _check_size(size, dim, place):
    if size != dim:
        raise ValueError(
            f"Expected vectors of size {dim} (embedding_dim), got {size} {place}; "
            f"set embedding_dim={size}."
        )


def _describe(source):
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    return f"the {type(source).__name__}"


# -- files -----------------------------------------------------------------------


def _read_file(path, words, dim):
    if not os.path.isfile(path):  # for any str, while Path raises for some
        raise FileNotFoundError(
            'Expected vectors to be "word2vec" or the path of a file of word vectors, '
            f"got {str(path)!r}, and there is no such file."
        )
    wanted = {
        word.encode("utf-8", "surrogatepass"): index for index, word in enumerate(words)
    }
    with path.open("rb") as file:
        start = file.read(max(map(len, _COMPRESSED)))
    opener = next((_COMPRESSED[m] for m in _COMPRESSED if start.startswith(m)), open)
    with opener(path, "rb") as stream:
        try:
            read, n_words = _recognize(stream, dim, path)
            yield from read(stream, n_words, wanted, dim, path)
        except _DAMAGED as error:
            raise ValueError(f"{path} is damaged: {error}.") from error


def _recognize(stream, dim, path):
    """Return how to read a file, and of how many words, if it says so.

    The stream is left at its first vector.
    """
    head = stream.read(_HEAD)
    line, _, rest = head.partition(b"\n")
    pieces = line.split()
    if len(pieces) == 2 and all(map(bytes.isdigit, pieces)):
        n_words, size = map(int, pieces)
        _check_size(size, dim, f"in {path}")
        stream.seek(len(line) + 1)
        # As text a number takes a figure and a space at the least; of a binary vector
        # hardly ever are all bytes figures.
        numbers = rest.partition(b" ")[2][: 2 * dim]
        is_text = _OF_NUMBERS.issuperset(numbers)
        return (_read_text if is_text else _read_binary), n_words
    if len(pieces) < 2 or not all(map(_is_number, pieces[1:])):
        raise ValueError(
            f"Expected {path} to begin with a word and its vector (GloVe), or with the "
            f"number of words and their size (word2vec), got {line[:40]!r}."
        )
    _check_size(len(pieces) - 1, dim, f"in {path}")
    stream.seek(0)
    return _read_text, None


def _read_text(stream, n_words, wanted, dim, path):
    n_before = 0 if n_words is None else 1
    number = n_before
    for number, line in enumerate(stream, n_before + 1):
        pieces = line.split(None, 1)
        if not pieces or pieces[0] not in wanted:
            continue
        values = pieces[1].split() if len(pieces) == 2 else []
        if len(values) > dim and not _is_number(values[0]):
            continue  # some files of GloVe have words with spaces inside
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
    position = stream.tell()  # of the buffer in the file
    buffer, start = b"", 0
    for number in range(n_words):
        while True:
            space = buffer.find(b" ", start)
            end = space + 1 + dim * np.float32().nbytes
            if space >= 0 and end <= len(buffer):
                break
            more = stream.read(_BLOCK)
            if not more or (space < 0 and len(buffer) - start > _LONGEST_WORD):
                raise ValueError(
                    f"Expected {n_words} words in {path}, as its first line says, but "
                    f"it ends or is damaged after {number}, at byte "
                    f"{position + start}; get the file again."
                )
            position += start
            buffer, start = buffer[start:] + more, 0
        # word2vec itself ends each vector with a line break, gensim does not.
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
    """Return the vectors of the words of an encoder, trained on texts by word2vec."""
    word2vec = require("gensim.models.word2vec", by="word2vec", extra="vectors")
    numbers = {word: number for number, word in enumerate(encoder.words)}
    sentences = []
    for words in encoder.split(texts):
        known = np.fromiter((numbers[w] for w in words if w in numbers), np.int32)
        for start in range(0, len(known), _WORDS_PER_SENTENCE):
            sentences.append(known[start : start + _WORDS_PER_SENTENCE])
    counts = np.bincount(np.concatenate(sentences), minlength=len(numbers))
    counts = dict(zip(encoder.words, counts.tolist(), strict=True))
    model = word2vec.Word2Vec(vector_size=dim, min_count=1, seed=seed, workers=1)
    model.build_vocab_from_freq(counts, corpus_count=len(sentences))
    model.train(
        _Spelled(sentences, encoder.words),
        total_examples=len(sentences),
        epochs=model.epochs,
    )
    return model.wv[encoder.words]


class _Spelled:
    """Lists of words, kept as numbers, to go through once for each pass."""

    def __init__(self, sentences, words):
        self._sentences = sentences
        self._words = np.array(words, dtype=object)

    def __iter__(self):
        for numbers in self._sentences:
            yield self._words[numbers].tolist()
