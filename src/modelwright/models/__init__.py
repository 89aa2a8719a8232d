"""Networks and the graph-side preprocessing before them. Never reads data.

Importing this package loads no framework; its modules do, except ``options`` and ``builders``.
"""
