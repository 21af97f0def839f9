"""A run that was moved still knows what its best checkpoint has to beat."""

import pytest
import torch

from lungseg.training.callbacks.best_checkpoint import BEST, BestCheckpoint
from lungseg.training.run import fit
from tests.toy_shards import make_shards
from tests.toy_training import options


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Folder of a training of one epoch."""
    shards = make_shards(tmp_path_factory.mktemp("shards"))
    folder = tmp_path_factory.mktemp("runs") / "run"
    fit(options(shards, folder, epochs=1, augment="none"))
    return folder


def test_the_score_to_beat_moves_along(run, tmp_path):
    callbacks = torch.load(run / "last.ckpt", weights_only=True)["callbacks"]
    (state,) = [state for key, state in callbacks.items() if key.startswith("BestCheckpoint")]
    assert state["best_model_path"] == str(run / BEST)
    moved = BestCheckpoint(tmp_path / "elsewhere")
    moved.load_state_dict(state)
    assert moved.best_model_score == state["best_model_score"]
    assert moved.best_model_path == str(tmp_path / "elsewhere" / BEST)
    assert moved.best_k_models == {moved.kth_best_model_path: moved.best_model_score}
