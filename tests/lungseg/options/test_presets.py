"""A preset is the options it names, below files and flags, in Python and on the command line."""

import pytest
import torch

from lungseg.models.build import build_net
from lungseg.options.fit import FitOptions
from lungseg.options.presets import PRESETS
from shards.console.command import UsageError, parse, save_config
from shards.console.groups import flat_values

NEEDED = {"shards": "s", "out": "o"}


def parsed(*words):
    return parse(FitOptions, ["--shards", "s", "--out", "o", *words], prog="fit", description="")


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_sets_what_it_says_and_nothing_else(name):
    found, plain = (flat_values(FitOptions.of(**NEEDED, preset=p)) for p in (name, "default"))
    changed = {key for key in found if found[key] != plain[key]}
    assert changed <= {*PRESETS[name], "preset"}
    assert {key: found[key] for key in PRESETS[name]} == PRESETS[name]
    assert flat_values(parsed("--preset", name)) == found


def test_flags_and_files_change_a_preset(tmp_path):
    given = parsed("--preset", "tutorial", "--epochs", "2", "--channels", "8", "16")
    assert (given.step.epochs, given.net.channels, given.net.norm) == (2, (8, 16), "none")
    save_config(given, tmp_path / "config.yaml")
    again = parsed("--config", str(tmp_path / "config.yaml"), "--loss", "dice")
    assert flat_values(again) == flat_values(given) | {"loss": "dice"}
    assert FitOptions.of(**NEEDED, preset="small", neighbors=5).view.neighbors == 5


@pytest.mark.parametrize("name", ["width", "depth"])
def test_width_and_depth_stand_in_the_place_of_a_presets_channels(tmp_path, name):
    for given in (
        parsed("--preset", "small", f"--{name}", "4"),
        FitOptions.of(**NEEDED, preset="small", **{name: 4}),
    ):
        assert (getattr(given.net, name), given.net.channels) == (4, ())
        assert given.crop.crop_px == 96
        save_config(given, tmp_path / "config.yaml")
        assert parsed("--config", str(tmp_path / "config.yaml")).net == given.net
    save_config(parsed("--preset", "small"), tmp_path / "config.yaml")
    after = parsed("--config", str(tmp_path / "config.yaml"), f"--{name}", "4").net
    assert (getattr(after, name), after.channels) == (4, ())
    with pytest.raises(UsageError, match=f"--channels and --{name} exclude each other"):
        parsed("--channels", "8", "16", f"--{name}", "4")


def test_the_tutorial_is_the_notebooks_net():
    net = build_net(flat_values(FitOptions.of(**NEEDED, preset="tutorial")))
    assert sum(weight.numel() for weight in net.parameters()) == 7_781_761
    assert not [layer for layer in net.modules() if "Norm" in type(layer).__name__]


def test_the_small_net_is_small():
    options = flat_values(FitOptions.of(**NEEDED, preset="small"))
    net = build_net(options)
    assert sum(weight.numel() for weight in net.parameters()) < 500_000
    assert net.eval()(torch.zeros(1, options["neighbors"], 32, 32)).shape == (1, 1, 32, 32)
