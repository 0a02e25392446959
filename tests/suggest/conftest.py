"""The classifier and the light curves of the tests of the classifier."""

from tests.classifier.conftest import classifier, fixtures, many

__all__ = ["classifier", "fixtures", "many"]
