"""Linear baselines over words, n-grams and word clusters, as pipelines."""

from collections.abc import Callable
from typing import Literal

import numpy as np
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.pipeline import Pipeline, make_pipeline

from .feature_extraction._bag_of_means import BagOfMeansVectorizer
from .feature_extraction._count_scaler import CountScaler
from .feature_extraction._ngrams import NGramVectorizer
from .linear_model._linear_svc import ProbabilisticLinearSVC
from .linear_model._logistic_regression import LogisticRegression
from .linear_model._naive_bayes_svc import NaiveBayesSVC

__all__ = [
    "make_bag_of_means_classifier",
    "make_bow_classifier",
    "make_nb_ngram_classifier",
    "make_ngram_classifier",
    "make_tfidf_classifier",
]


def make_bow_classifier(
    *,
    max_features: int | None = 50_000,
    tfidf: bool = False,
    C: float | Literal["auto"] = "auto",
    tokenizer: Callable | None = None,
) -> Pipeline:
    """Make a multinomial logistic regression on counts of words.

    This is the bag-of-words model of Zhang et al. (2015). On samples of 500 to 5,000
    texts of five data sets, the mean error of `make_tfidf_classifier` was 1.7 to 7.5
    points lower (``benchmarks/samples``).

    Parameters
    ----------
    max_features : int or None, default=50_000
        Number of words in the vocabulary, the most frequent ones of the training
        texts. None takes all.
    tfidf : bool, default=False
        Whether to multiply counts by the inverse document frequency.
    C : float or "auto", default="auto"
        Inverse strength of the L2 penalty; see the Notes.
    tokenizer : callable or None, default=None
        Function from a lower-cased text to the list of its words. None finds words as
        `NGramVectorizer` does.

    Returns
    -------
    classifier : Pipeline
        Unfitted pipeline with the steps ``ngramvectorizer``, ``countscaler`` and
        ``logisticregression``.

    See Also
    --------
    make_ngram_classifier : Counts n-grams of up to five words, too.
    make_tfidf_classifier : Has a lower error on few texts.

    Notes
    -----
    For K > 2 classes there are K weights per feature and K biases. Two classes need
    one weight per feature and one bias. The paper reports neither the penalty nor the
    solver.

    Features are divided by their largest value M, so that a number as `C` acts like
    C / M**2 on plain counts. M ranges from tens for short news to hundreds for long
    texts, and a single odd text can raise it. "auto" therefore computes `C` from the
    mean length of the feature vectors and the number of classes; see the Notes of
    `sktextconv.linear_model.LogisticRegression`.
    On samples of 500 to 5,000 texts with 2 to 14 classes, its mean error was between
    6.7 points below and 0.6 points above that of 10,000 (``benchmarks/samples``). On
    your own data, search over ``logisticregression__C``.

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
    vectorizer = NGramVectorizer(
        max_features=max_features, max_n=1, tokenizer=tokenizer
    )
    return _make_classifier(vectorizer, tfidf=tfidf, C=C)


def make_ngram_classifier(
    *,
    max_features: int | None = 500_000,
    max_n: int = 5,
    tfidf: bool = False,
    C: float | Literal["auto"] = "auto",
    tokenizer: Callable | None = None,
) -> Pipeline:
    """Make a multinomial logistic regression on counts of word n-grams.

    This is the n-grams model of Zhang et al. (2015), the strongest linear model in the
    paper. Negations and names of several words have weights of their own.

    Parameters
    ----------
    max_features : int or None, default=500_000
        Number of n-grams in the vocabulary, the most frequent ones of the training
        texts. None takes all.
    max_n : int, default=5
        Number of words in the longest n-grams.
    tfidf : bool, default=False
        Whether to multiply counts by the inverse document frequency.
    C : float or "auto", default="auto"
        Inverse strength of the L2 penalty; see the Notes of `make_bow_classifier`.
    tokenizer : callable or None, default=None
        Function from a lower-cased text to the list of its words. None finds words as
        `NGramVectorizer` does.

    Returns
    -------
    classifier : Pipeline
        Unfitted pipeline with the steps ``ngramvectorizer``, ``countscaler`` and
        ``logisticregression``.

    See Also
    --------
    make_bow_classifier : Counts single words only; smaller and faster.
    make_tfidf_classifier : Has a lower error on few texts.

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
    vectorizer = NGramVectorizer(
        max_features=max_features, max_n=max_n, tokenizer=tokenizer
    )
    return _make_classifier(vectorizer, tfidf=tfidf, C=C)


def make_tfidf_classifier(
    *,
    max_features: int | None = None,
    max_n: int | None = None,
    C: float | Literal["auto"] = 1.0,
    tokenizer: Callable | None = None,
    analyzer: Literal["word", "char"] = "word",
    min_n: int | None = None,
) -> Pipeline:
    """Make a linear support vector machine on TF-IDF of n-grams.

    This is the model to start with: it takes seconds, has probabilities, and its errors
    are those of scikit-learn's TF-IDF pipeline (``benchmarks/samples``).

    Parameters
    ----------
    max_features : int or None, default=None
        Number of n-grams in the vocabulary, the most frequent ones of the training
        texts. None takes all.
    max_n : int or None, default=None
        Number of words, or characters, in the longest n-grams. None takes 2 words or 5
        characters.
    C : float or "auto", default=1.0
        Inverse strength of the L2 penalty. "auto" selects it by cross-validation on
        the training texts, which are vectorized once for all folds; see
        `sktextconv.linear_model.ProbabilisticLinearSVC`.
    tokenizer : callable or None, default=None
        Function from a lower-cased text to the list of its words. None finds words as
        `NGramVectorizer` does. It must be None for characters.
    analyzer : {"word", "char"}, default="word"
        Unit of the n-grams. Those of characters also match parts of words that
        training did not see. They are several times as many, and take as much longer.
    min_n : int or None, default=None
        Number of words, or characters, in the shortest n-grams. None takes 1 word or 2
        characters.

    Returns
    -------
    classifier : Pipeline
        Unfitted pipeline with the steps ``ngramvectorizer``, ``tfidftransformer`` and
        ``probabilisticlinearsvc``. It has `decision_function` and `predict_proba`.

    See Also
    --------
    make_nb_ngram_classifier : Better on long reviews.
    make_ngram_classifier : Uses the features of Zhang, Zhao and LeCun (2015).

    Notes
    -----
    A count c becomes ``1 + ln(c)``, times the smoothed inverse document frequency of
    scikit-learn's `TfidfTransformer`; then each text is scaled to length 1. Errors
    equal those of scikit-learn's `TfidfVectorizer` with `LinearSVC` and the same
    settings, in less than half the time.

    Examples
    --------
    >>> from sktextconv.baselines import make_tfidf_classifier
    >>> texts = ["good", "not good", "bad", "not bad"]
    >>> classifier = make_tfidf_classifier().fit(texts, [1, 0, 0, 1])
    >>> classifier.predict(["not good", "not bad"])
    array([0, 1])
    """
    default_min, default_max = (2, 5) if analyzer == "char" else (1, 2)
    vectorizer = NGramVectorizer(
        max_features=max_features,
        max_n=default_max if max_n is None else max_n,
        tokenizer=tokenizer,
        analyzer=analyzer,
        min_n=default_min if min_n is None else min_n,
    )
    return make_pipeline(
        vectorizer,
        TfidfTransformer(sublinear_tf=True),
        ProbabilisticLinearSVC(C=C),
    )


def make_bag_of_means_classifier(
    *,
    n_means: int = 5_000,
    embedding_dim: int = 300,
    min_count: int = 6,
    C: float | Literal["auto"] = "auto",
    tokenizer: Callable | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> Pipeline:
    """Make a multinomial logistic regression on counts of word clusters.

    This is the bag-of-means model of Zhang et al. (2015). Words with similar vectors,
    which are trained on the same texts, share a weight. It takes longer to train than
    a bag of words and has a higher error on all eight data sets of the paper.
    It requires gensim: ``pip install 'sktextconv[vectors]'``.

    Parameters
    ----------
    n_means : int, default=5_000
        Number of word clusters.
    embedding_dim : int, default=300
        Size of the word vectors.
    min_count : int, default=6
        Words that occur less often in the training texts are in no cluster.
    C : float or "auto", default="auto"
        Inverse strength of the L2 penalty; see the Notes of `make_bow_classifier`.
    tokenizer : callable or None, default=None
        Function from a lower-cased text to the list of its words. None finds words as
        `NGramVectorizer` does.
    random_state : int, RandomState instance or None, default=None
        Seed of the word vectors and of k-means. Pass an int for reproducible results.

    Returns
    -------
    classifier : Pipeline
        Unfitted pipeline with the steps ``bagofmeansvectorizer``, ``countscaler`` and
        ``logisticregression``.

    See Also
    --------
    make_bow_classifier : Has a weight for each word; faster, with a lower error on AG
        News, IMDB and all data sets of the paper.

    Notes
    -----
    For K > 2 classes there are K weights per cluster and K biases: 20,004 parameters
    for four classes.

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
        tokenizer=tokenizer,
        random_state=random_state,
    )
    return _make_classifier(vectorizer, tfidf=False, C=C)


def make_nb_ngram_classifier(
    *,
    max_features: int | None = 2_000_000,
    max_n: int = 3,
    C: float = 1.0,
    tokenizer: Callable | None = None,
) -> Pipeline:
    """Make a linear support vector machine on n-grams weighted by naive Bayes.

    On the reviews of IMDB this model has the lowest error of the models of this module.
    On samples of 500 to 5,000 texts of 2 to 14 classes its mean error was 0 to 13
    points below that of `make_ngram_classifier` (``benchmarks/samples``). Rare n-grams
    of one class start with a large weight, and only the presence of an n-gram matters,
    not its count.

    Parameters
    ----------
    max_features : int or None, default=2_000_000
        Number of n-grams in the vocabulary, the most frequent ones of the training
        texts. None takes all.
    max_n : int, default=3
        Number of words in the longest n-grams.
    C : float, default=1.0
        Inverse strength of the L2 penalty. Feature vectors are scaled to length 1, so
        that one value suits most data.
    tokenizer : callable or None, default=None
        Function from a lower-cased text to the list of its words. None finds words as
        `NGramVectorizer` does.

    Returns
    -------
    classifier : Pipeline
        Unfitted pipeline with the steps ``ngramvectorizer`` and
        ``naivebayessvc``; see
        `sktextconv.linear_model.NaiveBayesSVC`. It has `decision_function` and
        `predict_proba`.

    See Also
    --------
    make_ngram_classifier : Uses the features of Zhang, Zhao and LeCun (2015).

    Notes
    -----
    Departures from the paper:

    1. The support vector machine is not interpolated with naive Bayes. It has
       probabilities.
    2. Feature vectors are scaled to length 1.
    3. More than two classes are supported, by one classifier per class against the
       rest. The paper has two classes only.
    4. The smoothing of naive Bayes is divided between a class and the rest by their
       sizes; the Notes of `LogCountRatio` say why. For two classes of equal size it is
       that of the paper.

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
        NGramVectorizer(max_features=max_features, max_n=max_n, tokenizer=tokenizer),
        NaiveBayesSVC(C=C),
    )


def _make_classifier(vectorizer, *, tfidf, C):
    return make_pipeline(
        vectorizer,
        CountScaler(idf=tfidf),
        # Departs from the paper: with two classes there is one weight per feature. This
        # is binary logistic regression, which is equivalent to the multinomial one.
        LogisticRegression(C=C),
    )
