"""What people read of runs, steps and errors: words, numbers and order, but no markup.

The Debug tab, the admin and the API show the same facts in the same words, because all
ask here.
"""
