"""The gRPC interface of TensorFlow Serving over the service."""
