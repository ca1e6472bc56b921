"""The web service of Whence: JSON, SPARQL and pages over one knowledge base."""
