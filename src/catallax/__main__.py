"""`python -m catallax` is the command `catallax`."""

import sys

from catallax._cli import main

if __name__ == "__main__":
    sys.exit(main())
