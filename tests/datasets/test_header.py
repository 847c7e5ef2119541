"""Inference of headers from the first record and the others."""

import csv

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from sktextconv import TextStore, read_csv
from sktextconv.datasets._header import (
    could_be_header,
    describe_cells,
    is_header,
    kind_of_column,
)

from ..conftest import attempt


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("text", "text Text TEXT texts review_text reviewText title text1 tweet"),
        ("text", "body_html product-title"),
        ("label", "label Labels class label_id label_text airline_sentiment stars"),
        (
            "other",
            "id idx review_id created_at url userName Unnamed: tweet_id text_len",
        ),
        (None, "pos neg v1 kind foo 1 fine well-named sub-titled"),
    ],
)
def test_kind_of_column(kind, names):
    found = {name: kind_of_column(name) for name in names.split()}
    expected = dict.fromkeys(names.split(), kind)
    # A hyphen can be in a text; all of its words must be common.
    expected |= {"product-title": None} if "product-title" in expected else {}
    assert found == expected


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Review Text", "text"),
        ("Class label", "label"),
        ("User ID", "other"),
        ("great review", None),
        ("a good title", None),
        ("", None),
        ("Unnamed: 0", "other"),
    ],
)
def test_kind_of_column_with_spaces(name, kind):
    """Names with spaces consist of common words alone; texts do not."""
    assert kind_of_column(name) == kind


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["label", "text"], True),
        (["stars", "Review Text"], True),
        (["id", "foo", "text"], True),
        (["", "text"], True),
        (["", "id"], False),
        (["name", "date"], False),
        (["", "0", "1"], False),
        (["label", "text", "text"], False),
        (["label", "text", "1"], False),
        (["label", "text", ""], False),
        (["label", "text, and more"], False),
        (["label", "text " + "x" * 40], False),
        (["kind", "text"], False),
        (["pos", "review"], False),
        (["pos", "great review"], False),
        (["text"], False),
    ],
)
def test_is_header(cells, expected):
    """All cells are different names, and two or more are common ones."""
    assert is_header(cells) == expected


@pytest.mark.parametrize(
    ("cells", "second", "expected"),
    [
        (["text"], None, True),
        (["fine"], None, True),
        (["a great review"], None, True),
        (["so fine a film"], None, False),
        (["so good, a fine film"], None, False),
        (["review!"], None, False),
        (["0"], ["7"], True),
        (["7"], ["a film"], True),
        (["7"], None, True),
        (["7"], ["8"], False),
        (["7.5"], None, False),
        (["评论"], None, True),
        (["这部电影非常好看"], None, False),
        (["17", "fine"], None, False),
        (["17", "text"], None, False),
        (["id", "text"], None, True),
    ],
)
def test_could_be_header(cells, second, expected):
    assert could_be_header(cells, second) == expected


# The first records of the training and test files of Zhang, Zhao and LeCun, and other
# records like them that come close to names of columns.
PUBLISHED = [
    ["3", "Wall St. Bears Claw Back Into the Black (Reuters)", "Reuters - Short-"],
    ["3", "Fears for T N pension after talks", "Unions representing workers at"],
    ["1", "E. D. Abbott Ltd", " Abbott of Farnham E D Abbott Limited was a British"],
    ["1", "TY KU", " TY KU /ta\u026aku\u02d0/ is an American alcoholic beverage"],
    ["2", "Great CD", "My lovely Pat has one of the GREAT voices of her generation."],
    ["1", "mens ultrasheer", "This model may be ok for sedentary types"],
    ["3", "more like funchuck", "Gave this to my dad for a gag gift after directing"],
    ["9", "What makes friendship click?", "How does the spark keep going?", ""],
    ["5", "dr. goldberg offers everything i look for in a general practitioner."],
    ["2", "Review", "Contrary to other reviews, I have zero complaints about it."],
    ["1", "id", "The id, the ego and the super-ego are a set of three concepts in it."],
]


@pytest.mark.parametrize("first", PUBLISHED)
def test_published_files_have_no_header(tmp_path, first):
    """Files with a class number first are read as before, without a question."""
    path = tmp_path / "a.csv"
    label, *fields = first
    rows = [first, *([str(k + 1), *(f"{x} {k}" for x in fields)] for k in range(9))]
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    auto, explicit = read_csv(path), read_csv(path, header=False)
    assert auto.data == explicit.data
    assert auto.data[0] == " ".join(field.strip() for field in fields)
    assert auto.target[0] == int(label) - 1
    assert auto.columns == explicit.columns
    assert auto.columns["names"] is None


NAMES = ["label", "text", "title", "review_id", "kind", "0", "1", "", "stars"]
CELLS = ["pos", "neg", "1", "2", "17", "fine", "a fine film, and long", "text", "label"]


@settings(
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    rows=st.integers(2, 3).flatmap(
        lambda n: st.tuples(
            st.lists(st.sampled_from(NAMES + CELLS), min_size=n, max_size=n),
            st.lists(
                st.lists(st.sampled_from(CELLS), min_size=n, max_size=n), max_size=6
            ),
        )
    )
)
def test_inference_reads_as_told_or_raises(tmp_path, rows):
    """ "auto" gives the result of True or False, and both only if it is certain."""
    path, store = tmp_path / "a.csv", tmp_path / "a.texts"
    first, others = rows
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, quoting=csv.QUOTE_ALL).writerows([first, *others])
    columns = {"label_column": 0, "text_columns": list(range(1, len(first)))}
    found, error = attempt(read_csv, path, **columns)
    stored, again = attempt(TextStore.from_csv, path, store, **columns)
    assert str(error) == str(again)
    assert store.exists() == (error is None)
    if error:
        assert isinstance(error, ValueError)
        return
    assert stored.data == found.data
    has_header = found.columns["names"] is not None
    told = read_csv(path, header=has_header, **columns)
    assert (found.data, found.target.tolist()) == (told.data, told.target.tolist())
    store.unlink()
    labels = [row[0] for row in others]
    if has_header:
        # No record is lost: the first one has names, and a label of its own.
        assert {*first} & {"label", "text", "title", "stars"}
        assert first[0] not in labels
    else:
        # No header is a text: its label is that of others, or a number like theirs.
        assert first[0] in labels or {*labels, first[0]} <= {"0", "1", "2", "17"}
        assert not (
            {*first[1:]} <= {*NAMES, "pos", "neg", "fine"} - {"", "0", "1"}
            and {*first[1:]} & {"label", "text", "title", "stars", "review_id"}
            and first[0].isalpha()
        )


def test_describe_cells_shortens():
    cells = ["text", "x" * 25, *"abcdefgh"]
    assert describe_cells(cells) == (
        "'text', 'xxxxxxxxxxxxxxxxxxxx…', 'a', 'b', 'c', 'd', 'e', 'f' and 2 more"
    )
