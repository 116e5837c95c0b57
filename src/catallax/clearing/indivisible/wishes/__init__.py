"""Wishes: what bundles of whole goods are worth to agents, by family."""

from catallax.clearing.indivisible.wishes._mixed import Capped as Capped
from catallax.clearing.indivisible.wishes._mixed import Mixed as Mixed
from catallax.clearing.indivisible.wishes._protocol import Wishes as Wishes
from catallax.clearing.indivisible.wishes._protocol import worth as worth
from catallax.clearing.indivisible.wishes._separable import Additive as Additive
from catallax.clearing.indivisible.wishes._separable import Diminishing as Diminishing
from catallax.clearing.indivisible.wishes._single import UnitDemand as UnitDemand
from catallax.clearing.indivisible.wishes._slots import Slots as Slots
from catallax.clearing.indivisible.wishes._table import Table as Table
from catallax.clearing.indivisible.wishes._table import is_gross_substitutes as is_gross_substitutes
