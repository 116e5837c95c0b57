"""Any Python function as an agent."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32

from catallax._errors import AgentFailed
from catallax._types import Key, PyTree
from catallax.agents._actions import as_action, blank_action
from catallax.agents._encoders import Encoder, Raw
from catallax.agents._protocol import Genes, Spaces, Species

Offer = tuple[Any, float | None]


@dataclass(frozen=True, kw_only=True)
class Program(Species):
    """An agent that is a Python function `observation -> (action, bid)`; bid None abstains.

    It runs on the host, once for every world and step; only the winner's action is used.

    Args:
        function: Takes a NumPy observation (an int for Discrete spaces, else float32 `[D]`) and
            returns the action and the bid in credits.
        count: Agents at genesis.

    Raises:
        AgentFailed: While running, if the function raises or returns something else.

    Example:
        >>> import catallax as cx
        >>> agent = cx.Program(function=lambda observation: (0, 1.0))
        >>> agent.on_host
        True

    Source: paper section 2, `α : Ω → X × ℝ`.
    """

    on_host: ClassVar[bool] = True

    function: Callable[[Any], Offer]
    count: int | None = field(default=1)
    encoder: Encoder = Raw()

    def init(self, key: Key, spaces: Spaces, index: Any) -> Genes:
        """Returns nothing: the function is all there is."""
        return Genes({}, {"index": jnp.asarray(index, jnp.int32)})

    def bid(self, genes: Genes, senses: PyTree) -> Float32[Array, ""]:
        """Returns 0: the real bid comes from the host, with the observation."""
        return jnp.float32(0)

    def act(self, genes: Genes, senses: PyTree, key: Key) -> Array:
        """Returns the index: the real action comes from the host."""
        return genes.fixed["index"]

    def supports(self, spaces: Spaces) -> None:
        """Raises UnsupportedSpace where the world's actions have no array form."""
        super().supports(spaces)
        blank_action(spaces.action)

    def offers(self, spaces: Spaces, observations: np.ndarray) -> tuple[np.ndarray, ...]:
        """Asks the function about every world.

        Args:
            spaces: The world's spaces.
            observations: `[W]` or `[W, D]`.

        Returns:
            Actions `[W, ...]`, bids float32 `[W]` in credits, and bool `[W]` whether it bids.

        Raises:
            AgentFailed: If the function raises or returns something that is not (action, bid).
        """
        offers = [self._offer(spaces, observation) for observation in observations]
        actions, bids, enters = zip(*offers, strict=True)
        with np.errstate(over="ignore"):  # the step itself refuses a bid that is too large
            return np.stack(actions), np.asarray(bids, np.float32), np.asarray(enters, bool)

    def _offer(self, spaces: Spaces, observation: Any) -> tuple[np.ndarray, float, bool]:
        try:
            action, bid = self.function(observation)
            enters = bid is not None
            return as_action(spaces.action, action), float(bid) if enters else 0.0, enters
        except Exception as error:
            raise AgentFailed(
                f"The Python agent {self.label} failed on an observation: "
                f"{type(error).__name__}: {error}.",
                f"It must return (action, bid) with an action of {spaces.action} "
                "and a bid in credits or None.",
                f"Mend the function; the observation was {np.asarray(observation).tolist()!r}. "
                "Nothing was lost: the economy stands as after its last completed segment.",
            ) from error

    @property
    def label(self) -> str:
        """The function's name."""
        return getattr(self.function, "__name__", repr(self.function))
