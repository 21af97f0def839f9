"""A run that was moved still knows what its best checkpoint has to beat."""

import torch

from lungseg.training.callbacks.best_checkpoint import BEST, BestCheckpoint


def test_the_score_to_beat_moves_along(finished, tmp_path):
    callbacks = torch.load(finished / "last.ckpt", weights_only=True)["callbacks"]
    (state,) = [state for key, state in callbacks.items() if key.startswith("BestCheckpoint")]
    assert state["best_model_path"] == str(finished / BEST)
    moved = BestCheckpoint(tmp_path / "elsewhere")
    moved.load_state_dict(state)
    assert moved.best_model_score == state["best_model_score"]
    assert moved.best_model_path == str(tmp_path / "elsewhere" / BEST)
    assert moved.best_k_models == {moved.kth_best_model_path: moved.best_model_score}
