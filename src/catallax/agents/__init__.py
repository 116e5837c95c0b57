"""Agents: the protocol, the encoders they perceive with, and the species that come along."""

from catallax.agents._actions import action_count as action_count
from catallax.agents._actions import nth_action as nth_action
from catallax.agents._constant import Constant as Constant
from catallax.agents._encoders import Bits as Bits
from catallax.agents._encoders import Encoder as Encoder
from catallax.agents._encoders import Fourier as Fourier
from catallax.agents._encoders import Index as Index
from catallax.agents._encoders import Raw as Raw
from catallax.agents._encoders import Tiles as Tiles
from catallax.agents._linear import Linear as Linear
from catallax.agents._linear import Tabular as Tabular
from catallax.agents._neural import Neural as Neural
from catallax.agents._program import Program as Program
from catallax.agents._protocol import Genes as Genes
from catallax.agents._protocol import Spaces as Spaces
from catallax.agents._protocol import Species as Species
from catallax.agents._protocol import Trade as Trade
from catallax.agents._rule import Rule as Rule
