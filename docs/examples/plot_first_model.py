"""
First model
===========

Ten lines train a network, measure its error and explain a prediction.
"""

from sktextconv import KimCNNClassifier, TextWeightsDisplay, load_docstrings

train, test = load_docstrings(subset="train"), load_docstrings(subset="test")
X, X_test = train.data[:1200], test.data[:300]
y = [train.target_names[target] for target in train.target[:1200]]
y_test = [test.target_names[target] for target in test.target[:300]]

classifier = KimCNNClassifier(
    max_tokens=5000, max_length=100, max_epochs=4, random_state=0
)
classifier.fit(X, y)
print(f"{classifier.score(X_test, y_test):.1%} of the test texts are right")

# %%
# Predicted labels have the type of the training labels, and the columns of the
# probabilities are in the order of ``classes_``.

text = "Return the tensor of gradients, with the same device and dtype as the input."
print(classifier.predict([text]))
for label, share in zip(
    classifier.classes_, classifier.predict_proba([text])[0], strict=True
):
    print(f"{label:13} {share:.3f}")

# %%
# Orange words support the predicted label, blue words oppose it.

display = TextWeightsDisplay.from_estimator(classifier, text)
