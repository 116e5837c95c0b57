"""What a technique must never return, and how to find out before a market runs."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from catallax._errors import BadProduction

from ._protocol import Technique

PROBES = 16


def require_stock(maker: str, goods: Sequence[str], made: np.ndarray | jax.Array) -> None:
    """Raises unless what was made is a stock of goods: finite numbers, none negative.

    It looks at numbers on the host; call it where a step has ended.

    Args:
        maker: Who made it, for the message.
        goods: The names of what was made.
        made: How much of each, [goods].

    Raises:
        BadProduction: If the shape is wrong, or a number is negative, infinite or NaN.

    Example:
        >>> require_stock("the mill", ("flour",), np.array([3.0]))
    """
    stock = np.asarray(made)
    if stock.shape != (len(goods),):
        raise BadProduction(
            f"{maker} made an array of shape {stock.shape} for {len(goods)} goods.",
            f"It makes {', '.join(goods)}, a number of each.",
            "Return one float32 for each good that it makes.",
        )
    good = np.isfinite(stock) & (stock >= 0)
    if not good.all():
        worst = int(np.argmin(good))
        raise BadProduction(
            f"{maker} made {stock[worst]} of {goods[worst]}.",
            "A stock of goods is a finite number, 0 or more.",
            "Correct the production function; clip what it makes at 0, and keep it from dividing "
            "by an input that may be 0.",
        )


def probe_technique(technique: Technique, maker: str | None = None, seed: int = 0) -> None:
    """Raises if a technique makes something impossible of a few bundles: none, one of each, random.

    Args:
        technique: The technique.
        maker: Who uses it, for the message; None for the name of its class.
        seed: Of the random bundles.

    Raises:
        BadProduction: If what it makes of one of them is no stock of goods.

    Example:
        >>> from catallax.techniques import Storage
        >>> probe_technique(Storage("grain", capacity=5.0))
    """
    count = len(technique.needs)
    luck = np.random.default_rng(seed)
    random = luck.exponential(size=(PROBES, count)) * 10.0 ** luck.integers(-3, 4, (PROBES, 1))
    gaps = random * (luck.random((PROBES, count)) < 0.7)
    bundles = np.concatenate([np.zeros((1, count)), np.ones((1, count)), random, gaps])
    for bundle in bundles.astype(np.float32):
        made = technique.produce(jnp.asarray(bundle))
        said = f"{maker or type(technique).__name__}, given {bundle.tolist()},"
        require_stock(said, technique.makes, made)
