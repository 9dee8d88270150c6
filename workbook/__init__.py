"""The engine behind learn.py, the tests and the notebooks."""
