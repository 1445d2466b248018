"""Read a DualAlign trace file with NumPy alone: python read_trace.py TRACE.safetensors"""

import json
import struct
import sys

import numpy as np

DTYPES = {"F32": "<f4", "F16": "<f2", "I64": "<i8"}


def read_trace(path):
    """Return the arrays by name (logits as float32, -inf where a question has no such option) and the metadata."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(length)), file.read()
    metadata = header.pop("__metadata__")
    arrays = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        values = np.frombuffer(data[start:end], DTYPES[entry["dtype"]]).reshape(entry["shape"])
        arrays[name] = values.astype(np.float32) if name.endswith("logits") else values
    lists = {name: json.loads(metadata.pop(name, "[]")) for name in ("question_ids", "groups")}
    return arrays, metadata | lists


if __name__ == "__main__":
    arrays, metadata = read_trace(sys.argv[1])
    print({name: values.shape for name, values in arrays.items()}, metadata["plm"], metadata["polm"])
