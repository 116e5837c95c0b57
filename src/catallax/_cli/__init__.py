"""The command line: `catallax train`, `evaluate`, `inspect`, `audit`, `report`, `solve`."""

from catallax._cli._main import main as main
