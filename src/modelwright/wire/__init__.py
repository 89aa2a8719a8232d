"""What TensorFlow Serving and its clients send each other: messages, tensors, record files."""
