"""Sentences that ask a model about one ability, with answers no reader would dispute."""
