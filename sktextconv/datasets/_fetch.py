"""Published data sets and installed docstrings."""

import contextlib
import os
from pathlib import Path
from typing import Literal

import numpy as np
from sklearn.utils import Bunch

from . import _docstrings, _download
from ._csv import _check_choice, read_labeled
from ._fields import FIELD_ORDERS

__all__ = ["fetch_text_dataset", "load_docstrings"]


def fetch_text_dataset(
    name: str,
    *,
    subset: Literal["train", "test"] = "train",
    data_home: str | os.PathLike | None = None,
    download_if_missing: bool = True,
    field_order: Literal["forward", "reverse"] = "forward",
) -> Bunch:
    """Read a published data set; download it if it is missing.

    The data sets are the eight of Zhang, Zhao and LeCun [1]_, the movie reviews of
    Maas et al. [2]_ and the reviews by product category of Fierro et al. [3]_. A file
    ``<name>_<subset>.csv`` (or ``.csv.xz``, ``.csv.gz``) in the folder is used as it
    is. Otherwise the archive is downloaded (an interrupted download is resumed),
    verified with its checksum and unpacked. ``amazon_categories`` has no known
    address: save its two files in the folder.

    Parameters
    ----------
    name : {"ag_news", "sogou_news", "dbpedia", "yelp_polarity", "yelp_full", \
"yahoo_answers", "amazon_full", "amazon_polarity", "imdb", "amazon_categories"}
        The data set.
    subset : {"train", "test"}, default="train"
        The part to read.
    data_home : str or path-like, default=None
        The folder. None takes the folder in the environment variable
        ``SKTEXTCONV_DATA`` if it is set, else ``sktextconv`` in the user's cache
        folder (``XDG_CACHE_HOME`` or ``~/.cache``).
    download_if_missing : bool, default=True
        Whether to download a missing file. If False, a missing file is an error.
    field_order : {"forward", "reverse"}, default="forward"
        Whether title and content are joined first to last, or last to first as in
        the paper; see :func:`read_csv`.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        data : list of str of shape (n_texts,)
            The texts, in the order of the file; ``imdb`` is sorted by class.
        target : ndarray of shape (n_texts,), dtype int64
            Classes as integers from 0.
        target_names : list of str of shape (n_classes,)
            Names of the classes.
        DESCR : str
            Origin, size and terms of use.

    Raises
    ------
    FileNotFoundError
        If the file is missing and `download_if_missing` is False, or if it cannot be
        downloaded.
    OSError
        If the download fails; the next call resumes it.
    ValueError
        If the archive does not have its published checksum, or the file cannot be
        read or does not have exactly the published number of texts in each class.

    See Also
    --------
    load_docstrings : Loads real texts without a download.
    read_csv : Reads other files.

    References
    ----------
    .. [1] X. Zhang, J. Zhao, Y. LeCun, "Character-level convolutional networks for
       text classification", NeurIPS 2015, https://arxiv.org/abs/1509.01626
    .. [2] A. Maas et al., "Learning word vectors for sentiment analysis", ACL 2011,
       https://aclanthology.org/P11-1015/
    .. [3] M. Fierro et al., "Cloud-scale text classification with convolutional neural
       networks on Microsoft Azure", 2017, https://learn.microsoft.com/archive/blogs/\
machinelearning/cloud-scale-text-classification-with-convolutional-neural-networks-on-\
microsoft-azure

    Examples
    --------
    >>> from sktextconv.datasets import fetch_text_dataset
    >>> test = fetch_text_dataset("ag_news", subset="test")  # doctest: +SKIP
    >>> test.target_names[test.target[0]]  # doctest: +SKIP
    'Business'
    """
    _check_choice("name", name, tuple(_download.SOURCES))
    _check_choice("subset", subset, ("train", "test"))
    _check_choice("field_order", field_order, FIELD_ORDERS)
    if data_home is None:
        data_home = os.environ.get("SKTEXTCONV_DATA") or _user_cache()
    return _fetch(
        _download.SOURCES[name],
        subset,
        Path(data_home).expanduser(),
        download_if_missing,
        field_order,
    )


def load_docstrings(
    *,
    subset: Literal["train", "test", "all"] = "train",
    data_home: str | os.PathLike | None = None,
) -> Bunch:
    """Load the docstrings of installed libraries; the label is the library.

    These are real texts that every installation has: the docstrings in the sources of
    numpy, scipy, scikit-learn, torch and nltk. The sources are parsed, never imported.
    The first call takes about ten seconds; the result is cached per library version,
    and later calls take a fraction of a second. The texts depend on the installed
    versions, so report the field ``versions`` with any result.

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        The part to load. About a fifth of each library's texts are in the test set.
    data_home : str or path-like, default=None
        The cache folder. None takes ``sktextconv`` in the user's cache folder
        (``XDG_CACHE_HOME`` or ``~/.cache``). If the folder is not writable, nothing is
        cached.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        data : list of str of shape (n_texts,)
            The docstrings, in a fixed order that mixes the classes.
        target : ndarray of shape (n_texts,), dtype int64
            Classes as integers from 0.
        target_names : list of str of shape (n_classes,)
            Names of the libraries.
        filenames : list of str of shape (n_texts,)
            The source file of each text, below the folder of installed packages.
        versions : dict of str to str
            Installed version of each library.
        DESCR : str
            Selection of the texts and train-test split.

    Raises
    ------
    ImportError
        If a library or its sources are not installed.

    Notes
    -----
    All docstrings of one source file are in the same subset. They share whole
    paragraphs, so that a random split would underestimate every error. Names of the
    libraries stay in the texts. About half of the texts are torch's: look at more than
    accuracy.

    Examples
    --------
    >>> from sktextconv.datasets import load_docstrings
    >>> train = load_docstrings(subset="train")
    >>> train.target_names
    ['numpy', 'scipy', 'scikit-learn', 'torch', 'nltk']
    >>> len(train.data) == len(train.target) > 1000
    True
    """
    _check_choice("subset", subset, ("train", "test", "all"))
    folder = None
    with contextlib.suppress(RuntimeError):  # a user without a home folder
        folder = Path(data_home or _user_cache()).expanduser()
    found = _docstrings.load(_docstrings.LIBRARIES, folder)
    rows = [row for row in found["rows"] if subset in ("all", row[0])]
    names = list(_docstrings.LIBRARIES)
    return Bunch(
        data=[text for _, _, _, text in rows],
        target=np.array([names.index(name) for _, name, _, _ in rows], np.int64),
        target_names=names,
        filenames=[filename for _, _, filename, _ in rows],
        versions=found["versions"],
        DESCR=_docstrings.DESCR,
    )


def _fetch(source, subset, folder, download_if_missing, field_order):
    path = _download.find(folder, source.name, subset)
    if path is None:
        _obtain(source, subset, folder, download_if_missing)
        path = _download.find(folder, source.name, subset)
    read = read_labeled(
        path,
        list,
        header=False,
        class_names=source.class_names,
        first_class=source.first_class,
        label_column=None,
        text_columns=range(1, 1 + len(source.fields)),
        field_order=field_order,
        line_breaks=True,
        strip=True,
    )
    bunch = Bunch(**read)
    _check_counts(source, subset, path, bunch.target)
    bunch.DESCR = (
        f"{source.name}, {subset}: {len(bunch.data)} texts of "
        f"{len(source.class_names)} classes. Fields: {', '.join(source.fields)}.\n"
        f"Origin: {source.url}\nTerms: {source.terms}."
    )
    return bunch


def _obtain(source, subset, folder, download_if_missing):
    """Download and unpack a source, or raise an error that says what is missing."""
    expected = f"Expected {source.name}_{subset}.csv, .csv.xz or .csv.gz in {folder}"
    if source.published_as:
        raise FileNotFoundError(
            f"{expected}, found none, and no address to download it from is known. If "
            f"you have {source.published_as[subset]} of {source.url}, save it there "
            "under this name."
        )
    archive = _download.archive_path(source.url, folder)
    if not download_if_missing and not archive.exists():
        raise FileNotFoundError(
            f"{expected}, found none; pass download_if_missing=True to fetch "
            f"{source.url} ({source.size / 1e6:.0f} MB), or save that file as "
            f"{archive}."
        )
    _download.install(source, folder)


def _check_counts(source, subset, path, target):
    """Raise ValueError unless a file has the published number of texts by class."""
    n_texts = source.n_train if subset == "train" else source.n_test
    n_classes = len(source.class_names)
    found = np.bincount(target, minlength=n_classes)
    missing = n_texts // n_classes - found
    if missing.min() >= 0 and missing.sum() <= source.n_doubtful:
        return
    remedy = "" if source.published_as else "remove the file to download it again, or "
    raise ValueError(
        f"{path}: expected {n_texts} records, {n_texts // n_classes} in each of "
        f"{n_classes} classes, found {found.sum()}, {found.tolist()} by class; "
        f"{remedy}read it with read_csv."
    )


def _user_cache():
    # The XDG specification says to ignore a relative path.
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (cache if cache.is_absolute() else Path.home() / ".cache") / "sktextconv"
