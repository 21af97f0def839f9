"""A checkpoint of `lungseg.fit` -> a net that is ready to predict, and what it was trained on."""

import contextlib
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ingest.recipe import Recipe
from lungseg.checkpoint import NoCheckpointError, checkpoint_here, read_checkpoint
from lungseg.models.build import build_net
from lungseg.models.imported import NetError
from lungseg.models.memory_order import order_for_prediction
from lungseg.models.tiles import tiled
from lungseg.models.view import View, view_of
from lungseg.postprocessing.rules import Rules
from shards.console.errors import KnownError
from shards.console.words import in_a_line
from shards.storage.working_copy import shown

_NET = "net."
_NOT_OURS = "none of this program", "give one that `python -m lungseg.fit` wrote"
_NOT_READ = (
    "not one that this version of the program can use",
    "give another, or use the version that wrote it",
)


class ModelFileError(KnownError):
    """A file is no checkpoint that this program can use."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LoadedModel:
    """A trained model, with all that prediction needs.

    Attributes:
        net: In evaluation mode: (b, channels, h, w) float32, what `view` makes of HU, to
            (b, 1, h, w) logits; in squares where it was trained on squares.
        recipe: How a scan becomes the slices that the net was trained on.
        threshold: Probability from which a voxel is tumor.
        rules: Which lesions are kept, as `lungseg.calibrate` chose.
        chosen_with: `Ensemble.others` when threshold and rules were chosen; None: by no scans.
        neighbors: Neighboring slices in the net's channels, the slice itself included.
        training_cases: Names of the cases it was trained on.
        validation_cases: Names of the cases that chose the checkpoint.
        options: Options of the training, as plain data.
        sha256: Hash of the file's bytes, hexadecimal.
        bf16: Whether the net runs in bf16; its logits are taken as 32 bits.
    """

    net: nn.Module
    recipe: Recipe
    threshold: float = 0.5
    rules: Rules = field(default_factory=Rules)
    chosen_with: tuple[str, ...] | None = None
    neighbors: int = 1
    training_cases: tuple[str, ...] = ()
    validation_cases: tuple[str, ...] = ()
    options: dict[str, Any]
    sha256: str = ""
    bf16: bool = False

    @property
    def view(self) -> View:
        """What the net sees of HU."""
        return view_of(self.options, self.recipe.to_dict())

    def probability(self, pixels: torch.Tensor) -> torch.Tensor:
        """Run the net.

        Args:
            pixels: (b, neighbors, h, w) int16 HU.

        Returns:
            (b, h, w) float32, probability of tumor.
        """
        return self.probabilities(pixels)[0]

    def probabilities(self, pixels: torch.Tensor) -> torch.Tensor:
        """As `probability`, as those of the only member of an ensemble: (1, b, h, w)."""
        kind = pixels.device.type
        with torch.autocast(kind, torch.bfloat16) if self.bf16 else contextlib.nullcontext():
            logits: torch.Tensor = self.net(self.view(pixels))
        return torch.sigmoid(logits[:, 0].float())[None]


def load_model(path: Path, *, device: torch.device | None = None) -> LoadedModel:
    """Load a checkpoint; no code in the file is run.

    A net of the user's own is made from the class that the file names, a `torch.nn.Module` that
    Python can import here.

    Args:
        path: A file that `lungseg.fit` wrote, `best.ckpt` or `last.ckpt`, or a URL of one.
        device: Where the net shall lie; by default the CPU.

    Returns:
        The model.

    Raises:
        ModelFileError: If the file is absent, is no checkpoint, or one of another program.
    """
    checkpoint, sha256 = _read(path)
    try:
        return _loaded(checkpoint, sha256, device or torch.device("cpu"))
    except NetError as error:
        raise ModelFileError(f"{shown(path)}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        is_ours = "lungseg" in (checkpoint.get("hyper_parameters") or ())
        what, instead = _NOT_READ if is_ours else _NOT_OURS
        why = f"{type(error).__name__}: {in_a_line(error)}"
        raise ModelFileError(
            f"{shown(path)} is a checkpoint, but {what} ({why}): {instead}"
        ) from error


def _loaded(checkpoint: dict[str, Any], sha256: str, device: torch.device) -> LoadedModel:
    options = dict(checkpoint["hyper_parameters"])
    ours = options.pop("lungseg")
    decision = ours.get("decision")
    return LoadedModel(
        net=_net(options, checkpoint["state_dict"], device),
        recipe=Recipe.from_dict(ours["recipe"]),
        threshold=float(ours["threshold"]),
        rules=Rules(**decision["rules"]) if decision else Rules(),
        chosen_with=tuple(decision.get("chosen_with", ())) if decision else None,
        neighbors=int(ours["neighbors"]),
        training_cases=tuple(ours["training_cases"]),
        validation_cases=tuple(ours["validation_cases"]),
        options=options,
        sha256=sha256,
    )


def _net(options: dict[str, Any], weights: dict[str, Any], device: torch.device) -> nn.Module:
    net = build_net(options)
    net.load_state_dict(
        {name[len(_NET) :]: value for name, value in weights.items() if name.startswith(_NET)}
    )
    if not all(values.isfinite().all() for values in net.state_dict().values()):
        raise NetError("its weights are no finite numbers, its training diverged: give another")
    net = order_for_prediction(net, device)
    return tiled(net, options.get("crop_px")).eval().to(device)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path) -> tuple[dict[str, Any], str]:
    """The content of a file, and the hash of its bytes."""
    wrong = (
        f"{shown(path)} is no checkpoint ({{}}): give the best.ckpt that "
        "`python -m lungseg.fit` wrote"
    )
    try:
        with checkpoint_here(path) as here:
            return read_checkpoint(here), _sha256(here)
    except NoCheckpointError as error:
        raise ModelFileError(wrong.format(error)) from error
