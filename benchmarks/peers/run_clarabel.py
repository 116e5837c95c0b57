"""Solves markets with cvxpy and Clarabel, in the primal or the dual form, or with HiGHS.

python run_clarabel.py MARKETS.npz ANSWERS.npz [--form primal|dual|direct|highs] [--repeats 3]

It runs in an environment of its own, without Catallax. The clock of a market starts before its
model is built (for `direct` and HiGHS, after its matrices are) and stops when its answer is there.
"""

import argparse
import sys
import time
import warnings
from pathlib import Path

import clarabel
import cvxpy as cp
import numpy as np
from scipy import sparse
from scipy.optimize import linprog

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import equilibrium_markets as em

TIGHT = {"tol_gap_abs": 1e-9, "tol_gap_rel": 1e-9, "tol_feas": 1e-9}


def main() -> None:
    """Reads markets, solves them in turn and writes prices, bundles and seconds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("markets", type=Path)
    parser.add_argument("answers", type=Path)
    parser.add_argument("--form", choices=FORMS, default="primal")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--loose", action="store_true", help="the tolerances that Clarabel ships")
    chosen = parser.parse_args()
    solve, settings = FORMS[chosen.form], {} if chosen.loose else TIGHT
    answers: dict[str, np.ndarray] = {}
    warnings.filterwarnings("ignore", message="Solution may be inaccurate")
    for i, plain in enumerate(em.load(chosen.markets)):
        seconds = []
        for _ in range(chosen.repeats):
            try:
                prices, bundles, status, took = solve(plain, settings)
            except (cp.error.SolverError, ValueError) as error:
                prices, bundles, status, took = None, None, str(error)[:80], np.nan
            seconds.append(took)
        answers[f"{i}/seconds"], answers[f"{i}/status"] = np.array(seconds), np.array(status)
        if prices is not None:
            answers[f"{i}/prices"] = prices
        if bundles is not None:
            answers[f"{i}/bundles"] = bundles
    np.savez(chosen.answers, **answers)


# --- cvxpy, the primal form


def primal(plain, settings):
    """Solves `max Σ g_i(v_i(x_i))` with `Σ_i x_i ≤ s`; prices are the multipliers of supply."""
    start = time.perf_counter()
    x = cp.Variable((len(plain["wealth"]), len(plain["supply"])), nonneg=True)
    worths, limits, first = [], [], 0
    for kind, fields in plain["families"]:
        size = len(next(iter(fields.values())))
        value, own = MODELS[kind](x[first : first + size], **fields)
        worths.append(value)
        limits += own
        first += size
    value = worths[0] if len(worths) == 1 else cp.hstack(worths)
    gain, own = gains(plain["money"], value, plain["wealth"])
    supplied = cp.sum(x, axis=0) <= plain["supply"]
    problem = cp.Problem(cp.Maximize(gain), [supplied, *limits, *own])
    problem.solve(solver=cp.CLARABEL, **settings)
    if x.value is None:
        return None, None, problem.status, time.perf_counter() - start
    return supplied.dual_value, x.value, problem.status, time.perf_counter() - start


def gains(money, value, wealth):
    """Returns the objective that a rule for money makes of worths, and its constraints."""
    if money == "none":
        return cp.sum(value), []
    if money == "cap":
        capped = cp.Variable(len(wealth))
        return cp.sum(capped), [capped <= value, capped <= wealth]
    if money == "fisher":
        return wealth @ cp.log(value), []
    spare = cp.Variable(len(wealth), nonneg=True)
    return wealth @ cp.log(value + spare) - cp.sum(spare), []


def linear(x, values):
    """Returns `Σ_j v_j x_j`."""
    return cp.sum(cp.multiply(values, x), axis=1), []


def ces(x, weights, rho, scale):
    """Returns u with `u ≤ c (Σ a x^ρ)^(1/ρ)`: a power cone for each agent and good it wants."""
    n, _ = x.shape
    u, row, column = cp.Variable(n, nonneg=True), *np.nonzero(weights > 0)
    part = cp.Variable(len(row), nonneg=True)
    goods, made, power = x[row, column], u[row], rho[row]
    weight, adding = (
        weights[row, column],
        sparse.csr_matrix((np.ones(len(row)), (row, np.arange(len(row)))), shape=(n, len(row))),
    )
    total = adding @ part
    if rho[0] > 0:  # part ≤ a x^ρ u^(1−ρ), Σ part ≥ u
        cone = cp.PowCone3D(goods, made, cp.multiply(1 / weight, part), power)
        limits = [cone, total >= u]
    else:  # a u^(1−ρ) ≤ part x^(−ρ), Σ part ≤ u
        cone = cp.PowCone3D(cp.multiply(1 / weight, part), goods, made, 1 / (1 - power))
        limits = [cone, total <= u]
    return cp.multiply(scale, u), limits


def cobb(x, shares, scale):
    """Returns u with `Σ_j a_j u log(x_j / u) ≥ 0`: exponential cones."""
    n, _ = x.shape
    u, row, column = cp.Variable(n, nonneg=True), *np.nonzero(shares > 0)
    part = cp.Variable(len(row))
    adding = sparse.csr_matrix(
        (shares[row, column], (row, np.arange(len(row)))), shape=(n, len(row))
    )
    limits = [cp.ExpCone(part, u[row], x[row, column]), adding @ part >= 0]
    return cp.multiply(scale, u), limits


def leontief(x, needs):
    """Returns u with `a_j u ≤ x_j`."""
    row, column = np.nonzero(needs > 0)
    u = cp.Variable(needs.shape[0], nonneg=True)
    return u, [cp.multiply(needs[row, column], u[row]) <= x[row, column]]


def quadratic(x, slopes, curvatures):
    """Returns `Σ_j a_j x_j − q_j x_j² / 2`."""
    return cp.sum(cp.multiply(slopes, x) - cp.multiply(curvatures / 2, cp.square(x)), axis=1), []


def logarithmic(x, scales, offsets):
    """Returns `Σ_j a_j log(1 + x_j / c_j)`."""
    return cp.sum(cp.multiply(scales, cp.log(1 + cp.multiply(1 / offsets, x))), axis=1), []


def pieces(x, slopes, widths):
    """Returns `Σ_jk s_jk y_jk` with `Σ_k y_jk ≥ x_j`; what is beyond the last piece is worth 0."""
    parts = [cp.Variable(x.shape, nonneg=True) for _ in range(slopes.shape[2])]
    limits = [part <= widths[..., k] for k, part in enumerate(parts)]
    value = sum(cp.sum(cp.multiply(slopes[..., k], part), axis=1) for k, part in enumerate(parts))
    return value, [*limits, sum(parts) <= x]


def coupled(x, slopes, curvatures):
    """Returns `a·x − xᵀQx / 2`."""
    bent = [cp.quad_form(x[i], cp.psd_wrap(q)) for i, q in enumerate(curvatures)]
    return cp.sum(cp.multiply(slopes, x), axis=1) - cp.hstack(bent) / 2, []


def root(x, values):
    """Returns `√(1 + v·x) − 1`."""
    return cp.sqrt(1 + cp.sum(cp.multiply(values, x), axis=1)) - 1, []


MODELS = {
    "linear": linear,
    "ces": ces,
    "complements": ces,
    "cobb": cobb,
    "leontief": leontief,
    "quadratic": quadratic,
    "log": logarithmic,
    "pieces": pieces,
    "coupled": coupled,
    "root": root,
}


# --- linear values with a budget: the dual form, and Clarabel without cvxpy


def dual(plain, settings):
    """Solves `min s·p − Σ w log β` with `β v ≤ p`, `β ≤ 1`; bundles are multipliers."""
    start = time.perf_counter()
    [(_, fields)], wealth, supply = plain["families"], plain["wealth"], plain["supply"]
    values = fields["values"]
    p, beta = cp.Variable(len(supply), nonneg=True), cp.Variable(len(wealth), nonneg=True)
    priced = cp.multiply(values, beta[:, None]) <= p[None, :]
    problem = cp.Problem(cp.Minimize(supply @ p - wealth @ cp.log(beta)), [priced, beta <= 1])
    problem.solve(solver=cp.CLARABEL, **settings)
    if p.value is None:
        return None, None, problem.status, time.perf_counter() - start
    return p.value, priced.dual_value, problem.status, time.perf_counter() - start


def direct(plain, settings):
    """Solves the dual form with Clarabel's own interface: variables p, β, t with `t ≤ log β`."""
    [(_, fields)], wealth, supply = plain["families"], plain["wealth"], plain["supply"]
    values = fields["values"]
    n, m = values.shape
    rows = np.arange(n * m)
    agent, good = np.divmod(rows, m)
    dense = values.ravel() > 0
    agent, good, worths = agent[dense], good[dense], values.ravel()[dense]
    k = len(agent)
    priced = sparse.csc_matrix(
        (
            np.concatenate([worths, -np.ones(k)]),
            (np.tile(np.arange(k), 2), np.concatenate([m + agent, good])),
        ),
        shape=(k, m + 2 * n),
    )
    eye = sparse.identity(n, format="csc")
    least = sparse.hstack([sparse.csc_matrix((n, m)), eye, sparse.csc_matrix((n, n))])
    # (t, 1, β) in the exponential cone, one triple an agent
    triple = np.arange(n)
    logs = sparse.csc_matrix(
        (
            -np.ones(2 * n),
            (
                np.concatenate([3 * triple, 3 * triple + 2]),
                np.concatenate([m + n + triple, m + triple]),
            ),
        ),
        shape=(3 * n, m + 2 * n),
    )
    matrix = sparse.vstack([priced, least, logs]).tocsc()
    right = np.concatenate([np.zeros(k), np.ones(n), np.tile([0.0, 1.0, 0.0], n)])
    cones = [clarabel.NonnegativeConeT(k + n), *[clarabel.ExponentialConeT()] * n]
    cost = np.concatenate([supply, np.zeros(n), -wealth])
    options = clarabel.DefaultSettings()
    options.verbose, options.max_threads = False, 1
    for name, value in settings.items():
        setattr(options, name, value)
    nothing = sparse.csc_matrix((m + 2 * n, m + 2 * n))
    start = time.perf_counter()
    found = clarabel.DefaultSolver(nothing, cost, matrix, right, cones, options).solve()
    took = time.perf_counter() - start
    bundles = np.zeros((n, m))
    bundles[agent, good] = np.asarray(found.z)[:k]
    return np.asarray(found.x)[:m], bundles, str(found.status), took


# --- linear values under a cap: a linear programme


def highs(plain, settings, method="highs-ds"):
    """Solves `max Σ t` with `t ≤ v·x`, `t ≤ w`, `Σ_i x_ij ≤ s_j` by one of HiGHS's methods."""
    [(_, fields)], wealth, supply = plain["families"], plain["wealth"], plain["supply"]
    values = fields["values"]
    n, m = values.shape
    agent, good = np.divmod(np.arange(n * m), m)
    held = sparse.csr_matrix((values.ravel(), (agent, np.arange(n * m))), shape=(n, n * m))
    shared = sparse.csr_matrix((np.ones(n * m), (good, np.arange(n * m))), shape=(m, n * m))
    matrix = sparse.bmat([[-held, sparse.identity(n)], [shared, None]], format="csc")
    right = np.concatenate([np.zeros(n), supply])
    cost = np.concatenate([np.zeros(n * m), -np.ones(n)])
    bounds = np.stack(
        [np.zeros(n * m + n), np.concatenate([np.full(n * m, np.inf), wealth])], axis=1
    )
    start = time.perf_counter()
    found = linprog(cost, A_ub=matrix, b_ub=right, bounds=bounds, method=method)
    took = time.perf_counter() - start
    if found.x is None:
        return None, None, found.message, took
    return -found.ineqlin.marginals[n:], found.x[: n * m].reshape(n, m), found.message, took


def highs_interior(plain, settings):
    """Solves the same by HiGHS's interior point method."""
    return highs(plain, settings, "highs-ipm")


FORMS = {
    "primal": primal,
    "dual": dual,
    "direct": direct,
    "highs": highs,
    "highs-interior": highs_interior,
}

if __name__ == "__main__":
    main()
