"""
Reading the attention of HAN
============================

A hierarchical attention network weighs the words of each sentence, and the sentences of
a text. That is where it looks, which need not be why it decides.
"""

from sktextconv import HANClassifier, TextWeightsDisplay, explain, load_docstrings

train, test = load_docstrings(subset="train"), load_docstrings(subset="test")
y = [train.target_names[code] for code in train.target]
classifier = HANClassifier(
    embedding_dim=64, hidden_dim=32, batch_size=32, max_epochs=4, random_state=0
).fit(train.data[:800], y[:800])

text = (
    "Compute the mean of the squared errors of an estimator. "
    "The input is an array of samples and features. "
    "Both are checked before anything is computed."
)
attention = explain(classifier, text, method="attention")
for sentence in attention.sentences:
    print(f"{sentence.weight:.2f}  {text[sentence.start : sentence.end]}")

# %%
# The bar on the left is the weight of a sentence; the shades are the weights of its
# words.

display = TextWeightsDisplay.from_attribution(attention)

# %%
# Occlusion asks another question: how much less sure is the network without a word?
# Its weights have a sign.

occlusion = explain(classifier, text)
display = TextWeightsDisplay.from_attribution(occlusion)

# %%
# Which of them tells more about the network? Take out the words, the heaviest first,
# and see how fast the probability of the label falls: a smaller area is a better
# account.

for name, attribution in (("attention", attention), ("occlusion", occlusion)):
    print(f"{name:9} area {attribution.deletion_curve(classifier).area:.2f}")
