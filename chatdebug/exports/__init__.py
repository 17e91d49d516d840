"""Recorded runs on their way to the next person: JSON, OTLP, Markdown, text and curl.

What leaves is made of documents, plain JSON of one run with its steps, so that it reads
the same whether the run is in this database or in the file of another deployment. Nothing
here fails on what was recorded, whatever release or stranger wrote it.
"""
