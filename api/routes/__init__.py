"""Routes, one noun per module."""
