"""Loaders hand over the same pixels whatever reads them and wherever they go."""

import dataclasses
import multiprocessing
import tempfile
import types

import numpy as np
import pytest
import torch

from lungseg.training.batches import TrainingSlices
from lungseg.training.data import SliceData
from shards.reading.loader import ThreadedLoader
from shards.reading.reader import SliceReader
from shards.storage.store import open_shards
from tests.toy_shards import make_shards
from tests.toy_training import options


def data_of(shards, tmp_path, *, rank=0, world_size=1, device="cuda", **given):
    """The data of one rank, as if a trainer were there."""
    data = SliceData(open_shards(shards), options(shards, tmp_path, **given))
    strategy = types.SimpleNamespace(root_device=torch.device(device))
    data.trainer = types.SimpleNamespace(
        world_size=world_size, num_devices=world_size, global_rank=rank, strategy=strategy
    )
    return data


def batches(shards, tmp_path, *, validating=False, start=0, **given):
    """(images, masks) of one pass, as the net gets them."""
    data = data_of(shards, tmp_path, **given)
    data.load_state_dict({"epoch": 0, "samples_consumed": start})
    loader = data.val_dataloader() if validating else data.train_dataloader()
    made = [data.on_after_batch_transfer(batch, 0) for batch in loader]
    return [(batch["image"].clone(), batch["mask"].clone()) for batch in made]


def joined(ranks):
    """The batches of all ranks, whose slices alternate in a global batch, as those of one."""
    return [
        tuple(interleaved(parts) for parts in zip(*step, strict=True))
        for step in zip(*ranks, strict=True)
    ]


@pytest.fixture(scope="module")
def chests(tmp_path_factory):
    """Shards whose slices have air within a wall, so that tumors may travel there."""
    return make_shards(tmp_path_factory.mktemp("chests"), wall=2)


def same(one, other):
    assert len(one) == len(other) > 0
    for (image, mask), (other_image, other_mask) in zip(one, other, strict=True):
        assert torch.equal(image, other_image)
        assert torch.equal(mask, other_mask)


@pytest.mark.parametrize("augment", ["light", "full"])
def test_augmented_pixels_do_not_depend_on_workers(shards, tmp_path, augment):
    given = {"augment": augment, "neighbors": 3, "device": "cpu"}
    alone = batches(shards, tmp_path, num_workers=0, **given)
    same(alone, batches(shards, tmp_path, num_workers=2, **given))


def test_loader_processes_hand_over_batches_where_tmpdir_is_long(shards, tmp_path, monkeypatch):
    """Each hands over its tensors by a socket, whose path may have 107 bytes."""
    long = tmp_path / ("long" * 25)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    monkeypatch.setitem(multiprocessing.current_process()._config, "tempdir", None)
    assert batches(shards, tmp_path, num_workers=1, augment="light", device="cpu")


def test_tumors_for_a_gpu_travel_in_processes_and_the_same(chests, tmp_path):
    given = {"augment": "full", "transplant": 0.5, "neighbors": 3}
    loader = data_of(chests, tmp_path, num_workers=2, **given).train_dataloader()
    assert loader.num_workers == 2
    same(*(batches(chests, tmp_path, num_workers=number, **given) for number in (0, 2)))
    alone = data_of(chests, tmp_path, num_workers=2, device="cpu", augment_on="device", **given)
    assert isinstance(alone.train_dataloader(), ThreadedLoader)


def interleaved(parts):
    whole = torch.cat(parts)
    for rank, part in enumerate(parts):
        whole[rank :: len(parts)] = part
    return whole


@pytest.mark.parametrize("augment", ["none", "full"])
@pytest.mark.parametrize("augment_on", ["cpu", "device"])
def test_pixels_of_all_ranks_are_those_of_one(shards, tmp_path, augment, augment_on):
    """A rank has every third slice of a global batch, of which the last has one less here."""
    given = {"augment": augment, "augment_on": augment_on}
    ranks = [batches(shards, tmp_path, rank=rank, world_size=3, **given) for rank in range(3)]
    same(joined(ranks), batches(shards, tmp_path, **given))


@pytest.mark.parametrize("augment", ["none", "full"])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_tumors_travel_the_same_on_any_ranks_and_from_any_position(
    chests, tmp_path, augment, device
):
    given = {"augment": augment, "device": device, "transplant": 0.5, "neighbors": 3}
    whole = batches(chests, tmp_path, **given)
    ranks = [batches(chests, tmp_path, rank=rank, world_size=3, **given) for rank in range(3)]
    same(joined(ranks), whole)
    same(batches(chests, tmp_path, start=16, **given), whole[2:])
    at_home = batches(chests, tmp_path, **given | {"transplant": 0.0})
    more = sum(int(mask.sum()) for _, mask in whole) / sum(int(mask.sum()) for _, mask in at_home)
    assert more > 1.1


@pytest.mark.parametrize(
    ("given", "same_as"), [({}, {"transplant": 0.6}), ({"order": "windowed"}, {"transplant": 0.0})]
)
def test_unless_told_otherwise_tumors_travel_where_the_order_is_exact(
    chests, tmp_path, given, same_as
):
    same(batches(chests, tmp_path, **given), batches(chests, tmp_path, **given, **same_as))


def test_where_no_slice_shows_lung_none_travels(tmp_path):
    """As around the belly: these are wall all over."""
    shards = make_shards(tmp_path / "set", wall=32)
    same(*(batches(shards, tmp_path, transplant=share) for share in (1.0, 0.0)))


def test_where_all_tumors_are_specks_none_travels(chests, tmp_path):
    data, of_specks = (data_of(chests, tmp_path) for _ in range(2))
    assert data.donors.share == 0.6
    index = data.shards.index
    specks = dataclasses.replace(index, tumor_pixels=np.minimum(index.tumor_pixels, 7))
    of_specks.shards = types.SimpleNamespace(index=specks)
    assert of_specks.donors is None


@pytest.mark.parametrize("augment", ["none", "light"])
def test_tumors_travel_before_slices_are_augmented_anywhere(chests, tmp_path, augment):
    given = {"transplant": 1.0, "augment": augment}
    on_cpu, on_device = (
        batches(chests, tmp_path, augment_on=place, **given) for place in ("cpu", "device")
    )
    for (image, mask), (other_image, other_mask) in zip(on_cpu, on_device, strict=True):
        assert (image - other_image).abs().mean() * 3071 < 1
        assert (mask != other_mask).float().mean() < 1e-2


@pytest.mark.parametrize("augment", ["none", "full"])
@pytest.mark.parametrize("augment_on", ["cpu", "device"])
def test_squares_are_the_same_on_any_ranks_and_from_any_position(
    chests, tmp_path, augment, augment_on
):
    given = {"augment": augment, "augment_on": augment_on, "crop_px": 16, "neighbors": 3}
    given |= {"transplant": 0.5, "hu_window": [[-1000, 400], [-160, 240]]}
    whole = batches(chests, tmp_path, **given)
    assert whole[0][0].shape == (8, 6, 16, 16)
    assert whole[0][1].shape == (8, 1, 16, 16)
    ranks = [batches(chests, tmp_path, rank=rank, world_size=3, **given) for rank in range(3)]
    same(joined(ranks), whole)
    same(batches(chests, tmp_path, start=16, **given), whole[2:])


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("loader", ["index", "webdataset"])
def test_more_squares_on_tumor_show_more_of_it_and_validation_sees_whole_slices(
    shards, tmp_path, device, loader
):
    given = {"augment": "none", "crop_px": 12, "device": device, "loader": loader}

    def shows(share):
        made = batches(shards, tmp_path, crop_tumor=share, oversample=50.0, **given)
        return sum(int(mask.sum()) for _, mask in made)

    assert shows(1.0) > 1.1 * shows(0.0)
    for image, mask in batches(shards, tmp_path, validating=True, **given):
        assert image.shape[2:] == mask.shape[2:] == (32, 32)


@pytest.mark.parametrize(
    ("device", "augment_on", "sent"),
    [
        ("cuda", "auto", torch.int16),
        ("cpu", "auto", torch.float32),
        ("cuda", "cpu", torch.float32),
        ("cpu", "device", torch.int16),
    ],
)
def test_slices_are_augmented_where_it_is_asked_for(shards, tmp_path, device, augment_on, sent):
    data = data_of(shards, tmp_path, device=device, augment_on=augment_on, num_workers=0)
    batch = next(iter(data.train_dataloader()))
    assert batch["image"].dtype == sent
    assert ("draws" in batch) == (sent == torch.int16)


def test_both_ways_of_augmenting_make_the_same_changes(shards, tmp_path):
    """Strength light has no noise, in which alone they differ."""
    on_cpu, on_device = (
        batches(shards, tmp_path, augment="light", augment_on=place, neighbors=3)
        for place in ("cpu", "device")
    )
    assert len(on_cpu) == len(on_device) > 0
    for (image, mask), (other_image, other_mask) in zip(on_cpu, on_device, strict=True):
        apart_hu = (image - other_image).abs() * 3071
        assert apart_hu.quantile(0.999) < 1
        assert apart_hu.mean() < 0.1
        assert (mask != other_mask).float().mean() < 1e-3


def test_augmenting_on_the_device_goes_on_where_it_was(shards, tmp_path):
    whole = batches(shards, tmp_path, augment_on="device")
    data = data_of(shards, tmp_path, augment_on="device")
    data.load_state_dict({"epoch": 0, "samples_consumed": 16})
    rest = [data.on_after_batch_transfer(batch, 0) for batch in data.train_dataloader()]
    same([(batch["image"], batch["mask"]) for batch in rest], whole[2:])


@pytest.mark.parametrize("neighbors", [1, 3])
@pytest.mark.parametrize("validating", [False, True])
def test_floats_read_for_a_processor_are_those_made_on_a_gpu(
    shards, tmp_path, validating, neighbors
):
    given = {"augment": "none", "neighbors": neighbors, "validating": validating}
    on_gpu, on_processor = (
        batches(shards, tmp_path, device=device, **given) for device in ("cuda", "cpu")
    )
    same(on_gpu, on_processor)


@pytest.mark.parametrize("augment", ["none", "light"])
def test_the_net_sees_windows_as_channels_in_training_and_validation(shards, tmp_path, augment):
    given = {"neighbors": 3, "hu_window": [[-1000, 400], [-160, 240]], "augment": augment}
    for device in ("cuda", "cpu"):
        for validating in (False, True):
            images = batches(shards, tmp_path, device=device, validating=validating, **given)
            plain = batches(
                shards,
                tmp_path,
                device=device,
                validating=validating,
                **given | {"hu_window": [], "hu_scaling": "recipe"},
            )
            for (image, _), (hu, _) in zip(images, plain, strict=True):
                expected = [
                    (hu * 3071 - low).div(high - low).clamp(0, 1)
                    for low, high in given["hu_window"]
                ]
                torch.testing.assert_close(image, torch.cat(expected, dim=1), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("device", "kind"), [("cuda", torch.int16), ("cpu", torch.float32)])
def test_a_gpu_is_sent_integers_and_a_processor_reads_floats(shards, tmp_path, device, kind):
    data = data_of(shards, tmp_path, device=device, augment="none", transplant=0.0)
    for loader in (data.train_dataloader(), data.val_dataloader()):
        assert {batch["image"].dtype for batch in loader} == {kind}


def test_a_stream_needs_no_reader_of_the_index(shards, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError

    monkeypatch.setattr(SliceReader, "__init__", refuse)
    given = {"loader": "webdataset", "augment": "none"}
    assert len(batches(shards, tmp_path, **given)) == 6
    with pytest.raises(AssertionError):
        TrainingSlices(open_shards(shards), options(shards, tmp_path), None)


def test_chance_inside_the_net_is_decided_by_the_position_and_the_rank(shards, tmp_path):
    def drawn(rank, start):
        data = data_of(shards, tmp_path, augment="none", rank=rank, world_size=2)
        data.load_state_dict({"epoch": 0, "samples_consumed": start})
        numbers = []
        for batch in data.train_dataloader():
            data.on_before_batch_transfer(batch, 0)
            numbers.append(float(torch.rand(1, dtype=torch.float64)))
        return numbers

    whole = [drawn(rank, 0) for rank in (0, 1)]
    assert len({number for of_rank in whole for number in of_rank}) == 2 * len(whole[0])
    assert [drawn(rank, 16) for rank in (0, 1)] == [of_rank[2:] for of_rank in whole]
