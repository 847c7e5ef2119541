"""
Attention weights of HAN
========================

A hierarchical attention network computes a weight for each word of a sentence and for
each sentence of a text. The weights show where it looks, but not why it decides.
"""

from sktextconv import HANClassifier, TextWeightsDisplay, explain, load_docstrings

train, test = load_docstrings(subset="train"), load_docstrings(subset="test")
y = [train.target_names[target] for target in train.target]
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
# The bar on the left shows the weight of a sentence, the shading the weights of its
# words.

display = TextWeightsDisplay.from_attribution(attention)

# %%
# Occlusion measures how much less certain the network is without a word. Its weights
# have a sign.

occlusion = explain(classifier, text)
display = TextWeightsDisplay.from_attribution(occlusion)

# %%
# To compare both, remove the words in the order of their weights and watch the
# probability of the label fall. The better explanation has the smaller area.

for name, attribution in (("attention", attention), ("occlusion", occlusion)):
    print(f"{name:9} area {attribution.deletion_curve(classifier).area:.2f}")
