"""A small WordNet in the format of the real one, and its synonyms."""

import shutil

__all__ = ["SYNONYMS", "write_wordnet", "write_wordnet_of_debian"]

# (part of speech, type, words) of each synset, the most common meaning first.
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
# Counts of words by part of speech, in their first meaning.
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


def write_wordnet(folder):
    """Write the synsets in the format of WordNet; offsets are positions in the file."""
    license_text = "  1 This line stands for the license.  \n"
    folder.mkdir(parents=True)
    senses = []
    for part, letter in zip(("noun", "verb", "adj", "adv"), "nvar", strict=True):
        data, meanings = license_text, {}
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
        (folder / f"index.{part}").write_text(license_text + index)
    (folder / "index.sense").write_text("".join(sorted(senses)))
    return folder


def write_wordnet_of_debian(folder, wordnet, *, counts):
    """Copy the folder as in Debian's package: counts by number of the meaning."""
    shutil.copytree(wordnet, folder)
    senses = (folder / "index.sense").read_text().splitlines()
    (folder / "index.sense").unlink()
    if counts:
        fields = (line.split() for line in senses)
        lines = [f"{key} {number} {count}" for key, _, number, count in fields]
        lines = [line for line in lines if not line.endswith(" 0")]
        (folder / "cntlist.rev").write_text("\n".join(lines) + "\n")
    return str(folder)
