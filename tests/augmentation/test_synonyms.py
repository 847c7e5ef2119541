"""Words give way to their synonyms, by the paper's law, and nothing else changes."""

import itertools
import os
import pickle
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from sktextconv.augmentation import SynonymReplacer
from sktextconv.augmentation._wordnet import read_thesaurus
from sktextconv.baselines import make_bow_classifier

# (part of speech, type, words) of each synset, the commonest meaning of a word first.
SYNSETS = [
    ("noun", "n", ["film", "movie", "moving_picture"]),
    ("noun", "n", ["film", "plastic_film"]),
    ("noun", "n", ["March", "third_month"]),
    ("noun", "n", ["march", "parade", "Parade_of_Honour"]),
    ("noun", "n", ["good", "goodness"]),
    ("noun", "n", ["in", "inch"]),
    ("verb", "v", ["film", "shoot"]),
    ("verb", "v", ["see", "understand"]),
    ("adj", "s", ["good", "fine(p)", "well(a)"]),
    ("adj", "a", ["big", "large"]),
    ("adj", "a", ["alone"]),
    ("adv", "r", ["well", "good"]),
]
# How often words were met in a part of speech, in its first meaning.
COUNTS = {("film", "verb"): 9, ("film", "noun"): 4, ("good", "noun"): 2}
COUNTS |= {("good", "adj"): 20, ("good", "adv"): 5, ("well", "adv"): 7}

SYNONYMS = {
    "film": ["shoot", "movie", "moving picture", "plastic film"],
    "movie": ["film", "moving picture"],
    "march": ["parade"],
    "parade": ["march"],
    "good": ["fine", "well", "goodness"],
    "goodness": ["good"],
    "in": ["inch"],
    "inch": ["in"],
    "shoot": ["film"],
    "see": ["understand"],
    "understand": ["see"],
    "fine": ["good", "well"],
    "well": ["good", "fine"],
    "big": ["large"],
    "large": ["big"],
}

N = 20_000  # texts of which frequencies are taken


def write_wordnet(folder):
    """Write the synsets in WordNet's own format; offsets are places in the files."""
    licence = "  1 The licence stands here.  \n"
    folder.mkdir(parents=True)
    senses = []
    for part, letter in zip(("noun", "verb", "adj", "adv"), "nvar", strict=True):
        data, meanings = licence, {}
        for _, kind, words in (synset for synset in SYNSETS if synset[0] == part):
            offset = f"{len(data):08d}"
            members = " ".join(f"{word} 0" for word in words)
            data += f"{offset} 00 {kind} {len(words):02x} {members} 000 | gloss  \n"
            for word in (word.lower().partition("(")[0] for word in words):
                number = len(meanings.setdefault(word, [])) + 1
                meanings[word].append(offset)
                count = COUNTS.get((word, part), 0) if number == 1 else 0
                sense = f"{word}%{' nvars'.index(kind)}:00:00::"
                senses.append(f"{sense} {offset} {number} {count}\n")
        index = "".join(
            f"{word} {letter} {len(of)} 1 @ {len(of)} 0 {' '.join(of)}  \n"
            for word, of in sorted(meanings.items())
        )
        (folder / f"data.{part}").write_text(data)
        (folder / f"index.{part}").write_text(licence + index)
    (folder / "index.sense").write_text("".join(sorted(senses)))
    return folder


@pytest.fixture(scope="session")
def wordnet(tmp_path_factory):
    return str(write_wordnet(tmp_path_factory.mktemp("plain") / "dict"))


@pytest.fixture
def nowhere(monkeypatch):
    """No WordNet in NLTK's folders nor in the environment; the list of the former."""
    nltk_data = pytest.importorskip("nltk.data")
    monkeypatch.setattr(nltk_data, "path", [])
    monkeypatch.delenv("WNSEARCHDIR", raising=False)
    return nltk_data.path


def without_sense_index(folder, wordnet, *, counts):
    """A folder as Debian's package has it: counts by the number of the meaning."""
    shutil.copytree(wordnet, folder)
    senses = (folder / "index.sense").read_text().splitlines()
    (folder / "index.sense").unlink()
    if counts:
        lines = (line.split() for line in senses)
        met = [f"{key} {number} {count}" for key, _, number, count in lines]
        met = [line for line in met if not line.endswith(" 0")]
        (folder / "cntlist.rev").write_text("\n".join(met) + "\n")
    return str(folder)


def test_a_folder_without_sense_index_gives_the_same_synonyms(wordnet, tmp_path):
    folder = without_sense_index(tmp_path / "dict", wordnet, counts=True)
    assert {w: list(s) for w, s in read_thesaurus(folder).items()} == SYNONYMS


def test_without_any_counts_nouns_come_first(wordnet, tmp_path):
    folder = without_sense_index(tmp_path / "dict", wordnet, counts=False)
    assert read_thesaurus(folder)["film"] == (
        "movie",
        "moving picture",
        "plastic film",
        "shoot",
    )


@pytest.mark.skipif(
    not Path("/usr/share/wordnet/index.noun").exists(),
    reason="needs Debian's wordnet-base",
)
def test_debians_package_is_found_where_nltk_has_none(nowhere):
    (text,) = SynonymReplacer(p=0.99).augment(["automobile"], seed=2)
    assert text in ("car", "auto", "machine", "motorcar", "automobile")
    assert read_thesaurus("/usr/share/wordnet")["automobile"][:2] == ("car", "auto")


def outcomes(replacer, text, n=N, seed=0):
    """How often each text comes of one text."""
    texts, counts = np.unique(
        replacer.augment([text] * n, seed=seed), return_counts=True
    )
    return dict(zip(texts.tolist(), counts.tolist(), strict=True))


def assert_frequencies(counts, probabilities):
    assert counts.keys() == probabilities.keys()
    expected = N * np.array([probabilities[outcome] for outcome in counts])
    assert chisquare(list(counts.values()), expected).pvalue > 1e-3


def often_replace(wordnet, **parameters):
    """A replacer of 0 to n of n words, all numbers being equally likely."""
    return SynonymReplacer(p=1 - 1e-12, wordnet=wordnet, **parameters)


# -- the law -------------------------------------------------------------------------


def test_synonyms_come_by_rank_with_the_probabilities_of_the_paper(wordnet):
    p, q = 0.6, 0.5
    replacer = SynonymReplacer(p=p, q=q, wordnet=wordnet)
    changed = p / (1 + p)  # one word: r is 0 or 1
    shares = q ** np.arange(1, 5) / (q + q**2 + q**3 + q**4)
    expected = dict(zip(SYNONYMS["film"], changed * shares, strict=True))
    assert_frequencies(outcomes(replacer, "film"), expected | {"film": 1 - changed})


def test_number_of_words_follows_the_paper_and_the_words_are_chosen_evenly(wordnet):
    p = 0.7
    replacer = SynonymReplacer(p=p, wordnet=wordnet)
    expected, words = {}, {"big": "large", "see": "understand", "march": "parade"}
    for replaced in itertools.product([False, True], repeat=3):
        r = sum(replaced)
        text = " ".join(
            words[w] if yes else w for w, yes in zip(words, replaced, strict=True)
        )
        n_choices = [1, 3, 3, 1][r]
        expected[text] = p**r / (1 + p + p**2 + p**3) / n_choices
    assert_frequencies(outcomes(replacer, "big see march"), expected)


def test_half_of_long_texts_stay_at_the_default(wordnet):
    counts = outcomes(SynonymReplacer(wordnet=wordnet), "film " * 60)
    unchanged = counts["film " * 60]
    assert abs(unchanged - N / 2) < 4 * np.sqrt(N) / 2


def test_law_of_the_code_draws_once_more_and_may_refuse_every_synonym(wordnet):
    p, q = 0.8, 0.3
    replacer = SynonymReplacer(p=p, q=q, law="code", wordnet=wordnet)
    visited = p**2
    shares = q * (1 - q) ** np.arange(4)
    expected = dict(zip(SYNONYMS["film"], visited * shares, strict=True))
    expected["film"] = 1 - visited * shares.sum()
    assert_frequencies(outcomes(replacer, "film"), expected)


def test_law_of_the_code_goes_on_until_no_word_is_left(wordnet):
    p = 0.7
    replacer = SynonymReplacer(p=p, q=1 - 1e-12, law="code", wordnet=wordnet)
    counts = {}
    for text, count in outcomes(replacer, "big see march").items():
        r = len({"large", "understand", "parade"} & set(text.split()))
        counts[r] = counts.get(r, 0) + count
    at_least = [1, p**2, p**3, p**4, 0]  # P(r >= k)
    assert_frequencies(counts, {k: at_least[k] - at_least[k + 1] for k in range(4)})


# -- the thesaurus -------------------------------------------------------------------


@pytest.mark.parametrize("word", SYNONYMS)
def test_synonyms_of_all_meanings_come_without_names_markers_or_the_word(word, wordnet):
    replacer = often_replace(wordnet, min_length=1, q=0.9)
    assert outcomes(replacer, word, n=400).keys() == {word, *SYNONYMS[word]}


@pytest.mark.parametrize(
    "word", ["films", "alone", "xyz", "filming", "third_month", "2", ""]
)
def test_words_without_an_entry_of_their_own_stay(word, wordnet):
    assert outcomes(often_replace(wordnet), word, n=50).keys() == {word}


def test_short_words_stay(wordnet):
    assert outcomes(often_replace(wordnet), "in", n=50).keys() == {"in"}
    by_three = often_replace(wordnet, min_length=5)
    assert outcomes(by_three, "film march", n=50).keys() == {
        "film march",
        "film parade",
    }


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("movie", "moving picture"),
        ("Movie", "Moving picture"),
        ("MOVIE", "MOVING PICTURE"),
        ("mOvIe", "moving picture"),
    ],
)
def test_synonyms_take_the_case_of_the_word(word, expected, wordnet):
    replacer = often_replace(wordnet, q=1 - 1e-12)
    film = expected[:2].replace("mo", "fi").replace("Mo", "Fi").replace("MO", "FI")
    film += "LM" if word.isupper() else "lm"
    assert outcomes(replacer, word, n=100).keys() == {word, film, expected}


pieces = st.one_of(
    st.sampled_from([*SYNONYMS, "Film", "FILM", "films", "alone", "In", "'s", "_"]),
    st.text(st.characters(exclude_categories=()), max_size=3),
    st.sampled_from([" ", "\n", "\t\t", "-", ", ", "\ud800", "\0", "é", "İ", "ß"]),
)


@given(text=st.lists(pieces, max_size=20).map("".join), seed=st.integers(0, 9))
def test_nothing_changes_but_replaceable_words(text, seed, wordnet):
    replacer = SynonymReplacer(p=0.9, q=0.7, min_length=1, wordnet=wordnet)
    pattern = ""
    for is_word, run in itertools.groupby(text, str.isalnum):
        piece = "".join(run)
        allowed = {piece}
        for synonym in SYNONYMS.get(piece.lower(), []) if is_word else []:
            allowed |= {synonym, synonym.upper(), synonym[0].upper() + synonym[1:]}
        pattern += f"(?:{'|'.join(map(re.escape, allowed))})"
    (augmented,) = replacer.augment([text], seed=seed)
    assert re.fullmatch(pattern, augmented)


# -- draws ---------------------------------------------------------------------------

TEXTS = [f"a film {i}, big and good, to see in March" for i in range(60)]


def test_draws_of_a_text_are_those_of_its_own_counter(wordnet):
    p, seed, epoch, documents = 0.6, 2**64 - 1, 5, [0, 7, 3, 2**63]
    replacer = SynonymReplacer(p=p, wordnet=wordnet)
    augmented = replacer.augment(
        ["big"] * 4, seed=seed, epoch=epoch, documents=documents
    )
    for document, text in zip(documents, augmented, strict=True):
        key = np.array([seed, epoch], dtype=np.uint64)
        counter = np.array([0, document, 0, 0], dtype=np.uint64)
        bits = np.random.Philox(key=key, counter=counter)
        stays = np.random.Generator(bits).random() < 1 / (1 + p)
        assert text == ("big" if stays else "large")


def test_neither_order_nor_company_matters(wordnet):
    replacer = SynonymReplacer(p=0.9, wordnet=wordnet)
    whole = replacer.augment(TEXTS, seed=3, epoch=2)
    rows = np.random.RandomState(0).permutation(len(TEXTS))[:40]
    part = replacer.augment([TEXTS[i] for i in rows], seed=3, epoch=2, documents=rows)
    assert part == [whole[i] for i in rows]


def test_another_process_draws_the_same(wordnet):
    script = (
        "import sys\n"
        "from sktextconv.augmentation._synonyms import SynonymReplacer\n"
        f"replacer = SynonymReplacer(p=0.9, wordnet={wordnet!r})\n"
        f"print(replacer.augment({TEXTS[30:]!r}, seed=3, documents=range(30, 60)))\n"
        "assert 'nltk' not in sys.modules, 'read although the folder was given'"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONHASHSEED": "7"},
    )
    whole = SynonymReplacer(p=0.9, wordnet=wordnet).augment(TEXTS, seed=3)
    assert result.stdout == f"{whole[30:]}\n"


def test_seeds_and_epochs_draw_anew(wordnet):
    replacer = SynonymReplacer(p=0.9, wordnet=wordnet)
    first = replacer.augment(TEXTS, seed=3, epoch=0)
    assert first == replacer.augment(TEXTS, seed=3)
    assert first != replacer.augment(TEXTS, seed=3, epoch=1)
    assert first != replacer.augment(TEXTS, seed=4)
    assert first != replacer.augment(TEXTS, seed=0, epoch=3)


def test_no_global_generator_moves(wordnet):
    before = np.random.get_state()[1].tolist()
    SynonymReplacer(wordnet=wordnet, random_state=0).fit_resample(TEXTS, TEXTS)
    assert np.random.get_state()[1].tolist() == before


# -- resampling ----------------------------------------------------------------------


def test_resampling_adds_copies_after_the_texts(wordnet):
    replacer = SynonymReplacer(p=0.9, wordnet=wordnet, n_copies=2, random_state=0)
    labels = np.arange(60)
    X, y = replacer.fit_resample(TEXTS, labels)
    assert X[:60] == TEXTS
    assert TEXTS != X[60:120] != X[120:]
    np.testing.assert_array_equal(y, [*labels, *labels, *labels])
    assert [text.split(",")[0].split()[-1] for text in X] == [str(i) for i in y]


def test_labels_keep_their_type(wordnet):
    pandas = pytest.importorskip("pandas")
    replacer = SynonymReplacer(wordnet=wordnet)
    assert replacer.fit_resample(["a", "b"], ["x", "y"])[1] == ["x", "y", "x", "y"]
    series = pandas.Series(["x", "y"], index=[8, 9], dtype="category")
    assert replacer.fit_resample(("a", "b"), series)[1].equals(
        pandas.Series(["x", "y"] * 2, index=[8, 9] * 2, dtype="category")
    )


def test_random_state_says_whether_resampling_repeats(wordnet):
    def two_calls(random_state):
        replacer = SynonymReplacer(p=0.9, wordnet=wordnet, random_state=random_state)
        return [replacer.fit_resample(TEXTS, TEXTS)[0] for _ in range(2)]

    first, second = two_calls(1)
    assert first == second
    assert first != two_calls(2)[0]
    first, second = two_calls(np.random.RandomState(1))
    assert first != second
    assert [first, second] == two_calls(np.random.RandomState(1))


def test_pipelines_augment_in_fit_and_not_in_predict(wordnet, corpus):
    make_pipeline = pytest.importorskip("imblearn.pipeline").make_pipeline
    texts, labels = corpus
    texts = [f"film {text}" for text in texts]
    replacer = SynonymReplacer(p=0.9, wordnet=wordnet, random_state=0)
    pipeline = make_pipeline(replacer, make_bow_classifier()).fit(texts, labels)
    by_hand = make_bow_classifier().fit(*replacer.fit_resample(texts, labels))
    new = ["big good", "movie yyqq", "shoot"]
    np.testing.assert_array_equal(
        pipeline.predict_proba(new), by_hand.predict_proba(new)
    )
    vocabulary = pipeline[-1][0].get_feature_names_out()
    assert "shoot" in vocabulary
    assert cross_val_score(pipeline, texts, labels, cv=3).tolist() == [1, 1, 1]


# -- an estimator of scikit-learn ----------------------------------------------------


def test_clones_and_pickles_hold_parameters_only(wordnet):
    replacer = SynonymReplacer(p=0.9, wordnet=wordnet)
    fresh = pickle.dumps(replacer)
    augmented = replacer.augment(TEXTS, seed=1)
    replacer.fit_resample(TEXTS, TEXTS)
    assert pickle.dumps(replacer) == fresh
    for twin in (pickle.loads(fresh), clone(replacer)):
        assert twin.get_params() == replacer.get_params()
        assert twin.augment(TEXTS, seed=1) == augmented


def test_no_transform_perturbs_texts_to_be_classified():
    assert not hasattr(SynonymReplacer, "transform")


@pytest.mark.parametrize(
    "parameters",
    [
        {"p": 0.0},
        {"p": 1.0},
        {"q": 1.5},
        {"law": "mit"},
        {"min_length": 0},
        {"n_copies": 0},
        {"wordnet": 3},
        {"random_state": -1},
    ],
    ids=str,
)
def test_bad_parameters_are_named(parameters, wordnet):
    replacer = SynonymReplacer(**{"wordnet": wordnet} | parameters)
    (name,) = parameters
    message = f"The '{name}' parameter of SynonymReplacer must be"
    with pytest.raises(ValueError, match=message):
        replacer.augment(["a"], seed=0)
    with pytest.raises(ValueError, match=message):
        replacer.fit_resample(["a"], [0])


@pytest.mark.parametrize("value", [-1, 2**64, 0.5, "1", None])
def test_seeds_epochs_and_indices_are_whole_numbers_of_64_bits(value, wordnet):
    replacer = SynonymReplacer(wordnet=wordnet)
    for arguments in (
        {"seed": value},
        {"seed": 0, "epoch": value},
        {"seed": 0, "documents": [value]},
    ):
        with pytest.raises(ValueError, match=re.escape("an int in [0, 2**64), got")):
            replacer.augment(["a"], **arguments)


def test_texts_labels_and_indices_are_checked(wordnet):
    replacer = SynonymReplacer(wordnet=wordnet)
    with pytest.raises(ValueError, match="string object received"):
        replacer.augment("a film", seed=0)
    with pytest.raises(TypeError, match="got int at index 1"):
        replacer.fit_resample(["a", 1], [0, 1])
    with pytest.raises(ValueError, match=re.escape("[2, 1]")):
        replacer.augment(["a", "b"], seed=0, documents=[0])
    with pytest.raises(ValueError, match=re.escape("[2, 1]")):
        replacer.fit_resample(["a", "b"], [0])
    with pytest.raises(ValueError, match="target y is None"):
        replacer.fit_resample(["a"], None)


# -- where WordNet is ----------------------------------------------------------------

CHANGED = {"big", "large"}


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_wordnet_is_found_in_the_data_folders_of_nltk(packed, nowhere, tmp_path):
    write_wordnet(tmp_path / "corpora" / "wordnet")
    if packed:
        shutil.make_archive(
            str(tmp_path / "corpora/wordnet"), "zip", tmp_path / "corpora", "wordnet"
        )
        shutil.rmtree(tmp_path / "corpora/wordnet")
    for path in [tmp_path, *tmp_path.rglob("*")]:
        path.chmod(path.stat().st_mode & 0o755)  # NLTK trusts no others
    nowhere.append(str(tmp_path))
    assert outcomes(SynonymReplacer(), "big", n=50).keys() == CHANGED


def test_wordnet_is_found_by_the_environment(nowhere, wordnet, monkeypatch):
    monkeypatch.setenv("WNSEARCHDIR", wordnet)
    assert outcomes(SynonymReplacer(), "big", n=50).keys() == CHANGED


def test_a_plain_folder_needs_neither_nltk_nor_its_files(nowhere, wordnet):
    # NLTK's own reader refuses it: outside its data folders, without lexnames and
    # exceptions, and of a version with no mapping from its own.
    parts = ("adj", "adv", "noun", "sense", "verb")
    files = [f"data.{part}" for part in parts] + [f"index.{part}" for part in parts]
    assert sorted(os.listdir(wordnet)) == sorted({*files} - {"data.sense"})
    replacer = SynonymReplacer(wordnet=Path(wordnet))
    assert outcomes(replacer, "big", n=50).keys() == CHANGED


@pytest.mark.skipif(
    Path("/usr/share/wordnet").exists(), reason="this machine has a WordNet"
)
def test_where_there_is_none_the_ways_to_get_one_are_told(nowhere, monkeypatch):
    replacer = SynonymReplacer()
    with pytest.raises(LookupError, match=r"nltk\.downloader wordnet.* or pass wordn"):
        replacer.augment(["a"], seed=0)
    monkeypatch.setenv("WNSEARCHDIR", "none-here")
    with pytest.raises(LookupError, match="none-here"):
        replacer.fit_resample(["a"], [0])


def test_the_missing_file_of_a_given_folder_is_named(wordnet, tmp_path):
    with pytest.raises(LookupError, match=r"it has no index\.noun"):
        SynonymReplacer(wordnet=tmp_path).augment(["a"], seed=0)
    folder = shutil.copytree(wordnet, tmp_path / "dict")
    (folder / "data.adv").unlink()
    with pytest.raises(LookupError, match=r"it has no data\.adv"):
        SynonymReplacer(wordnet=folder).augment(["a"], seed=0)


@pytest.mark.parametrize(
    ("file", "end"), [("data.noun", "good"), ("index.verb", " 0"), ("index.sense", " ")]
)
def test_damaged_files_are_an_error(file, end, wordnet, tmp_path):
    folder = shutil.copytree(wordnet, tmp_path / "dict")
    text = (folder / file).read_text()
    (folder / file).write_text(text[: text.rindex(end)])
    with pytest.raises(ValueError, match="is damaged"):
        SynonymReplacer(wordnet=folder).augment(["a"], seed=0)


# -- the real one --------------------------------------------------------------------


@pytest.fixture(scope="session")
def nltk_data(data_folder, tmp_path_factory):
    """A data folder of NLTK with the whole WordNet, closed to other accounts."""
    folder = tmp_path_factory.mktemp("data")
    with tarfile.open(data_folder / "nltk_data.tar.xz") as archive:
        archive.extractall(folder, filter="data")  # takes group's right to write
    return folder / "nltk_data"


@pytest.mark.data
def test_synonyms_are_those_that_the_reader_of_nltk_finds(nltk_data, nowhere):
    from nltk.corpus.reader.wordnet import WordNetCorpusReader

    nowhere.append(str(nltk_data))
    reader = WordNetCorpusReader(str(nltk_data / "corpora/wordnet"), False)
    words = [word for word in reader.all_lemma_names() if word.isalnum()]
    words = ["good", "film", "march", "see", *words[::1000]]
    replacer = often_replace(None, min_length=1, q=0.999)
    for word in words:
        senses = [lemma for lemma in reader.lemmas(word) if lemma.name() == word]
        senses.sort(key=lambda lemma: -lemma.count())
        names = [name for sense in senses for name in sense.synset().lemma_names()]
        names = [name.replace("_", " ") for name in names if name == name.lower()]
        expected = [name for name in dict.fromkeys(names) if name != word]
        first = SynonymReplacer(p=1 - 1e-12, q=1e-12, min_length=1)
        assert outcomes(first, word, n=40).keys() == {word, *expected[:1]}
        assert outcomes(replacer, word, n=400).keys() <= {word, *expected}


@pytest.mark.data
def test_the_example_of_the_docstring_holds(nltk_data, nowhere):
    nowhere.append(str(nltk_data))
    texts = ["A GOOD film, well made.", "Dull."]
    augmented = SynonymReplacer(p=0.9).augment(texts, seed=2)
    assert augmented == ["A HONORABLE film, well made.", "Dull."]
    assert f"    {augmented}\n" in SynonymReplacer.__doc__
