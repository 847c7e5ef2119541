"""Download, unpacking and reading of the published data sets."""

import csv
import dataclasses
import hashlib
import http.server
import io
import lzma
import os
import re
import sys
import tarfile
import threading

import numpy as np
import pytest

from sktextconv.datasets import _download, read_csv
from sktextconv.datasets._fetch import _fetch, fetch_text_dataset


class Handler(http.server.BaseHTTPRequestHandler):
    """Handler that serves one file, can close the connection and ignore ranges."""

    content, breaks_after, supports_ranges = b"", None, True
    ranges = ()

    def do_GET(self):
        wanted = self.headers.get("Range")
        type(self).ranges += (wanted,)
        start = 0
        if wanted and self.supports_ranges:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        body = self.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.breaks_after])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    class OneHandler(Handler):
        pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), OneHandler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        OneHandler.url = f"http://127.0.0.1:{server.server_port}/tiny.tgz"
        yield OneHandler
        server.shutdown()
        thread.join()


def make_tar(members):
    """Return the bytes of a tar.gz; members are (name or TarInfo, bytes) pairs."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in members:
            info = name
            if isinstance(name, str):
                info = tarfile.TarInfo(name)
                info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def make_link(name, target, kind):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


TRAIN = b'"1","a","b"\n"2","c","d"\n"1","e","f"\n"2","g","h"\n'
TEST = b'"2","t","u"\n"1","v","w"\n'
TINY = [
    ("tiny_csv/classes.txt", b"no\nyes\n"),
    ("tiny_csv/train.csv", TRAIN),
    ("tiny_csv/test.csv", TEST),
]


def make_source(server, content, **changes):
    server.content = content
    source = _download.Source(
        name="tiny",
        url=server.url,
        size=len(content),
        checksum="sha256:" + hashlib.sha256(content).hexdigest(),
        n_train=4,
        n_test=2,
        class_names=("no", "yes"),
        fields=("title", "content"),
        terms="none",
    )
    return dataclasses.replace(source, **changes)


def fetch(source, folder, subset="train", download=True, field_order="forward"):
    return _fetch(source, subset, folder, download, field_order)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_fetch_downloads_once(server, tmp_path):
    source = make_source(server, make_tar(TINY))
    folder = tmp_path / "new" / "folder"
    train = fetch(source, folder)
    assert train.data == ["a b", "c d", "e f", "g h"]
    assert train.target.tolist() == [0, 1, 0, 1]
    assert train.target_names == ["no", "yes"]
    assert source.url in train.DESCR
    assert fetch(source, folder, "test", False, "reverse").data == ["u t", "w v"]
    assert names_in(folder) == ["tiny_test.csv", "tiny_train.csv"]
    assert (folder / "tiny_train.csv").read_bytes() == TRAIN
    assert server.ranges == (None,)


def test_fetch_resumes_interrupted_download(server, tmp_path):
    """An interrupted download leaves only a partial file, and the next call resumes."""
    content = make_tar([*TINY, ("tiny_csv/noise", os.urandom(50_000))])
    source = make_source(server, content)
    server.breaks_after = 20_000
    with pytest.raises(OSError, match=r"after 20000 of .*call again to resume"):
        fetch(source, tmp_path)
    assert names_in(tmp_path) == ["tiny.tgz.part"]
    with pytest.raises(OSError, match="after 40000 of"):
        fetch(source, tmp_path)
    server.breaks_after = None
    assert len(fetch(source, tmp_path).data) == 4
    assert server.ranges == (None, "bytes=20000-", "bytes=40000-")
    assert names_in(tmp_path) == ["tiny_test.csv", "tiny_train.csv"]


def test_fetch_progress_only_on_terminal(server, tmp_path, monkeypatch):
    """Progress is a single line, written to a terminal only."""
    source = make_source(server, make_tar([*TINY, ("big", os.urandom(3_000_000))]))
    for terminal in (False, True):
        stderr = io.StringIO()
        stderr.isatty = lambda terminal=terminal: terminal
        monkeypatch.setattr(sys, "stderr", stderr)
        fetch(source, tmp_path / str(terminal))
        shown = stderr.getvalue()
        assert bool(shown) == terminal
    assert shown.endswith("3 of 3 MB\n")
    assert shown.count("\n") == 1 < shown.count("\r")


def test_fetch_resume_without_range_support(server, tmp_path):
    source = make_source(server, make_tar(TINY))
    server.supports_ranges = False
    (tmp_path / "tiny.tgz.part").write_bytes(server.content[:100])
    assert len(fetch(source, tmp_path).data) == 4


def test_fetch_complete_partial_file(server, tmp_path):
    """A partial file with all bytes is not downloaded again."""
    source = make_source(server, make_tar(TINY))
    (tmp_path / "tiny.tgz.part").write_bytes(server.content)
    assert len(fetch(source, tmp_path).data) == 4
    assert server.ranges == ()


@pytest.mark.parametrize("change", ["one byte", "longer", "false start"])
def test_fetch_checksum_mismatch(server, tmp_path, change):
    """A wrong checksum is an error; the next call downloads from scratch."""
    source = make_source(server, make_tar(TINY))
    good = server.content
    if change == "one byte":
        server.content = good[:-1] + bytes([good[-1] ^ 1])
    elif change == "longer":
        server.content = good + b"x" * 10
    else:
        (tmp_path / "tiny.tgz.part").write_bytes(b"y" * 50)
    with pytest.raises(ValueError, match=r"expected .* bytes with sha256"):
        fetch(source, tmp_path)
    assert names_in(tmp_path) == []
    server.content = good
    assert len(fetch(source, tmp_path).data) == 4


def test_fetch_unreachable_server(server, tmp_path):
    """The error names the file to download by hand, and no partial file."""
    source = make_source(server, b"", url="http://127.0.0.1:9/tiny.tgz", size=9)
    with pytest.raises(OSError, match=r"\. Call again, or save .* browser") as info:
        fetch(source, tmp_path)
    assert str(tmp_path / "tiny.tgz") in str(info.value)


def test_fetch_uses_manual_archive(server, tmp_path):
    """An archive saved by hand is verified, used and not deleted."""
    source = make_source(server, make_tar(TINY))
    archive = tmp_path / "tiny.tgz"
    archive.write_bytes(server.content[:-1])
    with pytest.raises(ValueError, match=r"tiny\.tgz: expected"):
        fetch(source, tmp_path)
    archive.write_bytes(server.content)
    assert len(fetch(source, tmp_path, download=False).data) == 4
    assert names_in(tmp_path) == ["tiny.tgz", "tiny_test.csv", "tiny_train.csv"]
    assert server.ranges == ()


def test_fetch_keeps_existing_file(server, tmp_path):
    """A file that exists already is not replaced by that of the archive."""
    source = make_source(server, make_tar(TINY))
    mine = TRAIN.replace(b"a", b"mine")
    (tmp_path / "tiny_train.csv.xz").write_bytes(lzma.compress(mine))
    fetch(source, tmp_path, "test")
    assert names_in(tmp_path) == ["tiny_test.csv", "tiny_train.csv.xz"]
    assert fetch(source, tmp_path, "train").data[0] == "mine b"


@pytest.mark.parametrize(
    "member",
    [
        ("../evil.csv", b"x"),
        ("tiny_csv/../../evil.csv", b"x"),
        ("/tmp/evil.csv", b"x"),
        ("/train.csv", TRAIN),
        make_link("tiny_csv/train.csv", "/etc/passwd", tarfile.SYMTYPE),
        make_link("tiny_csv/link", "../..", tarfile.SYMTYPE),
        make_link("tiny_csv/hard", "tiny_csv/train.csv", tarfile.LNKTYPE),
        make_link("tiny_csv/pipe", "", tarfile.FIFOTYPE),
    ],
)
@pytest.mark.parametrize("last", [False, True])
def test_fetch_unsafe_archive_member(server, tmp_path, member, last):
    """An archive with a link or a path outside its folder is not unpacked at all."""
    members = [*TINY, member] if last else [member, *TINY]
    source = make_source(server, make_tar(members))
    folder = tmp_path / "folder"
    with pytest.raises(ValueError, match="nothing was unpacked"):
        fetch(source, folder)
    assert names_in(folder) == ["tiny.tgz"]
    assert names_in(tmp_path) == ["folder"]


def test_fetch_archive_without_expected_files(server, tmp_path):
    source = make_source(server, make_tar(TINY[:2]))
    with pytest.raises(ValueError, match="expected the texts of test, found none"):
        fetch(source, tmp_path)
    assert names_in(tmp_path) == ["tiny.tgz"]


def test_fetch_archive_with_one_file_per_text(server, tmp_path):
    """The texts are written to a CSV file in the order of their numbers."""
    members = [
        ("acl/README", b"x"),
        ("acl/train/urls_pos.txt", b"x"),
        ("acl/train/unsup/0_0.txt", b"x"),
        ("acl/train/pos/10_9.txt", b"last"),
        ("acl/train/pos/2_9.txt", b'a "fine"<br />film'),
        ("acl/train/neg/11_1.txt", "caf\xe9, two\nlines".encode()),
        ("acl/train/neg/9_3.txt", b" first "),
        ("acl/test/neg/0_1.txt", b"n"),
        ("acl/test/pos/0_7.txt", b"p"),
    ]
    source = make_source(
        server, make_tar(members), folders=("neg", "pos"), fields=("text",)
    )
    train = fetch(source, tmp_path)
    assert (tmp_path / "tiny_train.csv").read_text("utf-8") == (
        '"1"," first "\n"1","caf\xe9, two\\nlines"\n'
        '"2","a ""fine""<br />film"\n"2","last"\n'
    )
    assert train.data[1] == "caf\xe9, two\nlines"
    assert train.target.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    "content", [TRAIN[:12], TRAIN + TRAIN, TRAIN.replace(b'"2"', b'"1"')]
)
def test_fetch_wrong_counts(server, tmp_path, content):
    source = make_source(server, b"")
    (tmp_path / "tiny_train.csv").write_bytes(content)
    with pytest.raises(
        ValueError, match=r"tiny_train\.csv: expected 4 .* found"
    ) as info:
        fetch(source, tmp_path)
    found = np.bincount(
        read_csv(tmp_path / "tiny_train.csv", class_names=["a", "b"]).target
    )
    assert f"{found.sum()}, [{found[0]}" in str(info.value)


def make_manual_source():
    source = _download.SOURCES["amazon_categories"]
    return dataclasses.replace(source, n_train=14, n_test=7)


def write_categories(path, n_rows):
    rows = [f'"{row % 7}","title {row}","review"\n' for row in range(n_rows)]
    path.write_text("".join(rows))


@pytest.mark.parametrize("n_rows", [14, 13])
def test_fetch_file_saved_by_hand(tmp_path, n_rows):
    """Classes are numbered from 0; one record may be missing, as sources differ."""
    write_categories(tmp_path / "amazon_categories_train.csv", n_rows)
    train = fetch(make_manual_source(), tmp_path, field_order="reverse")
    assert train.data[8] == "review title 8"
    assert train.target[:8].tolist() == [0, 1, 2, 3, 4, 5, 6, 0]
    assert train.target_names[0] == "Books"
    assert f"train: {n_rows} texts of 7 classes" in train.DESCR


@pytest.mark.parametrize("n_rows", [12, 15])
def test_fetch_wrong_counts_of_manual_file(tmp_path, n_rows):
    write_categories(tmp_path / "amazon_categories_train.csv", n_rows)
    with pytest.raises(ValueError, match=f"expected 14 records.* found {n_rows}"):
        fetch(make_manual_source(), tmp_path)


def test_fetch_unknown_class_of_manual_file(tmp_path):
    (tmp_path / "amazon_categories_train.csv").write_text('"7","title","review"\n')
    with pytest.raises(ValueError, match=r"a class number from 0 to 6 in .*'7'"):
        fetch(make_manual_source(), tmp_path)


def test_fetch_missing_manual_file(tmp_path):
    """The error names the published file, and where to save it under which name."""
    with pytest.raises(FileNotFoundError) as info:
        fetch_text_dataset("amazon_categories", subset="test", data_home=tmp_path)
    for part in ("categories_test_big.csv", "amazon_categories_test.csv", tmp_path):
        assert str(part) in str(info.value)
    assert names_in(tmp_path) == []


def test_fetch_ignores_subset_file(tmp_path, monkeypatch):
    monkeypatch.setenv("SKTEXTCONV_DATA", str(tmp_path))
    (tmp_path / "ag_news_train_subset.csv").write_text('"1","a","b"\n')
    with pytest.raises(
        FileNotFoundError, match=r"ag_news_train\.csv.*ag_news_csv\.tgz"
    ):
        fetch_text_dataset("ag_news", download_if_missing=False)


def test_fetch_folder_precedence(tmp_path, monkeypatch):
    """The argument precedes the environment variable, which precedes the user cache."""
    monkeypatch.setenv("SKTEXTCONV_DATA", str(tmp_path / "named"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    where = {"download_if_missing": False}
    with pytest.raises(FileNotFoundError, match=re.escape(f"in {tmp_path / 'given'},")):
        fetch_text_dataset("imdb", data_home=tmp_path / "given", **where)
    with pytest.raises(FileNotFoundError, match=re.escape(f"in {tmp_path / 'named'},")):
        fetch_text_dataset("imdb", **where)
    monkeypatch.delenv("SKTEXTCONV_DATA")
    cache = tmp_path / "cache" / "sktextconv"
    with pytest.raises(FileNotFoundError, match=re.escape(f"in {cache},")):
        fetch_text_dataset("imdb", **where)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("options", "known"),
    [
        ({"name": "imbd"}, "'imdb', 'amazon_categories'"),
        ({"subset": "all"}, "'train', 'test'"),
        ({"field_order": "last"}, "'forward', 'reverse'"),
    ],
)
def test_fetch_unknown_option(tmp_path, options, known):
    """The error lists the valid values, and nothing is downloaded."""
    with pytest.raises(ValueError, match=known):
        fetch_text_dataset(**{"name": "imdb", "data_home": tmp_path / "new", **options})
    assert names_in(tmp_path) == []  # nothing was downloaded


def test_sources_are_consistent():
    published = {
        "ag_news": (4, 120_000, 7_600),
        "sogou_news": (5, 450_000, 60_000),
        "dbpedia": (14, 560_000, 70_000),
        "yelp_polarity": (2, 560_000, 38_000),
        "yelp_full": (5, 650_000, 50_000),
        "yahoo_answers": (10, 1_400_000, 60_000),
        "amazon_full": (5, 3_000_000, 650_000),
        "amazon_polarity": (2, 3_600_000, 400_000),
        "imdb": (2, 25_000, 25_000),
        "amazon_categories": (7, 2_380_000, 420_000),
    }
    sources = _download.SOURCES.values()
    assert published == {
        s.name: (len(s.class_names), s.n_train, s.n_test) for s in sources
    }
    for source in sources:
        assert source.url.startswith("https://")
        assert source.n_train % len(source.class_names) == 0
        assert source.n_test % len(source.class_names) == 0
        assert source.name in fetch_text_dataset.__doc__
        if source.published_as:
            continue
        algorithm, _, checksum = source.checksum.partition(":")
        assert len(bytes.fromhex(checksum)) == hashlib.new(algorithm).digest_size
    assert len({source.url for source in sources}) == len(sources)


def sha256_of_csv(path):
    opener = lzma.open if path.suffix == ".xz" else open
    with opener(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


# SHA-256 of the unpacked files.
PUBLISHED_FILES = {
    ("ag_news", "train"): (
        "76a0a2d2f92b286371fe4d4044640910a04a803fdd2538e0f3f29a5c6f6b672e"
    ),
    ("ag_news", "test"): (
        "521465c2428ed7f02f8d6db6ffdd4b5447c1c701962353eb2c40d548c3c85699"
    ),
    ("imdb", "train"): (
        "d1e722634554006c6bcec6ac89f38c9b6732a83d31a2e50bdb97a92656624f90"
    ),
    ("imdb", "test"): (
        "f8dca79c7ea7b352cbc43acb84ea99142b49da6e1088905269345c76303f24ec"
    ),
}


@pytest.mark.data
@pytest.mark.parametrize(("name", "subset"), PUBLISHED_FILES)
def test_fetch_real_file(data_folder, name, subset):
    path = _download.find(data_folder, name, subset)
    if path is None:
        pytest.skip(f"{name}_{subset} is not in the folder of data files")
    assert sha256_of_csv(path) == PUBLISHED_FILES[name, subset]
    bunch = fetch_text_dataset(
        name, subset=subset, data_home=data_folder, download_if_missing=False
    )
    source = _download.SOURCES[name]
    n_texts = source.n_train if subset == "train" else source.n_test
    assert len(bunch.data) == n_texts
    assert all(bunch.data)


@pytest.mark.data
def test_fetch_real_ag_news_texts(data_folder):
    path = _download.find(data_folder, "ag_news", "test")
    if path is None:
        pytest.skip("ag_news_test is not in the folder of data files")
    bunch = fetch_text_dataset("ag_news", subset="test", data_home=data_folder)
    assert bunch.data[0].startswith("Fears for T N pension after talks Unions repr")
    assert bunch.target_names[bunch.target[0]] == "Business"
    assert "A second\\team of rocketeers" in bunch.data[1]  # backslash unchanged


@pytest.mark.data
def test_fetch_imdb_archive_round_trip(data_folder, server, tmp_path):
    """Rows of the file, arranged as in the archive, are unpacked to the same file."""
    path = _download.find(data_folder, "imdb", "train")
    if path is None:
        pytest.skip("imdb_train is not in the folder of data files")
    with lzma.open(path, "rt", encoding="utf-8", newline="") as stream:
        lines = [line for row, line in enumerate(stream) if row % 50 == 0]
    members = [("acl/test/neg/0_1.txt", b"n"), ("acl/test/pos/0_9.txt", b"p")]
    for row, (label, text) in enumerate(csv.reader(lines, strict=True)):
        folder = "neg" if label == "1" else "pos"
        members.append((f"acl/train/{folder}/{row}_5.txt", text.encode()))
    source = make_source(
        server, make_tar(members[::-1]), folders=("neg", "pos"), n_train=500
    )
    source = dataclasses.replace(source, fields=("text",))
    fetch(source, tmp_path)
    assert (tmp_path / "tiny_train.csv").read_text("utf-8") == "".join(lines)


@pytest.mark.network
@pytest.mark.parametrize("name", ["ag_news", "imdb"])
def test_fetch_real_download(tmp_path, name):
    for subset in ("train", "test"):
        fetch_text_dataset(name, subset=subset, data_home=tmp_path)
        path = tmp_path / f"{name}_{subset}.csv"
        assert sha256_of_csv(path) == PUBLISHED_FILES[name, subset]
