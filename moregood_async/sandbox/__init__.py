"""A Beacon API of your own."""
