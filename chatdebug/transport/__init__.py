"""HTTP attempts: what passes between a client and a provider, and how that ended.

Nothing is imported here: only ``chatdebug.transport.transport`` needs httpx2.
"""
