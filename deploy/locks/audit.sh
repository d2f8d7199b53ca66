#!/bin/sh
# Looks every locked package up in the database of known vulnerabilities (osv.dev). Status 1 where
# one is found; where nobody could be asked it says so and why, and the status is 0.
# $1 is a Python, $2 a folder for pip-audit, with an environment of its own.
set -u
python=$1
audit=$2/bin/pip-audit
limit_s=${AUDIT_LIMIT_S:-600} # for everything together
cd "$(dirname "$0")"
ends=$(($(date +%s) + limit_s))

nobody() {
  echo "audit: nothing more was looked up: $1"
  exit "${found:-0}"
}
within() { # as long as is left; status 124 where that was too short
  left=$((ends - $(date +%s)))
  [ "$left" -gt 0 ] || return 124
  timeout "$left" "$@"
}

if ! said=$(timeout 30 "$python" - 2>&1 <<'P'
import sys, urllib.error, urllib.request
try:
    urllib.request.urlopen("https://api.osv.dev/", timeout=10)
except urllib.error.HTTPError:
    pass  # it answers
except OSError as error:
    sys.exit(str(getattr(error, "reason", error)))
P
); then
  nobody "the database of vulnerabilities (api.osv.dev) cannot be reached from here: $said"
fi
if ! [ -x "$audit" ]; then
  "$python" -m venv "$2" &&
    within "$2/bin/pip" install --quiet --retries 1 --timeout 30 'pip-audit==2.*' ||
    nobody "pip-audit could not be installed"
fi
found=0
for lock in api worker gpu; do
  said=$(within "$audit" --vulnerability-service osv --timeout 20 --disable-pip --no-deps \
    --progress-spinner off --requirement "$lock.txt" 2>&1)
  [ $? -ne 124 ] || nobody "$lock.txt took longer than the $limit_s s that all may take"
  case "$said" in
    *"could not be audited"*)
      nobody "the database does not know some packages of $lock.txt, so it cannot clear them:
$(echo "$said" | grep "could not be audited" | head -3)" ;;
    *"No known vulnerabilities found"*) echo "audit: $lock.txt: nothing is known against it" ;;
    *"known vulnerabilit"*) echo "audit: $lock.txt"; echo "$said"; found=1 ;;
    *) nobody "$(echo "$said" | tail -1)" ;;
  esac
done
exit $found
