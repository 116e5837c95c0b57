"""Callbacks: what a user may do while a market trains."""

from typing import Any


class Callback:
    """Is called as training begins, after every segment and as it ends. Override what you need.

    A segment is a fixed number of ticks, at whose end the books are closed; agents may be added,
    removed and frozen there. Each method is given the `Economy`.

    Example:
        >>> import catallax as cx
        >>> class StopWhenRich(cx.Callback):
        ...     def on_segment_end(self, economy):
        ...         return max(economy.wealth.values()) < 10**9
        >>> StopWhenRich().on_training_start(None) is None
        True
    """

    def on_training_start(self, economy: Any) -> None:
        """Is called once, before the first tick."""

    def on_segment_end(self, economy: Any) -> bool | None:
        """Is called after every segment; returning False stops the training."""

    def on_training_end(self, economy: Any) -> None:
        """Is called once, after the last tick."""
