"""Sources of the published data sets; download and unpacking."""

import contextlib
import csv
import hashlib
import http.client
import io
import os
import shutil
import sys
import tarfile
import urllib.request
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from ..utils._files import atomic_write
from ._compressed import max_bytes

__all__ = ["SOURCES", "Source", "archive_path", "find", "install"]

_CHUNK_SIZE = 1 << 20  # bytes
_TIMEOUT = 30  # seconds without a response


@dataclass(frozen=True)
class Source:
    """Origin and expected content of a published data set."""

    name: str
    url: str  # of the archive, or of a page if there is none
    size: int  # bytes of the archive
    checksum: str  # of the archive, "algorithm:hex", the strongest one published
    n_train: int
    n_test: int
    class_names: tuple  # class 1 first; every class has equally many rows
    fields: tuple  # names of the text columns
    terms: str
    # Folders of class 1, 2, … of an archive with one file per text; without them, the
    # archive holds train.csv and test.csv.
    folders: tuple = ()
    # Names under which the training and test file were published, if they cannot be
    # downloaded: users save them in the folder.
    published_as: dict = field(default_factory=dict)
    first_class: int = 1  # number of the first class in the files
    n_doubtful: int = 0  # records that a file may lack: its descriptions differ


_FAST_AI = "https://s3.amazonaws.com/fast-ai-nlp/"
_STARS = ("1 star", "2 stars", "3 stars", "4 stars", "5 stars")
_POLARITY = ("negative", "positive")
_YELP = "Yelp dataset agreement (academic use)"
_ARCHIVE_README = "see readme.txt in the archive"

SOURCES = {
    source.name: source
    for source in (
        Source(
            name="ag_news",
            url=_FAST_AI + "ag_news_csv.tgz",
            size=11_784_419,
            checksum="md5:b86f328f4dbd072486591cb7a5644dcd",
            n_train=120_000,
            n_test=7_600,
            class_names=("World", "Sports", "Business", "Sci/Tech"),
            fields=("title", "description"),
            terms="research and any other non-commercial activity",
        ),
        Source(
            name="sogou_news",
            url=_FAST_AI + "sogou_news_csv.tgz",
            size=384_269_937,
            checksum="md5:950f1366d33be52f5b944f8a8b680902",
            n_train=450_000,
            n_test=60_000,
            class_names=(
                "sports",
                "finance",
                "entertainment",
                "automobile",
                "technology",
            ),
            fields=("title", "content"),
            terms=_ARCHIVE_README,
        ),
        Source(
            name="dbpedia",
            url=_FAST_AI + "dbpedia_csv.tgz",
            size=68_341_743,
            checksum="sha256:42db5221ddedddb673a4cabcc5f3a7d869714c878bcfe4ba94b29d14aa38e417",
            n_train=560_000,
            n_test=70_000,
            class_names=(
                "Company",
                "EducationalInstitution",
                "Artist",
                "Athlete",
                "OfficeHolder",
                "MeanOfTransportation",
                "Building",
                "NaturalPlace",
                "Village",
                "Animal",
                "Plant",
                "Album",
                "Film",
                "WrittenWork",
            ),
            fields=("title", "content"),
            terms="CC BY-SA 3.0 and GNU FDL",
        ),
        Source(
            name="yelp_polarity",
            url=_FAST_AI + "yelp_review_polarity_csv.tgz",
            size=166_373_201,
            checksum="md5:48c8451c1ad30472334d856b5d294807",
            n_train=560_000,
            n_test=38_000,
            class_names=_POLARITY,
            fields=("text",),
            terms=_YELP,
        ),
        Source(
            name="yelp_full",
            url=_FAST_AI + "yelp_review_full_csv.tgz",
            size=196_146_755,
            checksum="sha256:56006b0a17a370f1e366504b1f2c3e3754e4a3dda17d3e718a885c552869a559",
            n_train=650_000,
            n_test=50_000,
            class_names=_STARS,
            fields=("text",),
            terms=_YELP,
        ),
        Source(
            name="yahoo_answers",
            url=_FAST_AI + "yahoo_answers_csv.tgz",
            size=319_476_345,
            checksum="md5:0632a0d236ef3a529c0fa4429b339f68",
            n_train=1_400_000,
            n_test=60_000,
            class_names=(
                "Society & Culture",
                "Science & Mathematics",
                "Health",
                "Education & Reference",
                "Computers & Internet",
                "Sports",
                "Business & Finance",
                "Entertainment & Music",
                "Family & Relationships",
                "Politics & Government",
            ),
            fields=("question title", "question body", "best answer"),
            terms=_ARCHIVE_README,
        ),
        Source(
            name="amazon_full",
            url=_FAST_AI + "amazon_review_full_csv.tgz",
            size=643_695_014,
            checksum="md5:4a1196cf0adaea22f4bc3f592cddde90",
            n_train=3_000_000,
            n_test=650_000,
            class_names=_STARS,
            fields=("title", "content"),
            terms=_ARCHIVE_README,
        ),
        Source(
            name="amazon_polarity",
            url=_FAST_AI + "amazon_review_polarity_csv.tgz",
            size=688_339_454,
            checksum="md5:676f7e5208ec343c8274b4bb085bc938",
            n_train=3_600_000,
            n_test=400_000,
            class_names=_POLARITY,
            fields=("title", "content"),
            terms=_ARCHIVE_README,
        ),
        Source(
            name="imdb",
            url="https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
            size=84_125_825,
            checksum="sha256:c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
            n_train=25_000,
            n_test=25_000,
            class_names=_POLARITY,
            fields=("text",),
            terms="no license stated; cite Maas et al., ACL 2011",
            folders=("neg", "pos"),
        ),
        # The experiment trains on --num-examples 2379999, "2.38 million" in its text.
        Source(
            name="amazon_categories",
            url="https://learn.microsoft.com/archive/blogs/machinelearning/cloud-scale-text-classification-with-convolutional-neural-networks-on-microsoft-azure",
            size=0,
            checksum="",
            n_train=2_380_000,
            n_test=420_000,
            class_names=(
                "Books",
                "Clothing, Shoes & Jewelry",
                "Electronics",
                "Health & Personal Care",
                "Home & Kitchen",
                "Movies & TV",
                "Sports & Outdoors",
            ),
            fields=("title", "review"),
            terms="none stated",
            published_as={
                "train": "categories_train_big.csv",
                "test": "categories_test_big.csv",
            },
            first_class=0,
            n_doubtful=1,
        ),
    )
}


def find(folder, name, subset):
    """Return the path of the file of a subset in a folder, or None."""
    for suffix in ("", ".xz", ".gz"):
        path = folder / f"{name}_{subset}.csv{suffix}"
        if path.exists():
            return path
    return None


def archive_path(url, folder):
    return folder / url.rpartition("/")[2]


def install(source, folder):
    """Write the missing train and test files of a source to a folder.

    An archive saved by hand is verified, used and not deleted; a downloaded one is
    deleted after it is unpacked.
    """
    folder.mkdir(parents=True, exist_ok=True)
    archive = archive_path(source.url, folder)
    is_manual = archive.exists()
    if is_manual:
        _verify(archive, archive, source)
    else:
        _download(source, archive)
    _unpack(source, archive, folder)
    if not is_manual:
        archive.unlink()


def _download(source, archive):
    part = archive.with_name(archive.name + ".part")
    n_received = part.stat().st_size if part.exists() else 0
    if n_received < source.size:
        headers = {"Range": f"bytes={n_received}-"} if n_received else {}
        request = urllib.request.Request(source.url, headers=headers)
        try:
            n_received = _receive(request, part, n_received, source.size)
        except (OSError, http.client.HTTPException) as error:
            raise _failure(source, archive, part, error) from error
        if n_received < source.size:
            reason = f"the connection ended after {n_received} of {source.size} bytes"
            raise _failure(source, archive, part, reason)
    try:
        _verify(part, archive, source)
    except ValueError:
        part.unlink()
        raise
    os.replace(part, archive)


def _receive(request, part, n_received, size):
    """Append the response to the partial file; return the size of that file."""
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:
        if response.status != http.client.PARTIAL_CONTENT:
            n_received = 0  # the server ignores ranges and sends the whole file
        with part.open("ab" if n_received else "wb") as out:
            while n_received <= size and (chunk := response.read(_CHUNK_SIZE)):
                out.write(chunk)
                n_received += len(chunk)
                if sys.stderr.isatty():
                    progress = f"{n_received / 1e6:.0f} of {size / 1e6:.0f} MB"
                    end = "\n" if n_received >= size else ""
                    sys.stderr.write(f"\r{request.full_url}: {progress}{end}")
                    sys.stderr.flush()
    return n_received


def _failure(source, archive, part, reason):
    again = "Call again"
    if part.exists():
        again = f"The partial file is saved as {part}: call again to resume"
    return OSError(
        f"Expected to fetch {source.url}, got: {reason}. {again}, or save the file "
        f"with a browser as {archive}."
    )


def _verify(path, archive, source):
    algorithm, _, expected = source.checksum.partition(":")
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, algorithm).hexdigest()
    if found != expected:
        raise ValueError(
            f"{path}: expected {source.size} bytes with {algorithm} {expected}, got "
            f"{path.stat().st_size} bytes with {found}. Fetch {source.url} again and "
            f"save it as {archive}."
        )


def _unpack(source, archive, folder):
    """Write all missing files, or none; never use the name of a member as a path."""
    wanted = [s for s in ("train", "test") if not find(folder, source.name, s)]
    texts = {subset: [] for subset in wanted}
    n_left, found = max_bytes(archive), set()
    with contextlib.ExitStack() as stack:
        tar = stack.enter_context(tarfile.open(archive))
        # At exit all files are renamed or, after an error, all are deleted.
        files = {
            subset: stack.enter_context(
                atomic_write(folder / f"{source.name}_{subset}.csv")
            )
            for subset in wanted
        }
        for member in tar:
            parts = _safe_parts(archive, member)
            if not member.isfile():
                continue
            n_left -= member.size
            if n_left < 0:
                raise ValueError(
                    f"{archive}: expected at most {max_bytes(archive):,} bytes in it, "
                    f"got more with {member.name!r}; nothing was unpacked."
                )
            name = _needed_name(source, parts, wanted)
            if name is None:
                continue
            if name in found:
                raise ValueError(
                    f"{archive}: expected each file once, got a second one with "
                    f"{member.name!r}; nothing was unpacked."
                )
            found.add(name)
            if source.folders:
                label = source.folders.index(name[1]) + 1
                number = int(name[2].partition("_")[0])
                text = tar.extractfile(member).read().decode()
                texts[name[0]].append((label, number, text))
            else:
                out = files[name[0].removesuffix(".csv")]
                shutil.copyfileobj(tar.extractfile(member), out)
        for subset, out in files.items():
            out.write(_to_csv(texts[subset]))
            if out.tell() == 0:
                raise ValueError(
                    f"{archive}: expected the texts of {subset}, found none."
                )


def _needed_name(source, parts, wanted):
    """Return the end of a member's path if its content is needed, or None."""
    if source.folders:
        name = parts[-3:]
        used = len(name) == 3 and name[0] in wanted and name[1] in source.folders
    else:
        name = parts[-1:]
        used = name[0] in [f"{subset}.csv" for subset in wanted]
    return name if used else None


def _safe_parts(archive, member):
    path = PurePosixPath(member.name)
    plain = member.isfile() or member.isdir()
    if path.is_absolute() or ".." in path.parts or not plain:
        raise ValueError(
            f"{archive}: expected plain files and folders inside the archive's own "
            f"folder, got {member.name!r}; nothing was unpacked."
        )
    return path.parts


def _to_csv(rows):
    table = io.StringIO(newline="")
    writer = csv.writer(table, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for label, _, text in sorted(rows):
        writer.writerow([label, text.replace("\n", "\\n")])
    return table.getvalue().encode()
