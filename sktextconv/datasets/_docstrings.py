"""Docstrings of installed libraries, parsed from their sources and cached."""

import ast
import contextlib
import gc
import gzip
import hashlib
import json
import warnings
import zlib
from importlib import metadata, util
from pathlib import Path

from ..utils._files import atomic_write

# Packages by distribution; the distribution is the label.
LIBRARIES = {
    "numpy": "numpy",
    "scipy": "scipy",
    "scikit-learn": "sklearn",
    "torch": "torch",
    "nltk": "nltk",
}

DESCR = """\
Docstrings of installed libraries

The docstrings of modules, classes and functions, private ones included, in the
installed Python sources of numpy, scipy, scikit-learn, torch and nltk; the label is
the library. They are cleaned by inspect.cleandoc and otherwise unaltered.

Excluded: folders of tests and of vendored code; texts shorter than 80 characters;
repeated texts, ignoring white space; texts that two libraries share.

Split: source files are ordered by a hash of their path and assigned to the test set as
long as it contains at most a fifth of the library's texts. No file is in both sets,
since the docstrings of one file share whole paragraphs. Names of the libraries ("import
numpy as np") stay in the texts; removing them raised the error of linear models by
about one point. About half of the texts are torch's, so look at more than accuracy.

The texts change with the versions of the libraries, and their licenses apply.
"""

_FORMAT = 1  # increase this when the texts or their order change
_MIN_LENGTH = 80  # characters, runs of white space counted as one
_TEST_FRACTION = 0.2
_EXCLUDED = {
    *("test", "tests", "testing"),
    *("externals", "_external", "_vendor", "_vendored"),
}
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")  # fields of AST nodes


def load(libraries, folder):
    """Return {"versions": …, "rows": [[subset, library, file, text], …]}.

    `folder` is the cache folder, or None.
    """
    versions = {library: _version(library) for library in libraries}
    key = hashlib.sha256(json.dumps([_FORMAT, versions]).encode()).hexdigest()[:12]
    if folder is None:
        return {"versions": versions, "rows": _rows(libraries)}
    path = folder / f"docstrings-{key}.json.gz"
    # The checksum of gzip detects damage; the file is then written again.
    with contextlib.suppress(OSError, EOFError, zlib.error, ValueError):
        return json.loads(gzip.decompress(path.read_bytes()))
    found = {"versions": versions, "rows": _rows(libraries)}
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as out:
            out.write(gzip.compress(json.dumps(found).encode(), 1, mtime=0))
    return found


def _version(library):
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        raise ImportError(
            f"Expected {library} to be installed, since its docstrings are part of the "
            f"data; pip install {library}."
        ) from None


def _rows(libraries):
    # The keys of both are texts with collapsed white space.
    owners, first_rows = {}, {}
    with _without_garbage_collection():
        for library, package in libraries.items():
            for filename, text in _docstrings(package):
                key = " ".join(text.split())
                if len(key) >= _MIN_LENGTH:
                    owners.setdefault(key, set()).add(library)
                    first_rows.setdefault(key, (library, filename, text))
    rows = {key: first_rows[key] for key in owners if len(owners[key]) == 1}
    if missing := set(libraries) - {library for library, _, _ in rows.values()}:
        raise ImportError(
            f"Expected docstrings in the Python sources of {sorted(missing)}, found "
            "none; install the libraries with their .py files."
        )
    test_files = _test_files(rows.values())
    return [
        ["test" if filename in test_files else "train", library, filename, text]
        for key, (library, filename, text) in sorted(
            rows.items(), key=lambda row: _hash(row[0])
        )
    ]


@contextlib.contextmanager
def _without_garbage_collection():
    # Garbage collection took half of the time; syntax trees have no cycles.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _docstrings(package):
    spec = util.find_spec(package)  # does not import a top-level package
    for root in map(Path, (spec and spec.submodule_search_locations) or ()):
        for path in sorted(root.rglob("*.py")):
            filename = path.relative_to(root.parent)
            if _EXCLUDED.isdisjoint(filename.parts):
                for text in _docstrings_of(path):
                    yield filename.as_posix(), text


def _docstrings_of(path):
    try:
        with warnings.catch_warnings():
            # Sources can have invalid escapes in strings.
            warnings.simplefilter("ignore")
            pending = [ast.parse(path.read_bytes())]
    # The file is a template, has the syntax of a later Python or is nested too deeply.
    except (SyntaxError, ValueError, RecursionError):
        return
    while pending:
        node = pending.pop()
        if isinstance(node, _DOCUMENTED) and (text := ast.get_docstring(node)):
            yield text
        children = [c for block in _BLOCKS for c in getattr(node, block, ())]
        pending += children[::-1]  # so that they are popped in source order


def _test_files(rows):
    sizes = {}  # number of texts by library and file
    for library, filename, _ in rows:
        files = sizes.setdefault(library, {})
        files[filename] = files.get(filename, 0) + 1
    chosen = set()
    for files in sizes.values():
        room = _TEST_FRACTION * sum(files.values())
        for filename in sorted(files, key=_hash):
            if files[filename] <= room:
                chosen.add(filename)
                room -= files[filename]
    return chosen


def _hash(text):
    # An escape in a docstring can be a lone surrogate.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
