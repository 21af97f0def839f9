"""Slices -> a lung-tumor segmentation model -> masks, scores and pictures.

From Python, `help(lungseg.fit_model)` and so on say more:

    result = lungseg.fit_model("runs/shards", "runs/first", epochs=10)  # options of lungseg.fit
    model = lungseg.load_model("runs/first/best.ckpt")
    mask = lungseg.predict_volume(model, hu, affine)  # (i, j, k) HU, (4, 4) RAS+ mm
    scores = lungseg.score_masks(truth, mask, affine)

At a prompt, `python -m lungseg --help` lists the commands.
"""

from typing import Any

__all__ = ["fit_model", "load_model", "predict_volume", "score_masks"]


def __getattr__(name: str) -> Any:
    """Import `lungseg.api` when one of its names is asked for: commands start without torch."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lungseg import api

    return getattr(api, name)
