"""What tests of cross-validation share: toy shards, and folds that are trained in this process."""

import pytest

from lungseg.crossval import run
from lungseg.training.run import fit
from tests.toy_shards import make_shards


@pytest.fixture(scope="session")
def shards(tmp_path_factory):
    """Folder of a shard set of five tiny cases in five folds."""
    return make_shards(tmp_path_factory.mktemp("disks"))


@pytest.fixture
def trained(monkeypatch):
    """The folds that are trained, in order; each in this process."""
    folds = []

    def train(options):
        folds.append(options.validation.fold)
        fit(options)

    monkeypatch.setattr(run, "train_fold", train)
    return folds
