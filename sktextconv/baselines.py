"""Linear models of words, n-grams and means, as pipelines (Zhang et al., 2015)."""

from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from .feature_extraction._bag_of_means import BagOfMeansVectorizer
from .feature_extraction._count_scaler import CountScaler
from .feature_extraction._log_count_ratio import LogCountRatio
from .feature_extraction._ngrams import NGramVectorizer

__all__ = [
    "make_bag_of_means_classifier",
    "make_bow_classifier",
    "make_nb_ngram_classifier",
    "make_ngram_classifier",
]


# The division by the largest value makes gradients smaller too. For the n-grams of
# IMDB with TF-IDF, weights of zero have one of 1.2e-4: scikit-learn's default of 1e-4
# would all but accept them.
_TOL = 1e-5


def make_bow_classifier(*, max_features=50_000, tfidf=False, C=10_000.0):
    """Make a multinomial logistic regression over counts of words.

    The paper's bag of words: fast, and hard to beat on small data.

    Parameters
    ----------
    max_features : int or None, default=50_000
        Words kept, the most frequent of the training texts; None keeps all.
    tfidf : bool, default=False
        Whether counts are multiplied by the inverse document frequency.
    C : float, default=10_000.0
        Inverse strength of the L2 penalty; see the Notes.

    Returns
    -------
    classifier : Pipeline
        A new one, with steps ``ngramvectorizer``, ``countscaler`` and
        ``logisticregression``.

    See Also
    --------
    make_ngram_classifier : The order of words too; better with much data.

    Notes
    -----
    For K > 2 classes there are K weights a feature and K biases; two classes need
    one of each. The paper prints neither penalty nor solver. As features are divided
    by their largest value M, C here acts as C / M**2 on plain counts, which is why it
    is large. M goes from tens in short news to hundreds in long texts, so no value
    suits all data: of the powers of ten the best on held-out training texts was 10 for
    AG News with `tfidf`, and 10,000 for IMDB without (``benchmarks/results``). The
    default is large because too weak a penalty costs a point or two, and too strong a
    one many. With your own data, search over ``logisticregression__C``.

    References
    ----------
    .. [1] X. Zhang, J. Zhao and Y. LeCun, "Character-level Convolutional Networks
       for Text Classification", NIPS 2015, section 3.1.
       https://arxiv.org/abs/1509.01626

    Examples
    --------
    >>> from sktextconv.baselines import make_bow_classifier
    >>> texts = ["a fine film", "a fine cast", "a dull film", "a dull plot"]
    >>> classifier = make_bow_classifier().fit(texts, ["good", "good", "bad", "bad"])
    >>> classifier.predict(["dull!", "fine!"])
    array(['bad', 'good'], dtype='<U4')
    """
    vectorizer = NGramVectorizer(max_features=max_features, max_n=1)
    return _make_classifier(vectorizer, tfidf=tfidf, C=C)


def make_ngram_classifier(*, max_features=500_000, max_n=5, tfidf=False, C=10_000.0):
    """Make a multinomial logistic regression over counts of word n-grams.

    The paper's strongest linear model: negations and names of several words have
    weights of their own.

    Parameters
    ----------
    max_features : int or None, default=500_000
        N-grams kept, the most frequent of the training texts; None keeps all.
    max_n : int, default=5
        Words in the longest n-grams.
    tfidf : bool, default=False
        Whether counts are multiplied by the inverse document frequency.
    C : float, default=10_000.0
        Inverse strength of the L2 penalty; see the Notes of `make_bow_classifier`.

    Returns
    -------
    classifier : Pipeline
        A new one, with steps ``ngramvectorizer``, ``countscaler`` and
        ``logisticregression``.

    See Also
    --------
    make_bow_classifier : Single words; smaller and faster.

    References
    ----------
    .. [1] X. Zhang, J. Zhao and Y. LeCun, "Character-level Convolutional Networks
       for Text Classification", NIPS 2015, section 3.1.
       https://arxiv.org/abs/1509.01626

    Examples
    --------
    >>> from sktextconv.baselines import make_ngram_classifier
    >>> texts = ["good", "not good", "bad", "not bad"]
    >>> classifier = make_ngram_classifier(max_n=2).fit(texts, [1, 0, 0, 1])
    >>> classifier.predict(["not good", "not bad"])
    array([0, 1])
    """
    vectorizer = NGramVectorizer(max_features=max_features, max_n=max_n)
    return _make_classifier(vectorizer, tfidf=tfidf, C=C)


def make_bag_of_means_classifier(
    *, n_means=5_000, embedding_dim=300, min_count=6, C=10_000.0, random_state=None
):
    """Make a multinomial logistic regression over counts of groups of words.

    The paper's bag of means: words that are used alike, by word vectors trained on the
    same texts, share a weight. It takes longer than a bag of words, and errs more on
    all eight data sets of the paper. Needs gensim:
    ``pip install 'sktextconv[vectors]'``.

    Parameters
    ----------
    n_means : int, default=5_000
        Groups of words to form.
    embedding_dim : int, default=300
        Size of the word vectors.
    min_count : int, default=6
        Occurrences in the training texts below which a word is in no group.
    C : float, default=10_000.0
        Inverse strength of the L2 penalty; see the Notes of `make_bow_classifier`.
    random_state : int, RandomState instance or None, default=None
        Seed of the word vectors and of k-means; an int makes results repeatable.

    Returns
    -------
    classifier : Pipeline
        A new one, with steps ``bagofmeansvectorizer``, ``countscaler`` and
        ``logisticregression``.

    See Also
    --------
    make_bow_classifier : A weight for each word; faster, and better.

    Notes
    -----
    For K > 2 classes there are K weights a group and K biases, 20,004 numbers for
    four classes.

    References
    ----------
    .. [1] X. Zhang, J. Zhao and Y. LeCun, "Character-level Convolutional Networks
       for Text Classification", NIPS 2015, section 3.1.
       https://arxiv.org/abs/1509.01626

    Examples
    --------
    >>> from sktextconv.baselines import make_bag_of_means_classifier
    >>> texts = ["a fine film", "a fine cast", "a dull film", "a dull plot"]
    >>> classifier = make_bag_of_means_classifier(min_count=2, random_state=0)
    >>> classifier = classifier.fit(texts, ["good", "good", "bad", "bad"])
    >>> classifier.predict(["dull!", "fine!"])
    array(['bad', 'good'], dtype='<U4')
    """
    vectorizer = BagOfMeansVectorizer(
        n_means=n_means,
        embedding_dim=embedding_dim,
        min_count=min_count,
        random_state=random_state,
    )
    return _make_classifier(vectorizer, tfidf=False, C=C)


def make_nb_ngram_classifier(*, max_features=2_000_000, max_n=3, C=1_000.0):
    """Make a logistic regression over n-grams weighed by naive Bayes.

    Of the linear models here the best on long reviews: rare n-grams that only one class
    has weigh from the start, and their counts do not.

    Parameters
    ----------
    max_features : int or None, default=2_000_000
        N-grams kept, the most frequent of the training texts; None keeps all.
    max_n : int, default=3
        Words in the longest n-grams.
    C : float, default=1_000.0
        Inverse strength of the L2 penalty. Documents are of length 1, so that one value
        suits most data.

    Returns
    -------
    classifier : Pipeline
        A new one, with steps ``ngramvectorizer`` and ``onevsrestclassifier``: for each
        class a pipeline of `LogCountRatio`, scikit-learn's `Normalizer` and
        ``logisticregression``; for two classes, one of them.

    See Also
    --------
    make_ngram_classifier : The features of Zhang, Zhao and LeCun (2015).

    Notes
    -----
    Departs from the paper: logistic regression in the place of the support vector
    machine, for its probabilities, without interpolation towards naive Bayes; documents
    scaled to length 1; and more than two classes, each against all others.

    References
    ----------
    .. [1] S. Wang and C. D. Manning, "Baselines and Bigrams: Simple, Good Sentiment and
       Topic Classification", ACL 2012. https://aclanthology.org/P12-2018

    Examples
    --------
    >>> from sktextconv.baselines import make_nb_ngram_classifier
    >>> texts = ["good", "not good", "bad", "not bad"]
    >>> make_nb_ngram_classifier().fit(texts, [1, 0, 0, 1]).predict(["not bad"])
    array([1])
    """
    return make_pipeline(
        NGramVectorizer(max_features=max_features, max_n=max_n),
        OneVsRestClassifier(
            make_pipeline(
                LogCountRatio(),
                Normalizer(copy=False),
                # newton-cg stops too early here, as the loss is small.
                LogisticRegression(C=C, solver="liblinear", max_iter=1000),
            )
        ),
    )


def _make_classifier(vectorizer, *, tfidf, C):
    return make_pipeline(
        vectorizer,
        CountScaler(idf=tfidf),
        # Not lbfgs: it is faster on TF-IDF, but on counts it does not converge.
        # Departs from the paper: two classes share one weight a feature, by which
        # multinomial regression is the binary one.
        LogisticRegression(C=C, solver="newton-cg", tol=_TOL),
    )
