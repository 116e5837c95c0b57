"""`Equ`: total goods and valuations in, certified Walrasian prices and bundles out."""

from catallax.clearing.equilibrium import valuations as valuations
from catallax.clearing.equilibrium._batch import equilibria as equilibria
from catallax.clearing.equilibrium._certificate import certify as certify
from catallax.clearing.equilibrium._closed import ClosedForm as ClosedForm
from catallax.clearing.equilibrium._exchange import ExchangePath as ExchangePath
from catallax.clearing.equilibrium._exchange import exchange as exchange
from catallax.clearing.equilibrium._interior_method import InteriorPoint as InteriorPoint
from catallax.clearing.equilibrium._outcome import Certificate as Certificate
from catallax.clearing.equilibrium._outcome import Equilibrium as Equilibrium
from catallax.clearing.equilibrium._outcome import Result as Result
from catallax.clearing.equilibrium._proportional import ProportionalResponse as ProportionalResponse
from catallax.clearing.equilibrium._smoothed import Smoothed as Smoothed
from catallax.clearing.equilibrium._solve import equilibrium as equilibrium
from catallax.clearing.equilibrium._streamed import equilibrium_streamed as equilibrium_streamed
from catallax.clearing.equilibrium._streamed_outcome import (
    StreamedEquilibrium as StreamedEquilibrium,
)
from catallax.clearing.equilibrium._tatonnement import Tatonnement as Tatonnement
from catallax.clearing.equilibrium._tatonnement import tatonnement_path as tatonnement_path
from catallax.clearing.equilibrium._weighted import WeightedWelfare as WeightedWelfare
