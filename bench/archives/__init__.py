"""What `python -m bench.archives` measures, one module for each part."""
