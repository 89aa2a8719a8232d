"""Networks and the preprocessing in their graphs. Never reads data.

Importing this package loads no framework. Only ``options``, ``builders`` and ``adaptation`` can be
imported without one.
"""
