"""The Python interface to the steps that need settings: ``train`` and ``Classifier``."""
