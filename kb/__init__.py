"""Whence: from which dataset should I transfer?"""

from importlib.metadata import version

__version__ = version("whence")
