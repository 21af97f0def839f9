"""The losses and the Dice of all epochs as a picture, curves.png."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import pytorch_lightning as pl
from PIL import Image, ImageDraw
from pytorch_lightning.callbacks import Callback

from shards.console.whole import write_whole

_PANELS = {
    "loss": ("train/loss", "val/loss"),
    "Dice": ("val/dice_case_mean", "val/dice_pooled_soft"),
}
_COLORS = ("#0b6e99", "#c4510c")
_WIDTH, _HEIGHT, _MARGIN = 480, 320, 48


class Curves(Callback):
    """Draws the table of the epochs after each.

    Args:
        table: metrics.csv, which the epoch stands in by then.
        picture: Where to draw.
    """

    def __init__(self, table: Path, picture: Path) -> None:
        self._table, self._picture = table, picture

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Draw."""
        if trainer.is_global_zero:
            with self._table.open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            content = io.BytesIO()
            curves_picture(rows).save(content, "PNG")
            write_whole(self._picture, content.getvalue())


def curves_picture(rows: Sequence[dict[str, str]]) -> Image.Image:
    """Two panels side by side: losses, and Dice from 0 to 1; epochs run to the right.

    Args:
        rows: Those of metrics.csv; a column that is empty has no curve.
    """
    picture = Image.new("RGB", (_WIDTH * len(_PANELS), _HEIGHT), "white")
    draw = ImageDraw.Draw(picture)
    for number, (title, columns) in enumerate(_PANELS.items()):
        curves = {name: _points(rows, name) for name in columns if _points(rows, name)}
        values = [value for points in curves.values() for _, value in points]
        highest = 1.0 if title == "Dice" else max(values, default=1.0)
        _panel(draw, number * _WIDTH, title, curves, size=(len(rows), max(highest, 1e-9)))
    return picture


def _points(rows: Sequence[dict[str, str]], name: str) -> list[tuple[int, float]]:
    """(row, value) of a column's values; epochs without validation have none of some."""
    return [(k, float(row[name])) for k, row in enumerate(rows) if row.get(name)]


def _panel(
    draw: ImageDraw.ImageDraw,
    left: int,
    title: str,
    curves: dict[str, list[tuple[int, float]]],
    *,
    size: tuple[int, float],
) -> None:
    num_epochs, highest = size
    right, bottom = left + _WIDTH - _MARGIN // 2, _HEIGHT - _MARGIN
    start, top = left + _MARGIN, _MARGIN // 2
    draw.line([(start, top), (start, bottom), (right, bottom)], fill="#666666")
    draw.text((left + 4, top - 6), f"{highest:.3g}", fill="#333333")
    draw.text((left + 4, bottom - 6), "0", fill="#333333")
    draw.text((start, bottom + 6), "epoch 1", fill="#333333")
    if num_epochs > 1:
        draw.text((right - 60, bottom + 6), f"epoch {num_epochs}", fill="#333333")
    for number, (name, known) in enumerate(curves.items()):
        color = _COLORS[number]
        step = (right - start) / max(1, num_epochs - 1)
        points = [
            (start + epoch * step, bottom - (bottom - top) * min(1.0, value / highest))
            for epoch, value in known
        ]
        draw.line(points, fill=color, width=2)
        draw.ellipse([*(x - 2 for x in points[-1]), *(x + 2 for x in points[-1])], fill=color)
        draw.text((start + 8 + 200 * number, bottom + 22), f"{title}: {name}", fill=color)
