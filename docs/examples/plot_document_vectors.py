"""
Document vectors of a network
=============================

The representation of a text before the last layer of a network is a vector, which other
tools can use: here clustering, a plot and nearest neighbors. The texts to group are
docstrings of three libraries that the network has not seen in training.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

from sktextconv import KimCNNClassifier, document_vectors, load_docstrings

LIBRARIES = ("nltk", "scikit-learn", "torch")


def sample(subset, n_texts):
    """Return texts of each library and their labels."""
    docstrings = load_docstrings(subset=subset)
    labels = np.array(docstrings.target_names)[docstrings.target]
    rng = np.random.RandomState(0)
    rows = [rng.permutation(np.flatnonzero(labels == name)) for name in LIBRARIES]
    rows = np.concatenate([each[:n_texts] for each in rows])
    return [docstrings.data[row] for row in rows], labels[rows]


X_train, y_train = sample("train", 500)
X_test, y_test = sample("test", 100)
network = KimCNNClassifier(
    max_length=80, n_filters=50, embedding_dim=64, max_epochs=8, random_state=0
).fit(X_train, y_train)
vectors = normalize(document_vectors(network, X_test))
print(f"{vectors.shape[0]} texts, {vectors.shape[1]} numbers each")

# %%
# k-means does not see the labels of these texts. An adjusted Rand index of 1 means that
# the clusters are the libraries, 0 that they have nothing to do with them. The network
# has learned from other texts of these libraries to tell them apart; TF-IDF has not.

tfidf = TfidfVectorizer(sublinear_tf=True).fit(X_train).transform(X_test)
for name, features in (("TF-IDF", tfidf), ("document vectors", vectors)):
    clusters = KMeans(3, n_init=5, random_state=0).fit_predict(features)
    print(f"{name:16} adjusted Rand index {adjusted_rand_score(y_test, clusters):.2f}")

# %%
# The two directions of largest variance show the groups.

points = PCA(2, random_state=0).fit_transform(vectors)
figure, ax = plt.subplots(figsize=(6, 4.5), layout="constrained")
for library in LIBRARIES:
    ax.scatter(*points[y_test == library].T, s=18, alpha=0.7, label=library)
ax.set(xlabel="first component", ylabel="second component")
ax.legend()

# %%
# Nearest neighbors of a new text, by the cosine of the angle between the vectors.

text = "Fit the estimator to the training samples and return the transformed samples."
neighbors = NearestNeighbors(n_neighbors=3, metric="cosine").fit(vectors)
distances, rows = neighbors.kneighbors(document_vectors(network, [text]))
for distance, row in zip(distances[0], rows[0], strict=True):
    print(f"{distance:.2f}  {y_test[row]:12}  {X_test[row].splitlines()[0][:60]}")
