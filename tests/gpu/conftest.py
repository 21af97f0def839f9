"""The devices on which the laws of this folder hold: the processor here, and a GPU where one is."""

import pytest

from tests.toy_shards import make_shards
from tests.toy_training import options


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request):
    return request.param


@pytest.fixture(scope="session")
def shards(tmp_path_factory):
    """Folder of a shard set of five tiny cases."""
    return make_shards(tmp_path_factory.mktemp("disks"))


@pytest.fixture
def options_on(device, shards):
    """Function: a folder and options -> a training on the device that augments where the net is."""
    given = {"accelerator": "cpu" if device == "cpu" else "gpu", "augment_on": "device"}
    return lambda out, **further: options(shards, out, **given | further)
