"""What `hitloop-tui worker` does before it imports LangGraph, for workers that are forked."""

import os

os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
