#!/usr/bin/env bash
# Makes a Docker engine, Compose and stand-ins for the three base images on a machine that reaches
# Debian's packages and PyPI but no image registry. As root. Everything lies under $DK (default: standins in the temporary folder).
#   bash tests/standins.sh         engine, compose plugin, images; prints the two variables to export
#   bash tests/standins.sh stop    ends the engine that it started and takes its network away
# Takes apt's source, certificates, pip's settings and local wheels from this machine; names no host.
set -euo pipefail
DK=${DK:-${TMPDIR:-/tmp}/standins}
export DOCKER_HOST=unix://$DK/docker.sock DOCKER_CONFIG=$DK/cfg
mkdir -p "$DK"/{data,exec,cfg/cli-plugins,debs}

if [ "${1:-}" = stop ]; then
  docker ps -q | xargs -r docker stop >/dev/null || true
  docker network prune -f >/dev/null || true
  [ ! -e "$DK/dockerd.pid" ] || kill "$(cat "$DK/dockerd.pid")"
  sleep 5
  ip link delete docker0 2>/dev/null || true
  [ ! -e "$DK/iptables.before" ] || iptables-restore "$DK/iptables.before"
  [ ! -e "$DK/forward.before" ] || sysctl -q -w net.ipv4.ip_forward="$(cat "$DK/forward.before")"
  exit
fi

uri=$(awk '/^URIs:/ {print $2; exit} /^deb / {print $2; exit}' \
  $(ls /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null))
keys=/usr/share/keyrings/debian-archive-keyring.gpg

# 1. The engine (Debian 12's docker.io is 20.10), by hand, with its data in $DK.
if ! docker info >/dev/null 2>&1; then
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends docker.io debootstrap iptables ca-certificates >/dev/null
  for table in filter nat; do iptables-save -t $table; done >"$DK/iptables.before"
  sysctl -n net.ipv4.ip_forward >"$DK/forward.before"
  setsid nohup dockerd --data-root "$DK/data" --exec-root "$DK/exec" -H "$DOCKER_HOST" \
    --pidfile "$DK/dockerd.pid" --storage-driver overlay2 >"$DK/dockerd.log" 2>&1 </dev/null &
  for _ in $(seq 30); do docker info >/dev/null 2>&1 && break; sleep 1; done
  docker info >/dev/null
fi

# 2. Compose v2 and buildx: the plugins out of forky's packages, unpacked, not installed.
if [ ! -x "$DK/cfg/cli-plugins/docker-compose" ]; then
  mkdir -p "$DK"/apt/lists/partial "$DK"/apt/cache/archives/partial
  echo "deb [signed-by=$keys] $uri forky main" >"$DK/apt/sources.list"
  apt=(apt-get -qq -o "Dir::Etc::SourceList=$DK/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=$DK/apt/lists" -o "Dir::Cache=$DK/apt/cache" -o APT::Sandbox::User=root
    -o Acquire::Check-Valid-Until=false)
  "${apt[@]}" update
  (cd "$DK/debs" && "${apt[@]}" download docker-compose/forky docker-buildx/forky)
  for deb in "$DK"/debs/*.deb; do dpkg-deb -x "$deb" "$DK/debs/x"; done
  cp "$DK"/debs/x/usr/libexec/docker/cli-plugins/* "$DK/cfg/cli-plugins/"
fi

# 3. Two root file systems, with this machine's certificates and apt settings.
root() { # SUITE
  local to=$DK/root-$1
  [ ! -e "$to/.done" ] || return 0
  rm -rf "$to"
  local script=/usr/share/debootstrap/scripts/$1
  [ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
  debootstrap --variant=minbase --include=ca-certificates "$1" "$to" "$uri" "$script" >"$DK/debootstrap-$1.log"
  cp -L /etc/ssl/certs/ca-certificates.crt "$to/etc/ssl/certs/ca-certificates.crt"
  echo 'Acquire::Check-Valid-Until "false"; Acquire::Check-Date "false";' >"$to/etc/apt/apt.conf.d/99standin"
  rm -rf "$to"/var/cache/apt/archives/*.deb "$to"/var/lib/apt/lists/* "$to/debootstrap"
  touch "$to/.done"
}
root bookworm
root forky
image() { docker image inspect "$1" >/dev/null 2>&1; }
for suite in bookworm forky; do
  image "standin-$suite" || tar -C "$DK/root-$suite" -c . | docker import - "standin-$suite:latest"
done

# 4. python:3.11-slim. Its pip reads this machine's local wheels (torch for the CPU), where pip's find-links names a
# folder; they are a layer of their own: take it off when you weigh an image.
mkdir -p "$DK/py/wheels"
for links in $(pip config get global.find-links 2>/dev/null || true); do
  [ -d "$links" ] && cp -u "$links"/*.whl "$DK/py/wheels/" 2>/dev/null || true
done
{
  echo '[global]'
  echo 'cert = /etc/ssl/certs/ca-certificates.crt'
  echo 'timeout = 180'
  echo 'retries = 1'
  echo 'find-links = /usr/share/standin-wheels'
  index=$(pip config get global.index-url 2>/dev/null || true)
  [ -z "$index" ] || echo "index-url = $index"
} >"$DK/py/pip.conf"
cat >"$DK/py/Dockerfile" <<'D'
FROM standin-bookworm:latest
RUN export DEBIAN_FRONTEND=noninteractive; apt-get update \
    && apt-get install -y --no-install-recommends python3.11 python3.11-venv \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /usr/lib/python3.11/EXTERNALLY-MANAGED \
    && ln -s /usr/bin/python3.11 /usr/local/bin/python && ln -s /usr/bin/python3.11 /usr/local/bin/python3
ENV LANG=C.UTF-8
COPY pip.conf /etc/pip.conf
COPY wheels /usr/share/standin-wheels
CMD ["python"]
D
docker build -q -t python:3.11-slim "$DK/py"

# 5. pgvector/pgvector:pg18 and redis:8-alpine, out of forky's packages.
mkdir -p "$DK/pg" "$DK/redis"
cat >"$DK/pg/Dockerfile" <<'D'
FROM standin-forky:latest
RUN export DEBIAN_FRONTEND=noninteractive; apt-get update && apt-get install -y --no-install-recommends locales \
    && localedef -i en_US -c -f UTF-8 en_US.UTF-8 \
    && mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf \
    && apt-get install -y --no-install-recommends postgresql-18 postgresql-18-pgvector \
    && sed -i "s/^#*listen_addresses.*/listen_addresses = '*'/" /usr/share/postgresql/18/postgresql.conf.sample \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* && install -d -o postgres -g postgres -m 3777 /var/run/postgresql /var/lib/postgresql
ENV LANG=en_US.utf8 PATH=/usr/lib/postgresql/18/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PGDATA=/var/lib/postgresql/18/docker
COPY entrypoint /usr/local/bin/docker-entrypoint.sh
VOLUME /var/lib/postgresql
STOPSIGNAL SIGINT
EXPOSE 5432
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
D
cat >"$DK/pg/entrypoint" <<'D'
#!/bin/bash
# As the official image does it: own PGDATA, initdb once, set password and database, then the server.
set -euo pipefail
[ "${1#-}" != "$1" ] && set -- postgres "$@"
[ "$1" != postgres ] && exec "$@"
# A value may lie in the file that NAME_FILE names; read as root, before it becomes another user.
for name in POSTGRES_PASSWORD POSTGRES_USER POSTGRES_DB POSTGRES_INITDB_ARGS; do
  file=${name}_FILE
  [ -n "${!file:-}" ] || continue
  [ -z "${!name:-}" ] || { echo "error: both $name and $file are set (but are exclusive)" >&2; exit 1; }
  export "$name=$(<"${!file}")"
  unset "$file"
done
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA" && chmod 700 "$PGDATA" && chown -R postgres:postgres "$PGDATA" /var/run/postgresql
  exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  : "${POSTGRES_PASSWORD:?Error: Database is uninitialized and superuser password is not specified.}"
  user=${POSTGRES_USER:-postgres} db=${POSTGRES_DB:-${POSTGRES_USER:-postgres}}
  initdb --username="$user" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") ${POSTGRES_INITDB_ARGS:-}
  printf '\nhost all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
  pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -p 5432" -w start
  [ "$db" = postgres ] || PGPASSWORD=$POSTGRES_PASSWORD psql -v ON_ERROR_STOP=1 -U "$user" -d postgres \
    -c "CREATE DATABASE \"$db\""
  for f in /docker-entrypoint-initdb.d/*.sql; do [ -e "$f" ] && psql -U "$user" -d "$db" -f "$f"; done
  pg_ctl -D "$PGDATA" -m fast -w stop
  echo 'PostgreSQL init process complete; ready for start up.'
fi
exec "$@"
D
cat >"$DK/redis/Dockerfile" <<'D'
FROM standin-forky:latest
RUN export DEBIAN_FRONTEND=noninteractive; apt-get update && apt-get install -y --no-install-recommends redis-server redis-tools \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* && install -d -o redis -g redis /data
COPY entrypoint /usr/local/bin/docker-entrypoint.sh
VOLUME /data
WORKDIR /data
EXPOSE 6379
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["redis-server", "--protected-mode", "no"]
D
cat >"$DK/redis/entrypoint" <<'D'
#!/bin/sh
set -e
case "$1" in -* | *.conf) set -- redis-server "$@" ;; esac
if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
  chown -R redis:redis /data
  exec setpriv --reuid=redis --regid=redis --init-groups "$0" "$@"
fi
exec "$@"
D
chmod +x "$DK/pg/entrypoint" "$DK/redis/entrypoint"
docker build -q -t pgvector/pgvector:pg18 "$DK/pg"
docker build -q -t redis:8-alpine "$DK/redis"
docker images
echo "export DOCKER_HOST=$DOCKER_HOST DOCKER_CONFIG=$DOCKER_CONFIG"
