"""How the numbers of an evaluation were made, as tables for its report."""

import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import torch

from lungseg.evaluation.options import EvaluateOptions
from lungseg.inference.model_file import LoadedModel
from lungseg.report.evaluation import Facts
from shards.console.groups import flat_values


def facts_of(
    options: EvaluateOptions,
    model: LoadedModel,
    result: Mapping[str, Any],
    device: torch.device,
) -> dict[str, Facts]:
    """Tables of the report that say how the numbers were made."""
    environment = {
        "Python": platform.python_version(),
        "platform": platform.platform(),
        "device": str(device),
        **{name: version(name) for name in ("lungseg", "torch", "numpy", "opencv-python-headless")},
    }
    checkpoint = {
        "file": result["checkpoint"],
        "sha256": result["checkpoint_sha256"],
        "trained on": ", ".join(model.training_cases),
        "validated on": ", ".join(model.validation_cases),
        **model.options,
    }
    return {
        "Options of this evaluation": flat_values(options),
        "Recipe: from scan to slices": result["recipe"],
        "Checkpoint and options of its training": checkpoint,
        "Environment": environment,
    }
