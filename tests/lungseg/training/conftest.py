"""What tests of training share: toy shards, and one finished training that nobody changes."""

import pytest

from lungseg.training.run import fit
from tests.toy_shards import make_shards
from tests.toy_training import options


@pytest.fixture(scope="session")
def shards(tmp_path_factory):
    """Folder of a shard set of five tiny cases."""
    return make_shards(tmp_path_factory.mktemp("disks"))


@pytest.fixture(scope="session")
def finished(shards, tmp_path_factory):
    """Folder of a training of one epoch."""
    out = tmp_path_factory.mktemp("runs") / "run"
    fit(options(shards, out, epochs=1))
    return out
