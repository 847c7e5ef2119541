"""Word models learn texts in scripts without spaces."""

import pytest
from sklearn.base import clone

from sktextconv import HANClassifier, KimCNNClassifier, RNNClassifier
from sktextconv.baselines import (
    make_bag_of_means_classifier,
    make_bow_classifier,
    make_nb_ngram_classifier,
    make_ngram_classifier,
)

# Two classes that differ in two characters; the other characters vary.
SCRIPTS = {
    "Chinese": ("的一是在不了有和人这", "这部{}电影很{}{}看", ("好好", "难坏")),
    "Japanese": ("のにはをたがでてとし", "この{}映画は{}{}です", ("良い", "悪く")),
    "Thai": ("กขคงจชตนมร", "หนัง{}เรื่องนี้{}{}ครับ", ("ดี", "แย่")),
}
SEED = {"random_state": 0}
MODELS = {
    "han": HANClassifier(max_epochs=15, batch_size=8, **SEED),
    "kimcnn": KimCNNClassifier(max_epochs=10, batch_size=8, **SEED),
    "rnn": RNNClassifier(max_epochs=15, batch_size=8, **SEED),
    "bow": make_bow_classifier(),
    "ngrams": make_ngram_classifier(),
    "ngrams-nb": make_nb_ngram_classifier(),
    "means": make_bag_of_means_classifier(min_count=1, **SEED),
}


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("name", MODELS)
def test_word_models_learn_scripts(name, script):
    """Forty short texts are learned to 95 % training accuracy."""
    others, template, words = SCRIPTS[script]
    texts = [
        template.format(others[i % 10], word, others[(3 * i + 1 + i // 10) % 10])
        for i in range(20)
        for word in words
    ]
    labels = ["good", "bad"] * 20
    assert len(set(texts)) == 40
    assert not any(" " in text for text in texts)
    model = clone(MODELS[name]).fit(texts, labels)
    assert model.score(texts, labels) >= 0.95
