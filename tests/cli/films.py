"""Film reviews of two classes, and options to train a tiny network on them."""

import csv
import io

GOOD, BAD = "so good, a fine film", "what a bore, too long"

TINY = "max_epochs=4 batch_size=8 embedding_dim=16 n_filters=8 learning_rate=0.01"

SETTINGS = [part for name in TINY.split() for part in ("--set", name)]

TRAIN = "--model kimcnn --set max_epochs=1 --out other"


def write_csv(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return str(path)


def read_labels(out):
    head, *rows = csv.reader(io.StringIO(out))
    assert head == ["label"]
    return [label for (label,) in rows]
