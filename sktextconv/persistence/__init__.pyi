from ._format import ModelFormatError as ModelFormatError
from ._onnx_classifier import OnnxClassifier as OnnxClassifier
from ._onnx_export import export_onnx as export_onnx
from ._safetensors import load as load, save as save
