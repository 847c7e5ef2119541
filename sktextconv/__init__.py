"""Text classification with convolutional and recurrent networks, scikit-learn style."""

from .display import TrainingCurveDisplay
from .networks import CharCNNClassifier

__all__ = ["CharCNNClassifier", "TrainingCurveDisplay", "__version__"]

__version__ = "0.1.0.dev0"
