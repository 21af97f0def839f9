"""The page of a training is written with what the run has left, and costs no training its life."""

import base64
import re

import pytest

from lungseg.training.log import run_page
from lungseg.training.run import fit
from tests.toy_training import options


@pytest.fixture
def text(finished):
    return (finished / "report.html").read_text()


@pytest.mark.parametrize(
    "said",
    [
        "epoch 1 of 1", "Mean Dice per case", "lung_000", "Large tumor", "Options: net",
        "training cases", "lung_001, lung_002, lung_003, lung_004", "Machine", "1 cpu",
        "drop_slices", "<figcaption>Learning rate</figcaption>",
    ],
)  # fmt: skip
def test_curves_cases_pictures_options_and_machine_stand_in_it(text, said):
    assert said in text


def test_its_pictures_are_in_it(text):
    pictures = re.findall(r'"data:image/webp;base64,([^"]+)"', text)
    assert len(pictures) >= 1
    assert all(base64.b64decode(picture)[8:12] == b"WEBP" for picture in pictures)


def test_a_training_without_validation_has_a_page_too(shards, tmp_path):
    fit(options(shards, tmp_path, epochs=1, fold="none"))
    assert "No case validates" in (tmp_path / "report.html").read_text()


def test_where_there_is_no_room_the_training_goes_on_and_says_so(
    shards, tmp_path, monkeypatch, caplog
):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_page, "write_whole", full)
    result = fit(options(shards, tmp_path, epochs=1))
    assert result["epochs"] == 1
    assert f"{tmp_path / 'report.html'} cannot be written: No space left" in caplog.text
