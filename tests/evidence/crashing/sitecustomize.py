"""Python runs this at the start of a process that finds it on its path: so a service can be killed without knowing."""

import os

from tests.evidence.crash_points import watch

if "CRASH_TRACE" in os.environ:
    watch(os.environ["CRASH_TRACE"], at=os.environ.get("CRASH_AT", ""))
