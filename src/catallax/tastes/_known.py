"""Those who know what they want have nothing to remember."""

from typing import Any

from jaxtyping import Array

from catallax.industries import Sight


class Known:
    """The part of a taste that nothing changes: no memory, and nothing to learn."""

    def first(self) -> tuple[()]:
        """Returns nothing."""
        return ()

    def learned(self, memory: Any, sight: Sight, bundle: Array, worth: Array) -> Any:
        """Returns the memory as it was."""
        return memory
