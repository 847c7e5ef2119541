"""
Data augmentation with synonyms
===============================

Zhang, Zhao and LeCun augment their training texts with a thesaurus. To find out whether
this helps on your texts, compare errors on held-out texts for several seeds.
"""

from sktextconv import KimCNNClassifier, SynonymReplacer, load_docstrings

replacer = SynonymReplacer(p=0.8)
text = "Return the largest value, and where it was found first."
for epoch in range(4):
    print(replacer.augment([text], seed=0, epoch=epoch)[0])

# %%
# Each training epoch draws new synonyms; prediction never changes a text.

train, test = load_docstrings(subset="train"), load_docstrings(subset="test")
X, y = train.data[:240], train.target[:240]
X_test, y_test = test.data[:400], test.target[:400]

for augmenter in (None, replacer):
    errors = []
    for seed in range(3):
        network = KimCNNClassifier(
            max_tokens=3000,
            max_length=100,
            batch_size=16,
            max_epochs=5,
            augmenter=augmenter,
            random_state=seed,
        )
        errors.append(100 * (1 - network.fit(X, y).score(X_test, y_test)))
    name = "with synonyms" if augmenter else "without"
    print(f"{name:14} error {', '.join(f'{error:.1f}' for error in errors)} %")

# %%
# The spread of the three seeds shows the effect of chance, and 400 test texts add a
# standard error of about 2 points to each error: no conclusion can be drawn here.
# ``python -m nltk.downloader
# wordnet`` installs WordNet, see :doc:`/how-to/augmentation`.
