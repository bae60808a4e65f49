"""The layers between a call and the wire: retry, pace, observe."""
