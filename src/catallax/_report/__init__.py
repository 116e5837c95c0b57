"""The report of a run: one page of HTML that needs nothing else."""

from catallax._report._names import world_name as world_name
from catallax._report._page import write_report as write_report
