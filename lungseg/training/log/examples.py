"""Slices that are shown as examples: which, how their pictures are called, which epochs."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from lungseg.report.pictures import webp_bytes
from lungseg.report.training import Example
from shards.index import ShardIndex

LARGEST, SMALLEST, FALSE = "largest", "smallest", "false"
TITLES = {
    LARGEST: "Large tumor",
    SMALLEST: "Small tumor",
    FALSE: "Worst false positive of the epoch",
}

_NUM_LARGEST, _NUM_SMALLEST = 6, 2
_EPOCHS_SHOWN = 6
_QUALITY = 75


def fixed_slices(index: ShardIndex, cases: Sequence[int]) -> dict[int, str]:
    """The slices that are drawn at every validation.

    They are the fullest slice of each of up to six cases where it is largest, and of up to two
    others where it is smallest.

    Args:
        index: The index of the shards.
        cases: Positions of the validation cases.

    Returns:
        Kind by row of the index, `LARGEST` or `SMALLEST`; of cases with tumor, largest first.
    """
    fullest = []
    for case in cases:
        of_case = index.rows_of(case)
        fullest.append(of_case.start + int(np.argmax(index.tumor_pixels[of_case])))
    rows = [row for row in fullest if index.tumor_pixels[row]]
    rows.sort(key=lambda row: (-int(index.tumor_pixels[row]), row))
    large, rest = rows[:_NUM_LARGEST], rows[_NUM_LARGEST:]
    return dict.fromkeys(large, LARGEST) | dict.fromkeys(rest[-_NUM_SMALLEST:], SMALLEST)


def picture_path(folder: Path, *, epoch: int, kind: str, slice_name: str) -> Path:
    """Where a picture lies.

    Args:
        folder: That of all pictures of a training.
        epoch: From 1 on.
        kind: `LARGEST`, `SMALLEST` or `FALSE`.
        slice_name: `<case>-<zzzz>`.
    """
    return folder / f"epoch-{epoch:03d}" / f"{kind}-{slice_name}.png"


def read_examples(folder: Path) -> list[Example]:
    """The pictures of some epochs, evenly spread, the first and the last among them."""
    epochs = sorted(
        (int(path.name.removeprefix("epoch-")), path) for path in folder.glob("epoch-*")
    )
    steps = np.linspace(0, len(epochs) - 1, min(_EPOCHS_SHOWN, len(epochs))).round().astype(int)
    found: dict[tuple[int, str], dict[int, Path]] = {}
    for epoch, path in (epochs[step] for step in steps):
        for picture in sorted(path.glob("*.png")):
            kind, _, name = picture.stem.partition("-")
            if kind in TITLES:
                one = (list(TITLES).index(kind), "" if kind == FALSE else name)
                found.setdefault(one, {})[epoch] = picture
    return [
        Example(
            title=list(TITLES.values())[kind],
            pictures={epoch: _webp(path) for epoch, path in paths.items()},
            where={epoch: _where(path) for epoch, path in paths.items()},
        )
        for (kind, _), paths in sorted(found.items())
    ]


def _webp(path: Path) -> bytes:
    with Image.open(BytesIO(path.read_bytes())) as picture:
        return webp_bytes(np.asarray(picture.convert("RGB")), quality=_QUALITY)


def _where(path: Path) -> str:
    case, _, z = path.stem.partition("-")[2].rpartition("-")
    return f"{case}, slice {int(z)}"
