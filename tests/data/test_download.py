"""A server is down, silent, slow or wrong: the next mirror is tried, or the error names each reason."""

import hashlib
import io
import re
import socket
import subprocess
import sys
import tarfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from intro_dl.data import download
from intro_dl.data.download import Archive, fetch, fetch_archives
from tests.conftest import ROOT

CONTENT = bytes(range(256)) * 1000
MD5 = hashlib.md5(CONTENT).hexdigest()


def tar_of(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


HOSTILE_TAR = tar_of(
    **{"set/wanted": CONTENT, "../outside": b"x", "/tmp/intro_dl_outside": b"x", "set/more": b"x"}
)


class Mirror(BaseHTTPRequestHandler):
    """Behaves as the path asks."""

    asked: list[str] = []

    def do_GET(self):
        self.asked.append(self.path)
        self.send_response(200)
        if self.path == "/web_page":
            self.send_header("Content-Type", "text/html; charset=utf-8")
        if self.path == "/truncating":
            self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        try:
            if self.path == "/silent":
                time.sleep(0.6)
            elif self.path == "/slow":
                for _ in range(20):
                    self.wfile.write(b"x")
                    self.wfile.flush()
                    time.sleep(0.05)
            elif self.path == "/endless":
                for _ in range(1000):
                    self.wfile.write(CONTENT)
            elif self.path == "/wrong":
                self.wfile.write(CONTENT[::-1])
            elif self.path == "/web_page":
                self.wfile.write(b"<!doctype html><html>Log in</html>")
            elif self.path == "/hostile.tar.gz":
                self.wfile.write(HOSTILE_TAR)
            else:
                self.wfile.write(CONTENT[: len(CONTENT) // (2 if self.path == "/truncating" else 1)])
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client has seen enough

    def log_message(self, *arguments):
        pass


@pytest.fixture
def mirror(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "SECONDS_OF_SILENCE", 0.3)
    monkeypatch.setattr(download, "MOST_BYTES", 10 * len(CONTENT))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


FAILURES = {
    "silent": "timed out",
    "slow": r"the server is too slow: \d+ bytes in 0 seconds",
    "endless": "the server sends more than 2,560,000 bytes",
    "truncating": "the connection ended after 128,000 of 256,000 bytes",
    "wrong": "the file has the md5 .{32}, not .{32}",
    "web_page": "the server sent a web page instead of the file, perhaps a login page",
}


@pytest.mark.parametrize("failure", FAILURES)
def test_the_next_mirror_is_asked_and_without_one_the_failure_is_named(failure, mirror, tmp_path):
    path = tmp_path / "text" / "book.txt"
    with pytest.raises(ValueError, match=re.escape(f"{mirror}/{failure}: ") + FAILURES[failure]):
        fetch([f"{mirror}/{failure}"], path, MD5, instead="data=pydoc")
    assert list(tmp_path.iterdir()) == []
    fetch([f"{mirror}/{failure}", f"{mirror}/good"], path, MD5, instead="data=pydoc")
    assert path.read_bytes() == CONTENT
    assert list(path.parent.iterdir()) == [path]


def test_a_mirror_that_is_down_is_passed_over(mirror, tmp_path):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # but does not listen
        down = f"http://127.0.0.1:{nobody.getsockname()[1]}/book"
        fetch([down, f"{mirror}/good"], tmp_path / "book.txt", MD5, instead="data=pydoc")
    assert (tmp_path / "book.txt").read_bytes() == CONTENT


def test_of_two_processes_at_once_one_downloads_and_both_have_the_whole_file(mirror, tmp_path):
    Mirror.asked.clear()
    path = tmp_path / "book.txt"
    program = (
        "from pathlib import Path; from intro_dl.data.download import fetch; "
        f"fetch([{mirror + '/good'!r}], Path({str(path)!r}), {MD5!r}, 'data=pydoc')"
    )
    processes = [subprocess.Popen([sys.executable, "-c", program], cwd=ROOT) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert Mirror.asked == ["/good"]
    assert path.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [path]


def test_an_archive_writes_nothing_but_the_files_that_belong_to_the_set(mirror, tmp_path):
    archive = Archive([f"{mirror}/hostile.tar.gz"], hashlib.md5(HOSTILE_TAR).hexdigest(), ["set/wanted"])
    root = tmp_path / "data"
    fetch_archives("Set", root, [archive], instead="data=digits")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [root / "set" / "wanted"]
    assert (root / "set" / "wanted").read_bytes() == CONTENT


def test_an_archive_without_the_file_is_named(mirror, tmp_path):
    archive = Archive([f"{mirror}/hostile.tar.gz"], hashlib.md5(HOSTILE_TAR).hexdigest(), ["set/absent"])
    with pytest.raises(
        ValueError, match="Set is not in .* could not be downloaded: .*set/absent.* not found"
    ):
        fetch_archives("Set", tmp_path / "data", [archive], instead="data=digits")
    assert list(tmp_path.iterdir()) == []
