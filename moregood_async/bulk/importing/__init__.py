"""What comes in: files of customers in any usual form, and what each of their rows says."""
