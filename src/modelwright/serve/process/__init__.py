"""The processes of a server: start, workers, sockets, stop."""
