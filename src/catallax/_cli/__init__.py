"""The command line: `catallax train`, `evaluate`, `inspect`, `audit` and `report`."""

from catallax._cli._main import main as main
