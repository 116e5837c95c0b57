"""Answers whose derivatives would be wrong refuse to be differentiated."""

from functools import partial
from typing import Any

import jax

from catallax._errors import InvalidSetting


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def opaque(method: str, found: Any, market: Any) -> Any:
    """Returns what a method found, as it is; differentiating it in the market is an error.

    Args:
        method: The name of the method.
        found: Any tree of arrays.
        market: What it depends on, even where no derivative of a step shows that: a step that
            compares numbers has derivatives of 0.

    Returns:
        The same.

    Raises:
        InvalidSetting: If it is differentiated.
    """
    return found


@opaque.defjvp
def _refused(method: str, primals: Any, tangents: Any) -> Any:
    raise InvalidSetting(
        f"{method} was asked for a derivative.",
        "The derivative of the way to an equilibrium is not that of the equilibrium.",
        "Differentiate InteriorPoint or, for linear values, Smoothed.",
    )
