"""A file that computes something else than its checkpoint is refused."""

import numpy as np
import pytest

from lungseg.portable.errors import ExportError
from lungseg.portable.parity import largest_difference


class Session:
    """Stands for ONNX Runtime with a file that always answers one number."""

    answer = 0.5

    def __init__(self, content, providers):
        if content == b"no file":
            raise RuntimeError("it is\nno graph")

    def run(self, _, given):
        hu = given["hu"]
        return [np.full((len(hu), *hu.shape[2:]), self.answer, np.float32)]


@pytest.fixture(autouse=True)
def runtime(monkeypatch):
    monkeypatch.setattr("onnxruntime.InferenceSession", Session)


def test_the_largest_difference_is_found_and_judged(make_model, monkeypatch):
    never = make_model(above_hu=1e9, size=16)  # probability 0 everywhere
    with pytest.raises(ExportError, match=r"differs from the checkpoint by 0\.5 in probability"):
        largest_difference(b"", never)
    monkeypatch.setattr(Session, "answer", 0.0005)
    assert largest_difference(b"", never) == pytest.approx(0.0005)
    monkeypatch.setattr(Session, "answer", float("nan"))
    with pytest.raises(ExportError, match="differs"):
        largest_difference(b"", never)


def test_a_file_that_does_not_run_is_one_known_error(make_model):
    with pytest.raises(ExportError, match=r"cannot run the exported net \(it is no graph\)"):
        largest_difference(b"no file", make_model(size=16))
