"""Newton's method on log-prices, while smoothing falls to what a tolerance allows."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from catallax.clearing.equilibrium._answers import Sums
from catallax.clearing.equilibrium._course import COLD, Course, Fork, Terms, chosen

CLOSE = 1.5
"""A step that moves prices by fewer ε than this is taken in full, and ε shrinks with it."""

FAR = 8.0
"""One that would move them by more says that ε is too small here."""

REBASED = 1e4
"""How many ε log-prices may be from their base: fewer lose no digits that matter."""

TINY = 1e-300


def advanced(course: Course, sums: Sums, terms: Terms) -> Course:
    """Takes a step of Newton's method, and shrinks ε where prices are close to what ε asks for.

    The dual is `F(q) = Σ_j s_j e^(q_j) + ε Σ_i B_i Ψ(u_i)` with `Ψ' = φ`, convex; its gradient is
    excess supply, and `S = diag(s e^q) + L / ε` its second derivative, L the Laplacian of `pull`
    and `ripple`. ε shrinks along the tangent `dq/dε = S⁻¹ ∂P/∂ε` of its solutions; where that went
    too far, half the way is gone from the same fork.

    Args:
        course: Where it is.
        sums: Of all agents there.
        terms: What there is.

    Returns:
        The next `Course`; the same one, where it is done or the step is no number.
    """
    newton, tangent = directions(course, sums, terms)
    lost, missed = _missed(sums, terms)
    eps, tol, steps = course.eps, terms.tol, course.steps + 1
    reach = (jnp.max(newton, initial=0.0) - jnp.min(newton, initial=0.0)) / eps
    done = missed + 2 * _off(course, sums, terms) <= tol

    close, far = reach < CLOSE, ~(reach <= FAR)
    shrinks = close & (missed > tol / 2) & (eps > tol / 1000)
    returns = far & course.shrunk & (course.fork.factor < 0.9)
    order = _order(course, lost)
    odds, pace = _habits(course, reach)
    aim = (0.4 * tol / jnp.maximum(missed, TINY)) ** (1 / order)
    factor = jnp.clip(jnp.maximum(1 / (1 + odds), aim), 0.0, 0.95)
    ahead = Fork(course.logs + newton, tangent * eps, eps, factor)
    again = course.fork._replace(factor=jnp.sqrt(course.fork.factor))
    fork = chosen(returns, again, chosen(shrinks, ahead, course.fork))

    held = jnp.where(close, 1.0, pace * jnp.log1p(reach) / jnp.maximum(reach, TINY))
    wider = jnp.where(far & (fork.factor == 1), jnp.maximum(jnp.minimum(4 * eps, COLD), eps), eps)
    shrunk = shrinks | returns
    moved = course._replace(
        logs=jnp.where(
            shrunk, fork.logs + fork.tangent * (fork.factor - 1), course.logs + held * newton
        ),
        eps=jnp.where(shrunk, fork.eps * fork.factor, wider),
        odds=jnp.where(returns, 1 / fork.factor - 1, odds),
        pace=pace,
        reach=reach,
        shrunk=shrunk,
        fork=fork,
        lost=jnp.where(shrinks, lost, course.lost),
        order=order,
    )
    moved = _rebased(moved)
    stays = done | ~jnp.all(jnp.isfinite(moved.logs))
    return chosen(stays, course, moved)._replace(done=done, steps=steps)


def _rebased(course: Course) -> Course:
    """Rounds log-prices anew once they are far from the base, by what ε makes of that."""
    anew = jnp.max(jnp.abs(course.logs)) > REBASED * course.eps
    fork = course.fork._replace(logs=course.fork.logs - course.logs)
    new = course._replace(
        base=course.base + course.logs, logs=jnp.zeros_like(course.logs), fork=fork
    )
    return chosen(anew, new, course)


def directions(
    course: Course, sums: Sums, terms: Terms
) -> tuple[Float[Array, "m"], Float[Array, "m"]]:
    """Returns Newton's direction and the tangent in ε, 0 for goods without a price."""
    asks = terms.supply * jnp.exp(course.base + course.logs)
    pull = sums.pull * (1 - jnp.eye(asks.size)) / course.eps
    matrix = jnp.diag(asks + jnp.sum(pull, axis=1) + sums.ripple / course.eps) - pull
    both = terms.priced[:, None] & terms.priced
    # Where nothing is missed, a derivative of the matrix would count for nothing.
    matrix = jax.lax.stop_gradient(jnp.where(both, matrix, jnp.eye(asks.size)))
    scale = jax.lax.rsqrt(jnp.maximum(jnp.diag(matrix), TINY))
    factor = jnp.linalg.cholesky(matrix * scale[:, None] * scale, symmetrize_input=False)
    sides = jnp.where(terms.priced, jnp.stack([sums.spent - asks, sums.drift]), 0.0)
    newton, tangent = jax.scipy.linalg.cho_solve((factor, True), (sides * scale).T).T * scale
    return newton, tangent


def _missed(sums: Sums, terms: Terms) -> tuple[Array, Array]:
    """Returns what is lost of the money that is of use, and the worst of that and of excess."""
    stake = jnp.maximum(sums.stake, TINY)
    lost = sums.lost / stake
    excess = jnp.maximum(sums.excess, sums.excess_money * terms.agents / stake)
    return lost, jnp.maximum(lost, excess)


def _off(course: Course, sums: Sums, terms: Terms) -> Array:
    """Returns by how much prices miss what is spent, in logs."""
    paid = jnp.log(jnp.maximum(sums.spent, TINY))
    asked = jnp.log(jnp.maximum(terms.supply, TINY)) + (course.base + course.logs)
    return jnp.max(jnp.where(terms.priced, jnp.abs(paid - asked), 0.0), initial=0.0)


def _habits(course: Course, reach: Array) -> tuple[Array, Array]:
    """Returns how boldly to shrink and to step, by how far the last step was off."""
    bolder = jnp.clip(jnp.sqrt(1 / jnp.maximum(reach, 1e-9)), 0.25, 4.0)
    odds = jnp.where(course.shrunk, jnp.clip(course.odds * bolder, 0.05, 1e3), course.odds)
    slower = jnp.where(reach > course.reach, course.pace / 2, course.pace * 2)
    return odds, jnp.where(course.shrunk, 1.0, jnp.clip(slower, 0.05, 1.0))


def _order(course: Course, lost: Array) -> Array:
    """Returns the exponent of ε in what is lost: 1 where agents are few, 2 where they are many."""
    fork = course.fork
    usable = (course.eps < 0.99 * fork.eps) & (fork.factor < 1) & (lost > 0) & (course.lost > 0)
    ratio = jnp.where(usable, lost / jnp.where(usable, course.lost, 1.0), 1.0)
    slope = jnp.log(ratio) / jnp.log(jnp.where(usable, course.eps / fork.eps, 0.5))
    return jnp.where(usable, jnp.clip(slope, 1.0, 2.0), course.order)
