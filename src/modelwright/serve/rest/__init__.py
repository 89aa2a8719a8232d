"""The REST interface of TensorFlow Serving over the service."""
