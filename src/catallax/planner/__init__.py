"""The planner: what an industry could be worth if one mind knew and decided everything."""

from ._frozen import frozen_price_share as frozen_price_share
from ._frozen import is_too_easy as is_too_easy
from ._horizon import Horizon as Horizon
from ._horizon import horizon as horizon
from ._pooled import PooledState as PooledState
from ._pooled import pooled_state as pooled_state
from ._sight import in_full_sight as in_full_sight
from ._steady import SteadyState as SteadyState
from ._steady import steady_state as steady_state
from ._weighted import weighted as weighted
