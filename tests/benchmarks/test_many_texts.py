"""Growth up to ten million texts: files of texts, results that are kept, table."""

import csv
import json
import shutil

import numpy as np

from benchmarks.speed import many_texts, memory

COMMITTED = json.loads(many_texts.RESULT.read_text())


def test_write_csv_divides_texts(tmp_path, monkeypatch):
    """Each file has as many short texts, with labels in turn."""
    monkeypatch.setattr(memory, "N_WORDS", 2_000)
    paths = many_texts.write_csv(tmp_path, 2, 1_001)
    files = [list(csv.reader(path.read_text().splitlines())) for path in paths]
    assert [len(rows) for rows in files] == [1_001, 1_001]
    labels, texts = zip(*files[0], *files[1], strict=True)
    assert labels == ("0", "1") * 1_001
    assert len(set(texts)) > 1_900
    assert 9 < np.mean([len(text.split()) for text in texts]) < 11


def test_run_keeps_measured_sizes(tmp_path):
    """A file with all sizes is returned as it is."""
    path = shutil.copy(many_texts.RESULT, tmp_path / "growth.json")
    before = path.read_bytes()
    n_files = [int(n) // many_texts.TEXTS_PER_FILE for n in COMMITTED["sizes"]]
    assert many_texts.run(path, n_files=n_files) == COMMITTED
    assert path.read_bytes() == before


def test_committed_growth_is_at_most_linear():
    """No cost grows faster than the texts, beyond the standard error."""
    for cost in many_texts.COSTS:
        header, *rows = many_texts.table(COMMITTED, cost)
        assert header[1:-1] == tuple(
            f"{int(n) / 1e6:g} million" for n in COMMITTED["sizes"]
        )
        for exponent, error in (row[-1].split(" ± ") for row in rows):
            assert float(exponent) - float(error) <= 1.1
