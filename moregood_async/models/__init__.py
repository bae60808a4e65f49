"""The request models and the response models, one module for each noun of the API."""
