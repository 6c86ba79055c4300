"""``python -m lipwright`` is the ``lipwright`` command."""

import sys

from lipwright.cli import main

if __name__ == "__main__":
    sys.exit(main())
