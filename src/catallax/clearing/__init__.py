"""Clearing: from wishes to prices and allocations."""

from catallax.clearing import equilibrium as equilibrium
from catallax.clearing import indivisible as indivisible
