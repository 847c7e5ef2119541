"""Word vectors of any source land in the rows of their words, and nowhere else."""

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


def write_gensim(path, known, **how):
    keyed = KeyedVectors(DIM)
    keyed.add_vectors(list(known), np.stack(list(known.values())))
    keyed.save_word2vec_format(path, **how)
    return path


def keyed_vectors(known):
    keyed = KeyedVectors(DIM)
    keyed.add_vectors(list(known), np.stack(list(known.values())))
    return keyed


# -- where vectors go ------------------------------------------------------------


def test_each_word_found_has_its_vector_and_each_other_a_small_random_one():
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


def test_random_vectors_fill_the_range_evenly():
    encoder = WordEncoder().fit([" ".join(map(str, range(2000)))])
    known = dict.fromkeys(encoder.words[:20], [0.25] * 20)
    vectors = vectors_of(known, encoder=encoder, dim=20)[UNKNOWN + 21 :]
    counts, _ = np.histogram(vectors, bins=5, range=(-0.25, 0.25))
    np.testing.assert_allclose(counts / vectors.size, 0.2, atol=0.01)


def test_random_vectors_do_not_depend_on_which_words_are_found():
    few, many = vectors_of({"film": KNOWN["film"]}), vectors_of(KNOWN)
    for word in WORDS:
        if word not in KNOWN:
            assert np.array_equal(few[row(word)], many[row(word)])
    assert np.array_equal(few[UNKNOWN], many[UNKNOWN])


def test_random_vectors_depend_on_the_seed():
    assert np.array_equal(vectors_of(KNOWN, seed=1), vectors_of(KNOWN, seed=1))
    assert not np.array_equal(vectors_of(KNOWN, seed=1), vectors_of(KNOWN, seed=2))


def test_ids_before_those_of_words_are_no_words():
    class ThreeReserved:
        words, n_tokens = ("film",), 4

    vectors = vectors_of(KNOWN, encoder=ThreeReserved)
    assert np.array_equal(vectors[3], KNOWN["film"])
    assert np.abs(vectors[1:3]).max() <= 0.25
    assert vectors[1:3].all()


def test_words_are_looked_up_as_the_encoder_has_them():
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


def test_every_source_gives_the_same_bits(source):
    assert np.array_equal(vectors_of(source), vectors_of(KNOWN))


@pytest.mark.parametrize("binary", [False, True])
def test_files_are_read_as_gensim_reads_them(binary, tmp_path):
    path = write_gensim(tmp_path / "vectors", KNOWN, binary=binary)
    theirs = KeyedVectors.load_word2vec_format(path, binary=binary)
    assert np.array_equal(vectors_of(str(path)), vectors_of(theirs))


def test_binary_file_of_the_first_word2vec_breaks_the_line_after_each_vector(tmp_path):
    path = tmp_path / "vectors"
    records = [w.encode() + b" " + v.tobytes() + b"\n" for w, v in KNOWN.items()]
    path.write_bytes(b"%d %d\n" % (len(KNOWN), DIM) + b"".join(records))
    assert np.array_equal(vectors_of(path), vectors_of(KNOWN))


def test_space_before_the_end_of_a_line_is_no_number(tmp_path):
    path = write_glove(tmp_path / "vectors", KNOWN)
    path.write_bytes(path.read_bytes().replace(b"\n", b" \r\n"))
    assert np.array_equal(vectors_of(path), vectors_of(KNOWN))


@pytest.mark.parametrize("opener", [gzip.open, lzma.open])
@pytest.mark.parametrize("binary", [False, True])
def test_compressed_files_are_known_by_their_content(opener, binary, tmp_path):
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
def test_any_words_and_numbers_come_back_from_files_of_gensim(
    words, data, binary, block, tmp_path, monkeypatch
):
    class Encoder:
        n_tokens = len(words) + 2

    Encoder.words = words
    number = st.floats(width=32, allow_nan=False, allow_infinity=False)
    known = {
        word: np.array(data.draw(st.lists(number, min_size=DIM, max_size=DIM)), "f4")
        for word in words
    }
    monkeypatch.setattr(vectors_module, "_BLOCK", block)
    path = write_gensim(tmp_path / "vectors", known, binary=binary)
    vectors = vectors_of(path, encoder=Encoder)
    assert np.array_equal(vectors[2:], np.stack(list(known.values())))


def test_of_a_word_listed_twice_the_first_counts(tmp_path):
    path = tmp_path / "vectors"
    path.write_text("film 1 2\nfilm 3 4\nother 5 6\n")
    assert vectors_of(path, dim=2)[row("film")].tolist() == [1.0, 2.0]


def test_words_with_spaces_inside_are_passed_over(tmp_path):
    path = tmp_path / "vectors"
    path.write_text("the 0 0\nfilm at home 7 8\nfilm 1 2\n")
    assert vectors_of(path, dim=2)[row("film")].tolist() == [1.0, 2.0]


# -- what is wrong with files ----------------------------------------------------


def refused(path, message, dim=DIM):
    with pytest.raises(ValueError, match=message):
        vectors_of(path, dim=dim)


def test_another_size_is_refused_and_the_right_one_named(source):
    refused(
        source,
        r"Expected vectors of size 3 \(embedding_dim\), got 8 .*; set embedding_dim=8",
        dim=3,
    )


def test_size_is_checked_before_a_file_is_read(tmp_path):
    path = tmp_path / "vectors.bin"
    path.write_bytes(b"3000000 300\nfilm ")
    refused(path, r"got 300 in .*vectors\.bin; set embedding_dim=300")


def test_damaged_line_is_named(tmp_path):
    path = tmp_path / "vectors"
    path.write_text("the 0 0\nfilm 1\n")
    refused(path, "a word and 2 numbers on line 2 of .*, got 1 numbers", dim=2)
    path.write_text("2 2\nthe 0 0\nfilm 1 2 3\n")
    refused(path, "a word and 2 numbers on line 3 of .*, got 3 numbers", dim=2)
    path.write_text("the 0 0\nfilm 1 x\n")
    refused(path, "Expected a vector of numbers on line 2 of .*could not convert", 2)


@pytest.mark.parametrize("block", [16, 2**20])
def test_truncated_binary_file_is_refused_with_the_place(block, tmp_path, monkeypatch):
    monkeypatch.setattr(vectors_module, "_BLOCK", block)
    path = write_gensim(tmp_path / "vectors", {"film": KNOWN["film"]}, binary=True)
    whole = path.read_bytes().replace(b"1 8\n", b"2 8\n")
    path.write_bytes(whole)
    refused(path, f"Expected 2 words .* after 1, at byte {len(whole)}; get the file")
    path.write_bytes(whole + b"fine " + b"\x01" * 4 * (DIM - 1))
    refused(path, f"Expected 2 words .* after 1, at byte {len(whole)}; get the file")


def test_binary_file_that_ends_in_zeros_is_refused_without_reading_them_all(tmp_path):
    path = write_gensim(tmp_path / "vectors", {"film": KNOWN["film"]}, binary=True)
    whole = path.read_bytes().replace(b"1 8\n", b"2 8\n")
    path.write_bytes(whole + bytes(2**22))
    refused(path, f"is damaged after 1, at byte {len(whole)}")


def test_text_file_shorter_than_its_first_line_says_is_refused(tmp_path):
    path = write_gensim(tmp_path / "vectors", KNOWN, binary=False)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-2]))
    refused(path, "Expected 6 words in .*, but it ends after 4; get the file again")


@pytest.mark.parametrize("opener", [gzip.open, lzma.open])
def test_truncated_archive_is_refused(opener, tmp_path):
    path = tmp_path / "vectors"
    with opener(path, "wb") as stream:
        stream.write(write_glove(tmp_path / "plain", KNOWN).read_bytes())
    path.write_bytes(path.read_bytes()[:-30])
    refused(path, "vectors is damaged: ")


@pytest.mark.parametrize("content", [b"", b"\n", b"word\n", b"a b c\n", bytes(500)])
def test_files_of_another_kind_are_refused(content, tmp_path):
    path = tmp_path / "vectors"
    path.write_bytes(content)
    refused(path, r"Expected .*vectors to begin with a word and its vector \(GloVe\)")


@pytest.mark.parametrize("value", ["nan", "inf", "1e39"])
def test_vectors_that_are_not_finite_are_refused(value, tmp_path):
    path = tmp_path / "vectors"
    path.write_text(f"film 1 {value}\n")
    refused(path, "Expected finite numbers on line 1 of", dim=2)
    refused({"film": [1.0, float(value)]}, "finite numbers for the word 'film'", dim=2)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"\"word2vec\" or the path.*gone\.txt"):
        vectors_of(tmp_path / "gone.txt")
    with pytest.raises(FileNotFoundError, match="no such file"):
        vectors_of(str(tmp_path))


# -- mappings and objects --------------------------------------------------------


def test_mapping_of_anything_but_rows_of_numbers_is_refused():
    refused({"film": ["one", "two"]}, "vector of numbers for the word 'film'", dim=2)
    refused({"film": [[1.0, 2.0]]}, r"got an array of shape \(1, 2\)", dim=2)
    refused({"film": 1.0}, r"got an array of shape \(\)", dim=2)


@pytest.mark.parametrize("source", [3, ["film"], np.zeros((3, DIM))])
def test_other_sources_are_refused(source):
    with pytest.raises(TypeError, match='Expected vectors to be "word2vec", the path'):
        vectors_of(source)


def test_model_of_gensim_is_refused_with_the_name_of_its_vectors():
    with pytest.raises(TypeError, match=r"got Word2Vec\. Pass its attribute wv"):
        vectors_of(Word2Vec(vector_size=DIM))


# -- coverage --------------------------------------------------------------------


def test_vectors_of_no_word_at_all_are_reported():
    message = f"Only 0 of the {len(WORDS)} words of the vocabulary have a vector in the"
    with pytest.warns(UserWarning, match=message):
        vectors_of({"FILM": KNOWN["film"]})


def test_fewer_than_one_word_of_a_hundred_are_reported(tmp_path):
    encoder = WordEncoder().fit([" ".join(map(str, range(301)))])
    write_glove(tmp_path / "few", {str(i): KNOWN["film"] for i in range(3)})
    write_glove(tmp_path / "enough", {str(i): KNOWN["film"] for i in range(4)})
    with pytest.warns(UserWarning, match="Only 3 of the 301 words .* in .*few; the"):
        vectors_of(tmp_path / "few", encoder=encoder)
    vectors_of(tmp_path / "enough", encoder=encoder)


# -- training --------------------------------------------------------------------


def test_training_is_word2vec_over_the_words_of_the_vocabulary():
    texts = 30 * TEXTS
    encoder = WordEncoder(min_count=31).fit(texts)
    assert sorted(encoder.words) == ["a", "film", "fine"]
    kept = [[w for w in text.split() if w in encoder.words] for text in texts]
    model = Word2Vec(kept, vector_size=DIM, min_count=1, seed=3, workers=1)
    vectors = vectors_of("word2vec", encoder=encoder, texts=texts, seed=3)
    np.testing.assert_allclose(vectors[2:], model.wv[encoder.words], rtol=1e-6)


def test_words_past_the_first_ten_thousand_of_a_text_are_learnt_from():
    long = " ".join(["a b"] * 6000 + ["c d"] * 4000)
    vectors = vectors_of(
        "word2vec", encoder=WordEncoder().fit([long]), texts=[long], dim=4
    )
    halves = [long[:20_000].split(), long[20_000:].split()]
    model = Word2Vec(halves, vector_size=4, min_count=1, seed=0, workers=1)
    np.testing.assert_allclose(vectors[2:], model.wv[["a", "b", "c", "d"]], rtol=1e-6)


def test_texts_are_read_whole_whatever_the_network_reads():
    short, whole = (WordEncoder(max_length=n).fit(TEXTS) for n in (1, 400))
    np.testing.assert_array_equal(
        vectors_of("word2vec", encoder=short), vectors_of("word2vec", encoder=whole)
    )


def test_tiny_texts_are_trained_on_without_a_warning():
    for texts in (["a"], ["a", "a"], ["a b", ""]):
        vectors = vectors_of(
            "word2vec", encoder=WordEncoder().fit(texts), texts=texts, dim=3
        )
        assert np.isfinite(vectors).all()


def test_same_seed_gives_the_same_bits_in_another_process():
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
