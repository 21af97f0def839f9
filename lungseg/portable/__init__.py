"""A checkpoint -> a file that any program with ONNX Runtime predicts with."""
