"""Film reviews of two classes, and options to train a tiny network on them."""

import csv
import io

GOOD, BAD = "so good, a fine film", "what a bore, too long"

TINY = "max_epochs=4 batch_size=8 embedding_dim=16 n_filters=8 learning_rate=0.01"

SETTINGS = [part for name in TINY.split() for part in ("--set", name)]

TRAIN = "--model kimcnn --set max_epochs=1 --out other"

FILMS = [GOOD, BAD] * 2

# Models that differ in the columns they store: of a file with the names label and text,
# of one without a header, and none.
MODELS = ("named", "plain", "old")


def table(*head, order=(0, 1), labels=("pos", "neg"), texts=FILMS):
    """Return the rows of a file: the header, and labels and texts in some order."""
    rows = [[labels[at % 2], text, str(at)] for at, text in enumerate(texts)]
    return [*([head] if head else ()), *([row[i] for i in order] for row in rows)]


def write_csv(path, rows, *, quoting=csv.QUOTE_MINIMAL, end="\r\n"):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=quoting, lineterminator=end).writerows(rows)
    return str(path)


def read_labels(out):
    head, *rows = csv.reader(io.StringIO(out))
    assert head == ["label"]
    return [label for (label,) in rows]
