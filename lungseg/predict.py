"""Find tumor in scans: a mask on each scan's own grid, and on request an animation."""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.case import BadCaseError, Case, case_name
from ingest.dicom.signature import is_dicom
from lungseg.inference.options import InferenceOptions
from shards.console.command import run, save_config
from shards.console.errors import KnownError

if TYPE_CHECKING:
    import torch

    from ingest.slices.source_grid import ScanSlices
    from lungseg.inference.infer import Mask
    from lungseg.inference.model_file import LoadedModel

logger = logging.getLogger(__name__)

_SUFFIXES = (".nii.gz", ".nii")


class PredictError(KnownError):
    """There is nothing to predict, or something lies in the way of the result."""


@dataclass(frozen=True, kw_only=True)
class PredictOptions(InferenceOptions):
    """Find tumor in scans."""

    input: Path
    """A NIfTI file (`.nii.gz`, `.nii`), a folder of them, or a folder with DICOM series."""
    out: Path
    """Folder for `<case>.nii.gz`: 1 is tumor, on the scan's own grid."""
    gif: bool = False
    """Write `<case>.gif` too: the slices that the model saw, the prediction outlined."""
    overwrite: bool = False
    """Replace results that are already in the folder."""


def main(options: PredictOptions) -> dict[str, Any]:
    """Predict every scan; one that cannot be read does not keep the others from being done."""
    scans = find_scans(options.input)
    check_out(options, scans)

    from lungseg.inference.infer import pick_device
    from lungseg.inference.model_file import load_model

    device = pick_device(options.device)
    model = load_model(options.checkpoint, device=device)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        save_config(options, options.out / "config.yaml")
        return _predict_all(scans, model, options, device)
    except OSError as error:
        raise PredictError(
            f"--out {options.out} cannot be written ({error.strerror}): choose a folder that can"
        ) from error


def _predict_all(
    scans: Sequence[Case], model: "LoadedModel", options: PredictOptions, device: "torch.device"
) -> dict[str, Any]:
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    done: dict[str, dict[str, Any]] = {}
    failed: dict[str, str] = {}
    with logging_redirect_tqdm(), tqdm(unit="slice", disable=None) as bar:
        for number, scan in enumerate(scans, start=1):
            bar.set_description(f"{scan.name} ({number}/{len(scans)})")
            try:
                done[scan.name] = _predict(scan, model, options, device=device, bar=bar)
            except BadCaseError as error:
                failed[scan.name] = str(error)
                logger.error("%s failed: %s", scan.name, error)
            else:
                logger.info("%s: %s", scan.name, _in_words(done[scan.name]))
    if not done:
        raise PredictError(f"no scan could be read: {'; '.join(failed.values())}")
    result = {"out": str(options.out), "predicted": done, "failed": failed}
    return result | ({"exit_code": 1} if failed else {})


def find_scans(path: Path) -> list[Case]:
    """The scans to predict.

    Args:
        path: A NIfTI file, a folder of them, or a folder with DICOM series; hidden files (`._*` of
            macOS) are no scans.

    Returns:
        The scans as cases by name.

    Raises:
        BadCaseError: If a DICOM file is damaged.
        PredictError: If there is none, or two would have the same result.
    """
    wanted = f"--input must be a NIfTI file (.nii.gz, .nii) or a folder of scans, {path}"
    if path.is_file():
        if not path.name.endswith(_SUFFIXES):
            raise PredictError(f"{wanted} is neither: convert it first")
        return [_as_case(path)]
    if not path.is_dir():
        raise PredictError(f"{wanted} does not exist: check the path")
    scans = [_as_case(file) for file in sorted(path.iterdir()) if _is_scan(file)]
    if not scans and any(is_dicom(file) for file in path.rglob("*")):
        from ingest.dicom.cases import find_dicom_cases

        scans = find_dicom_cases(path)
    if not scans:
        inner = next((name for name in ("imagesTs", "imagesTr") if (path / name).is_dir()), None)
        advice = f"give {path / inner}" if inner else "check the path"
        raise PredictError(f"{wanted} holds none: {advice}")
    by_name: dict[str, Case] = {}
    for scan in scans:
        twin = by_name.setdefault(scan.name, scan)
        if twin is not scan:
            raise PredictError(
                f"{twin.image} and {scan.image} would have the same result: move one of them away"
            )
    return sorted(scans, key=lambda scan: scan.name)


def _is_scan(path: Path) -> bool:
    return path.name.endswith(_SUFFIXES) and not path.name.startswith(".") and path.is_file()


def _as_case(path: Path) -> Case:
    name = case_name(path)
    return Case(name=name, image=path, label=None, patient=name)


def check_out(options: PredictOptions, scans: Sequence[Case]) -> None:
    """Refuse to replace a scan ever, and a result unless told so.

    Raises:
        PredictError: Before anything is read or written.
    """
    if options.out.exists() and not options.out.is_dir():
        raise PredictError(f"--out must be a folder, {options.out} is a file: choose another")
    targets = [path for scan in scans for path in _targets(scan.name, options)]
    for scan in scans:
        if scan.image.resolve() in {path.resolve() for path in targets}:
            raise PredictError(
                f"the result would replace the scan {scan.image}: choose another --out"
            )
    present = [path for path in targets if path.exists()]
    if present and not options.overwrite:
        others = f" and {len(present) - 1} more" if len(present) > 1 else ""
        raise PredictError(
            f"{present[0]}{others} would be replaced: choose another --out, or add --overwrite"
        )


def _targets(name: str, options: PredictOptions) -> list[Path]:
    mask = options.out / f"{name}.nii.gz"
    return [mask, options.out / f"{name}.gif"] if options.gif else [mask]


def _predict(
    case: Case,
    model: "LoadedModel",
    options: PredictOptions,
    *,
    device: "torch.device",
    bar: Any,
) -> dict[str, Any]:
    """Predict one scan and write what was asked for."""
    import numpy as np

    from ingest.slices.source_grid import load_scan, write_mask
    from lungseg.inference.infer import predict_scan

    scan = load_scan(case, model.recipe)
    mask = predict_scan(
        model,
        scan,
        device=device,
        threshold=options.threshold,
        batch_size=options.batch_size,
        watch=lambda *_: bar.update(),
    )
    mask_path, *gif_path = _targets(case.name, options)
    for target in gif_path:
        _write_animation(case.name, scan, mask, target)
    write_mask(mask, case, mask_path)
    voxels = int(np.count_nonzero(mask))
    return {
        "tumor_voxels": voxels,
        "tumor_ml": round(voxels * float(np.prod(scan.grid.spacing_mm)) / 1000, 4),
        "slices": scan.num_slices,
        "slices_dropped": scan.dropped,
        "files": [target.name for target in (mask_path, *gif_path)],
    }


def _write_animation(name: str, scan: "ScanSlices", mask: "Mask", target: Path) -> None:
    """The slices that the model saw, from the feet up, with the prediction outlined."""
    from ingest.scans.geometry import to_canonical
    from lungseg.report.pictures import caption, outline_picture, picture_size, write_gif

    canonical = scan.grid.canonical()
    width_mm, height_mm, _ = (
        size * pitch for size, pitch in zip(canonical.shape, canonical.spacing_mm, strict=True)
    )
    size = picture_size((height_mm, width_mm), edge=384)
    planes = to_canonical(mask, scan.grid)
    pictures = (
        caption(
            outline_picture(image, None, planes[:, :, z].T, size=size),
            f"{name}  slice {z} of {scan.num_slices}",
        )
        for z, image in zip(scan.z, scan.images, strict=True)
    )
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        write_gif(pictures, temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _in_words(done: dict[str, Any]) -> str:
    dropped = done["slices_dropped"]
    unseen = f", {dropped} of {done['slices']} slices dropped by the recipe" if dropped else ""
    return f"{done['tumor_ml']:.2f} mL called tumor{unseen}; wrote {', '.join(done['files'])}"


if __name__ == "__main__":
    run(
        PredictOptions,
        main,
        prog="python -m lungseg.predict",
        description="Find tumor in scans: one NIfTI mask each, 1 is tumor, with the scan's own "
        "shape and affine. The checkpoint alone says how. Not for clinical use.",
    )
