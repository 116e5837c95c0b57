"""Tables of agents: blocks in order, filled up, on other threads, few at a time."""

import threading

import numpy as np
import pytest

from catallax._errors import InvalidMarket
from catallax.clearing.equilibrium._table import Table, block_size, cores, each

AGENTS, GOODS, BLOCK = 50, 3, 16
RANDOM = np.random.default_rng(8)
VALUES = RANDOM.lognormal(0, 1, (AGENTS, GOODS))
WEALTH = RANDOM.uniform(0.5, 1.5, AGENTS)


def table(values=VALUES, block=BLOCK):
    return Table(lambda first, stop: values[first:stop], WEALTH, GOODS, block)


def test_blocks_come_in_order_and_the_last_is_filled_up_with_nobody():
    def task(values, wealth, first):
        return values.shape, wealth.size, float(values.sum()), threading.get_ident()

    found = list(each(table(), task))
    assert [first for first, _ in found] == [0, 16, 32, 48]
    assert {part[:2] for _, part in found} == {((BLOCK, GOODS), BLOCK)}
    sums = [part[2] for _, part in found]
    assert sums == pytest.approx([VALUES[i : i + BLOCK].sum() for i in range(0, AGENTS, BLOCK)])
    assert threading.get_ident() not in {part[3] for _, part in found}
    values, wealth = table().filled(48)
    assert np.all(values[2:] == 0) and np.all(wealth[2:] == 0)


def test_no_more_blocks_are_in_memory_than_there_are_cores_and_one():
    read, done = [], []

    def reader(first, stop):
        read.append(first)
        assert len(read) - len(done) <= cores() + 2
        return VALUES[first:stop]

    for _ in each(Table(reader, WEALTH, GOODS, 4), lambda *_: None):
        done.append(None)
    assert len(read) == 13


def test_what_goes_wrong_in_a_block_is_heard():
    def task(values, wealth, first):
        raise ValueError(f"block {first}")

    with pytest.raises(ValueError, match="block 0"):
        list(each(table(), task))


def test_a_reader_that_gives_too_few_rows_is_named():
    short = Table(lambda first, stop: VALUES[first : stop - 1], WEALTH, GOODS, BLOCK)
    with pytest.raises(InvalidMarket, match=r"shape \(15, 3\) for the agents 0 to 16"):
        short.filled(0)


def test_values_stay_in_32_bits_and_others_come_in_64():
    wide = np.float64
    for given, got in ((np.float32, np.float32), (wide, wide), (np.float16, wide), (int, wide)):
        assert table(VALUES.astype(given)).rows(0, 4).dtype == got


def test_blocks_are_powers_of_two_up_to_the_most():
    assert [block_size(n, 4096) for n in (1, 1024, 1025, 5000, 10**6)] == [
        1024,
        1024,
        2048,
        4096,
        4096,
    ]
    assert block_size(5, 7) == 7
