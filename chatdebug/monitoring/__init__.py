"""What other tools tell of the recorder, where they are installed: numbers, checks, fields.

Each of them asks the database what all processes have written there, so that whichever of
them is asked answers for the deployment.
"""
