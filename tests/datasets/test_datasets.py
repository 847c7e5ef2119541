"""Files, published data sets and docstrings as labelled texts."""

import csv
import dataclasses
import gzip
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
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sktextconv.datasets import _docstrings, _download, read_csv
from sktextconv.datasets._fetch import _fetch, fetch_text_dataset, load_docstrings

# --- read_csv: the cells ------------------------------------------------------------


def write_dialect(path, rows):
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return path


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('""', ""),
        ('" a ""quoted"" word "', 'a "quoted" word'),
        ('""""', '"'),
        ('"\\"', "\\"),
        ('"ends in \\"', "ends in \\"),
        ('"a\\b"', "a\\b"),
        ('"one\\ntwo"', "one\ntwo"),
        ('"\\n edge \\n"', "edge"),
        ('"one\ntwo"', "one\ntwo"),
        ('"one\r\ntwo"', "one\r\ntwo"),
        ('"NA"', "NA"),
        ('"null"', "null"),
        ('"None"', "None"),
        ('"nan"', "nan"),
        ('"1e5"', "1e5"),
        ('"a,b;c\td"', "a,b;c\td"),
        ('"\u2028a\u2028b\u2029"', "\u2028a\u2028b\u2029"),
        ('"a\x85b\x0bc\x1cd"', "a\x85b\x0bc\x1cd"),
        ('"\xa0kept\xa0"', "\xa0kept\xa0"),
        ('"\U0001f600 caf\xe9"', "\U0001f600 caf\xe9"),
        ('"a\x00b"', "a\x00b"),
        ('"#37;"', "#37;"),
        ("bare", "bare"),
        ('"' + "x" * 200_000 + '"', "x" * 200_000),
    ],
)
def test_every_nasty_cell_comes_through(tmp_path, cell, text):
    path = tmp_path / "nasty.csv"
    path.write_bytes(f'"1",{cell}\n"2","other"\n'.encode())
    assert read_csv(path).data == [text, "other"]


cells = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
rows = st.integers(1, 3).flatmap(
    lambda n_fields: st.lists(
        st.tuples(st.sampled_from("123"), *[cells] * n_fields), min_size=1, max_size=8
    )
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=rows)
def test_any_rows_written_in_the_dialect_read_back_equal(tmp_path, rows):
    path = write_dialect(tmp_path / "any.csv", rows)
    names = ["a", "b", "c"]
    raw = read_csv(path, class_names=names, line_breaks=False, strip=False)
    assert raw.data == [" ".join(fields) for _, *fields in rows]
    assert raw.target.tolist() == [int(label) - 1 for label, *_ in rows]
    # What the authors' converter does, written down once more.
    ends = re.compile(r"\A[ \t\n\v\f\r]+|[ \t\n\v\f\r]+\Z")
    converted = [
        [ends.sub("", re.sub(r"\\n", "\n", field)) for field in fields]
        for _, *fields in rows
    ]
    bunch = read_csv(path, class_names=names)
    assert bunch.data == [" ".join(fields) for fields in converted]
    backwards = read_csv(path, class_names=names, field_order="reverse")
    assert backwards.data == [" ".join(fields[::-1]) for fields in converted]


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz"])
def test_compressed_files_read_as_plain_ones(tmp_path, suffix):
    content = b'"2","Title","b\\nc"\n"1","","d"\n'
    compress = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress}[suffix]
    path = tmp_path / f"a.csv{suffix}"
    path.write_bytes(compress(content))
    bunch = read_csv(str(path))
    assert bunch.data == ["Title b\nc", " d"]
    assert bunch.target.tolist() == [1, 0]
    assert read_csv(path, field_order="reverse").data == ["b\nc Title", "d "]


def test_line_breaks_and_strip_can_be_switched_off(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('"1"," a\\nb "\n"2","c"\n')
    assert read_csv(path, line_breaks=False).data[0] == "a\\nb"
    assert read_csv(path, strip=False).data[0] == " a\nb "


def test_byte_order_mark_blank_lines_and_a_missing_last_break_do_not_matter(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'\xef\xbb\xbf\r\n"1","a"\r\n\r\n"2","b"')
    assert read_csv(path).data == ["a", "b"]


def test_field_size_limit_is_restored_even_after_an_error(tmp_path):
    limit = csv.field_size_limit()
    path = tmp_path / "a.csv"
    path.write_text('"1","' + "x" * 200_000 + '"\n"2","b"\n')
    read_csv(path)
    assert csv.field_size_limit() == limit
    path.write_text('"1","a"\n"2"\n"1","b"\n')
    with pytest.raises(ValueError, match="columns"):
        read_csv(path)
    assert csv.field_size_limit() == limit
    try:
        read_csv(path)
    except ValueError:  # while the error is alive, another read neither waits nor fails
        path.write_text('"1","' + "x" * 200_000 + '"\n')
        assert len(read_csv(path).data[0]) == 200_000


def test_threads_read_long_cells_side_by_side(tmp_path):
    path = write_dialect(tmp_path / "a.csv", [["1", "x" * 150_000]] * 20)
    found, limit = [], csv.field_size_limit()
    threads = [
        threading.Thread(target=lambda: found.append(len(read_csv(path).data)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [20] * 8
    assert csv.field_size_limit() == limit


# --- read_csv: labels and columns ---------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "target", "target_names"),
    [
        (["2", "1", "2"], [1, 0, 1], ["1", "2"]),
        ([str(k) for k in range(12, 0, -1)], range(11, -1, -1), range(1, 13)),
        (["spam", "ham", "spam"], ["spam", "ham", "spam"], ["ham", "spam"]),
        (["0", "1", "0"], ["0", "1", "0"], ["0", "1"]),
        (["1", "3", "1"], ["1", "3", "1"], ["1", "3"]),
        (["1", "1", "1"], ["1", "1", "1"], ["1"]),
        (["01", "02", "01"], ["01", "02", "01"], ["01", "02"]),
        ([" pos ", "neg", "pos"], ["pos", "neg", "pos"], ["neg", "pos"]),
        (["NA", "null", "None"], ["NA", "null", "None"], ["NA", "None", "null"]),
    ],
)
def test_labels_from_one_to_k_become_codes_and_all_others_stay(
    tmp_path, labels, target, target_names
):
    path = write_dialect(tmp_path / "a.csv", [[label, "text"] for label in labels])
    bunch = read_csv(path)
    assert bunch.target.tolist() == list(target)
    assert bunch.target.dtype.kind == ("U" if isinstance(target[0], str) else "i")
    assert bunch.target_names == [str(name) for name in target_names]


def test_class_names_keep_codes_when_a_class_is_absent(tmp_path):
    path = write_dialect(tmp_path / "a.csv", [["3", "a"], ["1", "b"]])
    bunch = read_csv(path, class_names=("low", "middle", "high"))
    assert bunch.target.dtype == np.int64
    assert bunch.target.tolist() == [2, 0]
    assert bunch.target_names == ["low", "middle", "high"]


@pytest.mark.parametrize("label", ["4", "0", "-1", "1.0", "world", "01", "\u0661"])
def test_label_outside_the_class_numbers_is_refused_with_its_line(tmp_path, label):
    path = write_dialect(tmp_path / "a.csv", [["1", "a\nb"], [label, "b"]])
    with pytest.raises(ValueError, match=r"a\.csv, line 3: .* 1 to 3 .* got '") as info:
        read_csv(path, class_names=["x", "y", "z"])
    assert repr(label) in str(info.value)


named = 'id,"text",title,label\n7,"b, c",a,pos\n8,e,d,neg\n'


@pytest.mark.parametrize(
    ("label_column", "text_columns", "texts"),
    [
        ("label", ["title", "text"], ["a b, c", "d e"]),
        ("label", "text", ["b, c", "e"]),
        ("label", 1, ["b, c", "e"]),
        (-1, [2, "text"], ["a b, c", "d e"]),
        (3, None, ["7 b, c a", "8 e d"]),
    ],
)
def test_columns_are_chosen_by_name_or_position(
    tmp_path, label_column, text_columns, texts
):
    path = tmp_path / "named.csv"
    path.write_text(named)
    bunch = read_csv(
        path, label_column=label_column, text_columns=text_columns, header=True
    )
    assert bunch.data == texts
    assert bunch.target.tolist() == ["pos", "neg"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"label_column": "stars", "header": True},
            "one column named 'stars', found 0",
        ),
        ({"label_column": "label"}, "position, got 'label'; pass header=True"),
        ({"label_column": 4}, "one of 4 columns"),
        ({"text_columns": [1.5]}, "one of 4 columns"),
        ({"text_columns": [0, 1]}, "in different columns, got column 0"),
        ({"text_columns": []}, "at least one of texts"),
        ({"field_order": "backward"}, r"one of \('forward', 'reverse'\)"),
    ],
)
def test_wrong_options_are_named_with_what_there_is(tmp_path, options, message):
    path = tmp_path / "named.csv"
    path.write_text(named)
    with pytest.raises(ValueError, match=message):
        read_csv(path, **options)


def test_column_name_that_occurs_twice_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("label,text,text\n1,a,b\n")
    with pytest.raises(ValueError, match="found 2 among"):
        read_csv(path, text_columns="text", header=True)


def test_header_taken_for_a_record_is_noticed(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("label,text\n1,a\n2,b\n")
    with pytest.raises(ValueError, match=r"line 1: .* 'label'; pass header=True"):
        read_csv(path)
    assert read_csv(path, header=True).target.tolist() == [0, 1]


# --- read_csv: damaged files --------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "at least one record, found none"),
        (b"\n\n", "at least one record, found none"),
        (b'"1","a"\n"2","b","c"\n', "line 2: expected 2 columns .* got 3"),
        (b'"1","a\nb"\n"2"\n', "line 3: expected 2 columns .* got 1"),
        (b'"1","a"\n"2","b" c"\n', "line 2: expected cells in double quotes"),
        (b'"1","a"\n"2","b\n"1","c"\n', "line 2: expected cells in double quotes"),
        (b'"1","a"\n"2","never closed\n\n\n', "line 2: expected cells in double quo"),
        (b'"1","a"\n"2","caf\xe9"\n', "line 2: expected UTF-8, got the byte 0xe9"),
        (b'"1","a"\n"2","caf\xc3', "line 2: expected UTF-8, got the byte 0xc3"),
        (b'"1","\xed\xa0\x80"\n', "line 1: expected UTF-8"),
        (b'"1","a"\n"","b"\n', "line 2: expected a label .* got 0 characters"),
        (b'"1","a"\n"' + b"x" * 300 + b'","b"\n', "line 2: .* got 300 characters"),
        (b"1\ta\n2\tb\n", "with commas between, got 1 column"),
    ],
)
def test_damage_is_named_with_file_and_line(tmp_path, content, message):
    path = tmp_path / "damaged.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"damaged\.csv.*" + message):
        read_csv(path)


def test_undecodable_line_is_found_far_from_the_start(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'"1","a"\n' * 9999 + b'"1","\xff"\n' + b'"1","a"\n' * 9999)
    with pytest.raises(ValueError, match=r"line 10000: .* 0xff"):
        read_csv(path)


def test_header_without_records_is_an_error(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("label,text\n")
    with pytest.raises(ValueError, match="after the header"):
        read_csv(path, header=True)


@pytest.mark.parametrize("suffix", [".gz", ".xz"])
def test_truncated_or_false_archive_is_an_error(tmp_path, suffix):
    compress = {".gz": gzip.compress, ".xz": lzma.compress}[suffix]
    noise = np.random.default_rng(0).integers(97, 123, 90_000, np.uint8).tobytes()
    whole = compress(b'"1","' + noise + b'"\n"2","b"\n')
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :]
    path = tmp_path / f"a.csv{suffix}"
    for content in (whole[:middle], whole[:-4], flipped, b'"1","plain"\n'):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"a\.csv\.[gx]z"):
            read_csv(path)


def test_absent_file_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        read_csv(tmp_path / "absent.csv")


# --- fetch_text_dataset -------------------------------------------------------------


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves one file, with ranges; may break off, or ignore ranges."""

    content, breaks_after, knows_ranges = b"", None, True
    ranges = ()

    def do_GET(self):
        wanted = self.headers.get("Range")
        type(self).ranges += (wanted,)
        start = 0
        if wanted and self.knows_ranges:
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
    """Bytes of a tar.gz; a member is a name and its bytes, or a TarInfo."""
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


def test_download_is_unpacked_read_and_not_repeated(server, tmp_path):
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


def test_broken_download_leaves_nothing_finished_and_resumes(server, tmp_path):
    content = make_tar([*TINY, ("tiny_csv/noise", os.urandom(50_000))])
    source = make_source(server, content)
    server.breaks_after = 20_000
    with pytest.raises(OSError, match=r"after 20000 of .*call again to go on"):
        fetch(source, tmp_path)
    assert names_in(tmp_path) == ["tiny.tgz.part"]
    with pytest.raises(OSError, match="after 40000 of"):
        fetch(source, tmp_path)
    server.breaks_after = None
    assert len(fetch(source, tmp_path).data) == 4
    assert server.ranges == (None, "bytes=20000-", "bytes=40000-")
    assert names_in(tmp_path) == ["tiny_test.csv", "tiny_train.csv"]


def test_progress_is_one_line_and_only_on_a_terminal(server, tmp_path, monkeypatch):
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


def test_resume_works_where_the_server_knows_no_ranges(server, tmp_path):
    source = make_source(server, make_tar(TINY))
    server.knows_ranges = False
    (tmp_path / "tiny.tgz.part").write_bytes(server.content[:100])
    assert len(fetch(source, tmp_path).data) == 4


def test_part_that_is_already_whole_is_not_fetched_again(server, tmp_path):
    source = make_source(server, make_tar(TINY))
    (tmp_path / "tiny.tgz.part").write_bytes(server.content)
    assert len(fetch(source, tmp_path).data) == 4
    assert server.ranges == ()


@pytest.mark.parametrize("change", ["one byte", "longer", "false start"])
def test_checksum_mismatch_is_an_error_and_the_next_call_starts_afresh(
    server, tmp_path, change
):
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


def test_unreachable_server_names_the_file_to_fetch_by_hand(server, tmp_path):
    source = make_source(server, b"", url="http://127.0.0.1:9/tiny.tgz", size=9)
    with pytest.raises(OSError, match="browser") as info:
        fetch(source, tmp_path)
    assert str(tmp_path / "tiny.tgz") in str(info.value)


def test_archive_put_there_by_hand_is_checked_used_and_kept(server, tmp_path):
    source = make_source(server, make_tar(TINY))
    archive = tmp_path / "tiny.tgz"
    archive.write_bytes(server.content[:-1])
    with pytest.raises(ValueError, match=r"tiny\.tgz: expected"):
        fetch(source, tmp_path)
    archive.write_bytes(server.content)
    assert len(fetch(source, tmp_path, download=False).data) == 4
    assert names_in(tmp_path) == ["tiny.tgz", "tiny_test.csv", "tiny_train.csv"]
    assert server.ranges == ()


def test_file_that_is_there_is_not_replaced_by_the_archives(server, tmp_path):
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
def test_archive_with_a_climbing_or_linked_member_unpacks_nothing(
    server, tmp_path, member, last
):
    members = [*TINY, member] if last else [member, *TINY]
    source = make_source(server, make_tar(members))
    folder = tmp_path / "folder"
    with pytest.raises(ValueError, match="nothing was unpacked"):
        fetch(source, folder)
    assert names_in(folder) == ["tiny.tgz"]
    assert names_in(tmp_path) == ["folder"]


def test_archive_without_the_expected_files_unpacks_nothing(server, tmp_path):
    source = make_source(server, make_tar(TINY[:2]))
    with pytest.raises(ValueError, match="expected the texts of test, found none"):
        fetch(source, tmp_path)
    assert names_in(tmp_path) == ["tiny.tgz"]


def test_one_file_a_text_becomes_the_dialect_in_order_of_numbers(server, tmp_path):
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
def test_wrong_counts_are_an_error_with_both_numbers(server, tmp_path, content):
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


def test_subset_file_is_never_taken_for_the_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("SKTEXTCONV_DATA", str(tmp_path))
    (tmp_path / "ag_news_train_subset.csv").write_text('"1","a","b"\n')
    with pytest.raises(
        FileNotFoundError, match=r"ag_news_train\.csv.*ag_news_csv\.tgz"
    ):
        fetch_text_dataset("ag_news", download_if_missing=False)


def test_folder_comes_from_argument_then_environment_then_cache(tmp_path, monkeypatch):
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
        ({"name": "imbd"}, "'amazon_polarity', 'imdb'"),
        ({"subset": "all"}, "'train', 'test'"),
        ({"field_order": "last"}, "'forward', 'reverse'"),
    ],
)
def test_unknown_choice_is_answered_with_the_known_ones(tmp_path, options, known):
    with pytest.raises(ValueError, match=known):
        fetch_text_dataset(**{"name": "imdb", "data_home": tmp_path / "new", **options})
    assert names_in(tmp_path) == []  # before anything is fetched


def test_the_table_of_sources_is_sound():
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
    }
    sources = _download.SOURCES.values()
    assert published == {
        s.name: (len(s.class_names), s.n_train, s.n_test) for s in sources
    }
    for source in sources:
        assert source.url.startswith("https://")
        assert source.n_train % len(source.class_names) == 0
        assert source.n_test % len(source.class_names) == 0
        algorithm, _, digest = source.checksum.partition(":")
        assert len(bytes.fromhex(digest)) == hashlib.new(algorithm).digest_size
        assert source.name in fetch_text_dataset.__doc__
    assert len({source.url for source in sources}) == len(sources)


# --- load_docstrings ----------------------------------------------------------------


LONG = (
    "This sentence is here because texts of fewer than eighty characters are dropped."
)


def write_library(root, name, files, version="1.0"):
    for filename, source in files.items():
        path = root / name / filename
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    info = root / f"{name}-{version}.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    )


@pytest.fixture
def libraries(tmp_path, monkeypatch):
    root = tmp_path / "site"
    shared = f'def f():\n    """Shared. {LONG}"""\n'
    alpha = f'''
"""Module. {LONG}"""
raise RuntimeError("this source was run")
if True:
    class A:
        """Class.

        {LONG}
            indented
        """
        def method(self):
            r"""Method \\d. {LONG}"""
            async def inner():
                """Inner. {LONG}"""
        def short(self):
            """Too short."""
        def number(self):
            12
'''
    write_library(
        root,
        "alpha_lib",
        {
            "__init__.py": alpha,
            "again.py": f'"""Module.   {LONG}\n"""',
            "shared.py": shared,
            "broken.py": "def f(:",
            "nul.py": "\0",
            "tests/test_a.py": f'"""Test. {LONG}"""',
            "externals/other.py": f'"""Other. {LONG}"""',
            **{f"m{i}.py": f'"""Number {i}. {LONG}"""' for i in range(20)},
        },
    )
    write_library(
        root,
        "beta_lib",
        {
            "__init__.py": "",
            "shared.py": shared,
            "own.py": f'"""Own \\d. {LONG}"""',
            "surrogate.py": f'"""\\ud800 {LONG}"""',
            **{f"n{i}.py": f'"""Index {i}. {LONG}"""' for i in range(10)},
        },
    )
    monkeypatch.syspath_prepend(str(root))
    return {"alpha_lib": "alpha_lib", "beta_lib": "beta_lib"}


def test_docstrings_are_read_cleaned_and_filtered_without_running(libraries, tmp_path):
    rows = _docstrings.load(libraries, None)["rows"]
    assert not {"alpha_lib", "beta_lib"} & sys.modules.keys()
    texts = {text.split()[0]: (label, file) for _, label, file, text in rows}
    assert len(rows) == 4 + 20 + 2 + 10
    assert texts["Module."] == ("alpha_lib", "alpha_lib/__init__.py")
    assert texts["Own"] == ("beta_lib", "beta_lib/own.py")
    assert not {"Shared.", "Too", "Test.", "Other."} & texts.keys()
    (classes,) = [text for *_, text in rows if text.startswith("Class.")]
    assert classes == f"Class.\n\n{LONG}\n    indented"


def test_no_source_file_is_in_both_subsets_and_each_library_in_proportion(libraries):
    rows = _docstrings.load(libraries, None)["rows"]
    files = {
        subset: {file for s, _, file, _ in rows if s == subset}
        for subset in ("train", "test")
    }
    assert files["train"].isdisjoint(files["test"])
    test = [label for subset, label, *_ in rows if subset == "test"]
    assert 3 <= test.count("alpha_lib") <= 4
    assert test.count("beta_lib") == 2


def test_kept_docstrings_are_read_again_and_equal(libraries, tmp_path):
    folder = tmp_path / "cache"
    first = _docstrings.load(libraries, folder)
    (kept,) = folder.iterdir()
    (tmp_path / "site" / "beta_lib" / "own.py").unlink()
    assert _docstrings.load(libraries, folder) == first
    kept.unlink()
    assert len(_docstrings.load(libraries, folder)["rows"]) == len(first["rows"]) - 1


def test_an_upgrade_makes_the_docstrings_again(libraries, tmp_path):
    folder = tmp_path / "cache"
    _docstrings.load(libraries, folder)
    (tmp_path / "site" / "beta_lib-1.0.dist-info").rename(tmp_path / "gone")
    write_library(tmp_path / "site", "beta_lib", {"new.py": f'"""N. {LONG}"""'}, "1.1")
    found = _docstrings.load(libraries, folder)
    assert found["versions"] == {"alpha_lib": "1.0", "beta_lib": "1.1"}
    assert any(text.startswith("N. ") for *_, text in found["rows"])


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "text", "other gzip"])
def test_damaged_cache_is_made_again(libraries, tmp_path, damage):
    folder = tmp_path / "cache"
    first = _docstrings.load(libraries, folder)
    (kept,) = folder.iterdir()
    whole = kept.read_bytes()
    middle = len(whole) // 2
    kept.write_bytes(
        {
            "empty": b"",
            "cut": whole[:middle],
            "flipped": whole[:middle]
            + bytes([whole[middle] ^ 8])
            + whole[middle + 1 :],
            "text": b"damaged",
            "other gzip": gzip.compress(b"{"),
        }[damage]
    )
    assert _docstrings.load(libraries, folder) == first
    assert kept.read_bytes() == whole
    assert names_in(folder) == [kept.name]


def test_folder_that_cannot_be_written_is_no_error(libraries, tmp_path):
    file = tmp_path / "file"
    file.write_text("in the way")
    first = _docstrings.load(libraries, None)
    assert _docstrings.load(libraries, file) == first
    assert _docstrings.load(libraries, file / "below") == first
    assert file.read_text() == "in the way"


def test_library_that_is_missing_or_has_no_sources_is_named(libraries, tmp_path):
    with pytest.raises(ImportError, match="pip install no-such-library"):
        _docstrings.load({"no-such-library": "no_such_library"}, None)
    write_library(tmp_path / "site", "gamma_lib", {"__init__.py": ""})
    with pytest.raises(ImportError, match=r"sources of \['gamma_lib'\]"):
        _docstrings.load({**libraries, "gamma_lib": "gamma_lib"}, None)


@pytest.fixture(scope="module")
def docstrings():  # from the user's own cache, as in the examples: made only once
    return {
        subset: load_docstrings(subset=subset) for subset in ("train", "test", "all")
    }


def test_docstrings_of_the_real_libraries_make_a_data_set(docstrings):
    train, test, both = docstrings["train"], docstrings["test"], docstrings["all"]
    assert len(train.data) + len(test.data) == len(both.data) > 10_000
    assert len(both.data) == len(both.target) == len(both.filenames)
    assert len({" ".join(text.split()) for text in both.data}) == len(both.data)
    assert min(len(text) for text in both.data) >= 80
    shares = np.bincount(test.target) / np.bincount(both.target)
    np.testing.assert_allclose(shares, 0.2, atol=0.01)
    assert set(train.filenames).isdisjoint(test.filenames)
    assert both.target.dtype == np.int64
    assert both.versions["numpy"] == np.__version__
    for name in both.target_names:
        assert name in both.DESCR


def test_docstrings_come_with_their_classes_mixed(docstrings):
    target = docstrings["train"].target
    shares = np.bincount(target[:1000]) / 1000 - np.bincount(target) / len(target)
    assert np.abs(shares).max() < 0.05


@pytest.mark.parametrize("subset", ["both", None])
def test_unknown_subset_of_docstrings_is_refused(subset):
    with pytest.raises(ValueError, match="'train', 'test', 'all'"):
        load_docstrings(subset=subset)


# --- the real files -----------------------------------------------------------------


def sha256_of_csv(path):
    opener = lzma.open if path.suffix == ".xz" else open
    with opener(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


PUBLISHED_FILES = {  # sha256, unpacked
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
def test_real_file_has_its_checksum_counts_and_classes(data_folder, name, subset):
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
def test_ag_news_reads_as_its_authors_wrote_it(data_folder):
    path = _download.find(data_folder, "ag_news", "test")
    if path is None:
        pytest.skip("ag_news_test is not in the folder of data files")
    bunch = fetch_text_dataset("ag_news", subset="test", data_home=data_folder)
    assert bunch.data[0].startswith("Fears for T N pension after talks Unions repr")
    assert bunch.target_names[bunch.target[0]] == "Business"
    assert "A second\\team of rocketeers" in bunch.data[1]  # a bare backslash stays


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("ag_news_train_subset.csv.xz", [10_032, 10_112, 10_074, 9_966]),
        ("yelp_review_full_subset.csv.xz", [1_036, 986, 982, 1_016, 980]),
    ],
)
def test_subsets_are_read_with_read_csv(data_folder, file, counts):
    path = data_folder / file
    if not path.exists():
        pytest.skip(f"{file} is not in the folder of data files")
    assert np.bincount(read_csv(path).target).tolist() == counts


@pytest.mark.data
def test_imdb_goes_back_into_files_and_out_again_unaltered(
    data_folder, server, tmp_path
):
    """The rows of the file, laid out as in the archive, are unpacked as the file."""
    path = _download.find(data_folder, "imdb", "train")
    if path is None:
        pytest.skip("imdb_train is not in the folder of data files")
    with lzma.open(path, "rt", encoding="utf-8", newline="") as stream:
        lines = [line for at, line in enumerate(stream) if at % 50 == 0]
    members = [("acl/test/neg/0_1.txt", b"n"), ("acl/test/pos/0_9.txt", b"p")]
    for at, (label, text) in enumerate(csv.reader(lines, strict=True)):
        folder = "neg" if label == "1" else "pos"
        members.append((f"acl/train/{folder}/{at}_5.txt", text.encode()))
    source = make_source(
        server, make_tar(members[::-1]), folders=("neg", "pos"), n_train=500
    )
    source = dataclasses.replace(source, fields=("text",))
    fetch(source, tmp_path)
    assert (tmp_path / "tiny_train.csv").read_text("utf-8") == "".join(lines)


@pytest.mark.network
@pytest.mark.parametrize("name", ["ag_news", "imdb"])
def test_real_download_gives_the_published_files(tmp_path, name):
    for subset in ("train", "test"):
        fetch_text_dataset(name, subset=subset, data_home=tmp_path)
        path = tmp_path / f"{name}_{subset}.csv"
        assert sha256_of_csv(path) == PUBLISHED_FILES[name, subset]
