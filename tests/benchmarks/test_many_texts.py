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
    """A file with all phases of all sizes is returned as it is."""
    path = shutil.copy(many_texts.RESULT, tmp_path / "growth.json")
    before = path.read_bytes()
    n_files = [int(n) // many_texts.TEXTS_PER_FILE for n in COMMITTED["sizes"]]
    assert many_texts.run(path, n_files=n_files) == COMMITTED
    assert path.read_bytes() == before


def test_run_measures_missing_classifier(tmp_path, monkeypatch):
    """A missing phase is measured, however short, and the others keep their costs."""
    monkeypatch.setattr(memory, "N_WORDS", 2_000)
    path = tmp_path / "growth.json"
    names = [name for name in many_texts._PHASES if not name.startswith("online")]
    known = {name: {"texts": 1, "cpu_seconds": 7} for name in names}
    path.write_text(json.dumps({"sizes": {"200": {"phases": known}}}))
    phases = many_texts.run(path, n_files=[1], texts_per_file=200)["sizes"]["200"][
        "phases"
    ]
    assert phases.keys() >= many_texts._PHASES.keys()
    assert {name: phases[name] for name in names} == known
    assert phases["online fit"]["texts"] == 200
    assert phases["online predict"]["peak_rss_mib"] > 0


def test_table_shows_growth():
    """The exponent is that of the costs; a cost may be unknown for some sizes."""
    sizes = {
        str(n): {
            "phases": {name: {"peak_rss_mib": n**0.5} for name in many_texts._PHASES}
        }
        for n in (10_000, 40_000, 90_000, 160_000)
    }
    header, *rows = many_texts.table({"sizes": sizes}, "peak_rss_mib")
    assert header[1] == "0.01 million"
    assert {row[1:] for row in rows} == {("100", "200", "300", "400", "0.50 ± 0.00")}
