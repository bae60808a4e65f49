"""What is sent and what comes back, one file a noun."""
