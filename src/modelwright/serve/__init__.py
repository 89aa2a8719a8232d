"""A server with TensorFlow Serving's REST and gRPC interfaces, which needs no TensorFlow itself."""
