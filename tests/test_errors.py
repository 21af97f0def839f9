"""The families of known errors are as they are drawn, and each is told in one line."""

import importlib
import re

import pytest

from shards.console.errors import KnownError

FAMILIES = (
    "shards.errors",
    "lungseg.errors",
    "tune.options.errors",
    "lungseg.inference.errors",
    "lungseg.portable.errors",
    "lungseg.viewer.errors",
)


def family(module):
    """The classes that a module defines, by name."""
    found = vars(importlib.import_module(module)).values()
    return {kind.__name__: kind for kind in found if getattr(kind, "__module__", "") == module}


def drawn(module):
    """Name -> name of its parent, by the tree at the top of a module."""
    parents, path = {}, ["KnownError"]
    for branch, name in re.findall(
        r"^([│ ]*[└├]── )(\w+)", importlib.import_module(module).__doc__, re.M
    ):
        depth = len(branch) // 4
        parents[name] = path[depth - 1]
        path[depth:] = [name]
    return parents


@pytest.mark.parametrize("module", FAMILIES[:3])
def test_the_tree_at_the_top_of_a_family_is_the_family(module):
    bases = {name: kind.__base__.__name__ for name, kind in family(module).items()}
    assert drawn(module) == bases != {}


@pytest.mark.parametrize("module", FAMILIES)
def test_each_error_is_known_and_keeps_its_message(module):
    for kind in family(module).values():
        assert issubclass(kind, KnownError)
        assert str(kind("what, where: do this")) == "what, where: do this"
        assert kind.__doc__.endswith(".")
