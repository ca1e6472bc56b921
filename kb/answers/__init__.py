"""What users ask for, composed of knowledge and engines."""
