"""The methods of the client, one module for each noun of the API."""
