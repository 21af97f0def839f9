"""The tables of a report say how its numbers were made."""

import platform
from importlib.metadata import version

from lungseg.evaluation.by_masks import MasksPredictor
from lungseg.evaluation.options import EvaluateOptions
from lungseg.evaluation.provenance import facts_of


class Told(MasksPredictor):
    def provenance(self):
        return {"Checkpoint": {"sha256": "abc"}}


def test_options_what_predicted_and_the_environment_are_told(tmp_path):
    options = EvaluateOptions(
        predictions=tmp_path, source=tmp_path / "in", out=tmp_path, tumor_labels=(1, 3)
    )
    facts = facts_of(options, Told(tmp_path, options))
    told, checkpoint, environment = facts.values()
    assert (told["source"], told["tumor_labels"]) == (str(tmp_path / "in"), [1, 3])
    assert (list(facts)[1], checkpoint) == ("Checkpoint", {"sha256": "abc"})
    assert environment["Python"] == platform.python_version()
    assert environment["torch"] == version("torch")
    assert environment["lungseg"] == version("lungseg")


def test_masks_of_others_have_no_table_of_their_own(tmp_path):
    options = EvaluateOptions(predictions=tmp_path, source=tmp_path, out=tmp_path)
    facts = facts_of(options, MasksPredictor(tmp_path, options))
    assert list(facts) == ["Options of this evaluation", "Environment"]
