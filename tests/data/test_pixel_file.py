"""The pixels of a set that does not fit into memory: complete on the disk, or made anew, or an error."""

import errno
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import filelock
import pytest

from intro_dl.data import dataset, image_folder, pixel_file
from intro_dl.data.dataset import digest
from intro_dl.data.image_folder import ImageFolder
from intro_dl.data.pixel_file import _reserve
from tests.conftest import draw_pets


@pytest.fixture
def pets(tmp_path):
    """Twenty images of noise, in two classes."""
    draw_pets(tmp_path / "pets", 10)
    return tmp_path / "pets"


def read(root: Path, cache: Path) -> ImageFolder:
    data = ImageFolder(root=str(root), in_memory_limit=0.0, cache=str(cache))
    data.setup()
    return data


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-5000])


def change_a_pixel(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("suffix", "damage"),
    [
        ("uint8", cut),
        ("uint8", change_a_pixel),
        ("uint8", Path.unlink),
        ("uint8", lambda file: file.write_bytes(b"")),
        ("pt", cut),
        ("pt", Path.unlink),
        ("pt", lambda file: file.write_bytes(b"")),
    ],
)
def test_a_damaged_cache_is_made_anew_and_said(pets, tmp_path, caplog, damage, suffix):
    cache = tmp_path / "cache"
    before = read(pets, cache).fingerprint
    (file,) = cache.glob(f"*.{suffix}")
    damage(file)
    assert read(pets, cache).fingerprint == before
    said = [record.message for record in caplog.records if "decoding again" in record.message]
    assert len(said) == (not (damage is Path.unlink and suffix == "pt"))  # as if it had been killed there
    assert sorted(file.suffix for file in cache.iterdir()) == [".pt", ".uint8"]


@pytest.mark.parametrize("locks", [True, False])
def test_one_process_decodes_and_the_others_wait_where_files_can_be_locked(
    pets, tmp_path, monkeypatch, locks
):
    def cannot(self):
        raise NotImplementedError

    decoded = []
    real = image_folder.read_image
    monkeypatch.setattr(image_folder, "read_image", lambda *image: decoded.append(image) or real(*image))
    if not locks:
        monkeypatch.setattr(filelock.FileLock, "acquire", cannot)
    cache = tmp_path / "cache"
    with ThreadPoolExecutor(4) as several:
        sets = list(several.map(lambda _: read(pets, cache), range(4)))
    assert len({str(data.fingerprint) for data in sets}) == 1
    assert len(list(cache.iterdir())) == 2
    assert len(decoded) == 20 if locks else 20 <= len(decoded) <= 80


def test_the_pixels_of_a_cache_are_read_at_the_start_only_if_it_was_touched(pets, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    before = read(pets, cache)
    checked = []
    for module in (pixel_file, dataset):
        monkeypatch.setattr(module, "digest", lambda tensors: checked.append(tensors) or digest(tensors))
    monkeypatch.setattr(pixel_file, "pixel_statistics", None)
    again = read(pets, cache)
    assert not checked
    assert (again.fingerprint, again.MEAN, again.STD) == (before.fingerprint, before.MEAN, before.STD)
    (file,) = cache.glob("*.uint8")
    file.touch()
    assert read(pets, cache).fingerprint == before.fingerprint and len(checked) == 3


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_disk_without_room_for_the_cache_is_said_before_anything_is_decoded(
    pets, tmp_path, monkeypatch, number
):
    def full(*arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    monkeypatch.setattr(image_folder, "read_image", None)
    cache = tmp_path / "cache"
    with pytest.raises(ValueError, match=re.escape(f"{os.strerror(number)}. They take 0.1 MB")):
        read(pets, cache)
    assert not list(cache.iterdir())


def test_space_for_the_cache_is_reserved_not_only_promised(tmp_path):
    _reserve(tmp_path / "pixels", 1_000_000)
    assert (tmp_path / "pixels").stat().st_blocks * 512 >= 1_000_000


def test_a_directory_in_place_of_the_cache_is_said(pets, tmp_path):
    cache = tmp_path / "cache"
    read(pets, cache)
    (file,) = cache.glob("*.uint8")
    file.unlink()
    file.mkdir()
    with pytest.raises(ValueError, match="Cannot store the decoded images .* data.cache="):
        read(pets, cache)
