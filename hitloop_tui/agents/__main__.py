"""`python -m hitloop_tui.agents`: see `driver`."""

import signal
import sys

if __name__ == "__main__":
    # LangGraph takes seconds to import; told to stop in that time, this process ends well too.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    from hitloop_tui.agents.driver import main

    sys.exit(main())
