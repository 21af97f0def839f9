"""The command `python -m lungseg.evaluate`."""

import subprocess
import sys

import pytest

from lungseg.evaluate import main
from lungseg.evaluation.options import EvaluateOptions
from shards.console.out import OutError


@pytest.fixture
def evaluated(tmp_path, monkeypatch):
    """Function: options -> what the command returns, with nothing scored."""
    monkeypatch.setattr("lungseg.evaluation.score_all.evaluate", lambda options: {"of": options})
    for name in ("scans", "masks", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "other" / "thesis.tex").touch()

    def evaluate(**given):
        needed = {"source": tmp_path / "scans", "predictions": tmp_path / "masks"}
        options = EvaluateOptions(**needed | {"out": tmp_path / "out"} | given)
        return options, main(options)

    return evaluate


def test_the_options_are_what_is_evaluated(evaluated):
    options, result = evaluated()
    assert result == {"of": options}


@pytest.mark.parametrize("out", ["scans", "scans/out", "masks", "masks/out", "other"])
def test_nothing_is_written_where_scans_masks_or_other_files_lie(evaluated, tmp_path, out):
    with pytest.raises(OutError, match=r"--out .* (which is read|holds other files)"):
        evaluated(out=tmp_path / out)


def test_an_earlier_evaluation_may_lie_there(evaluated, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "metrics.json").write_text("{}")
    evaluated()


def test_starting_does_not_import_torch():
    code = (
        "import sys, lungseg.evaluate, lungseg.fit, lungseg.predict; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
