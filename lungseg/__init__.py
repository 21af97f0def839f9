"""Slices -> a lung-tumor segmentation model -> masks, scores and pictures.

From Python: `fit_model`, `load_model`, `predict_volume` and `score_masks`, see `lungseg.api`.
"""

from typing import Any

__all__ = ["fit_model", "load_model", "predict_volume", "score_masks"]


def __getattr__(name: str) -> Any:
    """Import `lungseg.api` when one of its names is asked for: commands start without torch."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lungseg import api

    return getattr(api, name)
