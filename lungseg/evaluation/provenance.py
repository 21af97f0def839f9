"""How the numbers of an evaluation were made, as tables for its report."""

import platform
from importlib.metadata import version

from lungseg.evaluation.options import EvaluateOptions
from lungseg.evaluation.predictor import Predictor
from lungseg.report.evaluation import Facts
from shards.console.groups import flat_values


def facts_of(options: EvaluateOptions, predictor: Predictor) -> dict[str, Facts]:
    """Tables of the report that say how the numbers were made."""
    libraries = ("lungseg", "torch", "numpy", "opencv-python-headless")
    return {
        "Options of this evaluation": flat_values(options),
        **predictor.provenance(),
        "Environment": {
            "Python": platform.python_version(),
            "platform": platform.platform(),
            **{name: version(name) for name in libraries},
        },
    }
