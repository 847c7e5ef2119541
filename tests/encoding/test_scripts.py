"""Words and sentences of scripts without spaces."""

import re
import sys

import pytest
from hypothesis import given, strategies as st

from sktextconv import NGramVectorizer
from sktextconv.encoding import DocumentEncoder, WordEncoder
from sktextconv.encoding._scripts import LETTERS, has_unspaced, may_have_unspaced
from sktextconv.encoding._sentences import _find_ends
from sktextconv.encoding._tokenize import PLAIN_PATTERN, TOKEN_PATTERN, word_spans

from . import scripts

MIXED = st.text(
    st.sampled_from("aÉ1_ .!\n๕" + scripts.LETTERS + scripts.MARKS)
    | st.characters(exclude_categories=())
)
OTHER = st.text(
    st.characters(exclude_categories=()).filter(
        lambda c: not re.match(f"[{LETTERS}]", c)
    ),
    max_size=40,
)
EXAMPLES = {
    "这部iPhone 12很好!": "这 部 iphone 12 很 好 !",
    "コーヒーが好き。": "コ ー ヒ ー が 好 き 。",
    "ที่นี่ ๒๕๖๐": "ที่ นี่ ๒๕๖๐",
    "ນ້ຳດີ": "ນ້ຳ ດີ",
    "ក្មេង": "ក្មេ ង",
    "မင်္ဂလာ": "မ င်္ဂ လာ",
    "葛󠄀城": "葛󠄀 城",
    "ｶﾞｷﾞ": "ｶﾞ ｷﾞ",
    "हिन्दी 한국어 текст": " ".join(re.findall(PLAIN_PATTERN, "हिन्दी 한국어 текст")),
}


@pytest.mark.parametrize("text", EXAMPLES)
def test_words_of_scripts(text):
    """Each letter is a word with its marks; other scripts are split as ever."""
    expected = EXAMPLES[text].split(" ")
    encoder = WordEncoder().fit([text])
    assert list(encoder.split([text])) == [expected]
    assert [encoder.words[id_ - 2] for id_ in encoder.encode([text])[0]] == expected
    assert sorted(encoder.words) == sorted(set(expected))
    vectorizer = NGramVectorizer(max_n=1).fit([text])
    assert sorted(vectorizer.vocabulary_) == sorted(set(expected))


@given(text=MIXED)
def test_words_match_slow_loop(text):
    expected = scripts.slow_words(text)
    assert re.findall(TOKEN_PATTERN, text) == expected
    spans = word_spans(text, lowercase=False).tolist()
    assert [text[start:end] for start, end in spans] == expected
    encoder = WordEncoder(lowercase=False).fit([text, "a"])
    found = [encoder.words[id_ - 2] for id_ in encoder.encode([text])[0]]
    assert found == expected


def test_letters_are_those_of_unicode():
    """All letters of these scripts, and no others, are split."""
    is_split = re.compile(f"[{LETTERS}]").match
    for character in map(chr, range(sys.maxunicode)):
        if character.isalnum():
            assert bool(is_split(character)) == scripts.is_letter(character)
            if is_split(character):
                assert has_unspaced(character)
                assert may_have_unspaced([character])


def test_marks_are_those_of_unicode():
    """All marks of these scripts, and no others, belong to the letter before."""
    is_one_word = re.compile(TOKEN_PATTERN).fullmatch
    for character in map(chr, range(sys.maxunicode)):
        assert bool(is_one_word("好" + character)) == scripts.is_mark(character)


@given(text=OTHER)
def test_other_texts_are_split_as_before(text):
    """Without these scripts, both patterns find the same words."""
    assert not has_unspaced(text)
    assert re.findall(TOKEN_PATTERN, text) == re.findall(PLAIN_PATTERN, text)
    states = [
        cls(min_count=1).fit([text, "a"]).get_state() | {"split_scripts": False}
        for cls in (WordEncoder, DocumentEncoder)
    ]
    for cls, state in zip((WordEncoder, DocumentEncoder), states, strict=True):
        now, before = cls(min_count=1).fit([text, "a"]), cls().set_state(**state)
        assert now.encode([text]).ids.tolist() == before.encode([text]).ids.tolist()
        assert now.offsets(text).tolist() == before.offsets(text).tolist()


@pytest.mark.data
def test_news_are_split_as_before(data_folder):
    """Both patterns give the same vocabulary and ids on English news."""
    from sktextconv import read_csv

    texts = read_csv(data_folder / "ag_news_test.csv.xz").data[:2000]
    now = WordEncoder().fit(texts)
    before = WordEncoder(token_pattern=PLAIN_PATTERN).fit(texts)
    assert now.words == before.words
    assert now.encode(texts).ids.tolist() == before.encode(texts).ids.tolist()


# -- sentences ------------------------------------------------------------------------

SENTENCES = [
    ["我喜欢！", "真的。", "好吗？"],
    ["彼は「行く。」", "と言った。", "ｶﾅ｡", "はい．"],
    ["很好!", "不好?", "是的"],
    ["ខ្ញុំល្អ។", "បាទ៕"],
    ["ကောင်းတယ်။", "ဟုတ်တယ်။"],
    ["So good. ", "我喜欢。", "A 3．5分。", "Mr.好"],
]


@pytest.mark.parametrize("sentences", SENTENCES)
@pytest.mark.parametrize("space", ["", " "])
def test_sentences_of_scripts(sentences, space):
    """Sentences end at the marks of their script, with or without white space."""
    text = space.join(sentences)
    encoder = DocumentEncoder(min_count=1).fit([text])
    found = [text[start:end] for start, end, _ in encoder.spans(text)]
    assert found == [sentence.strip() for sentence in sentences]
    assert encoder.encode([text]).parts[0].tolist() == [
        len(words) for *_, words in encoder.spans(text)
    ]


def test_thai_sentences_end_at_spaces():
    """A space between Thai letters ends a sentence, but none around numbers."""
    text = "หนังดีมาก  ชอบมาก ปี 2560 ครับ\nพ.ศ. ไทย"
    encoder = DocumentEncoder(min_count=1).fit([text])
    found = [text[start:end] for start, end, _ in encoder.spans(text)]
    assert found == ["หนังดีมาก", "ชอบมาก", "ปี 2560 ครับ", "พ.ศ. ไทย"]
    assert "พ.ศ." in encoder.words


def test_long_chinese_text_is_read_to_its_end():
    """A text of many sentences is not cut after the words of one sentence."""
    text = "今天天气很好。" * 50 + "完"
    encoder = DocumentEncoder(min_count=1).fit([text])
    assert encoder.encode([text]).parts[0].tolist() == [7] * 50 + [1]


def test_marks_end_no_sentence_in_other_texts():
    text = "so good。 so bad！ yes"
    encoder = DocumentEncoder(min_count=1).fit([text])
    assert [span[:2] for span in encoder.spans(text)] == [(0, len(text))]


@given(text=st.text(st.sampled_from("好ก។。」 .!?a")))
def test_marks_before_letters_match_slow_loop(text):
    """A sentence ends between a mark and a letter, and nowhere else after a mark."""
    ends = [match.end() for match in _find_ends(text)]
    assert [end for end in ends if text[end - 1] in "!?"] == [
        end
        for end in range(1, len(text))
        if text[end - 1] in "!?" and text[end] in "好ก។"
    ]


def test_time_is_linear_in_marks():
    """A run of marks is read once; reading it from each mark would take hours."""
    text = "我" + "!?" * 500_000
    assert [match.span() for match in _find_ends(text + ".")] == []
    assert [match.span() for match in _find_ends(text + "我")] == [(1, len(text))]


@given(text=MIXED | st.text(st.sampled_from("好ก。！」 .!?a\n")))
def test_sentences_cover_all_characters(text):
    """Sentences and words are in order, and only white space lies between them."""
    encoder = DocumentEncoder(min_count=1, max_sentences=999, max_sentence_length=999)
    position = 0
    for start, end, words in encoder.fit([text, "a"]).spans(text):
        assert position <= start
        for first, last in words:
            assert not text[position:first].strip()
            position = last
        assert position <= end
    assert not text[position:].strip()


@pytest.mark.parametrize("cls", [WordEncoder, DocumentEncoder])
def test_state_without_split_scripts(cls):
    """A state of earlier versions splits nothing, and neither does its copy."""
    texts = ["我喜欢。好！", "好"]
    state = cls(min_count=1).fit(texts).get_state()
    assert state.pop("split_scripts") is True
    state["words"] = ["我喜欢", "好"]
    encoder = cls().set_state(**state)
    again = cls().set_state(**encoder.get_state())
    for each in (encoder, again):
        assert each.get_state()["split_scripts"] is False
        assert next(each.split(texts[:1])) == ["我喜欢", "。", "好", "！"]
        assert each.encode(texts[:1])[0].tolist() == encoder.encode(texts)[0].tolist()
    with pytest.raises(ValueError, match="a bool as split_scripts, got 1"):
        cls().set_state(**state, split_scripts=1)
