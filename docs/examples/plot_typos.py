"""
Robustness of character models to typos
=======================================

To a word model, a word with a typo is an unknown word. To a character network it is
almost the same word, so the error of the network rises more slowly.
"""

import string

import matplotlib.pyplot as plt
import numpy as np

from sktextconv import CharCNNClassifier, load_docstrings, make_bow_classifier

train, test = load_docstrings(subset="train"), load_docstrings(subset="test")
X, y = train.data[:1200], train.target[:1200]
X_test, y_test = test.data[:300], test.target[:300]


def with_typos(text, fraction, rng):
    """Replace each letter by another with the probability `fraction`."""
    letters = np.array(list(text))
    hit = (rng.random(len(letters)) < fraction) & np.char.isalpha(letters)
    letters[hit] = rng.choice(list(string.ascii_lowercase), hit.sum())
    return "".join(letters)


models = {
    "bag of words": make_bow_classifier(tfidf=True),
    "character ConvNet": CharCNNClassifier(
        max_length=501, max_epochs=3, batch_size=32, precision="auto", random_state=0
    ),
}
fractions = np.array([0.0, 0.1, 0.2, 0.3])
fig, ax = plt.subplots(figsize=(5.5, 3.2), layout="constrained")
for name, model in models.items():
    model.fit(X, y)
    errors = []
    for fraction in fractions:
        rng = np.random.default_rng(0)
        texts = [with_typos(text, fraction, rng) for text in X_test]
        errors.append(100 * (1 - model.score(texts, y_test)))
    print(f"{name:18}", " ".join(f"{error:5.1f}" for error in errors))
    ax.plot(100 * fractions, errors, "o-", label=name)
ax.set(xlabel="letters replaced, %", ylabel="error on test texts, %", ylim=(0, None))
ax.legend(frameon=False)
ax.grid(alpha=0.3)

# %%
# Compare the slopes: the more letters are wrong, the greater the advantage of
# characters.
