#!/usr/bin/env bash
# Writes the lock files of the images out of pyproject.toml: every library in one version, with the
# digests of its files. Needs uv (pip install uv) and the package registry; run it in the
# repository's root after a change of pyproject.toml. A test says when it was forgotten.
set -euo pipefail
cd "$(dirname "$0")/../.."
lock() { # NAME EXTRA...
  local name=$1 extras=()
  shift
  for extra in "$@"; do extras+=(--extra "$extra"); done
  uv pip compile pyproject.toml "${extras[@]}" --quiet --generate-hashes --no-header --no-annotate \
    --python-version 3.11 --python-platform x86_64-manylinux_2_28 --output-file "deploy/locks/$name.txt"
}
lock api api
lock worker inference
lock otel otel
# PyTorch comes from an index of its own: for the CPU in the build stage, for GPUs in their image.
UV_FIND_LINKS=${TORCH_CPU:-https://download.pytorch.org/whl/cpu/torch/} lock export worker models
lock gpu worker models
echo 'setuptools>=80' | uv pip compile - --quiet --generate-hashes --no-header --no-annotate \
  --python-version 3.11 --output-file deploy/locks/build.txt
