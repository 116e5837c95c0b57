"""Industries: goods, who brings them, who can transform them, and who uses them up."""

from catallax._goods import Inflow as Inflow

from ._activity_analysis import Reading as Reading
from ._activity_analysis import industry_of as industry_of
from ._activity_analysis import resource_rows as resource_rows
from ._blends import blends as blends
from ._commodity_flow import commodity_flow as commodity_flow
from ._household import Household as Household
from ._household import Sight as Sight
from ._household import Taste as Taste
from ._household import Want as Want
from ._industry import Industry as Industry
from ._industry import Producer as Producer
from ._mps import Column as Column
from ._mps import LinearProgramme as LinearProgramme
from ._mps import Row as Row
from ._mps import read_mps as read_mps
from ._mps import write_mps as write_mps
from ._named import industry_named as industry_named
from ._non_rival import non_rival as non_rival
from ._non_rival import summed_prices as summed_prices
from ._supply_chain import supply_chain as supply_chain
from ._workshops import workshops as workshops
