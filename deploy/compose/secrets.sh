#!/bin/sh
# Creates the four secrets of docker-compose.yml in the folder `secrets`. Existing ones are kept. Only
# the owner can open the folder; each container gets only the files that it needs.
set -eu
cd "$(dirname "$0")/../.."
mkdir -p secrets
chmod 700 secrets
for name in postgres_password api_password redis_password secret_key; do
  [ -s "secrets/$name" ] && continue
  head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"secrets/$name"
  chmod 644 "secrets/$name" # the user in the container, who reads it, has another number
  echo "secrets/$name is new"
done
