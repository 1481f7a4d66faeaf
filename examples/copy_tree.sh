#!/bin/sh
# Copy a tree file by file, as a job that goes on where it stopped: what rsync does, for tools that cannot.
#
#     sh copy_tree.sh [FROM TO]
#
# Started by hand it runs itself as a job and shows how far it is. Without arguments it copies a few small files that it
# writes itself. Kill the job's processes meanwhile: it goes on with the next file, and no file is ever half a copy.
set -eu

if [ -z "${OUTLAST_JOB_ID:-}" ]; then
  from=${1:-photos} to=${2:-photos.copy}
  if [ $# -eq 0 ]; then
    mkdir -p photos/2024 photos/2025
    for n in $(seq 12); do echo "picture $n" > "photos/$((2024 + n % 2))/$n.jpg"; done
  fi
  exec outlast run --on-interrupt resume --max-attempts 3 --follow -- sh "$0" "$from" "$to"
fi

from=$1 to=$2
mkdir -p "$to"
list="$to/.files"
if [ ! -e "$list" ]; then # made once: later attempts count in the same list
  (cd "$from" && find . -type f | sort) > "$list.new"
  mv "$list.new" "$list"
fi
total=$(wc -l < "$list")
finished=$(cat "$OUTLAST_CURSOR_FILE" 2> /dev/null || echo 0)
echo "begins after $finished of $total files"

tail -n "+$((finished + 1))" "$list" | while IFS= read -r file; do
  mkdir -p "$to/$(dirname "$file")"
  cp -p "$from/$file" "$to/$file.part"
  mv "$to/$file.part" "$to/$file" # whole or not at all
  finished=$((finished + 1))
  echo "copied $file"
  echo "$finished" > "$OUTLAST_CURSOR_FILE.new"
  mv "$OUTLAST_CURSOR_FILE.new" "$OUTLAST_CURSOR_FILE"
  outlast progress "$finished" "$total" "$file"
done
rm "$list"
