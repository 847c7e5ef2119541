"""
Comparison of models on your own data
=====================================

Cross-validation compares linear models and networks on the same folds. Start with the
linear models: they take seconds, and are hard to beat on few texts.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import StratifiedKFold, cross_val_score

from sktextconv import (
    CharCNNClassifier,
    RNNClassifier,
    load_docstrings,
    make_bow_classifier,
)

docs = load_docstrings()
X, y = docs.data[:600], docs.target[:600]

settings = {"max_epochs": 3, "batch_size": 16, "precision": "auto", "random_state": 0}
models = {
    "BoW": make_bow_classifier(),
    "BoW TFIDF": make_bow_classifier(tfidf=True),
    "GRU": RNNClassifier(
        cell="gru", hidden_dim=64, embedding_dim=64, max_length=100, **settings
    ),
    "Sm. Conv.": CharCNNClassifier(max_length=501, **settings),
}
folds = StratifiedKFold(3, shuffle=True, random_state=0)
errors, seconds = {}, {}
for name, model in models.items():
    start = time.perf_counter()
    errors[name] = 100 * (1 - cross_val_score(model, X, y, cv=folds))
    seconds[name] = time.perf_counter() - start
    print(f"{name:15} {np.mean(errors[name]):5.1f} %   {seconds[name]:5.1f} s")

# %%
# The plot shows all three folds, not only their mean. If two rows overlap, use more
# texts or more folds to decide.

fig, ax = plt.subplots(figsize=(6, 2.8), layout="constrained")
for row, name in enumerate(models):
    ax.plot(errors[name], [row] * 3, "o", color="C0", alpha=0.6)
    ax.plot(np.mean(errors[name]), row, "|", color="black", markersize=18)
ax.set(
    yticks=range(len(models)), yticklabels=models, xlabel="error on held-out texts, %"
)
ax.invert_yaxis()
ax.grid(axis="x", alpha=0.3)

# %%
# ``python -m benchmarks.accuracy.run`` does the same with test sets, intervals and all
# 40 rows of the papers; see :doc:`/background/reproduction`.
