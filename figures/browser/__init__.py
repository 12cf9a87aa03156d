"""The page: what it shows, gathered from tables and shipped policies, and the file it is put into.

Its front end stands in ``front``, built by npm into one committed file with empty slots.
"""
