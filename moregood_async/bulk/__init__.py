"""Whole files: reading customers from them, and writing lists to them."""
