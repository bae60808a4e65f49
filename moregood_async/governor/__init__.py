"""Decide when a request may be sent: pure decisions, without waiting, clocks or sockets."""
