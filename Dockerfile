# The same steps as `make`: a virtual environment, then pip install. torch comes from TORCH_INDEX:
# the CPU index gives a small image, https://pypi.org/simple gives the build for NVIDIA GPUs.
FROM python:3.11-slim

ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PATH=/srv/askedbefore/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    ASKEDBEFORE_MODEL_CACHE=/var/cache/askedbefore \
    HF_HOME=/var/cache/askedbefore/hub

WORKDIR /srv/askedbefore
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY db/ db/
COPY migrations/ migrations/
COPY worker/ worker/
COPY training/ training/
COPY api/ api/
COPY cli/ cli/
RUN python -m venv .venv \
    && .venv/bin/pip install --extra-index-url "$TORCH_INDEX" -e ".[models]"

# The folder belongs to the service's user, and so does the volume that is mounted on it.
RUN useradd --system --create-home askedbefore \
    && install -d -o askedbefore -g askedbefore /var/cache/askedbefore
USER askedbefore

EXPOSE 8000
ENTRYPOINT ["askedbefore"]
CMD ["--help"]
