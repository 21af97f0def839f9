"""A new checkpoint replaces nothing that it should not."""

import pytest
import torch

from lungseg.calibration.new_checkpoint import NewCheckpointError, refuse_to_replace, write_new
from lungseg.calibration.setting import Setting


def test_what_lies_there_is_not_replaced_unless_told_so(tmp_path):
    old, new = tmp_path / "best.ckpt", tmp_path / "new.ckpt"
    old.touch()
    refuse_to_replace(new, old, overwrite=False)
    new.touch()
    with pytest.raises(NewCheckpointError, match="would be replaced"):
        refuse_to_replace(new, old, overwrite=False)
    refuse_to_replace(new, old, overwrite=True)
    with pytest.raises(NewCheckpointError, match="is the checkpoint itself"):
        refuse_to_replace(old, old, overwrite=True)
    with pytest.raises(NewCheckpointError, match="is a folder"):
        refuse_to_replace(tmp_path, old, overwrite=True)


def test_only_the_setting_differs(tmp_path):
    ours = {"threshold": 0.5, "neighbors": 3}
    content = {"state_dict": {"net.w": torch.ones(2)}, "hyper_parameters": {"lungseg": ours}}
    torch.save(content, tmp_path / "best.ckpt")
    setting = Setting(threshold=0.3, keep_largest=1)
    write_new(tmp_path / "best.ckpt", tmp_path / "new.ckpt", setting, {"n": 7})
    new = torch.load(tmp_path / "new.ckpt", weights_only=True)
    assert torch.equal(new["state_dict"]["net.w"], torch.ones(2))
    rules = {"lung_hull": False, "smallest_mm3": 0.0, "keep_largest": 1}
    decision = {"n": 7, "rules": rules}
    assert new["hyper_parameters"]["lungseg"] == ours | {"threshold": 0.3, "decision": decision}


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    torch.save({"hyper_parameters": {"lungseg": {}}}, tmp_path / "best.ckpt")
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "new.ckpt"
    with pytest.raises(NewCheckpointError, match="cannot be written"):
        write_new(tmp_path / "best.ckpt", out, Setting(threshold=0.3), {})
