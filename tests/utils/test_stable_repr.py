"""Text of parameter values: equal for equal values, in every process."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from sktextconv import SynonymReplacer
from sktextconv.utils._stable_repr import stable_repr


def repeat(n, *, word="so"):
    """Return a tokenizer that adds a word, unless the text has it."""

    def tokenize(text):
        words = text.split()
        return words if word in {"so", "very", *words} else words + [word] * n

    return tokenize


def count_down(n):
    """Return a function that encloses itself."""

    def count(text):
        return [text] if n == 0 else count(text[n:])

    return count


@dataclass
class Marks:
    """Tokenizer with a parameter."""

    mark: str

    def split(self, text):
        return text.split(self.mark)


def make_pairs():
    """Return pairs of similar values that differ in one respect."""
    return {
        "arguments": (partial(int, base=8), partial(int, base=9)),
        "function": (partial(min), partial(max)),
        "nested": (
            partial(partial(sorted, key=repeat(1)), reverse=True),
            partial(partial(sorted, key=repeat(2)), reverse=True),
        ),
        "classes": (int, float),
        "objects": (object(), repeat),
        "names": (lambda text: text.split(), lambda text: text.rsplit()),
        "order of arguments": (lambda *, a, b: a, lambda *, b, a: b),
        "constants": (
            lambda text: [w for w in text.split() if w not in {"a", "so", "of", "or"}],
            lambda text: [w for w in text.split() if w not in {"a", "so", "of", "on"}],
        ),
        "defaults": (
            lambda text, mark=" ": text.split(mark),
            lambda text, mark="a": text.split(mark),
        ),
        "keywords": (
            lambda text, *, mark=" ": text.split(mark),
            lambda text, *, mark="a": text.split(mark),
        ),
        "enclosed numbers": (repeat(1), repeat(2)),
        "enclosed strings": (repeat(1), repeat(1, word="good")),
        "recursive": (count_down(1), count_down(2)),
        "builtin methods": (re.compile(r"\w+").findall, re.compile(r"\w").findall),
        "long patterns": (re.compile("a" * 999), re.compile("a" * 998 + "b")),
        "flags": (re.compile("a").split, re.compile("a", re.I).split),
        "methods": (Marks("a").split, Marks("b").split),
        "methods of classes": (str.split, str.rsplit),
        "estimators": (SynonymReplacer(p=0.2), SynonymReplacer(p=0.3)),
        "functions in lists": ([repeat(1)], [repeat(2)]),
        "arrays": (
            {"good": np.arange(2000.0)},
            {"good": np.where(np.arange(2000) == 1000, 0.0, np.arange(2000))},
        ),
        "addresses in text": ("word at 0xA", "word at 0xB"),
    }


@pytest.mark.parametrize("name", make_pairs())
def test_different_values(name):
    before, now = make_pairs()[name]
    assert stable_repr(before) != stable_repr(now)


def describe_all():
    return [[stable_repr(each) for each in pair] for pair in make_pairs().values()]


def test_values_are_the_same_in_another_process():
    """The text has no addresses, and no random order of sets."""
    assert describe_all() == describe_all()
    script = f"from {__name__} import describe_all; print(describe_all())"
    found = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONHASHSEED": "5"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert found.stdout.strip() == str(describe_all()), found.stderr


def test_estimators_as_scikit_learn_shows_them():
    assert stable_repr(SynonymReplacer()) == "SynonymReplacer()"
    assert stable_repr(SynonymReplacer(p=0.2)) == "SynonymReplacer(p=0.2)"
