#!/bin/sh
# Unpacks Debian's nginx, Caddy and Prometheus into a folder, without installing them: the tests of what is
# in deploy/ run the real programs. Where they cannot be had it says so, and those tests are left out.
#   sh tests/programs.sh FOLDER
set -eu
mkdir -p "$1/debs" "$1/bin"
cd "$1"
download() { (cd debs && apt-get -qq download nginx caddy prometheus); }

if [ ! -e bin/nginx ]; then
  if command -v apt-get && { download || { apt-get -qq update && download; }; }; then
    for deb in debs/*.deb; do dpkg-deb -x "$deb" root; done
    for name in sbin/nginx bin/caddy bin/prometheus bin/promtool; do ln -sf "$PWD/root/usr/$name" bin/; done
  fi >log 2>&1
fi
[ -e bin/nginx ] || echo "nginx, Caddy and Prometheus cannot be had from Debian here, so their tests are left out: $PWD/log"
