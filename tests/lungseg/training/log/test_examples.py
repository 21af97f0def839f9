"""Examples are the fullest slices of the largest and the smallest tumors, at some epochs."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from lungseg.training.log.examples import (
    FALSE,
    LARGEST,
    SMALLEST,
    fixed_slices,
    picture_path,
    read_examples,
)
from shards.storage.store import open_shards
from tests.toy_shards import make_shards


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """Twelve cases of three slices; case k has (3, 1, 0) pixels of tumor times k."""
    found = open_shards(make_shards(tmp_path_factory.mktemp("s"), num_cases=12, num_slices=3)).index
    pixels = np.concatenate([[1 * k, 3 * k, 0] for k in range(12)]).astype(np.int32)
    return dataclasses.replace(found, tumor_pixels=pixels)


@pytest.mark.parametrize(
    ("cases", "large", "small"),
    [
        ((5,), (5,), ()),
        ((0, 1, 2), (2, 1), ()),
        (range(12), (11, 10, 9, 8, 7, 6), (2, 1)),
        (range(7), (6, 5, 4, 3, 2, 1), ()),
        (range(8), (7, 6, 5, 4, 3, 2), (1,)),
        ((0,), (), ()),
    ],
)
def test_the_fullest_slices_of_large_and_of_small_tumors_are_drawn(index, cases, large, small):
    expected = {3 * k + 1: LARGEST for k in large} | {3 * k + 1: SMALLEST for k in small}
    assert list(fixed_slices(index, tuple(cases)).items()) == list(expected.items())


def picture(folder, epoch, kind, name, shade):
    path = picture_path(folder, epoch=epoch, kind=kind, slice_name=name)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16, 16), (shade, shade, shade)).save(path)


def test_at_most_six_epochs_are_shown_with_the_first_and_the_last(tmp_path):
    for epoch in range(1, 31):
        picture(tmp_path, epoch, LARGEST, "a-b-0007", epoch)
        picture(tmp_path, epoch, FALSE, f"c-{epoch:04d}", epoch)
    large, false = read_examples(tmp_path)
    for example in (large, false):
        epochs = list(example.pictures)
        assert (len(epochs), epochs[0], epochs[-1]) == (6, 1, 30)
    assert set(large.where.values()) == {"a-b, slice 7"}
    assert false.where[30] == "c, slice 30"
    assert (large.title, false.title) == ("Large tumor", "Worst false positive of the epoch")


def test_pictures_keep_their_epoch(tmp_path):
    for epoch in (1, 2):
        picture(tmp_path, epoch, SMALLEST, "a-0001", 100 * epoch)
    (example,) = read_examples(tmp_path)
    for epoch, content in example.pictures.items():
        (tmp_path / "x.webp").write_bytes(content)
        with Image.open(tmp_path / "x.webp") as shown:
            assert np.asarray(shown).mean() == pytest.approx(100 * epoch, abs=4)


def test_without_pictures_there_are_no_examples(tmp_path):
    assert read_examples(tmp_path / "none") == []
