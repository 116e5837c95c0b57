"""Whole goods: wishes for bundles of them in, exact Walrasian prices and allocations out."""

from catallax.clearing.indivisible import wishes as wishes
from catallax.clearing.indivisible._assignment import Assignment as Assignment
from catallax.clearing.indivisible._by_good import ByGood as ByGood
from catallax.clearing.indivisible._certify import certify_whole as certify_whole
from catallax.clearing.indivisible._clock import Clock as Clock
from catallax.clearing.indivisible._configurations import Configurations as Configurations
from catallax.clearing.indivisible._market import WholeMarket as WholeMarket
from catallax.clearing.indivisible._method import WholeFound as WholeFound
from catallax.clearing.indivisible._method import WholeMethod as WholeMethod
from catallax.clearing.indivisible._outcome import Shares as Shares
from catallax.clearing.indivisible._outcome import WholeCertificate as WholeCertificate
from catallax.clearing.indivisible._outcome import WholeEquilibrium as WholeEquilibrium
from catallax.clearing.indivisible._solve import indivisible as indivisible
