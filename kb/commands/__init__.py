"""Commands of `whence` by theme; `kb.cli` registers them. Heavy modules are imported by the command that needs them."""
