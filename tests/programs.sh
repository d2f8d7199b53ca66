#!/bin/sh
# Unpacks Debian's nginx, Caddy, Prometheus and Redis into a folder, without installing them: the tests of
# what is in deploy/ run the real programs, and `make servers` a Redis that speaks TLS. Where they cannot be
# had it says so, and those tests are left out.
#   sh tests/programs.sh FOLDER
set -eu
mkdir -p "$1/debs" "$1/bin"
cd "$1"
redis="redis-server redis-tools libjemalloc2 liblua5.1-0 liblzf1 libhiredis0.14 lua-cjson lua-bitop libatomic1"
download() { (cd debs && apt-get -qq download nginx caddy prometheus $redis); }

if [ ! -e bin/redis-server ]; then
  if command -v apt-get && { download || { apt-get -qq update && download; }; }; then
    for deb in debs/*.deb; do dpkg-deb -x "$deb" root; done
    for name in sbin/nginx bin/caddy bin/prometheus bin/promtool; do ln -sf "$PWD/root/usr/$name" bin/; done
    libraries=$(dirname "$(find "$PWD/root/usr/lib" -name libjemalloc.so.2)")
    printf '#!/bin/sh\nLD_LIBRARY_PATH="%s" exec "%s" "$@"\n' "$libraries" "$PWD/root/usr/bin/redis-server" >bin/redis-server
    chmod +x bin/redis-server
  fi >log 2>&1
fi
[ -e bin/redis-server ] || echo "nginx, Caddy, Prometheus and Redis cannot be had from Debian here, so their tests are left out: $PWD/log"
