"""Studies of learning from a stream: what a model gains and forgets, domain after domain."""
