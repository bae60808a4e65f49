"""Files of customers in any usual format, and the customer that each of their rows describes."""
