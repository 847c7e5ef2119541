"""Weights of words are what each method says they are, and stand where words do."""

import copy
import pickle
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from sktextconv import (
    HANClassifier,
    NGramVectorizer,
    explain,
    make_bow_classifier,
    make_ngram_classifier,
)
from sktextconv.encoding import PAD
from sktextconv.encoding._tokenize import TOKEN_PATTERN
from sktextconv.inspection import Attribution, DeletionCurve, Span, _attribution

from ..classifiers import NETWORKS
from ..letter_classifier import LetterClassifier

TEXTS = [
    "A fine film! So good, so fine.",
    "What a bore. So long, and not good.",
    "Fine cast; a good plot.",
    "Not a plot, not a film: too long!",
] * 6
LABELS = ["pos", "neg", "pos", "neg"] * 6
TEXT = "So long a film, and yet a good one. What a fine cast! Not a bore"

HOSTILE = 'e\u0301 x\ud83d\ude00 👩‍👩‍👧 good\x00 <b>"ß"\u2028 \udcff İfine שלום'
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=30)


@pytest.fixture(scope="module")
def fitted():
    """Fits each network of the contract once, when it is first asked for."""
    networks = {}

    def fit(name):
        if name not in networks:
            networks[name] = clone(NETWORKS[name]).fit(TEXTS, LABELS)
        return networks[name]

    return fit


@pytest.fixture(scope="module")
def bow():
    return make_bow_classifier(C=100).fit(TEXTS, LABELS)


@pytest.fixture(scope="module")
def three_classes():
    labels = ["pos", "neg", "pos", "bad"] * 6
    return make_bow_classifier(tfidf=True, C=100).fit(TEXTS, labels)


# ---------------------------------------------------------------------------
# Occlusion
# ---------------------------------------------------------------------------


def features_of_words(pipeline, words):
    """What one occurrence of each word adds to the features of a bag of words."""
    vectorizer, scaler, linear = (step for _, step in pipeline.steps)
    factors = scaler.idf_ / scaler.largest_
    counts = np.zeros((len(words), len(factors)))
    for row, word in enumerate(words):
        if word.lower() in vectorizer.vocabulary_:
            counts[row, vectorizer.vocabulary_[word.lower()]] = 1
    return counts * factors, linear


@pytest.mark.parametrize(("target", "sign"), [("pos", 1), ("neg", -1)])
def test_occlusion_of_two_classes_is_what_a_word_adds_to_the_decision(
    bow, target, sign
):
    attribution = explain(bow, TEXT, target=target)
    features, linear = features_of_words(bow, attribution.words)
    np.testing.assert_allclose(
        attribution.weights, sign * features @ linear.coef_[0], atol=1e-12
    )
    assert attribution.score == pytest.approx(sign * bow.decision_function([TEXT])[0])
    assert (attribution.label, attribution.method) == (target, "occlusion")
    assert attribution.text is TEXT


@pytest.mark.parametrize("target", ["pos", "neg", "bad"])
def test_occlusion_of_more_classes_is_the_change_of_the_log_odds(three_classes, target):
    attribution = explain(three_classes, TEXT, target=target)
    features, linear = features_of_words(three_classes, attribution.words)
    whole = three_classes.decision_function([TEXT])[0]
    logits = np.vstack([whole, whole - features @ linear.coef_.T])
    code = linear.classes_.tolist().index(target)
    others = [other for other in range(3) if other != code]
    odds = logits[:, code] - logsumexp(logits[:, others], axis=1)
    np.testing.assert_allclose(attribution.weights, odds[0] - odds[1:], atol=1e-10)
    assert attribution.score == pytest.approx(odds[0])


def test_occlusion_without_decisions_is_the_change_of_the_log_odds():
    bayes = make_pipeline(NGramVectorizer(max_n=1), MultinomialNB())
    bayes.fit(TEXTS, LABELS)
    attribution = explain(bayes, "a fine bore", target="pos")
    neg, pos = bayes[-1].feature_log_prob_
    columns = [bayes[0].vocabulary_[word] for word in attribution.words]
    np.testing.assert_allclose(attribution.weights, (pos - neg)[columns], rtol=1e-9)


def test_certainty_is_no_infinite_weight():
    class Certain(LetterClassifier):
        decision_function = property()

        def predict_proba(self, X):
            holds = np.array(["good" in text for text in X], dtype=float)
            return np.stack([1 - holds, holds], axis=1)

    attribution = explain(Certain().fit(TEXTS, LABELS), "so good", target="pos")
    assert np.isfinite(attribution.weights).all()
    assert attribution.weights[0] == 0 < attribution.weights[1]


@pytest.mark.parametrize("name", ["kimcnn", "han"])
def test_occlusion_of_a_network_is_the_loss_of_score_when_a_word_is_blank(fitted, name):
    attribution = explain(fitted(name), TEXT, target="pos")
    for span in attribution.spans:
        blanks = " " * (span.end - span.start)
        blanked = TEXT[: span.start] + blanks + TEXT[span.end :]
        one, other = fitted(name).decision_function([TEXT, blanked])
        assert span.weight == pytest.approx(one - other, abs=1e-4)


def test_blanking_a_mark_leaves_the_words_around_it_apart():
    pipeline = make_ngram_classifier(max_n=1).fit(["good bad", "goodbad"], [0, 1])
    (_, comma, _) = explain(pipeline, "good,bad").weights
    assert comma == 0


def test_a_prediction_is_asked_for_once_in_portions_that_fit_memory(monkeypatch):
    calls = []

    class Counting(LetterClassifier):
        def decision_function(self, X):
            calls.append(len(X))
            return super().decision_function(X)

    classifier = Counting().fit(TEXTS, LABELS)
    whole = explain(classifier, TEXT)
    assert calls == [len(re.findall(TOKEN_PATTERN, TEXT)) + 1]
    calls.clear()
    monkeypatch.setattr(_attribution, "_CHARACTERS_PER_CALL", 3 * len(TEXT))
    assert explain(classifier, TEXT) == whole
    assert max(calls) == 3
    monkeypatch.setattr(_attribution, "_CHARACTERS_PER_CALL", 1)
    assert explain(classifier, TEXT) == whole


@pytest.mark.parametrize(
    "classifier",
    [
        GridSearchCV(make_bow_classifier(), {"logisticregression__C": [10]}, cv=2),
        VotingClassifier([("bow", make_bow_classifier())], voting="soft"),
        make_pipeline(NGramVectorizer(), LinearSVC()),
    ],
    ids=["search", "voting", "no probabilities"],
)
def test_occlusion_takes_any_classifier_of_texts(classifier):
    attribution = explain(clone(classifier).fit(TEXTS, LABELS), "a good film")
    assert attribution.words == ["a", "good", "film"]
    assert attribution.label == "pos"
    assert attribution.weights.argmax() == 1


# ---------------------------------------------------------------------------
# Integrated gradients
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_gradient_weights_sum_to_the_difference_that_the_text_makes(fitted, name):
    network = fitted(name)
    text = f" \n{TEXT}  "
    attribution = explain(network, text, method="gradient", target="pos")
    assert attribution.score == pytest.approx(
        network.decision_function([text])[0], abs=1e-4
    )
    difference = attribution.score - attribution.baseline
    # The sum over 64 steps is exact for smooth networks, not for kinks of ReLU and max.
    smooth = name in ("rnn", "han")
    tolerance = (1e-5 if smooth else 0.02) * np.abs(attribution.weights).sum()
    assert attribution.weights.sum() == pytest.approx(difference, abs=tolerance)
    assert np.abs(attribution.weights).max() > 0


@pytest.mark.parametrize("name", ["charcnn", "vdcnn", "wordcnn", "kimcnn"])
def test_the_way_begins_where_there_is_no_text(fitted, name):
    network = fitted(name)
    attribution = explain(network, TEXT, method="gradient", target="pos")
    nothing = network.decision_function([""])[0]
    assert attribution.baseline == pytest.approx(nothing, abs=1e-4)


@pytest.mark.parametrize("name", ["charcnn", "vdcnn", "wordcnn", "kimcnn", "rnn"])
def test_gradients_agree_with_captum(fitted, name):
    from captum.attr import LayerIntegratedGradients

    network = fitted(name)
    module = network.net_.module_
    # So long that the network does not pack it: captum asks for a row per text.
    text = " ".join([TEXT] * 5)[-123:] if name == "charcnn" else TEXT
    text = " ".join([TEXT] * 9) if name == "wordcnn" else text
    attribution = explain(network, text, method="gradient", target="pos")
    ids = torch.tensor(network.encoder_.encode([text])[0].astype(np.int64))[None]
    captum = LayerIntegratedGradients(
        lambda ids: module(ids)[:, 1] - module(ids)[:, 0], module.embedding
    )
    theirs = captum.attribute(
        ids,
        baselines=torch.full_like(ids, PAD),
        n_steps=64,
        method="gausslegendre",
        internal_batch_size=64,
    )
    theirs = theirs.sum(2)[0].detach().numpy()
    # One of them pads before it looks up, or cuts after: zeros around the text.
    before = module.max_width - 1 if name == "kimcnn" else 0
    theirs = theirs[before : before + ids.shape[1]]
    by_word = np.zeros(len(attribution.spans))
    starts = [span.start for span in attribution.spans]
    for (start, _), weight in zip(network.encoder_.offsets(text), theirs, strict=True):
        by_word[np.searchsorted(starts, start, side="right") - 1] += weight
    scale = np.abs(by_word).max()
    np.testing.assert_allclose(attribution.weights, by_word, atol=1e-4 * scale)


def slow_gradients(network, text, code):
    """Integrated gradients for each id, one step after the other, by a hook."""
    module, encoder = network.net_.module_.eval(), network.encoder_
    ids = torch.tensor(encoder.encode([text])[0].astype(np.int64))[None]
    points, masses = np.polynomial.legendre.leggauss(64)
    total = np.zeros(encoder.n_tokens)
    for point, mass in zip(points, masses, strict=True):
        seen = []

        def scale(layer, inputs, output, share=(point + 1) / 2, seen=seen):
            padding = layer.forward(torch.tensor([PAD])).detach()
            whole = output.detach() - padding
            way = (padding + share * whole).requires_grad_()
            seen.append((inputs[0], way, whole))
            return way

        handle = module.embedding.register_forward_hook(scale)
        logits = module(ids)[0]
        handle.remove()
        others = [other for other in range(len(logits)) if other != code]
        score = logits[code] - logits[others].logsumexp(0)
        ways = [way for _, way, _ in seen]
        gradients = torch.autograd.grad(score, ways, allow_unused=True)
        for (looked_up, _, whole), gradient in zip(seen, gradients, strict=True):
            if gradient is not None:
                weights = (mass / 2 * gradient * whole).sum(-1).flatten()
                total += np.bincount(looked_up.flatten(), weights, minlength=len(total))
    return total


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_are_those_of_a_slow_loop_however_a_text_is_laid_out(name):
    labels = ["pos", "neg", "fair", "neg"] * 6
    network = clone(NETWORKS[name]).set_params(max_epochs=1).fit(TEXTS, labels)
    text = "Yet good? So long a film! What bore."
    attribution = explain(network, text, method="gradient", target="fair")
    theirs = slow_gradients(network, text, code=0)
    # Each word stands once, so that what a word weighs is what its ids do.
    ids, places = network.encoder_.encode([text])[0], network.encoder_.offsets(text)
    if name in ("charcnn", "vdcnn"):
        assert attribution.weights.sum() == pytest.approx(theirs.sum(), rel=1e-3)
        return
    is_word = places[:, 0] < places[:, 1]
    known = is_word & (np.bincount(ids)[ids] == 1)
    weights = dict(zip(attribution.words, attribution.weights, strict=True))
    assert known.sum() > 5
    for id_, (start, end) in zip(ids[known], places[known], strict=True):
        scale = np.abs(attribution.weights).max()
        assert weights[text[start:end]] == pytest.approx(theirs[id_], abs=1e-4 * scale)


@pytest.mark.parametrize("name", ["charcnn", "vdcnn"])
def test_characters_weigh_in_their_word_and_a_space_in_the_word_before(fitted, name):
    network = fitted(name)
    attribution = explain(network, "abc de!", method="gradient", target="pos")
    theirs = slow_gradients(network, "abc de!", code=1)
    ids = {c: network.encoder_.encode([c])[0][0] for c in "abcde !"}
    expected = [sum(theirs[ids[c]] for c in word) for word in ("abc ", "de", "!")]
    assert attribution.words == ["abc", "de", "!"]
    np.testing.assert_allclose(
        attribution.weights, expected, atol=1e-4 * np.abs(expected).max()
    )


@pytest.mark.parametrize(
    ("name", "keep", "read"),
    [("kimcnn", "start", ["A", "fine"]), ("kimcnn", "end", ["so", "fine"])]
    + [("charcnn", keep, None) for keep in ("start", "end")],
)
def test_words_that_are_not_read_have_no_gradient(name, keep, read):
    network = clone(NETWORKS[name]).set_params(keep=keep, max_epochs=1)
    if name == "kimcnn":
        network.set_params(max_length=2).fit(TEXTS, LABELS)
        attribution = explain(network, "A fine film, so fine", method="gradient")
        assert attribution.words == read
    else:
        text = f"{'start ' * 31}{'end ' * 31}"  # of which 123 characters are read
        attribution = explain(network.fit(TEXTS, LABELS), text, method="gradient")
        assert set(attribution.words) == ({"start"} if keep == "start" else {"end"})
    assert attribution.weights.sum() == pytest.approx(
        attribution.score - attribution.baseline,
        abs=0.02 * np.abs(attribution.weights).sum(),
    )


def test_gradients_leave_everything_as_it_was(fitted):
    network = fitted("charcnn")
    before, weights = pickle.dumps(network), list(network.net_.module_.parameters())
    gradients = copy.deepcopy([weight.grad for weight in weights])
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()
    whole = explain(network, TEXT, method="gradient")
    assert pickle.dumps(network) == before
    assert torch.equal(torch.get_rng_state(), torch_state)
    np.testing.assert_equal(np.random.get_state(), numpy_state)
    for weight, gradient in zip(weights, gradients, strict=True):
        assert torch.equal(weight.grad, gradient)
    for mode in (torch.no_grad(), torch.inference_mode()):
        with mode:
            assert explain(network, TEXT, method="gradient") == whole


def test_gradients_do_not_depend_on_the_batch_nor_on_the_compiler(fitted):
    network = copy.copy(fitted("kimcnn"))
    whole = explain(network, TEXT, method="gradient")
    portions = explain(network.set_params(batch_size=5), TEXT, method="gradient")
    np.testing.assert_allclose(portions.weights, whole.weights, atol=1e-6)
    text_net = network.set_params(max_epochs=1, batch_size=128)
    one, other = (
        explain(
            clone(text_net).set_params(compile=backend).fit(TEXTS, LABELS),
            TEXT,
            method="gradient",
        )
        for backend in (False, "eager")
    )
    np.testing.assert_allclose(one.weights, other.weights, atol=1e-5)


# ---------------------------------------------------------------------------
# Attention
# ---------------------------------------------------------------------------


def test_attention_is_that_of_the_network(fitted):
    network = fitted("han")
    attribution = explain(network, TEXT, method="attention")
    (document,) = network.attention([TEXT])
    assert attribution.sentences == tuple(
        Span(s.start, s.end, s.weight) for s in document.sentences
    )
    assert attribution.spans == tuple(
        Span(w.start, w.end, s.weight * w.weight)
        for s in document.sentences
        for w in s.words
    )
    assert len(attribution.sentences) == 3
    assert attribution.weights.sum() == pytest.approx(1)
    assert attribution.label == network.predict([TEXT])[0]
    assert attribution.baseline is None


# ---------------------------------------------------------------------------
# Any method
# ---------------------------------------------------------------------------

WAYS = [
    (name, method)
    for name in NETWORKS
    for method in ("occlusion", "gradient", "attention")
    if method != "attention" or name == "han"
]


@pytest.mark.parametrize(("name", "method"), WAYS)
@pytest.mark.parametrize("text", ["", " \n "])
def test_where_there_is_no_word_there_is_no_span(fitted, name, method, text):
    attribution = explain(fitted(name), text, method=method)
    assert attribution.spans == attribution.sentences == ()
    assert np.isfinite(attribution.score)
    (probability,) = fitted(name).predict_proba([text]).max(axis=1)
    curve = attribution.deletion_curve(fitted(name))
    assert curve.probabilities.tolist() == [probability] == [curve.area]


@pytest.mark.parametrize(("name", "method"), WAYS)
@pytest.mark.parametrize("text", [HOSTILE, f"  \t{HOSTILE} \n", "\ud83d", "Aİ" * 3])
def test_spans_of_hostile_texts_stand_in_order_and_apart(fitted, name, method, text):
    attribution = explain(fitted(name), text, method=method)
    places = [(span.start, span.end) for span in attribution.spans]
    flat = [place for pair in places for place in pair]
    assert flat == sorted(flat)
    assert all(start < end for start, end in places)
    assert all(word and not re.search(r"\s", word) for word in attribution.words)
    assert np.isfinite(attribution.weights).all()
    if method == "gradient" and name in ("rnn", "han"):
        difference = attribution.score - attribution.baseline
        assert attribution.weights.sum() == pytest.approx(difference, abs=1e-4)


@given(text=ANY_TEXT)
def test_offsets_cut_the_very_words_out_of_any_text(bow, text):
    attribution = explain(bow, text)
    assert attribution.words == re.findall(TOKEN_PATTERN, text)


@pytest.mark.parametrize("name", ["charcnn", "vdcnn", "wordcnn", "kimcnn", "rnn"])
def test_networks_weigh_the_words_that_occlusion_does(fitted, name):
    gradient = explain(fitted(name), HOSTILE.replace("İ", "I"), method="gradient")
    occlusion = explain(fitted(name), HOSTILE.replace("İ", "I"))
    assert gradient.words == occlusion.words


@pytest.mark.parametrize("method", ["occlusion", "gradient"])
def test_what_speaks_for_one_class_of_two_speaks_against_the_other(fitted, method):
    network = fitted("kimcnn")
    one, other = (
        explain(network, TEXT, method=method, target=label) for label in ("pos", "neg")
    )
    np.testing.assert_allclose(one.weights, -other.weights, atol=1e-6)
    assert one.score == pytest.approx(-other.score)
    predicted = explain(network, TEXT, method=method)
    assert predicted.label == network.predict([TEXT])[0]
    assert predicted == (one if predicted.label == "pos" else other)


def test_labels_of_any_kind_are_explained():
    numbers = LetterClassifier().fit(TEXTS, np.array([5, -2] * 12, dtype=np.int8))
    assert explain(numbers, TEXT, target=np.int64(5)).label == 5
    truths = LetterClassifier().fit(TEXTS, [True, False] * 12)
    assert explain(truths, TEXT, target=False).label is False


# ---------------------------------------------------------------------------
# The deletion curve
# ---------------------------------------------------------------------------


def test_the_deletion_curve_removes_the_heaviest_words_first(three_classes):
    weights = (0.5, 3.0, -1.0, 0.5)
    places = ((0, 1), (2, 6), (7, 11), (12, 17))
    spans = tuple(Span(*p, w) for p, w in zip(places, weights, strict=True))
    attribution = Attribution("A good film again", "bad", "mine", spans, score=0.0)
    curve = attribution.deletion_curve(three_classes)
    left = [
        "A good film again",
        "A film again",
        "film again",
        "film",
        "",
    ]
    code = three_classes.classes_.tolist().index("bad")
    expected = three_classes.predict_proba(left)[:, code]
    np.testing.assert_allclose(curve.probabilities, expected)
    one, two, three, four, five = expected
    assert curve.area == pytest.approx((one / 2 + two + three + four + five / 2) / 4)


def test_the_area_is_the_mean_height_of_the_curve():
    assert DeletionCurve(np.full(7, 0.25)).area == pytest.approx(0.25)
    assert DeletionCurve(np.array([1.0, 0.0, 0.0])).area == pytest.approx(0.25)
    assert DeletionCurve(np.array([0.75])).area == 0.75


def test_right_weights_have_a_smaller_area_than_wrong_ones(bow):
    right = explain(bow, TEXT, target="pos")
    turned = [Span(s.start, s.end, -s.weight) for s in right.spans]
    wrong = Attribution(TEXT, "pos", "wrong", tuple(turned), right.score)
    assert right.deletion_curve(bow).area < wrong.deletion_curve(bow).area - 0.2


# ---------------------------------------------------------------------------
# What is refused
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["occlusion", "gradient", "attention"])
@pytest.mark.parametrize("classifier", [HANClassifier(), make_bow_classifier()])
def test_an_unfitted_classifier_explains_nothing(classifier, method):
    with pytest.raises(NotFittedError):
        explain(clone(classifier), "a text", method=method)


@pytest.mark.parametrize("text", [None, 3, b"text", ["text"], np.array(["text"])])
def test_one_text_is_explained_at_a_time(bow, text):
    message = rf"Expected text to be a str, got {type(text).__name__}\. Explain one"
    with pytest.raises(TypeError, match=message):
        explain(bow, text)


def test_a_method_that_is_not_for_the_classifier_names_those_that_are(bow, fitted):
    with pytest.raises(ValueError, match=r"Pipeline, \['occlusion'\], got 'gradient'"):
        explain(bow, TEXT, method="gradient")
    message = r"KimCNNClassifier, \['occlusion', 'gradient'\], got 'attention'"
    with pytest.raises(ValueError, match=message):
        explain(fitted("kimcnn"), TEXT, method="attention")
    means = clone(NETWORKS["han"]).set_params(pooling="mean", max_epochs=1)
    with pytest.raises(ValueError, match=r"\['occlusion', 'gradient'\], got 'att"):
        explain(means.fit(TEXTS, LABELS), TEXT, method="attention")
    with pytest.raises(ValueError, match=r"'attention'\], got 'lime'"):
        explain(fitted("han"), TEXT, method="lime")


@pytest.mark.parametrize("target", ["fair", 1, None.__class__])
def test_an_unknown_target_names_those_that_are_known(bow, target):
    with pytest.raises(ValueError, match=r"labels of Pipeline, \['neg', 'pos'\], got"):
        explain(bow, TEXT, target=target)
    foreign = Attribution("a", target, "occlusion", (), 0.0)
    with pytest.raises(ValueError, match="one of the labels of Pipeline"):
        foreign.deletion_curve(bow)


@pytest.mark.parametrize("estimator", ["bow", LinearSVC, LinearRegression()])
def test_only_classifiers_are_explained(estimator):
    with pytest.raises(TypeError, match="Expected a fitted classifier of texts, got"):
        explain(estimator, TEXT)


def test_a_classifier_must_tell_how_sure_it_is():
    hard = VotingClassifier([("bow", make_bow_classifier())]).fit(TEXTS, LABELS)
    with pytest.raises(TypeError, match="decision_function or predict_proba, got Voti"):
        explain(hard, TEXT)
    machine = make_pipeline(NGramVectorizer(), LinearSVC()).fit(TEXTS, LABELS)
    attribution = explain(machine, TEXT)
    with pytest.raises(TypeError, match="with predict_proba, got Pipeline"):
        attribution.deletion_curve(machine)


def test_several_labels_at_once_are_not_explained():
    labels = np.array([LABELS, LABELS]).T
    several = MultiOutputClassifier(LetterClassifier()).fit(TEXTS, labels)
    with pytest.raises(ValueError, match="predicts one label per text, got Multi"):
        explain(several, TEXT)
