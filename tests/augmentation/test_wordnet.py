"""Files of WordNet: where they are searched, and the synonyms read from them."""

import os
import shutil
from pathlib import Path

import pytest

from sktextconv.augmentation import SynonymReplacer
from sktextconv.augmentation._wordnet import read_thesaurus

from .wordnet_files import SYNONYMS, write_wordnet, write_wordnet_of_debian

CHANGED = {"big", "large"}


def outcomes(replacer, text, n=50):
    """Return the texts that `n` copies of one text become."""
    return set(replacer.augment([text] * n, seed=0))


# -- thesaurus -------------------------------------------------------------------------


def test_thesaurus_without_sense_index(wordnet, tmp_path):
    """Counts by number of the meaning give the same synonyms."""
    folder = write_wordnet_of_debian(tmp_path / "dict", wordnet, counts=True)
    assert {w: list(s) for w, s in read_thesaurus(folder).items()} == SYNONYMS


def test_thesaurus_without_counts(wordnet, tmp_path):
    """Meanings are ordered by their part of speech, nouns first."""
    folder = write_wordnet_of_debian(tmp_path / "dict", wordnet, counts=False)
    assert read_thesaurus(folder)["film"] == (
        "movie",
        "moving picture",
        "plastic film",
        "shoot",
    )


@pytest.mark.parametrize(
    ("file", "end"), [("data.noun", "good"), ("index.verb", " 0"), ("index.sense", " ")]
)
def test_wordnet_damaged(file, end, wordnet, tmp_path):
    folder = shutil.copytree(wordnet, tmp_path / "dict")
    text = (folder / file).read_text()
    (folder / file).write_text(text[: text.rindex(end)])
    with pytest.raises(ValueError, match="are damaged"):
        SynonymReplacer(wordnet=folder).augment(["a"], seed=0)


@pytest.mark.data
def test_thesaurus_agrees_with_nltk(nltk_data, hidden_wordnet):
    """The real WordNet gives the synonyms that NLTK's reader finds."""
    from nltk.corpus.reader.wordnet import WordNetCorpusReader

    hidden_wordnet.append(str(nltk_data))
    reader = WordNetCorpusReader(str(nltk_data / "corpora/wordnet"), False)
    words = [word for word in reader.all_lemma_names() if word.isalnum()]
    words = ["good", "film", "march", "see", *words[::1000]]
    replacer = SynonymReplacer(p=1 - 1e-12, q=0.999, min_length=1)
    for word in words:
        senses = [lemma for lemma in reader.lemmas(word) if lemma.name() == word]
        senses.sort(key=lambda lemma: -lemma.count())
        names = [name for sense in senses for name in sense.synset().lemma_names()]
        names = [name.replace("_", " ") for name in names if name == name.lower()]
        expected = [name for name in dict.fromkeys(names) if name != word]
        first = SynonymReplacer(p=1 - 1e-12, q=1e-12, min_length=1)
        assert outcomes(first, word, n=40) == {word, *expected[:1]}
        assert outcomes(replacer, word, n=400) <= {word, *expected}


# -- search ----------------------------------------------------------------------------


@pytest.mark.skipif(
    not Path("/usr/share/wordnet/index.noun").exists(),
    reason="requires Debian's wordnet-base",
)
def test_wordnet_of_debian_is_found(hidden_wordnet):
    """The system folder is used if NLTK has no WordNet."""
    (text,) = SynonymReplacer(p=0.99).augment(["automobile"], seed=2)
    assert text in ("car", "auto", "machine", "motorcar", "automobile")
    assert read_thesaurus("/usr/share/wordnet")["automobile"][:2] == ("car", "auto")


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_wordnet_of_nltk_is_found(packed, hidden_wordnet, tmp_path):
    write_wordnet(tmp_path / "corpora" / "wordnet")
    if packed:
        shutil.make_archive(
            str(tmp_path / "corpora/wordnet"), "zip", tmp_path / "corpora", "wordnet"
        )
        shutil.rmtree(tmp_path / "corpora/wordnet")
    for path in [tmp_path, *tmp_path.rglob("*")]:
        # NLTK rejects folders that others can write.
        path.chmod(path.stat().st_mode & 0o755)
    hidden_wordnet.append(str(tmp_path))
    assert outcomes(SynonymReplacer(), "big") == CHANGED


def test_wordnet_in_environment_is_found(hidden_wordnet, wordnet, monkeypatch):
    monkeypatch.setenv("WNSEARCHDIR", wordnet)
    assert outcomes(SynonymReplacer(), "big") == CHANGED


def test_wordnet_folder_without_files_of_nltk(hidden_wordnet, wordnet):
    """A folder that NLTK's own reader rejects is accepted."""
    # NLTK's reader rejects the folder: it is outside NLTK's data folders, has no
    # lexnames and exceptions, and has an unknown version.
    parts = ("adj", "adv", "noun", "sense", "verb")
    files = [f"data.{part}" for part in parts] + [f"index.{part}" for part in parts]
    assert sorted(os.listdir(wordnet)) == sorted({*files} - {"data.sense"})
    replacer = SynonymReplacer(wordnet=Path(wordnet))
    assert outcomes(replacer, "big") == CHANGED


@pytest.mark.skipif(
    Path("/usr/share/wordnet").exists(), reason="this machine has a WordNet"
)
def test_wordnet_missing(hidden_wordnet, monkeypatch):
    """The error says how to install WordNet and where it was searched."""
    replacer = SynonymReplacer()
    with pytest.raises(LookupError, match=r"nltk\.downloader wordnet.* or pass wordn"):
        replacer.augment(["a"], seed=0)
    monkeypatch.setenv("WNSEARCHDIR", "none-here")
    with pytest.raises(LookupError, match="none-here"):
        replacer.fit_resample(["a"], [0])


def test_wordnet_folder_with_missing_file(wordnet, tmp_path):
    with pytest.raises(LookupError, match=r"it has no index\.noun"):
        SynonymReplacer(wordnet=tmp_path).augment(["a"], seed=0)
    folder = shutil.copytree(wordnet, tmp_path / "dict")
    (folder / "data.adv").unlink()
    with pytest.raises(LookupError, match=r"it has no data\.adv"):
        SynonymReplacer(wordnet=folder).augment(["a"], seed=0)
