"""What is expensive: store, reasoner, encoder, vector index. Each heavy library is imported in one module."""
