"""Keyed noise is normal, and equal wherever it is computed."""

import math

import numpy as np
import pytest
import torch

from lungseg.augment.noise import hashed, normals


def split_mix(bits):
    """SplitMix64's output function on unsigned integers, as published."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def test_the_hash_is_that_of_unsigned_integers():
    bits = np.random.default_rng(0).integers(0, 2**64, 1000, np.uint64)
    found = hashed(torch.from_numpy(bits.view(np.int64))).numpy().view(np.uint64)
    np.testing.assert_array_equal(found, split_mix(bits))


def test_the_first_numbers_are_those_of_the_published_generator():
    """SplitMix64 with seed 0 begins with these; Box and Muller's transform follows."""
    bits = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4]
    for place, word in enumerate(bits):
        first = ((word & 0xFFFFFF) + 0.5) / 2**24
        angle = 2 * math.pi * ((word >> 24) & 0xFFFFFF) / 2**24
        radius = math.sqrt(-2 * math.log(first))
        found = normals(torch.tensor([0]), 4)[0]
        assert found[place] == pytest.approx(radius * math.cos(angle), abs=1e-5)
        assert found[place + 2] == pytest.approx(radius * math.sin(angle), abs=1e-5)


def test_numbers_are_normal():
    found = normals(torch.tensor([5, 2**62]), 100_001).double()
    assert found.shape == (2, 100_001)
    for row in found:
        for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
            margin = 5 * math.sqrt(variance / 100_000)
            assert float((row**power).mean()) == pytest.approx(moment, abs=margin)
        for quantile, value in ((0.5, 0), (0.8413, 1), (0.0228, -2), (0.99865, 3)):
            assert float(torch.quantile(row, quantile)) == pytest.approx(value, abs=0.13)
    assert torch.isfinite(found).all()


def test_neither_keys_nor_neighbors_have_to_do_with_each_other():
    found = normals(torch.arange(4), 100_000).double()
    bound = 4 / math.sqrt(100_000)
    assert (torch.corrcoef(found) - torch.eye(4)).abs().max() < bound
    for lag in (1, 2, 256):
        pairs = torch.stack([found[0, :-lag], found[0, lag:]])
        assert abs(float(torch.corrcoef(pairs)[0, 1])) < bound


def test_a_key_has_its_numbers_in_any_company():
    together = normals(torch.tensor([3, 9, 27]), 101)
    assert torch.equal(normals(torch.tensor([9]), 101)[0], together[1])
