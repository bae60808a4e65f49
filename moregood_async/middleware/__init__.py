"""The middlewares that every call passes: retry, pace, observe."""
