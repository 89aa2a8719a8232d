"""Answer requests as TensorFlow Serving does, over HTTP and gRPC, without TensorFlow."""
