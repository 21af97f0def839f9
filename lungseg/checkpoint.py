"""The content of a checkpoint file, or one error, however the file is damaged."""

import contextlib
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from shards.console.out import url_of
from shards.storage.remote import Remote


class NoCheckpointError(Exception):
    """A file is no checkpoint; the message says what is wrong with it, in a few words."""


def read_checkpoint(path: Path, *, mmap: bool = False) -> dict[str, Any]:
    """Read a checkpoint onto the CPU; no code in the file is run.

    Args:
        path: The file.
        mmap: Leave its weights on the disk until they are used.

    Returns:
        What was saved by name.

    Raises:
        NoCheckpointError: If it is absent or a folder, cannot be read, or holds something else.
    """
    if not path.is_file():
        raise NoCheckpointError("a folder" if path.is_dir() else "no such file")
    if not zipfile.is_zipfile(path):
        raise NoCheckpointError(f"{path.stat().st_size} bytes, not those of one")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except Exception as error:  # what a damaged pickle raises has no end
        what = (str(error).splitlines() or [""])[0]
        if "Weights only load failed" in what:  # torch's own advice is to run that code
            what = "it holds more than numbers, text and tensors, and code in it is never run"
        raise NoCheckpointError(what or type(error).__name__) from error
    if not isinstance(content, dict):
        raise NoCheckpointError(f"it holds a {type(content).__name__}")
    return content


@contextlib.contextmanager
def checkpoint_here(path: Path) -> Iterator[Path]:
    """A checkpoint as a file of this machine while the block runs.

    Args:
        path: The file, or a URL of one.

    Raises:
        NoCheckpointError: If there is none at the URL.
        shards.errors.StoreError: If the store cannot be read.
    """
    url = url_of(path)
    if url is None:
        yield path
        return
    place, _, name = url.rpartition("/")
    with tempfile.TemporaryDirectory(prefix="lungseg-") as folder:
        here = Path(folder) / name
        try:
            Remote(url=place).download(name, here, sha256=None)
        except FileNotFoundError as error:
            raise NoCheckpointError("no such file") from error
        yield here
