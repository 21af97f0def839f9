"""Whether a file computes in ONNX Runtime what a prediction computes in torch."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ingest.scans.geometry import Grid, as_affine
from ingest.slices.field import Field
from ingest.slices.prepare import prepare_image
from lungseg.inference.model_file import LoadedModel
from lungseg.portable.errors import ExportError
from shards.console.words import in_a_line

MOST_APART = 1e-3
"""The most that two probabilities may differ; a HU rounded the other way makes about 1e-4."""


def largest_difference(content: bytes, model: LoadedModel) -> float:
    """Run slices of several sizes and batches both ways.

    Args:
        content: The bytes of the ONNX file.
        model: The model, on the CPU.

    Returns:
        The largest difference of two probabilities.

    Raises:
        ExportError: If ONNX Runtime cannot run the file, or it computes something else.
    """
    import onnxruntime

    try:
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        found = max(
            float(np.abs(session.run(None, given)[0] - _in_torch(model, **given)).max())
            for given in _inputs(model)
        )
    except Exception as error:  # ONNX Runtime's errors have no family of their own
        raise ExportError(
            f"ONNX Runtime cannot run the exported net ({in_a_line(error)}): use another "
            "version of torch or onnxruntime"
        ) from error
    if not found <= MOST_APART:
        raise ExportError(
            f"the exported net differs from the checkpoint by {found:.2g} in probability, at most "
            f"{MOST_APART:g} is right: use another version of torch or onnxruntime"
        )
    return found


def _inputs(model: LoadedModel) -> list[dict[str, npt.NDArray[Any]]]:
    """Noise in HU: of the net's size, twice as large, and of no simple ratio.

    Where the recipe has a pitch, of that, of half and double, and of no simple ratio.
    """
    size, numbers = model.recipe.size, np.random.default_rng(0)
    shapes = [(2, size, size), (1, 2 * size, 2 * size), (1, size + 37, size // 2 + 9)]
    noise = [
        numbers.normal(-400, 500, (batch, model.neighbors, height, width)).round().astype("f4")
        for batch, height, width in shapes
    ]
    pitch = model.recipe.pixel_mm
    if pitch is None:
        return [{"hu": hu} for hu in noise]
    ratios = [(1.0, 1.0), (0.5, 2.0), (0.37, 0.41)]
    return [
        {"hu": hu, "spacing": pitch * np.array(ratio)}
        for hu, ratio in zip(noise, ratios, strict=True)
    ]


def _in_torch(
    model: LoadedModel, hu: npt.NDArray[Any], spacing: npt.NDArray[Any] | None = None
) -> npt.NDArray[np.float32]:
    """As `lungseg.predict` does it."""
    down_mm, across_mm = (1.0, 1.0) if spacing is None else spacing
    affine = as_affine(np.diag([across_mm, down_mm, 1.0, 1.0]))
    field = Field.of(Grid(shape=(*hu.shape[:1:-1], 1), affine=affine), model.recipe)
    small = [
        [prepare_image(plane.astype(np.int16), model.recipe, field) for plane in stack]
        for stack in hu
    ]
    with torch.inference_mode():
        found = model.probability(torch.from_numpy(np.array(small))).numpy()
    return np.stack([field.back(piece) for piece in found])
