"""Captured failures as cassettes: what a provider answered, to be played again offline."""
