"""The servers that Modelwright is compared with, each a program of its own.

Each is started as ``python -m served.sides.NAME FOLDER PORT`` in the folder ``benchmarks``, serves
one servable on 127.0.0.1, and answers ``{"instances": [ROW]}`` with ``{"predictions": [ANSWER]}``,
as TensorFlow Serving does. Each is what the server's own guide shows, on one process' worth of
work: nothing is tuned, and nothing is left out that the others do.
"""
