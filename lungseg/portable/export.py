"""A checkpoint -> an ONNX file with all that prediction needs, checked before it appears."""

import json
import logging
import warnings
from importlib.metadata import version
from typing import Any

import torch

from lungseg.inference.model_file import LoadedModel, load_model
from lungseg.portable.errors import ExportError
from lungseg.portable.graph import Portable
from lungseg.portable.options import ExportOptions
from lungseg.portable.parity import largest_difference
from shards.console.interrupt import NOTHING_WRITTEN, kept
from shards.console.whole import write_whole
from shards.console.words import in_a_line

_INPUT = (
    "hu: (batch, neighbors, height, width) float32, unclipped HU of axial slices at their own "
    "size; rows from the back of the patient to the front, columns from left to right, neighbors "
    "from the feet to the head with the slice to segment in the middle, the scan's edges repeated"
)
_SPACING = (
    "; spacing: (2,) float64, mm from row to row and from column to column, of all slices of the "
    "batch"
)
_OUTPUT = (
    "probability: (batch, height, width) float32, of tumor, on the pixels of the input; from "
    "`threshold` on it is tumor"
)
_NOTICE = "Lung-tumor segmentation of CT slices, by lungseg. Not for clinical use."


def export(options: ExportOptions) -> dict[str, Any]:
    """Write the file.

    Returns:
        Where it lies, its bytes, and how far it is from torch.

    Raises:
        ExportError: If a library is missing, the model cannot be exported, or the file would
            compute something else, or replace one.
        ModelFileError: If the checkpoint is none.
    """
    refuse_without_libraries()
    if options.out.exists() and not options.overwrite:
        raise ExportError(
            f"{options.out} would be replaced: choose another --out, or add --overwrite"
        )
    model = load_model(options.checkpoint)
    with kept(NOTHING_WRITTEN):
        content = as_onnx(model)
        difference = largest_difference(content, model)
    try:
        write_whole(options.out, content)
    except OSError as error:
        raise ExportError(
            f"--out {options.out} cannot be written ({error.strerror}): choose a place that can"
        ) from error
    return {"out": str(options.out), "bytes": len(content), "largest_difference": difference}


def refuse_without_libraries() -> None:
    """Say what is to be installed.

    Raises:
        ExportError: If a library is missing.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ModuleNotFoundError as missing:
        raise ExportError(
            f"export needs {missing.name}: pip install onnx onnxruntime onnxscript"
        ) from missing


def as_onnx(model: LoadedModel) -> bytes:
    """The bytes of an ONNX file: HU in, probabilities out, for any batch, height and width.

    Raises:
        ExportError: If torch cannot export the net.
    """
    import onnx

    for chatty in ("torch.onnx", "onnx_ir", "onnxscript"):  # of what they tidy up, or lack
        logging.getLogger(chatty).setLevel(logging.ERROR)
    size = model.recipe.size
    dimensions = {axis: torch.export.Dim(name) for axis, name in _FREE.items()}
    inputs: dict[str, tuple[torch.Tensor, dict[int, Any]]] = {
        "hu": (torch.zeros(2, model.neighbors, size + 1, size + 3), dimensions)
    }
    if model.recipe.pixel_mm is not None:
        inputs["spacing"] = torch.ones(2, dtype=torch.float64), {}
    examples, free = zip(*inputs.values(), strict=True)
    try:
        with torch.no_grad(), warnings.catch_warnings(action="ignore"):
            program = torch.onnx.export(
                Portable(model).eval(),
                examples,
                input_names=[*inputs],
                output_names=["probability"],
                dynamic_shapes=free,
                dynamo=True,
                optimize=False,  # torch 2.13 joins two clips wrongly; runtimes optimize themselves
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        what = in_a_line(error.__cause__ or error)
        raise ExportError(f"the net cannot be exported ({what}): use another --net") from error
    if program is None:
        raise ExportError("torch exported nothing: use another version of torch")
    file = program.model_proto
    file.doc_string, file.producer_name, file.producer_version = _NOTICE, "lungseg", _version()
    onnx.helper.set_model_props(file, facts(model))
    return bytes(file.SerializeToString(deterministic=True))


_FREE = {0: "batch", 2: "height", 3: "width"}


def facts(model: LoadedModel) -> dict[str, str]:
    """What the file says of itself beside its graph, all of it text."""
    return {
        "lungseg": _version(),
        "input": _INPUT + (_SPACING if model.recipe.pixel_mm is not None else ""),
        "output": _OUTPUT,
        "threshold": f"{model.threshold:g}",
        "neighbors": str(model.neighbors),
        "recipe": json.dumps(model.recipe.to_dict()),
        "post_processing": f"not in the file: {model.rules.in_words()}",
        "checkpoint_sha256": model.sha256,
        "training_cases": json.dumps(model.training_cases),
        "validation_cases": json.dumps(model.validation_cases),
        "notice": _NOTICE,
    }


def _version() -> str:
    return version("lungseg")
