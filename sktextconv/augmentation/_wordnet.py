"""Reader of WordNet: search for its files, synonyms of each word."""

import functools
import os
import zipfile
from pathlib import Path

__all__ = ["find_wordnet", "read_thesaurus"]

# Suffixes of the files of each part of speech. Meanings with equal counts are in this
# order.
_PARTS_OF_SPEECH = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
# Parts of speech by the digit in a sense key; 5 is a satellite adjective.
_SENSE_TYPES = dict(zip("12345", "nvara", strict=True))
_FILES = [f"index.{part}" for part in _PARTS_OF_SPEECH.values()]
_FILES += [f"data.{part}" for part in _PARTS_OF_SPEECH.values()]

_SYSTEM_FOLDER = "/usr/share/wordnet"
_HINT = (
    "Run: python -m nltk.downloader wordnet. Or install a package such as Debian's "
    "wordnet-base, or pass wordnet='folder with index.noun and the other files'."
)


def find_wordnet(wordnet):
    """Return the path of a folder or zip file with all files of WordNet.

    Parameters
    ----------
    wordnet : str, path-like or None
        Path to check. None searches NLTK's data folders, ``$WNSEARCHDIR`` and the
        system folder.

    Returns
    -------
    path : str

    Raises
    ------
    LookupError
        If a file is missing.
    """
    if wordnet is not None:
        path = os.fspath(wordnet)
        missing = _missing_file(path)
        if missing is None:
            return path
        raise LookupError(
            f"Expected wordnet={path!r} to be a folder with the files of WordNet, but "
            f"it has no {missing}. {_HINT}"
        )
    environment = os.environ.get("WNSEARCHDIR")
    for path in (_find_in_nltk(), environment, _SYSTEM_FOLDER):
        if path and _missing_file(path) is None:
            return path
    raise LookupError(
        "SynonymReplacer requires WordNet, which was not found in NLTK's data folders, "
        f"$WNSEARCHDIR ({environment or 'not set'}) or {_SYSTEM_FOLDER}. {_HINT}"
    )


def _find_in_nltk():
    """Return the path of NLTK's corpus `wordnet`, or None."""
    import nltk.data  # this import takes a second

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
    """Return the name of the first file that is missing, or None."""
    try:
        folder = _open_folder(path)
        found = [folder.joinpath(file).is_file() for file in _FILES]
    except (OSError, ValueError):  # the path is too long or contains a NUL
        return _FILES[0]
    return None if all(found) else _FILES[found.index(False)]


@functools.lru_cache(maxsize=2)
def read_thesaurus(path):
    """Return a dict of words to tuples of their synonyms, in order of rank."""
    # NLTK's reader parses each synset on access, which takes longer for the words of a
    # corpus than reading all of WordNet takes here. It also keeps files open, which
    # forked processes would share, and requires files that are not in every folder.
    folder = _open_folder(path)
    try:
        counts = _read_counts(folder)
        meanings = {}
        for letter, part in _PARTS_OF_SPEECH.items():
            synsets = _read_synsets(folder, part)
            for word, offsets in _read_index(folder, part):
                for number, offset in enumerate(offsets, 1):
                    key = word, letter, offset
                    if key not in counts:
                        key = word, letter, number
                    count = counts.get(key, 0)
                    meanings.setdefault(word, []).append((count, synsets[offset]))
    except (ValueError, IndexError, KeyError) as error:
        raise ValueError(
            f"The files of WordNet in {path} are damaged: {type(error).__name__} "
            f"{error}. Install WordNet again."
        ) from error
    thesaurus = {word: _synonyms(word, senses) for word, senses in meanings.items()}
    return {word: synonyms for word, synonyms in thesaurus.items() if synonyms}


def _synonyms(word, meanings):
    """Return the synonyms in all meanings, given as pairs of count and words."""
    by_count = sorted(meanings, key=lambda meaning: -meaning[0])
    synonyms = dict.fromkeys(
        name.replace("_", " ")
        for _, names in by_count
        if word in names  # otherwise the word is a name in this meaning
        for name in names
        if name == name.lower()
    )
    synonyms.pop(word, None)
    return tuple(synonyms)


def _read_counts(folder):
    """Return the frequency of each meaning of a word in WordNet's tagged texts.

    Keys are the word, the part of speech, and the offset of the synset. In folders
    without ``index.sense``, such as Debian's package, the last part of the key is the
    number of the meaning instead.
    """
    # cntlist.rev is a fallback: in WordNet 3.1 it numbers the meanings as in 3.0.
    has_offsets = folder.joinpath("index.sense").is_file()
    name = "index.sense" if has_offsets else "cntlist.rev"
    if not folder.joinpath(name).is_file():
        return {}
    counts = {}
    for line in _read_lines(folder, name):
        if line.endswith(" 0"):
            continue
        if has_offsets:
            sense, meaning, _, count = line.split()
        else:
            sense, number, count = line.split()
            meaning = int(number)
        word, _, sense_type = sense.partition("%")
        counts[word, _SENSE_TYPES[sense_type[0]], meaning] = int(count)
    return counts


def _read_synsets(folder, part):
    """Return the words of each synset by its offset."""
    synsets = {}
    for line in _read_lines(folder, f"data.{part}"):
        offset, _, _, n_words, rest = line.split(" ", 4)
        n_fields = 2 * int(n_words, 16)  # each word is followed by a number
        words = rest.split(" ", n_fields)[:n_fields:2]
        # Adjectives can have a syntactic marker, such as "ready(p)".
        synsets[offset] = [word.partition("(")[0] for word in words]
    return synsets


def _read_index(folder, part):
    """Yield each single word and the offsets of its meanings, most common first."""
    for line in _read_lines(folder, f"index.{part}"):
        word, _, n_meanings, *rest = line.split()
        if word.isalnum():
            yield word, rest[-int(n_meanings) :]


def _read_lines(folder, file):
    lines = folder.joinpath(file).read_text(encoding="utf-8").split("\n")
    # Lines of the license start with a space.
    return (line for line in lines if line and not line.startswith(" "))
