"""How chatd reaches language models: HTTP clients and models of pydantic-ai."""
