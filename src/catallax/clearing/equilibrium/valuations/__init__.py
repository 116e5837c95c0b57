"""Valuations: what bundles of goods are worth to agents, by family."""

from catallax.clearing.equilibrium.valuations._bounded import BoundedLeontief as BoundedLeontief
from catallax.clearing.equilibrium.valuations._coupled import Concave as Concave
from catallax.clearing.equilibrium.valuations._coupled import CoupledQuadratic as CoupledQuadratic
from catallax.clearing.equilibrium.valuations._homogeneous import CES as CES
from catallax.clearing.equilibrium.valuations._homogeneous import CobbDouglas as CobbDouglas
from catallax.clearing.equilibrium.valuations._homogeneous import Leontief as Leontief
from catallax.clearing.equilibrium.valuations._homogeneous import Linear as Linear
from catallax.clearing.equilibrium.valuations._mixed import Mixed as Mixed
from catallax.clearing.equilibrium.valuations._protocol import Homogeneous as Homogeneous
from catallax.clearing.equilibrium.valuations._protocol import Valuations as Valuations
from catallax.clearing.equilibrium.valuations._separable import Logarithmic as Logarithmic
from catallax.clearing.equilibrium.valuations._separable import PiecewiseLinear as PiecewiseLinear
from catallax.clearing.equilibrium.valuations._separable import (
    PiecewiseQuadratic as PiecewiseQuadratic,
)
from catallax.clearing.equilibrium.valuations._separable import Quadratic as Quadratic
