"""Named random streams: the same for the same words, and different for any others."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catallax._keys import shuffled, stream
from catallax._types import exact, floats

KEY = jax.random.key(0)
names = st.text(max_size=12)
moments = st.lists(st.integers(0, 2**32 - 1), max_size=3)


def data(key):
    return tuple(np.asarray(jax.random.key_data(key)).tolist())


@given(name=names, when=moments)
def test_a_stream_depends_on_nothing_but_its_words(name, when):
    first = data(stream(KEY, name, *when))
    stream(KEY, "something else", 5)
    assert data(stream(KEY, name, *when)) == first


def test_streams_differ_by_key_name_and_moment():
    keys = [
        stream(parent, name, *when)
        for parent in (KEY, jax.random.key(1))
        for name in ("bids", "explore", "")
        for when in ((), (0,), (1,), (0, 0), (0, 1), (1, 0), (2**31,), (2**32 - 1,))
    ]
    assert len({data(key) for key in keys} | {data(KEY)}) == len(keys) + 1


@pytest.mark.parametrize("moment", [0, 7, 2**31 - 1])
def test_a_stream_is_the_same_in_both_precisions_and_compiled(moment):
    """A resumed run repeats an uninterrupted one, whatever context it asks in."""
    named = jax.jit(lambda key, number: stream(key, "chunk", number))
    with floats():
        plain = [data(stream(KEY, "chunk", moment)), data(named(KEY, jnp.int32(moment)))]
    with exact():
        wide = [
            data(stream(KEY, "chunk", moment)),
            data(named(KEY, jnp.uint32(moment))),
            data(stream(KEY, "chunk", jnp.int64(moment))),
        ]
    assert len({*plain, *wide}) == 1


def test_a_stream_that_was_written_down_is_drawn_again():
    """These words gave these bits on the day of writing; a change breaks every saved run."""
    words = (stream(KEY, "bids"), stream(KEY, "bids", 3), stream(KEY, "bids", 3, 1))
    assert [data(key) for key in words] == [
        (3_537_592_007, 3_682_331_423),
        (1_946_698_804, 241_435_007),
        (80_437_882, 3_102_353_101),
    ]


@pytest.mark.parametrize("size", [1, 2, 7, 500, 5000])
def test_shuffling_leaves_nobody_out(size):
    order = shuffled(KEY, size)
    assert order.dtype == jnp.int32
    np.testing.assert_array_equal(np.sort(order), np.arange(size))
    if size < 1000:
        np.testing.assert_array_equal(order, jax.random.permutation(KEY, size))


def test_every_order_comes_up_as_often():
    orders = np.asarray(jax.vmap(lambda key: shuffled(key, 3))(jax.random.split(KEY, 6000)))
    counts = np.unique(orders @ [9, 3, 1], return_counts=True)[1]
    assert len(counts) == 6
    assert np.abs(counts - 1000).max() < 150
