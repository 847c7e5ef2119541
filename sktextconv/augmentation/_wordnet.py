"""WordNet's files: where they are, and the synonyms of each word in them."""

import functools
import os
import zipfile
from pathlib import Path

__all__ = ["find_wordnet", "read_thesaurus"]

# Files of each part of speech, in the order of meanings that were met equally often.
_PARTS_OF_SPEECH = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
_SENSE_TYPES = dict(zip("12345", "nvara", strict=True))  # 5 is a satellite adjective
_FILES = [f"index.{part}" for part in _PARTS_OF_SPEECH.values()]
_FILES += [f"data.{part}" for part in _PARTS_OF_SPEECH.values()]

_INSTALLED = "/usr/share/wordnet"
_REMEDY = (
    "Run: python -m nltk.downloader wordnet. Or install a package such as Debian's "
    "wordnet-base, or pass wordnet='folder with index.noun and the other files'."
)


def find_wordnet(wordnet):
    """Return the path of a folder or zip file with all of WordNet's files."""
    if wordnet is not None:
        path = os.fspath(wordnet)
        missing = _missing_file(path)
        if missing is None:
            return path
        raise LookupError(
            f"Expected wordnet={path!r} to be a folder with WordNet's files, but it "
            f"has no {missing}. {_REMEDY}"
        )
    environment = os.environ.get("WNSEARCHDIR")
    for path in (_find_in_nltk(), environment, _INSTALLED):
        if path and _missing_file(path) is None:
            return path
    raise LookupError(
        "SynonymReplacer needs WordNet, which is neither in NLTK's data folders nor in "
        f"$WNSEARCHDIR ({environment or 'not set'}) nor in {_INSTALLED}. {_REMEDY}"
    )


def _find_in_nltk():
    import nltk.data  # takes a second, which only those pay who augment

    for name in ("corpora/wordnet", "corpora/wordnet.zip/wordnet/"):
        try:
            found = nltk.data.find(name)
        except LookupError:
            continue
        return found.zipfile.filename if hasattr(found, "zipfile") else found.path
    return None


def _open_folder(path):
    return zipfile.Path(path, "wordnet/") if zipfile.is_zipfile(path) else Path(path)


def _missing_file(path):
    try:
        folder = _open_folder(path)
        found = [folder.joinpath(file).is_file() for file in _FILES]
    except (OSError, ValueError):  # no file can have such a name
        return _FILES[0]
    return None if all(found) else _FILES[found.index(False)]


@functools.lru_cache(maxsize=2)
def read_thesaurus(path):
    """Return a dict of word → its synonyms, a tuple of str, the closest first."""
    # NLTK's own reader parses a synset when asked for it, which takes longer for
    # the words of a corpus than all of WordNet takes here. It holds open files, which
    # forked processes would share, and wants files that not every folder has.
    folder = _open_folder(path)
    try:
        counts = _read_counts(folder)
        meanings = {}
        for letter, part in _PARTS_OF_SPEECH.items():
            synsets = _read_synsets(folder, part)
            for word, offsets in _read_index(folder, part):
                for number, offset in enumerate(offsets, 1):
                    place = offset if (word, letter, offset) in counts else number
                    count = counts.get((word, letter, place), 0)
                    meanings.setdefault(word, []).append((count, synsets[offset]))
    except (ValueError, IndexError, KeyError) as error:
        raise ValueError(
            f"The WordNet in {path} is damaged: {type(error).__name__} {error}. "
            "Install it anew."
        ) from error
    thesaurus = {word: _synonyms(word, senses) for word, senses in meanings.items()}
    return {word: synonyms for word, synonyms in thesaurus.items() if synonyms}


def _synonyms(word, meanings):
    by_count = sorted(meanings, key=lambda meaning: -meaning[0])
    synonyms = dict.fromkeys(
        name.replace("_", " ")
        for _, names in by_count
        if word in names  # else the word is a name in this meaning
        for name in names
        if name == name.lower()
    )
    synonyms.pop(word, None)
    return tuple(synonyms)


def _read_counts(folder):
    """Return how often each meaning was met: by word, part of speech and place.

    The place is the offset of the synset, or the number of the meaning among the word's
    where there is no file that names offsets, as in Debian's package.
    """
    # Not from cntlist.rev if it can be helped: WordNet 3.1 has there the order of
    # meanings of 3.0.
    has_offsets = folder.joinpath("index.sense").is_file()
    name = "index.sense" if has_offsets else "cntlist.rev"
    if not folder.joinpath(name).is_file():
        return {}
    counts = {}
    for line in _read_lines(folder, name):
        if line.endswith(" 0"):
            continue
        if has_offsets:
            sense, place, _, count = line.split()
        else:
            sense, number, count = line.split()
            place = int(number)
        word, _, kind = sense.partition("%")
        counts[word, _SENSE_TYPES[kind[0]], place] = int(count)
    return counts


def _read_synsets(folder, part):
    """Return the words of each synset by its offset."""
    synsets = {}
    for line in _read_lines(folder, f"data.{part}"):
        offset, _, _, n_words, rest = line.split(" ", 4)
        n_fields = 2 * int(n_words, 16)  # a word and a number each
        words = rest.split(" ", n_fields)[:n_fields:2]
        synsets[offset] = [word.partition("(")[0] for word in words]  # "ready(p)"
    return synsets


def _read_index(folder, part):
    """Yield each single word and the offsets of its meanings, the commonest first."""
    for line in _read_lines(folder, f"index.{part}"):
        word, _, n_meanings, *rest = line.split()
        if word.isalnum():
            yield word, rest[-int(n_meanings) :]


def _read_lines(folder, file):
    lines = folder.joinpath(file).read_text(encoding="utf-8").split("\n")
    return (line for line in lines if line and not line.startswith(" "))  # the licence
