"""Words found by a callable `tokenizer`."""

import pickle

import numpy as np
import pytest
import skops.io
from hypothesis import given, strategies as st
from sklearn.base import clone
from sklearn.feature_extraction.text import CountVectorizer

import sktextconv
from sktextconv import explain
from sktextconv.encoding import DocumentEncoder, WordEncoder
from sktextconv.feature_extraction import BagOfMeansVectorizer, NGramVectorizer

from ..classifiers import LINEAR, NETWORKS, PIPELINES
from ..conftest import same_bits

TEXTS = [
    "电影好看。我喜欢！",
    "电影难看，我不喜欢。",
    "好看 Good ok",
    "难看 Bad ok",
] * 4
LABELS = ["pos", "neg"] * 8
WORD_NETWORKS = ["wordcnn", "kimcnn", "rnn", "han", "dpcnn"]
VECTORIZERS = {
    "ngrams": NGramVectorizer(max_n=2),
    "means": BagOfMeansVectorizer(n_means=4, embedding_dim=8, min_count=1),
}
ENCODERS = {"words": WordEncoder(), "sentences": DocumentEncoder(min_count=1)}


def cut_pairs(text):
    """Return the runs of a text without white space, in pairs of characters."""
    return [run[i : i + 2] for run in text.split() for i in range(0, len(run), 2)]


def replace_words(text):
    """Return words of which some are not in the text."""
    return [word.replace("看", "KAN") for word in cut_pairs(text)]


@pytest.fixture(params=WORD_NETWORKS)
def network(request):
    network = clone(NETWORKS[request.param]).set_params(tokenizer=cut_pairs)
    return network.fit(TEXTS, LABELS)


def each_estimator():
    networks = {name: NETWORKS[name] for name in WORD_NETWORKS}
    return networks | VECTORIZERS | ENCODERS


def test_counts_agree_with_count_vectorizer():
    """Counts equal those of scikit-learn with the same tokenizer."""
    ours = NGramVectorizer(max_features=None, max_n=2, tokenizer=cut_pairs)
    theirs = CountVectorizer(
        ngram_range=(1, 2), tokenizer=cut_pairs, token_pattern=None
    )
    counts, expected = ours.fit_transform(TEXTS), theirs.fit_transform(TEXTS)
    assert sorted(ours.vocabulary_) == sorted(theirs.vocabulary_)
    columns = [theirs.vocabulary_[name] for name in ours.get_feature_names_out()]
    assert np.array_equal(counts.toarray(), expected[:, columns].toarray())
    assert np.array_equal(ours.transform(TEXTS).toarray(), counts.toarray())
    copied = pickle.loads(pickle.dumps(ours)).transform(TEXTS)
    assert np.array_equal(copied.toarray(), counts.toarray())


def test_words_of_encoders():
    """`WordEncoder` passes lower-cased texts on, `DocumentEncoder` whole sentences."""
    text = "好看 Good。OK Ok"
    words = WordEncoder(tokenizer=str.split).fit([text])
    assert list(words.split([text])) == [["好看", "good。ok", "ok"]]
    assert words.words == ["good。ok", "ok", "好看"]
    sentences = DocumentEncoder(min_count=1, tokenizer=str.split).fit([text])
    assert list(sentences.split([text])) == [["好看", "good。"], ["ok", "ok"]]
    assert sentences.words == ["ok", "good。", "好看"]


@pytest.mark.parametrize("name", PIPELINES)
def test_linear_rows_learn_with_tokenizer(name):
    pipeline = clone(PIPELINES[name])
    pipeline[0].set_params(tokenizer=cut_pairs)
    if name == "bag-of-means":
        pipeline[0].set_params(n_means=99)  # a cluster for each word
    assert pipeline.fit(TEXTS, LABELS).score(TEXTS, LABELS) == 1
    assert {"电影", "好看", "go"} <= pipeline[0].vocabulary_.keys()


def test_network_reads_words_of_tokenizer(network):
    """Pickles, skops files and clones have the tokenizer and the same results."""
    assert {"电影", "好看", "go"} <= set(network.encoder_.words)
    assert same_bits(pickle.loads(pickle.dumps(network)), network, TEXTS)
    data = skops.io.dumps(network)
    trusted = skops.io.get_untrusted_types(data=data)
    assert same_bits(skops.io.loads(data, trusted=trusted), network, TEXTS)
    cloned = clone(network)
    assert cloned.tokenizer is cut_pairs
    assert same_bits(cloned.fit(TEXTS, LABELS), network, TEXTS)


@pytest.mark.parametrize("write", [sktextconv.save, sktextconv.export_onnx])
def test_network_with_tokenizer_is_not_saved(network, write, tmp_path):
    """The error says how to save it, even if the parameter was reset after `fit`."""
    message = r"got .*Classifier with tokenizer=<function cut_pairs.*pickle, joblib or"
    for tokenizer in (cut_pairs, None):
        network.set_params(tokenizer=tokenizer)
        with pytest.raises(TypeError, match=message):
            write(network, tmp_path / "model")
    assert not list(tmp_path.iterdir())


# The characters that the `Tokenizer` of Keras 2 replaces by spaces.
KERAS_FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'


def split_as_keras(text):
    """Return the words that Keras finds: filters become spaces, spaces split."""
    spaces = str.maketrans(dict.fromkeys(KERAS_FILTERS, " "))
    return [word for word in text.lower().translate(spaces).split(" ") if word]


@given(text=st.text() | st.text(st.sampled_from(KERAS_FILTERS + " 'aB1\xa0\r\x0b好")))
def test_keras_tokenizer_splits_as_keras(text):
    encoder = WordEncoder(tokenizer="keras").fit(["a"])
    assert list(encoder.split([text])) == [split_as_keras(text)]


def test_keras_tokenizer_finds_line_breaks():
    """`<br />` is the word "br", as in Keras' IMDB; apostrophes belong to words."""
    text = "It's GOOD.<br /><br />'Tis so-so_1, 電影!"
    encoder = WordEncoder(tokenizer="keras").fit([text])
    words = ["it's", "good", "br", "br", "'tis", "so", "so", "1", "電影"]
    assert list(encoder.split([text])) == [words]
    assert [text[start:end].lower() for start, end in encoder.offsets(text)] == words
    plain = WordEncoder(tokenizer="keras", lowercase=False)
    assert "GOOD" in plain.fit([text]).words


@pytest.mark.parametrize("name", ["wordcnn", "kimcnn", "rnn", "dpcnn"])
def test_network_with_keras_tokenizer_is_saved(name, tmp_path):
    """A named tokenizer is saved, pickled, cloned and explained."""
    texts = ["it's<br />good", "don't!bad"] * 8
    network = clone(NETWORKS[name]).set_params(tokenizer="keras").fit(texts, LABELS)
    assert set(network.encoder_.words) == {"it's", "br", "good", "don't", "bad"}
    sktextconv.save(network, tmp_path / "model")
    for other in (
        sktextconv.load(tmp_path / "model"),
        pickle.loads(pickle.dumps(network)),
        clone(network).fit(texts, LABELS),
    ):
        assert other.tokenizer == "keras"
        assert same_bits(other, network, texts)
    assert explain(network, texts[0]).words == ["it's", "br", "good"]


def test_unknown_tokenizer_raises():
    with pytest.raises(ValueError, match=r"'tokenizer' parameter .*'keras'"):
        WordEncoder(tokenizer="kera").fit(TEXTS)


@pytest.mark.parametrize("name", each_estimator())
@pytest.mark.parametrize(
    ("tokenizer", "got"),
    [
        (lambda text: text, "got str"),
        (lambda text: iter(text), "got str_iterator|got str_ascii_iterator"),
        (lambda text: tuple(text), "got tuple"),
        (lambda text: None, "got NoneType"),
        (lambda text: ["a", None], "got a list with NoneType"),
        (lambda text: [b"a"], "got a list with bytes"),
    ],
)
def test_tokenizer_returns_no_list_of_str(name, tokenizer, got):
    """The error says what came, and shows no text."""
    estimator = clone(each_estimator()[name]).set_params(tokenizer=tokenizer)
    message = f"Expected the tokenizer to return a list of str for a text, (?:{got})"
    with pytest.raises(TypeError, match=message) as error:
        estimator.fit(TEXTS, LABELS)
    assert "看" not in str(error.value)


@pytest.mark.parametrize("name", each_estimator())
def test_tokenizer_without_words(name):
    estimator = clone(each_estimator()[name]).set_params(tokenizer=lambda text: [])
    with pytest.raises(ValueError, match="empty vocabulary"):
        estimator.fit(TEXTS, LABELS)


@pytest.mark.parametrize("cls", [WordEncoder, NGramVectorizer])
def test_tokenizer_excludes_token_pattern(cls):
    with pytest.raises(ValueError, match="'token_pattern' parameter must be None if"):
        cls(tokenizer=cut_pairs, token_pattern=r"\w+").fit(TEXTS)


# -- offsets --------------------------------------------------------------------------


@pytest.mark.parametrize("encoder", ENCODERS.values(), ids=ENCODERS)
def test_offsets_are_searched_in_order(encoder):
    """The offsets of a word that does not follow verbatim are equal."""
    text = "电影好看， 电影İ Ok"
    encoder = clone(encoder).set_params(tokenizer=replace_words).fit([text])
    offsets = encoder.offsets(text).tolist()
    assert len(offsets) == len(encoder.encode([text])[0])
    found = [text[start:end] for start, end in offsets if start < end]
    assert found == ["电影", "，", "电影", "İ", "Ok"]


@pytest.mark.parametrize("method", ["occlusion", "gradient", "attention"])
def test_explain_weights_words_of_tokenizer(network, method):
    """Words that the tokenizer changed have no weight."""
    if method == "attention" and not hasattr(network, "attention"):
        pytest.skip("only HAN has attention weights")
    text = TEXTS[0]
    words = ["电影", "好看", "。", "我喜", "欢！"]
    if method == "occlusion" or type(network).__name__ != "HANClassifier":
        words = cut_pairs(text)
    attribution = explain(network, text, method=method)
    assert attribution.words == words
    changed = clone(network).set_params(tokenizer=replace_words).fit(TEXTS, LABELS)
    attribution = explain(changed, text, method=method)
    assert attribution.words == [word for word in words if "看" not in word]
    assert np.isfinite(attribution.weights).all()


def test_gradient_ignores_words_without_offsets():
    """Other weights do not depend on whether a word is found in the text."""
    network = clone(NETWORKS["rnn"])
    plain = clone(network).set_params(tokenizer=cut_pairs).fit(TEXTS, LABELS)
    other = clone(network).set_params(tokenizer=replace_words).fit(TEXTS, LABELS)
    other.net_.module_.load_state_dict(plain.net_.module_.state_dict())
    before = [word.replace("KAN", "看") for word in other.encoder_.words]
    order = [plain.encoder_.words.index(word) for word in before]
    weight = plain.net_.module_.embedding.weight.detach()
    other.net_.module_.embedding.weight.data[2:] = weight[2:][order]
    text = "电影好看。"
    expected = explain(plain, text, method="gradient", target="pos")
    found = explain(other, text, method="gradient", target="pos")
    weights = dict(zip(expected.words, expected.weights, strict=True))
    assert found.words == [word for word in expected.words if "看" not in word]
    assert found.score == pytest.approx(expected.score, abs=1e-6)
    for word, value in zip(found.words, found.weights, strict=True):
        assert value == pytest.approx(weights[word], abs=1e-6)


@pytest.mark.parametrize("name", ["bow", "tfidf-online"])
def test_occlusion_of_a_linear_model_with_tokenizer(name):
    plain, model = clone(LINEAR[name]), clone(LINEAR[name])
    (model[0] if name in PIPELINES else model).set_params(tokenizer=cut_pairs)
    attribution = explain(model.fit(TEXTS, LABELS), "电影好看")
    assert attribution.words == ["电影", "好看"]
    assert explain(plain.fit(TEXTS, LABELS), "好看").words == ["好", "看"]
