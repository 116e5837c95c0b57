"""Interquartile mean and its bootstrap interval (Agarwal et al., 2021)."""

import numpy as np


def interquartile_mean(scores: np.ndarray) -> float:
    """Returns the mean of the middle half of the scores, with fractional weights at its ends."""
    ordered = np.sort(np.asarray(scores, np.float64))
    edges = np.arange(ordered.size + 1) / ordered.size
    weight = np.clip(np.minimum(edges[1:], 0.75) - np.maximum(edges[:-1], 0.25), 0, None)
    return float(ordered @ weight / weight.sum())


def bootstrap_interval(scores: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Returns the percentile bootstrap interval of the interquartile mean over seeds."""
    draws = np.random.default_rng(0).integers(0, len(scores), (10_000, len(scores)))
    means = [interquartile_mean(np.asarray(scores)[rows]) for rows in draws]
    tail = (1 - level) / 2
    return float(np.quantile(means, tail)), float(np.quantile(means, 1 - tail))
