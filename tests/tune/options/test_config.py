"""Settings that make no search are refused, with the flag to mend."""

from pathlib import Path

import pytest

from tune.options.config import SearchOptions


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"trials": 0}, "--trials"),
        ({"losses": ()}, "--losses"),
        ({"lr_range": (1e-2, 1e-3)}, "LOW HIGH"),
        ({"oversample_range": (0.0, 3.0)}, "above 0"),
        ({"gpus_per_trial": 1.5}, "a fraction of one GPU or a whole number, got 1.5"),
        ({"gpus_per_trial": 0.5, "devices_per_trial": 2}, "needs as many --gpus-per-trial, or 0"),
        ({"gpus_per_trial": 4.0, "devices_per_trial": 2}, "needs as many --gpus-per-trial, or 0"),
        ({"gpus_per_trial": 4.0, "cpus_per_trial": 3}, "one for each of the 4 devices, got 3"),
        ({"folds": 1}, "--folds"),
        ({"folds": 2, "patience": 3}, "leave --patience out"),
        ({"folds": 2, "fold": "none"}, "--folds needs --fold with a number"),
        ({"folds": 2, "validation_cases": ("a",)}, "--folds needs --fold with a number"),
        ({"concurrent": 0}, "--concurrent"),
        ({"epochs": 0}, "--epochs"),
        ({"space": Path("s.yaml"), "losses": ("dice",)}, "--space and --losses exclude"),
        ({"space": Path("s.yaml"), "lr_range": (1e-3, 1e-2)}, "--space and --lr-range exclude"),
    ],
)
def test_settings_that_make_no_search_are_refused(wrong, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        SearchOptions.of(shards="x", out=tmp_path, **wrong)


@pytest.mark.parametrize(
    ("given", "ranks"),
    [
        ({}, 1),
        ({"gpus_per_trial": 0.5}, 1),
        ({"gpus_per_trial": 0.0}, 1),
        ({"gpus_per_trial": 4.0}, 4),
        ({"devices_per_trial": 2}, 2),
        ({"devices_per_trial": 2, "gpus_per_trial": 0.0, "cpus_per_trial": 2}, 2),
        ({"devices_per_trial": 2, "gpus_per_trial": 2.0}, 2),
        ({"devices_per_trial": 1, "gpus_per_trial": 0.5}, 1),
    ],
)
def test_each_whole_gpu_of_a_trial_is_a_rank(given, ranks, tmp_path):
    assert SearchOptions.of(shards="x", out=tmp_path, **given).ranks == ranks
