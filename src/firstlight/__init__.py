"""Class probabilities for astronomical transients at every observation."""

__version__ = "0.1.0"
