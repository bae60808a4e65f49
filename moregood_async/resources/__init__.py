"""The API by its nouns, one file each."""
