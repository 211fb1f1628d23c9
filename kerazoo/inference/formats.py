"""The formats of `kerazoo export`; nothing heavy is imported here."""

# Format -> the ending of its path; a SavedModel is a directory.
FORMATS = {"saved_model": "", "tflite": ".tflite", "onnx": ".onnx", "keras": ".keras"}
