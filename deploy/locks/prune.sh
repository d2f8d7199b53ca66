#!/bin/sh
# Takes out of a virtual environment what no process of the service reads: tests, headers, and the
# parts of Arrow beside Parquet. The images are smaller by a third.
set -eu
site=$(echo "$1"/lib/python3*/site-packages)
find "$site" -type d \( -name tests -o -name test -o -name testing \) \
  -not -path '*/numpy/testing*' -not -path '*/torch/testing*' -not -path '*/celery/*' -prune -exec rm -rf {} +
find "$site" -name '*.pyi' -delete
find "$site" -name '*.pyx' -delete
find "$site" -name '*.pxd' -delete
for dead in pyarrow/libarrow_flight* pyarrow/libarrow_substrait* pyarrow/_flight* pyarrow/_substrait* \
  pyarrow/include pyarrow/src numpy/_core/include numpy/f2py \
  torch/include torch/bin onnxruntime/tools onnxruntime/transformers onnxruntime/quantization; do
  rm -rf "$site"/$dead
done
# Libraries beside a package (numpy.libs) stay as they are: they were patched, and do not bear it.
if command -v strip >/dev/null; then
  find "$site" -name '*.cpython-*.so' -exec strip --strip-debug {} +
fi
rm -rf "$site"/Cryptodome/SelfTest "$site"/sqlalchemy/dialects/mysql "$site"/sqlalchemy/dialects/oracle \
  "$site"/sqlalchemy/dialects/mssql
rm -rf "$site"/pygments/lexers/[a-z]*.py
if [ "${2:-}" = api ]; then # only the command line of Celery has a use for these
  rm -rf "$site"/prompt_toolkit "$site"/wcwidth "$site"/click_repl
fi
# Bytecode stays only of what a process loads when it starts.
"$1"/bin/python -B - "$site" <<'P'
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

NAMES = """alembic.command alembic.autogenerate argon2 celery celery.apps.beat celery.app.amqp
charset_normalizer fastapi fastapi.responses fastapi.templating httpx2 itsdangerous jinja2
kombu.transport.redis numpy onnxruntime pgvector.sqlalchemy prometheus_client psutil psycopg2
py3langid py7zr pyarrow.parquet pydantic_settings pydantic.networks python_multipart redis
rich.console rich.progress rich.table sentence_transformers sqlalchemy.orm
sqlalchemy.dialects.postgresql.psycopg2 standardwebhooks starlette.staticfiles structlog tokenizers
torch transformers typer uvicorn.main uvicorn.protocols.http.httptools_impl uvicorn.loops.uvloop
uvicorn.lifespan.on
celery.bin.celery celery.bin.worker celery.concurrency.prefork celery.worker.worker"""
for name in NAMES.split():
    with suppress(Exception):
        import_module(name)
used = {getattr(module, "__cached__", None) for module in list(sys.modules.values())}
for path in Path(sys.argv[1]).rglob("*.pyc"):
    if str(path) not in used:
        path.unlink()
P
