"""The chat's pages, and the fragments that htmx asks for."""
