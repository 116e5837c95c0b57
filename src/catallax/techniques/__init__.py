"""Techniques: what producers do to the bundles that they own."""

from ._bids import marginal_bids as marginal_bids
from ._faults import probe_technique as probe_technique
from ._faults import require_stock as require_stock
from ._function import JaxTechnique as JaxTechnique
from ._graded import GradedActivity as GradedActivity
from ._linear import LinearActivity as LinearActivity
from ._linear import Storage as Storage
from ._many import Activities as Activities
from ._many import produce_all as produce_all
from ._many import stack_activities as stack_activities
from ._on_goods import OnGoods as OnGoods
from ._protocol import Technique as Technique
from ._smooth import CESTechnique as CESTechnique
from ._smooth import CobbDouglasTechnique as CobbDouglasTechnique
