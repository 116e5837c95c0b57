"""The wide market: goods change hands at clearing prices, and producers transform what they own."""

from ._economy import WideEconomy as WideEconomy
from ._history import History as History
from ._inspect import HolderRecord as HolderRecord
from ._market import WideMarket as WideMarket
from ._rules import Expectations as Expectations
from ._rules import Experience as Experience
from ._rules import Inertia as Inertia
from ._rules import Patience as Patience
from ._rules import Rewards as Rewards
from ._rules import Stipends as Stipends
from ._turnover import AllIn as AllIn
from ._turnover import Trials as Trials
