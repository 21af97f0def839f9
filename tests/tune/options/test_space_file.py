"""A space is held against the options of the training before anything starts."""

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from tune.options.errors import SearchError
from tune.options.space_file import read_space


@pytest.fixture
def read(tmp_path):
    """Function: YAML -> what is read of it."""

    def of(text):
        path = tmp_path / "space.yaml"
        path.write_text(text)
        return read_space(path)

    return of


def test_every_kind_is_read_and_what_others_depend_on_comes_first(read):
    searched, points = read(
        """
        focal-gamma: {uniform: [0, 4]}
        lr: {log: [1e-5, 0.1]}
        loss: {choice: [focal, dice]}
        width: {int: [8, 64]}
        precision: {choice: [32, bf16]}
        residual: {choice: [true, false]}
        clip: {choice: [None, 1]}
        first:
        - {lr: 1e-3, loss: focal}
        """
    )
    assert searched == {
        "loss": CategoricalDistribution(("focal", "dice")),
        "focal_gamma": FloatDistribution(0.0, 4.0),
        "lr": FloatDistribution(1e-5, 0.1, log=True),
        "width": IntDistribution(8, 64),
        "precision": CategoricalDistribution(("32", "bf16")),
        "residual": CategoricalDistribution((True, False)),
        "clip": CategoricalDistribution((None, 1.0)),
    }
    assert next(iter(searched)) == "loss"
    assert points == [{"lr": 1e-3, "loss": "focal"}]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("widht: {int: [8, 16]}", "widht is no option of the training, perhaps you meant width"),
        ("epochs: {int: [3, 9]}", "epochs cannot be searched, as trials are compared epoch by"),
        ("fold: {int: [0, 4]}", "fold cannot be searched, as trials share their validation"),
        ("shards: {choice: [a, b]}", "shards cannot be searched"),
        ("lr: {log: [0.0001, 5000]}", "--lr must be above 0 and at most 1000, got 5000"),
        ("lr: {log: [0.1, 0.01]}", "lr must be {choice"),
        ("dropout: {log: [0, 0.5]}", "dropout must be .* above 0"),
        ("lr: {loguniform: [0.1, 0.2]}", "lr must be {choice"),
        ("lr: 3", "lr must be {choice"),
        ("lr: {choice: []}", "lr must be {choice"),
        ("width: {uniform: [8, 16]}", "width must be .* whole numbers"),
        ("lr: {int: [1, 2]}", "lr must be {choice"),
        ("loss: {choice: [dice, dcie]}", "--loss"),
        ("channels: {choice: [16]}", "channels must be .* of single values"),
        ("lr: {log: [0.001, 0.1]}\nfirst: [{width: 8}]", "width, which is not searched"),
        ("lr: {log: [0.001, 0.1]}\nfirst: [{lr: -1}]", "--lr must be above 0"),
        ("lr: {log: [0.001, 0.1]}\nfirst: 3", "first must be a list of points, got 3"),
        ("first: []", "it holds none"),
        ("- lr", "it holds none"),
        ("lr: {", "cannot be read as YAML"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_one_line_with_the_reason(read, text, said):
    with pytest.raises(SearchError, match=said) as caught:
        read(text)
    assert "space.yaml" in str(caught.value)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(SearchError, match=r"cannot be read as YAML: .*No such file"):
        read_space(tmp_path / "none.yaml")
