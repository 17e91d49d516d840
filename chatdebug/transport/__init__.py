"""HTTP attempts: what passes between a client and a provider, and how that ended."""
