"""Downloads, from a server on this machine that can refuse, stop half-way, lie, and go on where it stopped."""

from __future__ import annotations

import random
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from anamorph.data import download, parts, store
from anamorph.data.store import DataFile
from anamorph.errors import BadInput

#: More than a few of the pieces in which a download is written, and nothing that gzip can shorten.
CONTENT = random.Random(1).randbytes(400_000)


@dataclass
class Server:
    """What it serves, where it stops, and what it was asked for."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    stop_after: int | None = None
    resumes: bool = True
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            state.asked.append((self.path, wanted))
            content = state.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            begin = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and state.resumes else 0
            if begin >= len(content):
                self.send_error(416)
                return
            self.send_response(206 if begin else 200)
            self.send_header("Content-Length", str(len(content) - begin))
            self.end_headers()
            self.wfile.write(content[begin : state.stop_after])

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        thread = threading.Thread(target=served.serve_forever, args=(0.01,))
        thread.start()
        state.address = f"http://127.0.0.1:{served.server_port}"
        yield state
        served.shutdown()
        thread.join()


@pytest.fixture
def file(tmp_path, cache, server, put: Callable[..., DataFile]) -> DataFile:
    found = put(tmp_path / "origin", "set/a.gz", CONTENT, (f"{server.address}/a.gz",))
    server.files["/a.gz"] = (tmp_path / "origin/set/a.gz").read_bytes()
    return found


def test_a_download_goes_to_the_cache_once(file, server, cache) -> None:
    parts.obtain("toy", [file])
    parts.obtain("toy", [file])
    assert store.read(file) == (CONTENT, cache / "set/a.gz")
    assert len(server.asked) == 1
    assert [p.name for p in (cache / "set").iterdir()] == ["a.gz"]


def test_a_stopped_download_goes_on_where_it_was(file, server, cache) -> None:
    server.stop_after = 300_000
    with pytest.raises(BadInput):
        parts.obtain("toy", [file])
    kept = (cache / "set/.partial-a.gz").stat().st_size
    assert 200_000 < kept <= 300_000  # the last piece may not have been whole
    server.stop_after = None
    parts.obtain("toy", [file])
    assert server.asked == [("/a.gz", None), ("/a.gz", f"bytes={kept}-")]
    store.check_hash(file, *store.read(file))


@pytest.mark.parametrize("left", [500, 300_000])
def test_a_server_that_sends_everything_again_is_obeyed(file, server, cache, left: int) -> None:
    server.resumes = False
    (cache / "set").mkdir(parents=True)
    (cache / "set/.partial-a.gz").write_bytes(bytes(left))
    parts.obtain("toy", [file])
    store.check_hash(file, *store.read(file))


def test_what_is_left_of_a_longer_file_is_thrown_away(file, server, cache) -> None:
    (cache / "set").mkdir(parents=True)
    (cache / "set/.partial-a.gz").write_bytes(bytes(500_000))
    with pytest.raises(BadInput, match="HTTP status 416"):
        parts.obtain("toy", [file])
    parts.obtain("toy", [file])
    store.check_hash(file, *store.read(file))


def test_a_wrong_hash_leaves_nothing_behind(file, server, cache) -> None:
    server.files["/a.gz"] = bytes(len(server.files["/a.gz"]))
    with pytest.raises(BadInput, match="not that of the official file"):
        parts.obtain("toy", [file])
    assert list((cache / "set").iterdir()) == []


def test_more_than_the_file_has_is_not_taken(file, server, cache) -> None:
    server.files["/a.gz"] += b"more"
    with pytest.raises(BadInput, match="sends more than the"):
        parts.obtain("toy", [file])
    assert (cache / "set/.partial-a.gz").stat().st_size == 0


def test_the_next_address_is_tried(server, cache, file) -> None:
    first = f"{server.address}/elsewhere"
    download.fetch([first, *file.urls], file.path, file.served, file.served_size)
    assert [path for path, _ in server.asked] == ["/elsewhere", "/a.gz"]


def test_offline_one_message_says_what_to_put_where(tmp_path, given, cache, put: Callable[..., DataFile]) -> None:
    here = put(given, "set/here.gz", b"here")
    urls = ("http://127.0.0.1:9/a.gz",)  # the discard port: nothing listens
    missing = [put(tmp_path / "origin", f"set/{name}.gz", b"there", urls) for name in "ab"]
    with pytest.raises(BadInput) as caught:
        parts.obtain("toy", [here, *missing])
    message = str(caught.value)
    assert message.startswith("toy: the data set is not here, and it could not be downloaded: http://127.0.0.1:9/a.gz")
    assert "no connection" in message
    assert f"expected set/a.gz, set/b.gz in one of {given}, {cache} (the cache). Put it there" in message
    assert "`anamorph data fetch toy`" in message and "\n" not in message


def test_a_cache_that_cannot_be_made_is_named(tmp_path, file, monkeypatch) -> None:
    (tmp_path / "plain").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "plain"))
    with pytest.raises(BadInput, match="the cache cannot be written.*XDG_CACHE_HOME"):
        file.download()


def _zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        for name, content in members.items():
            made.writestr(name, content)
    return path


def test_members_of_an_archive_appear_together(tmp_path) -> None:
    members = {"top/out/x": b"1", "top/out/y": b"22", "top/x": b"333", "top/out/../z": b"", "top/out/w": b""}
    archive = _zip(tmp_path / "a.zip", members)
    download.unpack_members(archive, tmp_path / "out", {"x", "y"}, 2)
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == {"x": b"1", "y": b"22"}


@pytest.mark.parametrize(
    ("names", "most", "message"),
    [({"x", "gone"}, 10, "lacks files; expected 2; got 1 of them"), ({"x"}, 3, "too large; expected at most 3")],
)
def test_a_bad_archive_leaves_nothing_behind(tmp_path, names: set[str], most: int, message: str) -> None:
    archive = _zip(tmp_path / "a.zip", {"top/out/x": b"1234"})
    with pytest.raises(BadInput, match=message):
        download.unpack_members(archive, tmp_path / "out", names, most)
    assert [p.name for p in tmp_path.iterdir()] == ["a.zip"]


def test_what_is_no_archive_is_refused(tmp_path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK nothing")
    with pytest.raises(BadInput, match="a.zip: could not be unpacked"):
        download.unpack_members(tmp_path / "a.zip", tmp_path / "out", {"x"}, 10)
