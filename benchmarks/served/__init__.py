"""What the benchmarks of serving share: a client, servers as processes, requests with answers."""
