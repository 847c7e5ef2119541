"""SynonymReplacer: distributions, words to replace, draws, resampling."""

import itertools
import os
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.stats import chisquare
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from sktextconv.augmentation import SynonymReplacer
from sktextconv.baselines import make_bow_classifier

from .wordnet_files import SYNONYMS

N = 20_000  # number of texts from which frequencies are estimated


def outcomes(replacer, text, n=N, seed=0):
    """Return the count of each text that `n` copies of one text become."""
    texts, counts = np.unique(
        replacer.augment([text] * n, seed=seed), return_counts=True
    )
    return dict(zip(texts.tolist(), counts.tolist(), strict=True))


def assert_frequencies(counts, probabilities):
    assert counts.keys() == probabilities.keys()
    expected = N * np.array([probabilities[outcome] for outcome in counts])
    assert chisquare(list(counts.values()), expected).pvalue > 1e-3


def often_replace(wordnet, **parameters):
    """Return a replacer that replaces 0 to n of n words, all equally likely."""
    return SynonymReplacer(p=1 - 1e-12, wordnet=wordnet, **parameters)


# -- distributions ---------------------------------------------------------------------


def test_paper_law_of_synonym_ranks(wordnet):
    """Ranks follow the geometric distribution of the paper."""
    p, q = 0.6, 0.5
    replacer = SynonymReplacer(p=p, q=q, wordnet=wordnet)
    changed = p / (1 + p)  # one word: r is 0 or 1
    rank_probabilities = q ** np.arange(1, 5) / (q + q**2 + q**3 + q**4)
    expected = dict(zip(SYNONYMS["film"], changed * rank_probabilities, strict=True))
    assert_frequencies(outcomes(replacer, "film"), expected | {"film": 1 - changed})


def test_paper_law_of_number_of_words(wordnet):
    """The number is geometric, and all words are equally likely."""
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


def test_default_leaves_half_of_long_texts_unchanged(wordnet):
    counts = outcomes(SynonymReplacer(wordnet=wordnet), "film " * 60)
    unchanged = counts["film " * 60]
    assert abs(unchanged - N / 2) < 4 * np.sqrt(N) / 2


def test_code_law_of_synonym_ranks(wordnet):
    """A first draw must succeed, and all synonyms can be rejected."""
    p, q = 0.8, 0.3
    replacer = SynonymReplacer(p=p, q=q, law="code", wordnet=wordnet)
    visited = p**2
    rank_probabilities = q * (1 - q) ** np.arange(4)
    expected = dict(zip(SYNONYMS["film"], visited * rank_probabilities, strict=True))
    expected["film"] = 1 - visited * rank_probabilities.sum()
    assert_frequencies(outcomes(replacer, "film"), expected)


def test_code_law_of_number_of_words(wordnet):
    """The number is geometric, limited to the number of words."""
    p = 0.7
    replacer = SynonymReplacer(p=p, q=1 - 1e-12, law="code", wordnet=wordnet)
    counts = {}
    for text, count in outcomes(replacer, "big see march").items():
        r = len({"large", "understand", "parade"} & set(text.split()))
        counts[r] = counts.get(r, 0) + count
    at_least = [1, p**2, p**3, p**4, 0]  # P(r >= k)
    assert_frequencies(counts, {k: at_least[k] - at_least[k + 1] for k in range(4)})


# -- words to replace ------------------------------------------------------------------


@pytest.mark.parametrize("word", SYNONYMS)
def test_thesaurus_synonyms_of_all_meanings(word, wordnet):
    """They contain neither names, syntactic markers nor the word itself."""
    replacer = often_replace(wordnet, min_length=1, q=0.9)
    assert outcomes(replacer, word, n=400).keys() == {word, *SYNONYMS[word]}


@pytest.mark.parametrize(
    "word", ["films", "alone", "xyz", "filming", "third_month", "2", ""]
)
def test_augment_leaves_words_without_entry(word, wordnet):
    assert outcomes(often_replace(wordnet), word, n=50).keys() == {word}


def test_augment_leaves_short_words(wordnet):
    assert outcomes(often_replace(wordnet), "in", n=50).keys() == {"in"}
    longer_only = often_replace(wordnet, min_length=5)
    assert outcomes(longer_only, "film march", n=50).keys() == {
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
def test_augment_matches_case_of_word(word, expected, wordnet):
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
def test_augment_changes_only_replaceable_words(text, seed, wordnet):
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


# -- draws -----------------------------------------------------------------------------

TEXTS = [f"a film {i}, big and good, to see in March" for i in range(60)]


def test_augment_uses_philox_counter_of_each_text(wordnet):
    p, seed, epoch, documents = 0.6, 2**64 - 1, 5, [0, 7, 3, 2**63]
    replacer = SynonymReplacer(p=p, wordnet=wordnet)
    augmented = replacer.augment(
        ["big"] * 4, seed=seed, epoch=epoch, documents=documents
    )
    for index, text in zip(documents, augmented, strict=True):
        key = np.array([seed, epoch], dtype=np.uint64)
        counter = np.array([0, index, 0, 0], dtype=np.uint64)
        bit_generator = np.random.Philox(key=key, counter=counter)
        is_unchanged = np.random.Generator(bit_generator).random() < 1 / (1 + p)
        assert text == ("big" if is_unchanged else "large")


def test_augment_independent_of_other_texts(wordnet):
    """A subset in another order gets the same draws."""
    replacer = SynonymReplacer(p=0.9, wordnet=wordnet)
    whole = replacer.augment(TEXTS, seed=3, epoch=2)
    rows = np.random.RandomState(0).permutation(len(TEXTS))[:40]
    part = replacer.augment([TEXTS[i] for i in rows], seed=3, epoch=2, documents=rows)
    assert part == [whole[i] for i in rows]


def test_augment_is_the_same_in_another_process(wordnet):
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


def test_augment_depends_on_seed_and_epoch(wordnet):
    replacer = SynonymReplacer(p=0.9, wordnet=wordnet)
    first = replacer.augment(TEXTS, seed=3, epoch=0)
    assert first == replacer.augment(TEXTS, seed=3)
    assert first != replacer.augment(TEXTS, seed=3, epoch=1)
    assert first != replacer.augment(TEXTS, seed=4)
    assert first != replacer.augment(TEXTS, seed=0, epoch=3)


def test_fit_resample_leaves_global_generator(wordnet):
    before = np.random.get_state()[1].tolist()
    SynonymReplacer(wordnet=wordnet, random_state=0).fit_resample(TEXTS, TEXTS)
    assert np.random.get_state()[1].tolist() == before


# -- resampling ------------------------------------------------------------------------


def test_fit_resample_appends_copies(wordnet):
    replacer = SynonymReplacer(p=0.9, wordnet=wordnet, n_copies=2, random_state=0)
    labels = np.arange(60)
    X, y = replacer.fit_resample(TEXTS, labels)
    assert X[:60] == TEXTS
    assert TEXTS != X[60:120] != X[120:]
    np.testing.assert_array_equal(y, [*labels, *labels, *labels])
    assert [text.split(",")[0].split()[-1] for text in X] == [str(i) for i in y]


def test_fit_resample_preserves_type_of_labels(wordnet):
    pandas = pytest.importorskip("pandas")
    replacer = SynonymReplacer(wordnet=wordnet)
    assert replacer.fit_resample(["a", "b"], ["x", "y"])[1] == ["x", "y", "x", "y"]
    series = pandas.Series(["x", "y"], index=[8, 9], dtype="category")
    assert replacer.fit_resample(("a", "b"), series)[1].equals(
        pandas.Series(["x", "y"] * 2, index=[8, 9] * 2, dtype="category")
    )


def test_fit_resample_depends_on_random_state(wordnet):
    """An int repeats the copies; a generator gives new ones in each call."""

    def two_calls(random_state):
        replacer = SynonymReplacer(p=0.9, wordnet=wordnet, random_state=random_state)
        return [replacer.fit_resample(TEXTS, TEXTS)[0] for _ in range(2)]

    first, second = two_calls(1)
    assert first == second
    assert first != two_calls(2)[0]
    first, second = two_calls(np.random.RandomState(1))
    assert first != second
    assert [first, second] == two_calls(np.random.RandomState(1))


def test_pipeline_augments_in_fit_only(wordnet, corpus):
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


# -- estimator -------------------------------------------------------------------------


def test_clone_and_pickle_contain_parameters_only(wordnet):
    replacer = SynonymReplacer(p=0.9, wordnet=wordnet)
    expected = pickle.dumps(replacer)
    augmented = replacer.augment(TEXTS, seed=1)
    replacer.fit_resample(TEXTS, TEXTS)
    assert pickle.dumps(replacer) == expected
    for copy in (pickle.loads(expected), clone(replacer)):
        assert copy.get_params() == replacer.get_params()
        assert copy.augment(TEXTS, seed=1) == augmented


def test_replacer_has_no_transform():
    """A pipeline must not change texts in `predict`."""
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
def test_methods_reject_invalid_parameters(parameters, wordnet):
    replacer = SynonymReplacer(**{"wordnet": wordnet} | parameters)
    (name,) = parameters
    message = f"The '{name}' parameter of SynonymReplacer must be"
    with pytest.raises(ValueError, match=message):
        replacer.augment(["a"], seed=0)
    with pytest.raises(ValueError, match=message):
        replacer.fit_resample(["a"], [0])


@pytest.mark.parametrize("value", [-1, 2**64, 0.5, "1", None])
def test_augment_rejects_values_outside_uint64(value, wordnet):
    replacer = SynonymReplacer(wordnet=wordnet)
    for arguments in (
        {"seed": value},
        {"seed": 0, "epoch": value},
        {"seed": 0, "documents": [value]},
    ):
        with pytest.raises(ValueError, match=re.escape("an int in [0, 2**64), got")):
            replacer.augment(["a"], **arguments)


def test_methods_reject_invalid_input(wordnet):
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


@pytest.mark.data
def test_docstring_example(nltk_data, hidden_wordnet):
    hidden_wordnet.append(str(nltk_data))
    texts = ["A GOOD film, well made.", "Dull."]
    augmented = SynonymReplacer(p=0.9).augment(texts, seed=2)
    assert augmented == ["A HONORABLE film, well made.", "Dull."]
    assert f"    {augmented}\n" in SynonymReplacer.__doc__
