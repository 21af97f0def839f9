"""A film shows the pictures in their order, and equal ones give equal bytes."""

import cv2
import numpy as np
import pytest

from lungseg.inference.outputs.movie import write_mp4


def test_the_frames_are_the_pictures_in_their_colors(tmp_path):
    grays = (40, 120, 200)
    pictures = [np.full((61, 83, 3), gray, np.uint8) for gray in grays]
    pictures[1][..., 2] = 0  # no blue
    for name in ("a.mp4", "b.mp4"):
        write_mp4(pictures, tmp_path / name)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    film = cv2.VideoCapture(str(tmp_path / "a.mp4"))
    frames = [film.read()[1][..., ::-1] for _ in grays]
    assert not film.read()[0]
    assert frames[0].shape == (60, 82, 3)
    for frame, picture in zip(frames, pictures, strict=True):
        assert np.abs(frame.mean((0, 1)) - picture.mean((0, 1))).max() < 6
    assert {path.name for path in tmp_path.iterdir()} == {"a.mp4", "b.mp4"}


def test_what_opencv_does_not_write_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("cv2.VideoWriter.write", lambda self, frame: None)
    monkeypatch.setattr("cv2.VideoWriter.fourcc", lambda *letters: 0)
    with pytest.raises(OSError, match="could not write"):
        write_mp4([np.zeros((8, 8, 3), np.uint8)], tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []
