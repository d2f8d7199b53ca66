#!/bin/sh
# Looks every locked package up in the database of known vulnerabilities (pypi.org). Status 1 where
# one is found; where the database cannot be reached it says so, and the status is 0.
# $1 is the folder with pip-audit.
set -u
cd "$(dirname "$0")"
found=0
for lock in api worker gpu; do
  said=$("$1/pip-audit" --disable-pip --no-deps --progress-spinner off --requirement "$lock.txt" 2>&1)
  case "$said" in
    *"No known vulnerabilities found"*) echo "audit: $lock.txt: nothing is known against it" ;;
    *"known vulnerabilit"*) echo "audit: $lock.txt"; echo "$said"; found=1 ;;
    *)
      echo "audit: the database of vulnerabilities could not be reached, so nothing was looked up:"
      echo "$said" | tail -1
      exit $found
      ;;
  esac
done
exit $found
