"""The command line: `python -m sdk keygen | receive | open | commission | change | cancel | answer | held`."""

import sys

from sdk.cli import main

sys.exit(main())
