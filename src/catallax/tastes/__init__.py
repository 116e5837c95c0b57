"""Tastes: what bundles are worth to households, known or learnt."""

from ._function import FunctionTaste as FunctionTaste
from ._homogeneous import CES as CES
from ._homogeneous import CobbDouglas as CobbDouglas
from ._learned import LearnedTaste as LearnedTaste
