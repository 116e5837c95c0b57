"""The population: slots, ids that never come again, and who is counted."""

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from catallax._population import EMPTY, bear, bury, founders, free_slots, sweep
from catallax._types import NOBODY, exact

N = 6
start = jax.jit(founders)
birth = jax.jit(bear)
death = jax.jit(bury)


def slots(numbers):
    return jnp.asarray(numbers, jnp.int32)


def ids(numbers):
    return jnp.asarray(numbers, jnp.int64)


def settled(*alive):
    with exact():
        return start(np.asarray(alive, bool))


def test_founders_are_numbered_in_order_and_counted_as_births():
    people = settled(1, 0, 1, 1)
    assert people.ids.tolist() == [0, EMPTY, 1, 2]
    assert people.parents.tolist() == [EMPTY] * 4
    assert (int(people.next_id), int(people.births), int(people.deaths)) == (3, 3, 0)
    assert not people.frozen.any()


def test_a_newborn_gets_the_next_id_a_parent_and_the_present():
    """Three are due: slots 4 and 1, and one that does not take place."""
    people = settled(1, 0, 1, 1, 0)
    with exact():
        people = people._replace(wins=people.wins + 5, frozen=~people.frozen)
        people = birth(people, slots([4, NOBODY, 1]), ids([2, EMPTY, EMPTY]), ids(77))
    assert people.alive.tolist() == [True] * 5
    assert people.ids.tolist() == [0, 4, 1, 2, 3]
    assert people.parents.tolist() == [EMPTY, EMPTY, EMPTY, EMPTY, 2]
    assert people.born.tolist() == [0, 77, 0, 0, 77]
    assert people.last_won.tolist() == [0, 77, 0, 0, 77]
    assert people.wins.tolist() == [5, 0, 5, 5, 0]
    assert people.frozen.tolist() == [True, False, True, True, False]
    assert (int(people.next_id), int(people.births)) == (5, 5)


def test_no_birth_changes_nothing():
    people = settled(1, 0, 1)
    with exact():
        after = birth(people, slots([NOBODY, NOBODY]), ids([0, 1]), ids(9))
    for before, column in zip(people, after, strict=True):
        np.testing.assert_array_equal(before, column)


def test_the_dead_keep_their_id_until_the_journal_is_written():
    people = settled(1, 0, 1)
    with exact():
        people = death(people, jnp.asarray([True, True, False]))
        assert people.alive.tolist() == [False, False, True]
        assert people.ids.tolist() == [0, EMPTY, 1]
        assert int(people.deaths) == 1
        assert free_slots(people).tolist() == [False, True, False]
        people = sweep(people)
        assert people.ids.tolist() == [EMPTY, EMPTY, 1]
        assert free_slots(people).tolist() == [True, True, False]


def test_nobody_dies_twice():
    people = settled(1, 1)
    with exact():
        for _ in range(2):
            people = death(people, jnp.asarray([True, False]))
        assert int(people.deaths) == 1


def test_a_slot_used_again_is_another_agent():
    people = settled(1, 1)
    with exact():
        people = sweep(death(people, jnp.asarray([True, False])))
        people = birth(people, slots([0]), ids([1]), ids(5))
    assert people.ids.tolist() == [2, 1]
    assert people.parents.tolist() == [1, EMPTY]


steps = st.tuples(st.sets(st.integers(0, N - 1)), st.integers(0, N), st.booleans())


@given(alive=st.lists(st.booleans(), min_size=N, max_size=N), history=st.lists(steps, max_size=8))
def test_ids_never_come_again(alive, history):
    """Deaths, births and journal entries in any order, beside a plain model."""
    people, here, born = settled(*alive), {}, 0
    for slot in np.flatnonzero(alive):
        here[int(slot)], born = born, born + 1
    deaths = 0
    with exact():
        for tick, (dying, wanted, writes) in enumerate(history):
            people = death(people, jnp.asarray([slot in dying for slot in range(N)]))
            deaths += len(dying & here.keys())
            here = {slot: name for slot, name in here.items() if slot not in dying}
            if writes:
                people = sweep(people)
            free = np.flatnonzero(free_slots(people))[:wanted].tolist()
            assert not here.keys() & {*free}
            people = birth(
                people, slots(free + [NOBODY] * (N - len(free))), ids([EMPTY] * N), ids(tick)
            )
            for slot in free:
                here[slot], born = born, born + 1
    assert np.flatnonzero(people.alive).tolist() == sorted(here)
    assert [int(people.ids[slot]) for slot in sorted(here)] == [here[s] for s in sorted(here)]
    assert (int(people.births), int(people.deaths), int(people.next_id)) == (born, deaths, born)
    assert len(here) == born - deaths
