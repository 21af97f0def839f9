"""From a scan to a mask on its own grid."""

import nibabel
import numpy as np
import pytest
import torch

from ingest.case import BadCaseError
from ingest.slices.scan_slices import load_scan
from lungseg.inference.infer import (
    DeviceError,
    pick_device,
    predict_scan,
    probabilities,
)
from lungseg.postprocessing.rules import Rules
from tests.toy_masks import write_mask

CPU = torch.device("cpu")
WHERE = [
    ("RAS", 0.0),
    ("LPS", 0.0),
    ("LAS", 0.0),
    ("PIR", 0.0),
    ("SLA", 0.0),
    ("LPI", 20.0),
    ("RAS", -35.0),
    ("ASL", 15.0),
]


def predicted(model, path, **options):
    return predict_scan(model, load_scan(path, model.recipe), device=CPU, **options)


def world_centroid(image):
    voxels = np.argwhere(np.asarray(image.dataobj))
    return nibabel.affines.apply_affine(image.affine, voxels.mean(axis=0))


@pytest.mark.parametrize(("orientation", "tilt"), WHERE)
@pytest.mark.parametrize("shape", [(64, 64, 20), (90, 70, 25)])
def test_a_mask_lies_where_the_tumor_is(tmp_path, scans, make_model, orientation, tilt, shape):
    truth = scans.ball(shape)
    where = {"orientation": orientation, "tilt_degrees": tilt}
    scan = scans.write_scan(tmp_path / "a.nii.gz", truth, **where)
    label = nibabel.load(scans.write(tmp_path / "label.nii.gz", truth, **where))
    mask = predicted(make_model(), scan)
    write_mask(mask, scan, tmp_path / "mask.nii.gz")
    mask, image = nibabel.load(tmp_path / "mask.nii.gz"), nibabel.load(scan)
    assert mask.shape == image.shape
    assert (mask.affine == image.affine).all()
    apart_mm = np.linalg.norm(world_centroid(mask) - world_centroid(label))
    assert apart_mm < 0.5 * min(image.header.get_zooms())
    found, wanted = np.asarray(mask.dataobj) > 0, np.asarray(label.dataobj) > 0
    dice = 2 * (found & wanted).sum() / (found.sum() + wanted.sum())
    assert dice == 1 if shape[:2] == (64, 64) else dice > 0.93


def test_dropped_slices_are_background(tmp_path, scans, make_model):
    scan = scans.write_scan(tmp_path / "a.nii.gz", scans.ball(), orientation="RAS")
    whole = predicted(make_model(), scan)
    part = predicted(make_model(drop_slices=11), scan)
    assert not part[:, :, :11].any()
    assert (part[:, :, 11:] == whole[:, :, 11:]).all()
    assert whole[:, :, :11].any()


def test_the_batch_size_changes_nothing(tmp_path, scans, make_model):
    scan = scans.write_scan(tmp_path / "a.nii.gz", scans.ball())
    masks = [predicted(make_model(), scan, batch_size=n) for n in (1, 7, 64)]
    assert (masks[0] == masks[1]).all()
    assert (masks[0] == masks[2]).all()


def test_rules_judge_the_whole_scan(tmp_path, scans, make_model):
    both = scans.ball() | scans.ball(center=(12, 44, 4), radius_mm=5.0)
    scan = scans.write_scan(tmp_path / "a.nii.gz", both, orientation="SAR")
    found = predicted(make_model(rules=Rules(keep_largest=1)), scan)
    alone = scans.write_scan(tmp_path / "b.nii.gz", scans.ball(), orientation="SAR")
    assert (found == predicted(make_model(), alone)).all()
    assert found.sum() < predicted(make_model(), scan).sum()


def test_a_higher_threshold_finds_no_more(tmp_path, scans, make_model):
    scan = scans.write_scan(tmp_path / "a.nii.gz", scans.ball((90, 70, 25)))
    low, high = (predicted(make_model(), scan, threshold=value) for value in (0.01, 0.99))
    assert 0 < high.sum() < low.sum()
    assert (high <= low).all()


@pytest.mark.parametrize("neighbors", [1, 3, 5])
def test_neighbors_are_channels_and_edge_slices_are_repeated(neighbors, make_model):
    seen = []
    model = make_model(neighbors=neighbors)
    model.net.register_forward_pre_hook(lambda net, inputs: seen.append(inputs[0].clone()))
    images = np.broadcast_to(np.arange(4, dtype=np.int16)[:, None, None], (4, 8, 8)).copy()
    list(probabilities(model, images, device=CPU, batch_size=3))
    channels = (torch.cat(seen)[:, :, 0, 0] * 3071).round().int().tolist()
    offsets = range(-(neighbors // 2), neighbors // 2 + 1)
    assert channels == [[min(max(z + step, 0), 3) for step in offsets] for z in range(4)]
    seen.clear()
    list(probabilities(model, images[::-1], device=CPU, batch_size=3, downwards=True))
    channels = (torch.cat(seen)[:, :, 0, 0] * 3071).round().int().tolist()
    assert channels == [[min(max(z + step, 0), 3) for step in offsets] for z in reversed(range(4))]


@pytest.mark.parametrize("neighbors", [1, 3, 5])
def test_no_more_than_a_batch_of_slices_is_read_ahead(neighbors, make_model):
    read = []

    def images():
        for z in range(50):
            read.append(z)
            yield np.zeros((8, 8), np.int16)

    model = make_model(neighbors=neighbors)
    for done, _ in enumerate(probabilities(model, images(), device=CPU, batch_size=4)):
        assert len(read) <= done + 4 + neighbors // 2 + 1
    assert len(read) == done + 1 == 50


def test_too_large_a_batch_is_one_known_error(make_model):
    def fill_up(net, inputs):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    model = make_model()
    model.net.register_forward_pre_hook(fill_up)
    images = np.zeros((4, 8, 8), np.int16)
    with pytest.raises(DeviceError, match=r"for 3 slices at once: lower --batch-size"):
        list(probabilities(model, images, device=CPU, batch_size=3))


def test_a_net_that_gives_no_numbers_does_not_pass_for_no_tumor(make_model):
    model = make_model()
    model.net.register_forward_hook(lambda _net, _inputs, logits: logits * float("nan"))
    with pytest.raises(BadCaseError, match=r"the net gives no numbers \(NaN\)"):
        list(probabilities(model, np.zeros((4, 8, 8), np.int16), device=CPU, batch_size=3))


def test_devices_are_chosen_by_name():
    assert pick_device("cpu") == CPU
    assert pick_device("auto").type in ("cpu", "cuda")
    for wrong in ("gpu", "cuda:99"):
        with pytest.raises(DeviceError, match=f"--device {wrong} cannot be used .*try --device"):
            pick_device(wrong)
