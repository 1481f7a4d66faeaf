#!/bin/sh
# A shell command that remembers how far it is.
#
#     sh resumable_command.sh
#
# Started by hand it runs itself as a job and shows its output. Half way it fails, as if the network had gone away; it
# is tried again a moment later and goes on from its cursor file. The same happens when its process is killed.
set -eu

if [ -z "${OUTLAST_JOB_ID:-}" ]; then
  exec outlast run --on-interrupt resume --max-attempts 3 --backoff 200ms --follow -- sh "$0"
fi

first=$(cat "$OUTLAST_CURSOR_FILE" 2> /dev/null || echo 1)
echo "begins with item $first"
item=$first
while [ "$item" -le 6 ]; do
  echo "item $item" # the real work stands here
  item=$((item + 1))
  # Whole or not at all: whoever reads the file never sees half of it.
  echo "$item" > "$OUTLAST_CURSOR_FILE.new"
  mv "$OUTLAST_CURSOR_FILE.new" "$OUTLAST_CURSOR_FILE"
  outlast progress "$((item - 1))" 6
  if [ "$first" -eq 1 ] && [ "$item" -eq 4 ]; then
    echo "the network has gone away" >&2
    exit 7
  fi
done
