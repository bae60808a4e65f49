"""The layers between a call and the transport: retry, pace, observe."""
