"""Industries as environments of a central planner; importing this registers them with Gymnasium."""

from ._env import IndustryEnv as IndustryEnv
from ._levers import Lever as Lever
from ._registered import REGISTERED as REGISTERED
from ._world import IndustryWorld as IndustryWorld
from ._world import Outcome as Outcome
