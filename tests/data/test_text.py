"""Texts become tokens and back, windows go on where the last ones ended, downloads are whole or absent."""

import hashlib
import os
import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from intro_dl.data import text as text_module
from intro_dl.data.batches import Windows
from intro_dl.data.decode import read_text
from intro_dl.data.download import fetch
from intro_dl.data.text import UNKNOWN, IrishABC, Pydoc, TextFile, TinyShakespeare, split_words

pytestmark = pytest.mark.quick

modest = settings(max_examples=50, deadline=None, derandomize=True)


def text_file(folder: Path, text: str, **arguments) -> TextFile:
    path = folder / "book.txt"
    path.write_bytes(text.encode())
    data = TextFile(path=str(path), **{"batch_size": 2, "window": 3, **arguments})
    data.setup()
    return data


def windows(count: int, **arguments) -> Windows:
    tokens = torch.arange(count + 1)
    return Windows(tokens[:-1], tokens[1:], **arguments)


# Tokens


@modest
@given(st.text("\0\n aZé€😀\U0010ffff", min_size=1), st.data())
def test_decoding_undoes_encoding_whatever_the_characters(text, draw):
    data = Pydoc()
    data.alphabet = "".join(sorted(set(text)))
    tokens = data.encode(text)
    assert tokens.tolist() == [data.alphabet.index(character) for character in text]
    assert data.decode(tokens) == text
    part = draw.draw(st.text(alphabet=data.alphabet))
    assert data.decode(data.encode(part).tolist()) == part


def test_a_character_outside_the_alphabet_is_named_with_its_position(tmp_path):
    data = text_file(tmp_path, "abc" * 100)
    with pytest.raises(ValueError, match=re.escape("The character 'x' at position 2")):
        data.encode("abxab")
    with pytest.raises(ValueError, match=re.escape("The character 'A' at position 0")):
        data.encode("A")


def test_the_alphabet_is_that_of_the_whole_text_so_that_no_held_out_character_is_unknown(tmp_path):
    data = text_file(tmp_path, "a" * 990 + "zyß€😀zyß€😀")
    assert data.alphabet == "ayzß€😀"
    assert data.dims == {"vocab_size": 6}
    assert data.decode(data.splits["test"][0])[-4:] == "zyß€"


def test_the_splits_are_the_first_90_the_next_5_and_the_last_5_percent_of_the_text(tmp_path):
    text = "".join(chr(0x4E00 + i) for i in range(1000))
    data = text_file(tmp_path, text)
    for split, part in {"train": text[:900], "val": text[900:950], "test": text[950:]}.items():
        inputs, targets = data.splits[split]
        assert data.decode(inputs) == part[:-1]
        assert data.decode(targets) == part[1:]


def test_line_ends_and_byte_order_marks_of_other_systems_are_not_characters_of_the_text(tmp_path):
    (tmp_path / "windows.txt").write_bytes("\ufeffone\r\ntwo\r\n".encode())
    assert read_text(tmp_path / "windows.txt") == "one\ntwo\n"


# Windows

sizes = {
    "count": st.integers(24, 200),
    "batch_size": st.integers(1, 4),
    "window": st.integers(1, 6),
    "shuffle": st.booleans(),
    "epoch": st.integers(0, 3),
}


@modest
@given(**sizes)
def test_each_row_goes_on_where_it_ended_and_targets_are_one_character_later(
    count, batch_size, window, shuffle, epoch
):
    loader = windows(count, batch_size=batch_size, window=window, shuffle=shuffle)
    loader.set_epoch(epoch)
    batches = list(loader)
    assert len(batches) == len(loader)
    streams = torch.cat([inputs for inputs, _ in batches], dim=1)
    targets = torch.cat([targets for _, targets in batches], dim=1)
    assert torch.equal(streams, streams[:, :1] + torch.arange(streams.shape[1]))  # consecutive
    assert torch.equal(targets, streams + 1)
    assert torch.equal(streams.flatten(), streams[0, 0] + torch.arange(streams.numel()))  # nothing twice
    if shuffle:
        assert {tuple(inputs.shape) for inputs, _ in batches} == {(batch_size, window)}
        assert streams.numel() > count - batch_size * window
    else:
        assert streams[0, 0] == 0
        assert streams.numel() == count - count % batch_size


def test_windows_are_views_of_one_tensor_nothing_is_copied(tmp_path):
    data = text_file(tmp_path, "abcd" * 100)
    memory = data.splits["train"][0].untyped_storage().data_ptr()
    for loader in (data.train_dataloader(), data.val_dataloader(), data.test_dataloader()):
        for inputs, targets in loader:
            assert inputs.untyped_storage().data_ptr() == targets.untyped_storage().data_ptr() == memory


def test_the_start_differs_between_epochs_and_is_fixed_by_seed_and_epoch_alone():
    def starts(seed):
        loader = windows(1000, batch_size=4, window=33, shuffle=True, seed=seed)
        positions = []
        for epoch in range(8):
            loader.set_epoch(epoch)
            positions.append(next(iter(loader))[0][0, 0].item())
        return positions

    torch.manual_seed(1)
    first = starts(seed=0)
    torch.manual_seed(2)
    assert starts(seed=0) == first
    assert len(set(first)) > 4
    assert starts(seed=1) != first


def test_devices_train_on_equally_many_streams():
    whole = list(windows(100, batch_size=4, window=4, shuffle=True))
    parts = [
        list(windows(100, batch_size=5, window=4, shuffle=True, rank=rank, world_size=2)) for rank in (0, 1)
    ]
    for (inputs, _), (even, _), (odd, _) in zip(whole, *parts, strict=True):  # the fifth stream is left out
        assert torch.equal(inputs[0::2], even)
        assert torch.equal(inputs[1::2], odd)


def test_devices_evaluate_every_stream_once():
    whole = list(windows(100, batch_size=5, window=4))
    parts = [list(windows(100, batch_size=5, window=4, rank=rank, world_size=2)) for rank in (0, 1)]
    for (inputs, _), (even, _), (odd, _) in zip(whole, *parts, strict=True):
        assert torch.equal(inputs[0::2], even)
        assert torch.equal(inputs[1::2], odd)


def test_without_a_batch_size_all_windows_are_one_batch(tmp_path):
    data = text_file(tmp_path, "abcd" * 100, batch_size=None)
    ((inputs, _),) = data.train_dataloader()
    assert inputs.shape == (359 // 3, 3)


def test_held_out_text_is_read_in_the_same_streams_whatever_the_batch_size(tmp_path):
    shapes = [
        [
            tuple(inputs.shape)
            for inputs, _ in text_file(tmp_path, "abcd" * 500, batch_size=b).val_dataloader()
        ]
        for b in (1, 16)
    ]
    assert shapes[0] == shapes[1]
    assert sum(rows * columns for rows, columns in shapes[0]) > 99 - 8


# The texts that come with the project


def test_pydoc_needs_no_download_and_repeats_no_paragraph():
    text = Pydoc().read()
    paragraphs = text.split("\n\n")
    assert len(text) > 200_000
    assert len(set(paragraphs)) == len(paragraphs)


@pytest.mark.parametrize(
    ("dataset", "characters", "vocab_size", "begins"),
    [
        (TinyShakespeare, 1_115_394, 65, "First Citizen:\n"),
        (IrishABC, 197_618, 83, "X:1\nT:Alexander's\n"),
    ],
)
def test_the_downloaded_texts_are_the_ones_that_everybody_uses(dataset, characters, vocab_size, begins):
    root = os.environ.get("INTRO_DL_DATA", "data")
    data = dataset(root=root)
    if not data.path.exists():
        pytest.skip(f"{data.path} is not there; INTRO_DL_DATA names the folder of the data")
    data.prepare_data()
    data.setup()
    assert len(data.read()) == characters
    assert data.dims == {"vocab_size": vocab_size}
    assert data.decode(data.splits["train"][0][: len(begins)]) == begins


# What cannot be read


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The text is empty"),
        (b"a\nabc\xe9def\n", "is not UTF-8: byte 0xe9 in line 2. Read as CP1252 it is 'abcédef'"),
        (b"\xff\xfea", "begins like UTF-16, but is damaged at byte 2"),
        (b"abc" * 10, "too short: 27 of its 30 characters are the train split, which needs 33"),
        (b"abc" * 15, "too short: 2 of its 45 characters are the val split, which needs 5"),
    ],
)
def test_a_text_that_cannot_be_read_is_a_sentence(content, sentence, tmp_path):
    path = tmp_path / "book.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        TextFile(path=str(path), batch_size=8, window=4).setup()


@pytest.mark.parametrize("length", [45, 79, 80, 81, 100])
def test_every_text_that_is_long_enough_gives_batches_of_every_split(length, tmp_path):
    try:
        data = text_file(tmp_path, "ab" * length, batch_size=8, window=4)
    except ValueError:
        assert 2 * length * 90 // 100 < 33 or 2 * length * 5 // 100 < 5
        return
    for loader in (data.train_dataloader(), data.val_dataloader(), data.test_dataloader()):
        assert len(list(loader)) > 0


def test_a_missing_path_is_a_sentence(tmp_path):
    with pytest.raises(ValueError, match=re.escape("add data.path=<file>, e.g. data.path=book.txt")):
        TextFile()
    with pytest.raises(ValueError, match=r"Cannot read .*nowhere\.txt: No such file.*data\.path="):
        TextFile(path=str(tmp_path / "nowhere.txt")).setup()
    with pytest.raises(ValueError, match=r"Cannot read .*data\.path="):
        TextFile(path=str(tmp_path)).setup()


def test_weights_trained_on_other_characters_are_refused(tmp_path):
    data, other = text_file(tmp_path, "abcd" * 100), text_file(tmp_path, "abce" * 100)
    data.load_state_dict(data.state_dict())
    with pytest.raises(ValueError, match="trained on a text with other characters: 'abcd', not 'abce'"):
        other.load_state_dict(data.state_dict())


# Downloads, from a server on this machine

CONTENT = b"To be, or not to be\n" * 10_000
MD5 = hashlib.md5(CONTENT).hexdigest()


class Server(BaseHTTPRequestHandler):
    requests: list[str] = []

    def do_GET(self):
        self.requests.append(self.path)
        if self.path == "/missing":
            self.send_error(404)
            return
        body = b"<html>Please log in</html>" if self.path == "/login" else CONTENT
        body = body[::-1] if self.path == "/changed" else body
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if self.path == "/login" else "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if self.path == "/truncated" else body)

    def log_message(self, *arguments):
        pass


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture(scope="module")
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_download_is_put_where_it_belongs_and_nothing_else_is_left(server, tmp_path):
    path = tmp_path / "text" / "book.txt"
    fetch([f"{server}/book"], path, MD5, instead="data=pydoc")
    assert path.read_bytes() == CONTENT
    assert list(tmp_path.rglob("*")) == [path.parent, path]


def test_a_file_that_is_there_is_used_without_asking_the_network(server, tmp_path):
    path = tmp_path / "book.txt"
    path.write_bytes(CONTENT)
    asked = len(Server.requests)
    fetch([f"{server}/book"], path, MD5, instead="data=pydoc")
    assert len(Server.requests) == asked


def test_a_file_with_the_wrong_checksum_is_named_and_kept(server, tmp_path):
    path = tmp_path / "book.txt"
    path.write_bytes(b"my own notes")
    with pytest.raises(ValueError, match=re.escape(f"{path} is not the expected file: its md5 is")):
        fetch([f"{server}/book"], path, MD5, instead="data=pydoc")
    assert path.read_bytes() == b"my own notes"


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("missing", "HTTP Error 404"),
        ("truncated", "the connection ended after 100,000 of 200,000 bytes"),
        ("changed", "the file has the md5"),
        ("login", "the server sent a web page instead of the file, perhaps a login page"),
    ],
)
def test_a_download_that_fails_leaves_nothing_and_says_what_to_do(server, tmp_path, page, reason):
    path = tmp_path / "text" / "book.txt"
    with pytest.raises(ValueError, match=reason) as caught:
        fetch([f"{server}/{page}"], path, MD5, instead="data=pydoc")
    for needed in (str(tmp_path), "data.root=", "INTRO_DL_DATA", "text/book.txt", "data=pydoc"):
        assert needed in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_without_a_network_a_download_says_where_it_looked(tmp_path):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # but does not listen
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/book"
        with pytest.raises(ValueError, match=r"book\.txt is not in .*refused.*data=pydoc"):
            fetch([url], tmp_path / "book.txt", MD5, instead="data=pydoc")


def test_a_folder_that_cannot_be_written_to_is_a_sentence(server, tmp_path):
    (tmp_path / "text").write_text("a file where the folder should be")
    with pytest.raises(ValueError, match="could not be downloaded"):
        fetch([f"{server}/book"], tmp_path / "text" / "book.txt", MD5, instead="data=pydoc")


# Words


@modest
@given(st.text(" \n\tab_1.,é", min_size=1))
def test_the_pieces_of_a_text_give_the_text_again(text):
    assert "".join(split_words(text)) == text


def test_a_word_comes_with_the_space_before_it():
    assert split_words("I love it.\n  Do") == ["I", " love", " it", ".", "\n  ", "Do"]


def test_rare_words_are_unknown_and_held_out_words_do_not_choose_the_vocabulary(tmp_path, monkeypatch):
    monkeypatch.setattr(text_module, "WORDS", 2)
    data = text_file(tmp_path, " cat dog" * 90 + " cat" + " emu" * 50, unit="word")
    assert data.alphabet == [UNKNOWN, " cat", " dog"] and data.dims == {"vocab_size": 3}
    assert set(data.splits["test"][0].tolist()) == {0}  # though emu is more frequent there than cat
    assert data.decode(data.encode(" dog emu cat")) == f" dog{UNKNOWN} cat"
    assert data.description().startswith("231 words, vocabulary of 3, ")
    assert data.metadata()["alphabet"] == data.alphabet
