#!/bin/sh
# Makes the four secrets of docker-compose.yml in the folder `secrets`, each once: one that is there
# stays. Only the owner of the folder reaches them; the containers see the files alone.
set -eu
cd "$(dirname "$0")/../.."
mkdir -p secrets
chmod 700 secrets
for name in postgres_password api_password redis_password secret_key; do
  [ -s "secrets/$name" ] && continue
  head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"secrets/$name"
  chmod 644 "secrets/$name" # read in the container by a user with another number
  echo "secrets/$name is new"
done
