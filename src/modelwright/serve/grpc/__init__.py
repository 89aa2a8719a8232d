"""The gRPC interface: prediction, model management and health."""
