"""The gate's end of the wire. Its one face is `EdgeAgent` (`sync/edge/agent.py`); see docs/protocol.md."""
