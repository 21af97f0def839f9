"""A user's own net is made from its import path, or refused in one line."""

import sys

import pytest
import torch
from torch import nn

from lungseg.models.imported import NetError, check_output, imported_net

CODE = """
from torch import nn

class Plain(nn.Module):
    def __init__(self, in_channels, wide=False, rates=(1, 2), name="", lr=0.0):
        super().__init__()
        self.given = (in_channels, wide, rates, name, lr)

class Blind(nn.Module):
    pass

def function():
    raise AssertionError
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "nets_of_a_user.py").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path)
    yield "nets_of_a_user"
    sys.modules.pop("nets_of_a_user", None)


def test_arguments_are_python_or_json_values_or_texts(module):
    words = ["wide=true", "rates=[3, 4]", "name=res net=2", "lr=1e-3"]
    assert imported_net(f"{module}:Plain", words, in_channels=3).given == (
        *(3, True, [3, 4], "res net=2", 0.001),
    )
    words = ["wide=False", "rates=(3,)", "in_channels=7", "name=None"]
    assert imported_net(f"{module}:Plain", words, in_channels=3).given == (7, False, (3,), None, 0)


def test_a_class_without_in_channels_is_not_given_any(module):
    assert not list(imported_net(f"{module}:Blind", [], in_channels=3).parameters())


@pytest.mark.parametrize(
    ("path", "words", "said"),
    [
        ("resnet", [], "must be unet or package.module:Class, got resnet"),
        ("no_such_module:Net", [], "cannot be imported .*no_such_module.*PYTHONPATH"),
        ("nets_of_a_user:Absent", [], "cannot be imported .*Absent"),
        ("nets_of_a_user:function", [], "must be a subclass of torch.nn.Module"),
        ("os:system", ["command=true"], "must be a subclass of torch.nn.Module"),
        ("nets_of_a_user:Plain", ["depth=3"], "cannot be made with .*depth.*mend --net-args"),
        ("nets_of_a_user:Plain", ["depth"], "--net-args needs name=value, got depth"),
    ],
)
def test_what_cannot_be_made_is_said_in_one_line(module, path, words, said):
    with pytest.raises(NetError, match=said) as caught:
        imported_net(path, words, in_channels=1)
    assert "\n" not in str(caught.value)


class Logits(nn.Module):
    def __init__(self, make):
        super().__init__()
        self.make = make

    def forward(self, image):
        assert not self.training
        return self.make(image)


def test_a_net_with_one_logit_per_pixel_passes_and_stays_in_training():
    net = Logits(lambda image: image[:, :1]).train()
    check_output(net, in_channels=3, height=5, width=4)
    assert net.training


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda image: image, r"must make logits \(1, 1, 5, 4\).*got \(1, 3, 5, 4\)"),
        (lambda image: [image], "got list"),
        (lambda image: image @ torch.zeros(9, 9), "cannot take slices of 3 x 5 x 4 .RuntimeError"),
    ],
)
def test_a_net_that_gives_something_else_is_refused(make, said):
    with pytest.raises(NetError, match=said):
        check_output(Logits(make), in_channels=3, height=5, width=4)
