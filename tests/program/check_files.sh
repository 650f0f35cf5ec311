#!/usr/bin/env bash
# Holds the files of a test against the schemas of docs/schema: check_files.sh <file or folder>...
# Says so where no Python here has jsonschema.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for python in python3 /usr/bin/python3; do
    if "$python" -c 'import jsonschema' 2>/dev/null; then
        exec "$python" "$here/check_files.py" "$here/../../docs/schema" "$@"
    fi
done
echo "files were not held against their schemas: no Python with jsonschema here (Debian, Ubuntu: python3-jsonschema)"
