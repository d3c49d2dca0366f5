"""Words of the library: models, interfaces, digests. Standard library and pydantic only."""
