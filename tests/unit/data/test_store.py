"""Where files are looked for, and which are refused."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from anamorph.cache import cache_root
from anamorph.data import store
from anamorph.data.store import DataFile
from anamorph.errors import BadInput

Put = Callable[..., DataFile]


def test_given_folders_come_first_and_in_their_order(tmp_path, cache, monkeypatch, put: Put) -> None:
    file = put(cache, "set/a.gz", b"cached")
    assert store.read(file)[1] == cache / "set/a.gz"
    for name in ("second", "first"):
        put(tmp_path / name, "set/a.gz", name.encode())
        monkeypatch.setenv("ANAMORPH_DATA", f"{tmp_path / 'nowhere'}:{tmp_path / name}::{tmp_path / 'second'}")
        assert store.read(file) == (name.encode(), tmp_path / name / "set/a.gz")


def test_the_cache_follows_xdg(cache) -> None:
    assert cache_root() == cache
    assert store.given() == ()


def test_a_file_that_is_not_compressed_will_do(given, put: Put) -> None:
    file = put(given, "set/a.gz", b"content")
    (given / "set/a.gz").unlink()
    assert file.here is None
    (given / "set/a").write_bytes(b"content")
    content, path = store.read(file)
    store.check_hash(file, content, path)
    assert path == given / "set/a"


def test_a_copy_that_was_compressed_again_is_as_good(given, put: Put) -> None:
    file = put(given, "set/a.gz", b"content" * 1000)
    (given / "set/a.gz").write_bytes(gzip.compress(b"content" * 1000, compresslevel=1, mtime=12345))
    store.check_hash(file, *store.read(file))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_cut, "corrupt or cut short"),
        (_flip, "corrupt or cut short|too large|not that of the official"),
        (lambda path: path.write_bytes(b""), "expected sha256 .*; got e3b0c442"),
        (lambda path: path.write_bytes(b"<html>not found</html>"), "corrupt or cut short.*Not a gzipped file"),
        (lambda path: path.write_bytes(gzip.compress(b"another content")), "not that of the official file"),
        (lambda path: path.write_bytes(gzip.compress(bytes(1_000_000))), "too large; expected 3000 bytes of content"),
        (lambda path: path.write_bytes(bytes(10_000)), "too large; expected at most 7126 bytes; got 10000"),
        (lambda path: (path.unlink(), path.mkdir()), "not a file"),
    ],
)
def test_a_file_that_is_not_the_official_one_is_named_and_refused(given, put: Put, spoil, message: str) -> None:
    file = put(given, "set/a.gz", bytes(range(250)) * 12)
    spoil(given / "set/a.gz")
    with pytest.raises(BadInput, match=message) as caught:
        store.check_hash(file, *store.read(file))
    assert caught.value.where == str(given / "set/a.gz")
    if "not a file" not in message:
        assert "remove it from ANAMORPH_DATA" in str(caught.value)


def test_a_cached_file_that_is_wrong_can_be_had_again(cache, put: Put) -> None:
    file = put(cache, "set/a.gz", b"content")
    (cache / "set/a.gz").write_bytes(b"")
    with pytest.raises(BadInput, match="Remove it, then `anamorph data fetch` gets it again"):
        store.check_hash(file, *store.read(file))


def test_a_file_that_is_nowhere_is_named(given, put: Put) -> None:
    file = replace(put(given, "set/a.gz", b"content"), path="set/b.gz")
    with pytest.raises(BadInput, match="set/b.gz: no such data file"):
        store.read(file)
