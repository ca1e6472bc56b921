"""What is known: vocabulary and entries. Pure; reads files and nothing else."""
