#!/bin/sh
# Builds the images and tests what an operator does with them, with the Docker engine of this machine:
# up, keys, a flagged pair, console, archive, two workers, restart, kill -9 of each container's
# process, an upgrade by building again, backup, restore into an empty volume. It uses containers,
# volumes and secrets of its own and removes them at the end. SLOW=3 waits three times as long for each step.
set -eu
cd "$(dirname "$0")/../.."
if ! docker info >/dev/null 2>&1; then
  echo "compose-test: no Docker engine answers here, so nothing was tested"
  exit 0
fi
if ! docker compose version >/dev/null 2>&1; then
  echo "compose-test: docker has no compose plugin here, so nothing was tested"
  exit 0
fi

here=$(mktemp -d)
port=${PORT:-18080}
slow=${SLOW:-1}
mkdir "$here/secrets"
for name in postgres_password api_password redis_password secret_key; do
  head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$here/secrets/$name"
  chmod 644 "$here/secrets/$name"
done
cat >"$here/override.yml" <<Y
secrets:
  postgres_password: {file: $here/secrets/postgres_password}
  api_password: {file: $here/secrets/api_password}
  redis_password: {file: $here/secrets/redis_password}
  secret_key: {file: $here/secrets/secret_key}
Y
export COMPOSE_PROFILES=cpu PUBLISH=127.0.0.1:$port ASKEDBEFORE_VERSION=test
export ASKEDBEFORE_TRUSTED_PROXIES=127.0.0.0/8,::1/128,172.16.0.0/12
export POSTGRES_SHARED_BUFFERS=128MB POSTGRES_MAINTENANCE_MEMORY=128MB
compose() { docker compose --project-name askedbefore-test -f docker-compose.yml -f "$here/override.yml" --env-file /dev/null "$@"; }
url=http://127.0.0.1:$port

begun=$(date +%s)
say() { echo "[$(($(date +%s) - begun)) s] $*"; }
fail() {
  say "FAILED: $*"
  compose ps -a
  compose logs --tail 30
  exit 1
}
end() {
  compose down --volumes --remove-orphans --timeout 20 >/dev/null 2>&1 || true
  rm -rf "$here"
}
trap end EXIT
trap 'exit 130' INT TERM

until_true() { # SECONDS COMMAND...
  left=$(($1 * slow))
  shift
  until "$@" >/dev/null 2>&1; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || return 1
    sleep 1
  done
}
api() { compose exec -T api askedbefore "$@"; }
ready() { curl -fs "$url/readyz"; }
call() { curl -fsS -H "Authorization: Bearer $key" -H 'Content-Type: application/json' "$@"; }
ask() { # NUMBER TITLE
  call -X PUT "$url/v1/forums/yard/questions/$1?wait=10" -d "{\"title\": \"$2\"}" >/dev/null || fail "question $1 was refused"
}
flagged() { call "$url/v1/forums/yard/questions/$1" | grep -q '"state": *"done"' && call "$url/v1/forums/yard/pairs?status=flagged" | grep -q "\"$1\""; }
renew() { # the containers of the version that is set, without those they need
  compose up -d --no-deps --wait --wait-timeout "$((180 * slow))" worker-cpu beat >/dev/null 2>&1 || fail "workers"
  compose up -d --no-deps --wait --wait-timeout "$((120 * slow))" api >/dev/null 2>&1 || fail "api"
  until_true 90 ready || fail "not ready with version $ASKEDBEFORE_VERSION"
  compose ps --format '{{.Image}}' api | grep -q ":$ASKEDBEFORE_VERSION\$" || fail "the API is not $ASKEDBEFORE_VERSION"
}
count() { compose exec -T postgres psql -U askedbefore -Atc "SELECT count(*) FROM $1"; }

say "build"
compose build --quiet
for name in api worker; do
  say "image $name: $(docker image inspect -f '{{.Size}}' "askedbefore-$name:test" | awk '{printf "%.0f MB", $1 / 1e6}')"
done

say "up"
compose up -d --wait --wait-timeout "$((300 * slow))" >/dev/null 2>&1 || fail "not up within 300 s"
until_true 120 ready || fail "not ready"
say "ready"

say "keys, questions, a flagged pair"
key=$(api keys create --forum yard --create-forum --scope submit --scope review --scope admin | tail -1)
ask 1 "How do I prune an old apple tree?"
ask 2 "How should I prune an old apple tree?"
until_true 60 flagged 2 || fail "the pair was not flagged"

say "console, by a link that signs in once; the cookie behind a proxy that speaks TLS is Secure"
api people add ann --forum yard --role admin >/dev/null
link=$(api people link ann --url "$url" | tail -1)
curl -fsS "$link" | grep -qi '<form' || fail "the link shows no page"

say "an archive of 260 questions over HTTP"
i=0
for thing in apple gate lamp kettle fence violin carpet laptop stove bicycle roof window drum; do
  for verb in clean sell paint repair store buy measure replace insure lift; do
    i=$((i + 1))
    echo "{\"id\": \"old-$i\", \"title\": \"How do I $verb a $thing?\"}"
    echo "{\"id\": \"new-$i\", \"title\": \"What is the best way to $verb a $thing?\"}"
  done
done >"$here/old.jsonl"
call -X POST "$url/v1/forums/yard/archives" -H 'Content-Type: application/x-ndjson' --data-binary @"$here/old.jsonl" >/dev/null || fail "the upload was refused"
mined() { [ "$(compose exec -T postgres psql -U askedbefore -Atc "SELECT count(*) FROM archives WHERE state <> 'mined' AND state <> 'done'")" = 0 ]; }
until_true 180 mined || fail "the archive was not mined: $(api archives)"

say "two workers"
compose up -d --scale worker-cpu=2 --wait --wait-timeout "$((120 * slow))" >/dev/null 2>&1 || fail "no second worker"
ask 3 "How can I prune an apple tree that is old?"

say "restart"
compose restart >/dev/null 2>&1
until_true 120 ready || fail "not ready after a restart"
ask 4 "What is the best way of pruning an old apple tree?"

for name in api worker-cpu beat redis postgres; do
  say "kill -9 of $name"
  for id in $(compose ps -q "$name"); do
    kill -9 "$(docker inspect -f '{{.State.Pid}}' "$id")" 2>/dev/null ||
      docker kill --signal KILL "$id" >/dev/null
  done
  until_true 60 sh -c "[ \"\$(docker inspect -f '{{.State.Running}}' $(compose ps -aq "$name" | head -1))\" = true ]" || {
    compose up -d >/dev/null 2>&1
    say "  (a kill from outside counts as a stop for this engine: started by hand)"
  }
  until_true 150 ready || fail "not ready after the death of $name"
done
ask 5 "How is an old apple tree pruned?"
until_true 60 flagged 5 || fail "no pair after all the deaths"

say "upgrade: build under a new version, migrate beside the running one, then the containers one kind at a time"
before=$ASKEDBEFORE_VERSION
export ASKEDBEFORE_VERSION=$before-next
compose build --quiet
compose run --rm migrate >/dev/null 2>&1 || fail "migrate beside the running version"
ready >/dev/null || fail "the old version was disturbed"
renew
say "the way back: the version before"
ASKEDBEFORE_VERSION=$before
renew
ASKEDBEFORE_VERSION=$before-next
renew

say "back up"
before="$(count questions) $(count pairs) $(count archives)"
compose exec -T api askedbefore backup - >"$here/backup.tar" || fail "backup"
say "  $(wc -c <"$here/backup.tar") bytes: questions, pairs, archives: $before"

say "restore into an empty volume"
compose down --volumes --timeout 20 >/dev/null 2>&1
compose up -d --wait postgres redis >/dev/null 2>&1
compose run --rm migrate >/dev/null 2>&1
compose run --rm --no-deps -T migrate restore - <"$here/backup.tar" || fail "restore"
compose up -d --wait --wait-timeout "$((300 * slow))" >/dev/null 2>&1 || fail "not up after the restore"
until_true 120 ready || fail "not ready after the restore"
after="$(count questions) $(count pairs) $(count archives)"
[ "$before" = "$after" ] || fail "restored $after, not $before"
ask 6 "How would you prune an old apple tree?"
until_true 60 flagged 6 || fail "no pair after the restore"

say "memory at rest"
docker stats --no-stream --format '  {{.Name}} {{.MemUsage}}' $(compose ps -q)
say "all of it works"
