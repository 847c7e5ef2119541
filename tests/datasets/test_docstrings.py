"""Docstrings of installed libraries as a data set."""

import gzip
import sys

import numpy as np
import pytest

from sktextconv.datasets import _docstrings
from sktextconv.datasets._fetch import load_docstrings

from .test_fetch import names_in

LONG_SENTENCE = (
    "This sentence is here because texts of fewer than eighty characters are dropped."
)


def write_library(root, name, files, version="1.0"):
    for filename, source in files.items():
        path = root / name / filename
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    info = root / f"{name}-{version}.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    )


@pytest.fixture
def libraries(tmp_path, monkeypatch):
    root = tmp_path / "site"
    shared = f'def f():\n    """Shared. {LONG_SENTENCE}"""\n'
    alpha = f'''
"""Module. {LONG_SENTENCE}"""
raise RuntimeError("this source was run")
if True:
    class A:
        """Class.

        {LONG_SENTENCE}
            indented
        """
        def method(self):
            r"""Method \\d. {LONG_SENTENCE}"""
            async def inner():
                """Inner. {LONG_SENTENCE}"""
        def short(self):
            """Too short."""
        def number(self):
            12
'''
    write_library(
        root,
        "alpha_lib",
        {
            "__init__.py": alpha,
            "again.py": f'"""Module.   {LONG_SENTENCE}\n"""',
            "shared.py": shared,
            "broken.py": "def f(:",
            "nul.py": "\0",
            "tests/test_a.py": f'"""Test. {LONG_SENTENCE}"""',
            "externals/other.py": f'"""Other. {LONG_SENTENCE}"""',
            **{f"m{i}.py": f'"""Number {i}. {LONG_SENTENCE}"""' for i in range(20)},
        },
    )
    write_library(
        root,
        "beta_lib",
        {
            "__init__.py": "",
            "shared.py": shared,
            "own.py": f'"""Own \\d. {LONG_SENTENCE}"""',
            "surrogate.py": f'"""\\ud800 {LONG_SENTENCE}"""',
            **{f"n{i}.py": f'"""Index {i}. {LONG_SENTENCE}"""' for i in range(10)},
        },
    )
    monkeypatch.syspath_prepend(str(root))
    return {"alpha_lib": "alpha_lib", "beta_lib": "beta_lib"}


def test_load_parses_cleans_and_filters(libraries, tmp_path):
    """The sources are parsed and never imported."""
    rows = _docstrings.load(libraries, None)["rows"]
    assert not {"alpha_lib", "beta_lib"} & sys.modules.keys()
    texts = {text.split()[0]: (label, file) for _, label, file, text in rows}
    assert len(rows) == 4 + 20 + 2 + 10
    assert texts["Module."] == ("alpha_lib", "alpha_lib/__init__.py")
    assert texts["Own"] == ("beta_lib", "beta_lib/own.py")
    assert not {"Shared.", "Too", "Test.", "Other."} & texts.keys()
    (classes,) = [text for *_, text in rows if text.startswith("Class.")]
    assert classes == f"Class.\n\n{LONG_SENTENCE}\n    indented"


def test_load_splits_by_source_file(libraries):
    """No source file is in both subsets; a fifth of each library is for testing."""
    rows = _docstrings.load(libraries, None)["rows"]
    files = {
        subset: {file for s, _, file, _ in rows if s == subset}
        for subset in ("train", "test")
    }
    assert files["train"].isdisjoint(files["test"])
    test = [label for subset, label, *_ in rows if subset == "test"]
    assert 3 <= test.count("alpha_lib") <= 4
    assert test.count("beta_lib") == 2


def test_load_reads_cache(libraries, tmp_path):
    folder = tmp_path / "cache"
    first = _docstrings.load(libraries, folder)
    (cached,) = folder.iterdir()
    (tmp_path / "site" / "beta_lib" / "own.py").unlink()
    assert _docstrings.load(libraries, folder) == first
    cached.unlink()
    assert len(_docstrings.load(libraries, folder)["rows"]) == len(first["rows"]) - 1


def test_load_rebuilds_cache_after_upgrade(libraries, tmp_path):
    folder = tmp_path / "cache"
    _docstrings.load(libraries, folder)
    (tmp_path / "site" / "beta_lib-1.0.dist-info").rename(tmp_path / "gone")
    write_library(
        tmp_path / "site", "beta_lib", {"new.py": f'"""N. {LONG_SENTENCE}"""'}, "1.1"
    )
    found = _docstrings.load(libraries, folder)
    assert found["versions"] == {"alpha_lib": "1.0", "beta_lib": "1.1"}
    assert any(text.startswith("N. ") for *_, text in found["rows"])


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "text", "other gzip"])
def test_load_rebuilds_damaged_cache(libraries, tmp_path, damage):
    folder = tmp_path / "cache"
    first = _docstrings.load(libraries, folder)
    (cached,) = folder.iterdir()
    whole = cached.read_bytes()
    middle = len(whole) // 2
    cached.write_bytes(
        {
            "empty": b"",
            "cut": whole[:middle],
            "flipped": whole[:middle]
            + bytes([whole[middle] ^ 8])
            + whole[middle + 1 :],
            "text": b"damaged",
            "other gzip": gzip.compress(b"{"),
        }[damage]
    )
    assert _docstrings.load(libraries, folder) == first
    assert cached.read_bytes() == whole
    assert names_in(folder) == [cached.name]


def test_load_unwritable_folder(libraries, tmp_path):
    """Without a usable cache folder, the docstrings are parsed in each call."""
    file = tmp_path / "file"
    file.write_text("in the way")
    first = _docstrings.load(libraries, None)
    assert _docstrings.load(libraries, file) == first
    assert _docstrings.load(libraries, file / "below") == first
    assert file.read_text() == "in the way"


def test_load_missing_library(libraries, tmp_path):
    """A library that is missing or has no sources is named in the error."""
    with pytest.raises(ImportError, match="pip install no-such-library"):
        _docstrings.load({"no-such-library": "no_such_library"}, None)
    write_library(tmp_path / "site", "gamma_lib", {"__init__.py": ""})
    with pytest.raises(ImportError, match=r"sources of \['gamma_lib'\]"):
        _docstrings.load({**libraries, "gamma_lib": "gamma_lib"}, None)


@pytest.fixture(scope="module")
def docstrings():
    """Return the bunch of each subset; the cache is that of the user."""
    return {
        subset: load_docstrings(subset=subset) for subset in ("train", "test", "all")
    }


def test_load_docstrings_real_libraries(docstrings):
    train, test, both = docstrings["train"], docstrings["test"], docstrings["all"]
    assert len(train.data) + len(test.data) == len(both.data) > 10_000
    assert len(both.data) == len(both.target) == len(both.filenames)
    assert len({" ".join(text.split()) for text in both.data}) == len(both.data)
    assert min(len(text) for text in both.data) >= 80
    fractions = np.bincount(test.target) / np.bincount(both.target)
    np.testing.assert_allclose(fractions, 0.2, atol=0.01)
    assert set(train.filenames).isdisjoint(test.filenames)
    assert both.target.dtype == np.int64
    assert both.versions["numpy"] == np.__version__
    for name in both.target_names:
        assert name in both.DESCR


def test_load_docstrings_shuffles_classes(docstrings):
    target = docstrings["train"].target
    fractions = np.bincount(target[:1000]) / 1000 - np.bincount(target) / len(target)
    assert np.abs(fractions).max() < 0.05


@pytest.mark.parametrize("subset", ["both", None])
def test_load_docstrings_unknown_subset(subset):
    with pytest.raises(ValueError, match="'train', 'test', 'all'"):
        load_docstrings(subset=subset)
