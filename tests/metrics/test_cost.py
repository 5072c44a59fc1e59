import time

import pytest
import torch
from torch import nn

from objrep_gym.metrics.cost import flops, parameters, peak_bytes, seconds


def test_parameters_count_shared_ones_once():
    layer = nn.Linear(3, 5)
    assert parameters(nn.Sequential(layer, nn.BatchNorm1d(5), nn.Linear(5, 3), layer)) == 20 + 10 + 18
    assert parameters(nn.ReLU()) == 0


def test_flops_count_a_multiplication_and_its_addition_as_two():
    layer = nn.Conv2d(3, 8, 3, padding=1)
    assert flops(lambda: layer(torch.zeros(2, 3, 16, 16))) == 2 * 2 * 16 * 16 * 8 * 3 * 9


def test_seconds_are_the_median_without_the_first_call():
    waits = iter([0.2, 0.0, 0.02, 0.3])
    taken = seconds(lambda: time.sleep(next(waits)), repeats=3)
    assert 0.02 <= taken < 0.2
    with pytest.raises(ValueError, match="repeats must be at least 1, got 0"):
        seconds(lambda: None, repeats=0)


def test_peak_bytes_see_what_was_freed_before_and_is_used_again():
    def work() -> None:
        [torch.ones(2**20) for _ in range(24)]  # pieces that the C library keeps

    work()
    assert 70 * 2**20 < peak_bytes(work) < 150 * 2**20


def test_peak_bytes_see_memory_that_is_given_back():
    def work() -> None:
        torch.ones(16 * 2**20).sum()  # beyond 32 MiB the allocator keeps nothing that it could give again

    work()
    assert 60 * 2**20 < peak_bytes(work) < 150 * 2**20
