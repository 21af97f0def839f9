"""`python -m lungseg.export`: hand a model on as ONNX."""

from typing import Any

import shards.console.early  # isort: skip  # noqa: F401 (first, for a Ctrl-C meanwhile)
from lungseg.portable.options import ExportOptions
from shards.console.command import run
from shards.console.out import refuse_out_file

DESCRIPTION = """Write a checkpoint as one ONNX file, for any program with ONNX Runtime.

HU of slices of any size go in, probabilities on the same pixels come out: clip, resize, windows and
scale are in the graph. Where the training's slices have a pitch in mm (--pixel-mm), the mm from row
to row and from column to column go in too, as `spacing`. The file appears only when ONNX Runtime
computes with it what torch does. Its metadata hold recipe, threshold and the names of the
training's cases. Not for clinical use."""


def main(options: ExportOptions) -> dict[str, Any]:
    """Export, with the heavy libraries imported only now."""
    refuse_out_file(options.out, starts_with=b"\x08", sources=[options.checkpoint])
    from lungseg.portable.export import export

    return export(options)


def show(result: dict[str, Any]) -> str:
    """Render the result for people."""
    difference = f"{result['largest_difference']:.1e}"
    return (
        f"wrote {result['out']} ({result['bytes'] / 1e6:.1f} MB)\n"
        f"ONNX Runtime against torch: probabilities at most {difference} apart"
    )


if __name__ == "__main__":
    run(ExportOptions, main, prog="python -m lungseg.export", description=DESCRIPTION, show=show)
