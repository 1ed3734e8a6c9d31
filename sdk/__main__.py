"""The command line: `python -m sdk --help`."""

import sys

from sdk.cli import main

sys.exit(main())
