"""A checkpoint is read back, and one that is damaged in whatever way is one kind of error."""

import io
import random
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lungseg.checkpoint import NoCheckpointError, read_checkpoint
from tests.fuzz import damaged

CONTENT = {"state_dict": {"net.w": torch.arange(6.0)}, "hyper_parameters": {"lr": 0.1, "ü": "é"}}


def saved():
    stream = io.BytesIO()
    torch.save(CONTENT, stream)
    return stream.getvalue()


@pytest.mark.parametrize("mmap", [False, True])
def test_what_was_saved_is_read_back(tmp_path, mmap):
    (tmp_path / "a.ckpt").write_bytes(saved())
    found = read_checkpoint(tmp_path / "a.ckpt", mmap=mmap)
    assert found["hyper_parameters"] == CONTENT["hyper_parameters"]
    assert torch.equal(found["state_dict"]["net.w"], torch.arange(6.0))


def test_what_lies_there_instead_is_said(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"PK\3\4 and more")
    for name, said in (("absent", "no such file"), ("", "a folder"), ("a.txt", "13 bytes, not th")):
        with pytest.raises(NoCheckpointError, match=f"^{said}"):
            read_checkpoint(tmp_path / name)


@given(seed=st.integers(0, 2**64))
def test_damage_is_one_kind_of_error_with_a_word_to_it(tmp_path_factory, seed):
    path = Path(tmp_path_factory.getbasetemp()) / "damaged.ckpt"
    path.write_bytes(damaged(saved(), random.Random(seed)))
    try:
        assert isinstance(read_checkpoint(path), dict)
    except NoCheckpointError as error:
        said = str(error)
    else:
        said = "its damage hurt nothing"
    assert said
    assert "\n" not in said


class RunsCode:
    """What a hostile file holds: on loading, it would make a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_code_in_a_file_is_not_run_and_nobody_is_advised_to_run_it(tmp_path):
    torch.save({"state_dict": RunsCode(tmp_path / "trace")}, tmp_path / "a.ckpt")
    with pytest.raises(NoCheckpointError, match=r"^it holds more than .* never run$"):
        read_checkpoint(tmp_path / "a.ckpt")
    assert not (tmp_path / "trace").exists()


def test_what_holds_no_names_is_none(tmp_path):
    torch.save([1, 2], tmp_path / "a.ckpt")
    with pytest.raises(NoCheckpointError, match="holds a list"):
        read_checkpoint(tmp_path / "a.ckpt")
