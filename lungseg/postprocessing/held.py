"""Slices that are held until their scan was seen to its end, outside of the memory."""

import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_IN_MEMORY = 2**23  # bytes; what is more lies in a file
Array = npt.NDArray[Any]


class Held:
    """Takes the arrays of each slice, and gives them back in order.

    Args:
        folder: Where a file for them may lie, without a name.
    """

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.SpooledTemporaryFile(  # noqa: SIM115 (closed by `__exit__`)
            _IN_MEMORY, mode="w+b", dir=str(folder)
        )
        self._forms: list[list[tuple[tuple[int, ...], str, int]]] = []

    def put(self, *arrays: Array) -> None:
        """Hold a slice.

        Raises:
            OSError: If there is no room for it.
        """
        forms = []
        for array in arrays:
            packed = zlib.compress(array.tobytes(), 1)
            self._file.write(packed)
            forms.append((array.shape, array.dtype.str, len(packed)))
        self._forms.append(forms)

    def __iter__(self) -> Iterator[list[Array]]:
        """Yield the arrays of each slice."""
        self._file.seek(0)
        for forms in self._forms:
            yield [
                np.frombuffer(zlib.decompress(self._file.read(size)), kind).reshape(shape)
                for shape, kind, size in forms
            ]

    def __enter__(self) -> "Held":
        """Be closed at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the file."""
        self._file.close()
