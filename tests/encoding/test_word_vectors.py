"""Word vectors from every source."""

import gzip
import lzma
import os
import subprocess
import sys

import numpy as np
import pytest
from gensim.models import KeyedVectors, Word2Vec
from hypothesis import HealthCheck, given, settings, strategies as st

from sktextconv.encoding import (
    PAD,
    UNKNOWN,
    WordEncoder,
    _word_vectors as vectors_module,
    word_vectors,
)
from sktextconv.encoding._word_vectors import vector_size

TEXTS = ["a fine film , so fine", "a dull film", "a naïve 映画 film !"]
ENCODER = WordEncoder().fit(TEXTS)
WORDS = ENCODER.words
DIM = 8
KNOWN = {
    word: np.random.default_rng(i).normal(size=DIM).astype(np.float32)
    for i, word in enumerate(["film", "naïve", "映画", "!", "unseen", "dull"])
}


def vectors_of(source, *, encoder=ENCODER, dim=DIM, seed=0, texts=TEXTS):
    return word_vectors(source, encoder, texts, dim=dim, seed=seed)


def row(word):
    return WORDS.index(word) + 2


def write_glove(path, known):
    lines = [f"{w} {' '.join(map(str, v.tolist()))}\n" for w, v in known.items()]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def write_gensim(path, known, **options):
    keyed = KeyedVectors(DIM)
    keyed.add_vectors(list(known), np.stack(list(known.values())))
    keyed.save_word2vec_format(path, **options)
    return path


def keyed_vectors(known):
    keyed = KeyedVectors(DIM)
    keyed.add_vectors(list(known), np.stack(list(known.values())))
    return keyed


# -- assignment to ids ------------------------------------------------------------


def test_known_and_unknown_words():
    """Words that are found get their vectors; all others get small random ones."""
    vectors = vectors_of(KNOWN)
    assert vectors.shape == (ENCODER.n_tokens, DIM)
    assert vectors.dtype == np.float32
    for word in WORDS:
        if word in KNOWN:
            assert np.array_equal(vectors[row(word)], KNOWN[word])
    others = [UNKNOWN, *(row(word) for word in WORDS if word not in KNOWN)]
    assert np.abs(vectors[others]).max() <= 0.25
    assert len(np.unique(vectors[others])) == len(others) * DIM


def test_padding_is_zero():
    assert not vectors_of(KNOWN)[PAD].any()
    assert not vectors_of("word2vec")[PAD].any()


def test_random_vectors_are_uniform():
    encoder = WordEncoder().fit([" ".join(map(str, range(2000)))])
    known = dict.fromkeys(encoder.words[:20], [0.25] * 20)
    vectors = vectors_of(known, encoder=encoder, dim=20)[UNKNOWN + 21 :]
    counts, _ = np.histogram(vectors, bins=5, range=(-0.25, 0.25))
    np.testing.assert_allclose(counts / vectors.size, 0.2, atol=0.01)


def test_random_vectors_independent_of_source():
    few, many = vectors_of({"film": KNOWN["film"]}), vectors_of(KNOWN)
    for word in WORDS:
        if word not in KNOWN:
            assert np.array_equal(few[row(word)], many[row(word)])
    assert np.array_equal(few[UNKNOWN], many[UNKNOWN])


def test_random_vectors_depend_on_seed():
    assert np.array_equal(vectors_of(KNOWN, seed=1), vectors_of(KNOWN, seed=1))
    assert not np.array_equal(vectors_of(KNOWN, seed=1), vectors_of(KNOWN, seed=2))


def test_reserved_ids_get_random_vectors():
    """Words have the last ids; smaller ids are reserved."""

    class ThreeReserved:
        words, n_tokens = ("film",), 4

    vectors = vectors_of(KNOWN, encoder=ThreeReserved)
    assert np.array_equal(vectors[3], KNOWN["film"])
    assert np.abs(vectors[1:3]).max() <= 0.25
    assert vectors[1:3].all()


def test_lookup_uses_case_of_vocabulary():
    encoder = WordEncoder().fit(["Paris paris"])
    known = {"Paris": [1.0], "paris": [2.0]}
    assert vectors_of(known, encoder=encoder, dim=1)[2:].tolist() == [[2.0]]


# -- formats ---------------------------------------------------------------------


@pytest.fixture(params=["glove", "text", "binary", "keyed vectors"])
def source(request, tmp_path):
    path = tmp_path / "vectors.bin"
    if request.param == "glove":
        return write_glove(path, KNOWN)
    if request.param == "keyed vectors":
        return keyed_vectors(KNOWN)
    return write_gensim(path, KNOWN, binary=request.param == "binary")


def test_sources_give_same_bits(source):
    assert np.array_equal(vectors_of(source), vectors_of(KNOWN))


@pytest.mark.parametrize("binary", [False, True])
def test_files_match_gensim(binary, tmp_path):
    path = write_gensim(tmp_path / "vectors", KNOWN, binary=binary)
    theirs = KeyedVectors.load_word2vec_format(path, binary=binary)
    assert np.array_equal(vectors_of(str(path)), vectors_of(theirs))


def test_binary_file_with_line_breaks(tmp_path):
    """The original word2vec writes a line break after each vector."""
    path = tmp_path / "vectors"
    records = [w.encode() + b" " + v.tobytes() + b"\n" for w, v in KNOWN.items()]
    path.write_bytes(b"%d %d\n" % (len(KNOWN), DIM) + b"".join(records))
    assert np.array_equal(vectors_of(path), vectors_of(KNOWN))


def test_text_file_with_trailing_spaces(tmp_path):
    path = write_glove(tmp_path / "vectors", KNOWN)
    path.write_bytes(path.read_bytes().replace(b"\n", b" \r\n"))
    assert np.array_equal(vectors_of(path), vectors_of(KNOWN))


@pytest.mark.parametrize("opener", [gzip.open, lzma.open])
@pytest.mark.parametrize("binary", [False, True])
def test_compressed_file_detected_by_content(opener, binary, tmp_path):
    plain = write_gensim(tmp_path / "plain", KNOWN, binary=binary)
    path = tmp_path / "vectors.txt"
    with opener(path, "wb") as stream:
        stream.write(plain.read_bytes())
    assert np.array_equal(vectors_of(path), vectors_of(KNOWN))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.lists(
        st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=6),
        min_size=1,
        max_size=6,
        unique=True,
    ),
    data=st.data(),
    binary=st.booleans(),
    block=st.integers(1, 40),
)
def test_gensim_file_round_trip(words, data, binary, block, tmp_path, monkeypatch):
    """Any words and numbers are read from files of gensim, at any block size."""

    class Encoder:
        n_tokens = len(words) + 2

    Encoder.words = words
    number = st.floats(width=32, allow_nan=False, allow_infinity=False)
    known = {
        word: np.array(data.draw(st.lists(number, min_size=DIM, max_size=DIM)), "f4")
        for word in words
    }
    monkeypatch.setattr(vectors_module, "_BLOCK_SIZE", block)
    path = write_gensim(tmp_path / "vectors", known, binary=binary)
    vectors = vectors_of(path, encoder=Encoder)
    assert np.array_equal(vectors[2:], np.stack(list(known.values())))


def test_repeated_word_uses_first_vector(tmp_path):
    path = tmp_path / "vectors"
    path.write_text("film 1 2\nfilm 3 4\nother 5 6\n")
    assert vectors_of(path, dim=2)[row("film")].tolist() == [1.0, 2.0]


def test_words_with_spaces_are_skipped(tmp_path):
    path = tmp_path / "vectors"
    path.write_text("the 0 0\nfilm at home 7 8\nfilm 1 2\n")
    assert vectors_of(path, dim=2)[row("film")].tolist() == [1.0, 2.0]


# -- size -------------------------------------------------------------------------


def test_vector_size_of_each_source(source):
    """The size is known without a vocabulary, from the first vector or the header."""
    assert vector_size(source) == DIM


@pytest.mark.parametrize("source", [None, "word2vec", {}, KeyedVectors(DIM)])
def test_vector_size_without_vectors(source):
    """Sources that have no vector yet have no size."""
    assert vector_size(source) is None


def test_vector_size_reads_only_start_of_file(tmp_path):
    """A header is enough, whatever comes after it."""
    path = tmp_path / "vectors.bin"
    path.write_bytes(b"3000000 300\nfilm ")
    assert vector_size(path) == 300


@pytest.mark.parametrize("size", [0, 10**12])
def test_vector_size_out_of_range(size, tmp_path):
    """A size that no network can have is an error that names the file."""
    path = tmp_path / "vectors.bin"
    path.write_text(f"5 {size}\nfilm ")
    with pytest.raises(ValueError, match=r"1 to 1,000,000 numbers, got .*vectors\.bin"):
        vector_size(path)


def test_vector_size_of_invalid_source(tmp_path):
    """Errors are those of `word_vectors`."""
    with pytest.raises(TypeError, match="path of a file, a mapping of words"):
        vector_size(3)
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        vector_size(tmp_path / "missing.txt")
    with pytest.raises(ValueError, match="vector of numbers for the word 'film', got"):
        vector_size({"film": 1.0})
    (tmp_path / "text").write_text("a b c\n")
    with pytest.raises(ValueError, match="to begin with a word and its vector"):
        vector_size(tmp_path / "text")


# -- invalid files ----------------------------------------------------


def assert_rejected(path, message, dim=DIM):
    with pytest.raises(ValueError, match=message):
        vectors_of(path, dim=dim)


def test_wrong_size_is_rejected(source):
    """The message names the size of the vectors."""
    assert_rejected(
        source,
        r"Expected vectors of size 3 \(embedding_dim\), got 8 .*; set embedding_dim=8",
        dim=3,
    )


def test_wrong_size_detected_from_header(tmp_path):
    path = tmp_path / "vectors.bin"
    path.write_bytes(b"3000000 300\nfilm ")
    assert_rejected(path, r"got 300 in .*vectors\.bin; set embedding_dim=300")


def test_damaged_text_file_names_line(tmp_path):
    path = tmp_path / "vectors"
    path.write_text("the 0 0\nfilm 1\n")
    assert_rejected(path, "a word and 2 numbers on line 2 of .*, got 1 numbers", dim=2)
    path.write_text("2 2\nthe 0 0\nfilm 1 2 3\n")
    assert_rejected(path, "a word and 2 numbers on line 3 of .*, got 3 numbers", dim=2)
    path.write_text("the 0 0\nfilm 1 x\n")
    assert_rejected(
        path, "Expected a vector of numbers on line 2 of .*could not convert", 2
    )


@pytest.mark.parametrize("block", [16, 2**20])
def test_truncated_binary_file_names_position(block, tmp_path, monkeypatch):
    monkeypatch.setattr(vectors_module, "_BLOCK_SIZE", block)
    path = write_gensim(tmp_path / "vectors", {"film": KNOWN["film"]}, binary=True)
    whole = path.read_bytes().replace(b"1 8\n", b"2 8\n")
    path.write_bytes(whole)
    assert_rejected(
        path, f"Expected 2 words .* after 1, at byte {len(whole)}; get the file"
    )
    path.write_bytes(whole + b"fine " + b"\x01" * 4 * (DIM - 1))
    assert_rejected(
        path, f"Expected 2 words .* after 1, at byte {len(whole)}; get the file"
    )


def test_binary_file_with_trailing_zeros(tmp_path):
    """A word without an end is rejected before the whole file is read."""
    path = write_gensim(tmp_path / "vectors", {"film": KNOWN["film"]}, binary=True)
    whole = path.read_bytes().replace(b"1 8\n", b"2 8\n")
    path.write_bytes(whole + bytes(2**22))
    assert_rejected(path, f"is damaged after 1, at byte {len(whole)}")


def test_truncated_text_file_is_rejected(tmp_path):
    """The first line states the number of words."""
    path = write_gensim(tmp_path / "vectors", KNOWN, binary=False)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-2]))
    assert_rejected(
        path, "Expected 6 words in .*, but it ends after 4; get the file again"
    )


@pytest.mark.parametrize("opener", [gzip.open, lzma.open])
def test_truncated_archive_is_rejected(opener, tmp_path):
    path = tmp_path / "vectors"
    with opener(path, "wb") as stream:
        stream.write(write_glove(tmp_path / "plain", KNOWN).read_bytes())
    path.write_bytes(path.read_bytes()[:-30])
    assert_rejected(path, "vectors is damaged: ")


@pytest.mark.parametrize("content", [b"", b"\n", b"word\n", b"a b c\n", bytes(500)])
def test_unknown_format_is_rejected(content, tmp_path):
    path = tmp_path / "vectors"
    path.write_bytes(content)
    assert_rejected(
        path, r"Expected .*vectors to begin with a word and its vector \(GloVe\)"
    )


@pytest.mark.parametrize("value", ["nan", "inf", "1e39"])
def test_non_finite_vectors_are_rejected(value, tmp_path):
    path = tmp_path / "vectors"
    path.write_text(f"film 1 {value}\n")
    assert_rejected(path, "Expected finite numbers on line 1 of", dim=2)
    assert_rejected(
        {"film": [1.0, float(value)]}, "finite numbers for the word 'film'", dim=2
    )


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"\"word2vec\" or the path.*gone\.txt"):
        vectors_of(tmp_path / "gone.txt")
    with pytest.raises(FileNotFoundError, match="no such file"):
        vectors_of(str(tmp_path))


# -- mappings and objects --------------------------------------------------------


def test_mapping_with_invalid_vectors_is_rejected():
    assert_rejected(
        {"film": ["one", "two"]}, "vector of numbers for the word 'film'", dim=2
    )
    assert_rejected({"film": [[1.0, 2.0]]}, r"got an array of shape \(1, 2\)", dim=2)
    assert_rejected({"film": 1.0}, r"got an array of shape \(\)", dim=2)


@pytest.mark.parametrize("source", [3, ["film"], np.zeros((3, DIM))])
def test_sources_of_other_types_are_rejected(source):
    with pytest.raises(TypeError, match='Expected vectors to be "word2vec", the path'):
        vectors_of(source)


def test_gensim_model_is_rejected():
    """The message names the attribute that holds the vectors."""
    with pytest.raises(TypeError, match=r"got Word2Vec\. Pass its attribute wv"):
        vectors_of(Word2Vec(vector_size=DIM))


# -- coverage --------------------------------------------------------------------


def test_warning_without_known_words():
    message = f"Only 0 of the {len(WORDS)} words of the vocabulary have a vector in the"
    with pytest.warns(UserWarning, match=message):
        vectors_of({"FILM": KNOWN["film"]})


def test_warning_below_one_percent_coverage(tmp_path):
    encoder = WordEncoder().fit([" ".join(map(str, range(301)))])
    write_glove(tmp_path / "few", {str(i): KNOWN["film"] for i in range(3)})
    write_glove(tmp_path / "enough", {str(i): KNOWN["film"] for i in range(4)})
    with pytest.warns(UserWarning, match="Only 3 of the 301 words .* in .*few; the"):
        vectors_of(tmp_path / "few", encoder=encoder)
    vectors_of(tmp_path / "enough", encoder=encoder)


# -- training --------------------------------------------------------------------


def test_training_matches_word2vec():
    """Training is gensim's word2vec, restricted to the words of the vocabulary."""
    texts = 30 * TEXTS
    encoder = WordEncoder(min_count=31).fit(texts)
    assert sorted(encoder.words) == ["a", "film", "fine"]
    kept = [[w for w in text.split() if w in encoder.words] for text in texts]
    model = Word2Vec(kept, vector_size=DIM, min_count=1, seed=3, workers=1)
    vectors = vectors_of("word2vec", encoder=encoder, texts=texts, seed=3)
    np.testing.assert_allclose(vectors[2:], model.wv[encoder.words], rtol=1e-6)


def test_training_reads_long_texts():
    """Training uses the words that gensim would ignore: those after 10,000."""
    long = " ".join(["a b"] * 6000 + ["c d"] * 4000)
    vectors = vectors_of(
        "word2vec", encoder=WordEncoder().fit([long]), texts=[long], dim=4
    )
    halves = [long[:20_000].split(), long[20_000:].split()]
    model = Word2Vec(halves, vector_size=4, min_count=1, seed=0, workers=1)
    np.testing.assert_allclose(vectors[2:], model.wv[["a", "b", "c", "d"]], rtol=1e-6)


def test_training_ignores_max_length():
    short, whole = (WordEncoder(max_length=n).fit(TEXTS) for n in (1, 400))
    np.testing.assert_array_equal(
        vectors_of("word2vec", encoder=short), vectors_of("word2vec", encoder=whole)
    )


def test_training_on_tiny_texts():
    """Training on a single word raises no warning."""
    for texts in (["a"], ["a", "a"], ["a b", ""]):
        vectors = vectors_of(
            "word2vec", encoder=WordEncoder().fit(texts), texts=texts, dim=3
        )
        assert np.isfinite(vectors).all()


def test_training_same_bits_in_new_process():
    texts = ["so good and so fine", "so bad and dull", "good or bad"] * 40
    script = (
        "import sys\n"
        "from sktextconv.encoding import WordEncoder\n"
        "from sktextconv.encoding._word_vectors import word_vectors\n"
        f"texts = {texts}; encoder = WordEncoder().fit(texts)\n"
        "vectors = word_vectors('word2vec', encoder, texts, dim=8, seed=1)\n"
        "sys.stdout.write(vectors.tobytes().hex())\n"
    )
    theirs = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONHASHSEED": "1"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    ours = vectors_of("word2vec", encoder=WordEncoder().fit(texts), texts=texts, seed=1)
    assert theirs == ours.tobytes().hex()


def test_only_training_needs_gensim(tmp_path):
    path = write_gensim(tmp_path / "vectors", KNOWN, binary=True)
    script = (
        "import sys; sys.modules['gensim'] = None\n"
        "from sktextconv.encoding import WordEncoder\n"
        "from sktextconv.encoding._word_vectors import word_vectors\n"
        "texts = ['a film']; encoder = WordEncoder().fit(texts)\n"
        f"word_vectors({str(path)!r}, encoder, texts, dim={DIM}, seed=0)\n"
        "try: word_vectors('word2vec', encoder, texts, dim=8, seed=0)\n"
        "except ImportError as error: print(error)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert result.stdout == (
        "word2vec needs gensim, which is not installed. "
        "Run: pip install 'sktextconv[vectors]'\n"
    )
