"""What crosses the wire between gate and centre: topics, messages, envelopes. See docs/protocol.md."""
