"""Fixtures of text stores."""

import pytest

from sktextconv import TextStore


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some.texts"


@pytest.fixture
def stored(corpus, path):
    texts, labels = corpus
    return TextStore.from_texts(texts, path), labels
