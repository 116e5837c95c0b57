"""Tables of agents who do not fit in memory at once: block after block, on all cores."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from catallax._errors import InvalidMarket
from catallax._types import exact

LEAST_BLOCK = 1024

Reader = Callable[[int, int], Any]
"""Returns the values of the agents from one number up to, without, another, `[agents, goods]`."""


@dataclass(frozen=True)
class Table:
    """Values of many agents, read when they are needed, always the same ones.

    Attributes:
        read: The reader.
        wealth: float64 `[n]`.
        goods: How many goods.
        block: How many agents are read at once; the last block is filled up with nobody.
    """

    read: Reader
    wealth: Float[np.ndarray, "n"]
    goods: int
    block: int

    @property
    def agents(self) -> int:
        """How many agents."""
        return self.wealth.size

    @property
    def starts(self) -> range:
        """The first agent of every block."""
        return range(0, self.agents, self.block)

    def rows(self, first: int, stop: int) -> np.ndarray:
        """Returns values `[stop − first, m]`, in 32 bits if they came so, else in 64."""
        values = np.asarray(self.read(first, stop))
        if values.shape != (stop - first, self.goods):
            raise InvalidMarket(
                f"values has the shape {values.shape} for the agents {first} to {stop}.",
                f"A row has a value for each of {self.goods} goods.",
                "Give one row to an agent, and as many columns as there is supply.",
            )
        return values if values.dtype == np.float32 else values.astype(np.float64, copy=False)

    def filled(self, first: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the values and the wealth of a block that starts at an agent."""
        stop = min(first + self.block, self.agents)
        values, wealth = self.rows(first, stop), self.wealth[first:stop]
        short = self.block - (stop - first)
        if short:
            values = np.pad(values, ((0, short), (0, 0)))
            wealth = np.pad(wealth, (0, short))
        return values, wealth


def block_size(agents: int, most: int) -> int:
    """Returns how many agents to read at once: powers of two, for few programs to compile."""
    return min(most, max(LEAST_BLOCK, 1 << (agents - 1).bit_length()))


def cores() -> int:
    """Returns how many cores there are for this process."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # where processes are not bound to cores
        return os.cpu_count() or 1


def each(table: Table, task: Callable[..., Any]) -> Iterator[tuple[int, Any]]:
    """Runs a task on every block and yields its first agent and what came of it, in order.

    Blocks are read here, one after the other, and worked on by all cores; no more of them are in
    memory than there are cores, and one.

    Args:
        table: The agents.
        task: From values `[block, m]`, wealth `[block]` and the first agent to anything.

    Yields:
        The first agent of a block, and the result.
    """
    waiting: deque[tuple[int, Future[Any]]] = deque()
    with ThreadPoolExecutor(cores()) as crew:
        for first in table.starts:
            waiting.append((first, crew.submit(_in_64_bits, task, *table.filled(first), first)))
            if len(waiting) > cores():
                done, future = waiting.popleft()
                yield done, future.result()
        for done, future in waiting:
            yield done, future.result()


def _in_64_bits(task: Callable[..., Any], *arguments: Any) -> Any:
    with exact():  # a setting of the thread
        return task(*arguments)
