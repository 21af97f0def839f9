"""Pictures one after the other as an MP4 file."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

import cv2

from lungseg.report.pictures import FRAME_MS, Picture


def write_mp4(pictures: Iterable[Picture], path: Path) -> None:
    """Write pictures as MPEG-4, the one codec for it that every OpenCV has.

    Players and slides show it, browsers do not. Equal pictures give equal bytes.

    Args:
        pictures: (h, w, 3) RGB each, all of one size, at least one; an odd last row or column is
            left out.
        path: The file to write.

    Raises:
        OSError: If it cannot be written.
    """
    frames = [picture[: len(picture) // 2 * 2, : picture.shape[1] // 2 * 2] for picture in pictures]
    height, width, _ = frames[0].shape
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as folder:
        made = Path(folder) / "film.mp4"  # its suffix tells OpenCV the format
        codec = cv2.VideoWriter.fourcc(*"mp4v")
        film = cv2.VideoWriter(str(made), codec, 1000 / FRAME_MS, (width, height))
        for frame in frames:
            film.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        film.release()
        if not made.exists():
            raise OSError(f"OpenCV could not write {path}")
        made.replace(path)
