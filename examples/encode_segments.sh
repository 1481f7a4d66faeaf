#!/bin/sh
# Encode a long recording in segments, as a job that loses at most one segment when it is killed.
#
#     sh encode_segments.sh [RECORDING [RESULT]]
#
# Here gzip encodes, because it is everywhere; its parts joined are one valid file. For a film, `encode` would be
#     ffmpeg -y -ss $((10 * $1)) -t 10 -i "$recording" -c:v libx264 -f mpegts "$2"
# and the parts would be joined with `ffmpeg -f concat`. Without arguments it encodes a file that it writes itself.
set -eu

if [ -z "${OUTLAST_JOB_ID:-}" ]; then
  recording=${1:-recording.raw} result=${2:-recording.gz}
  if [ $# -eq 0 ]; then
    seq 1 200000 > recording.raw
  fi
  exec outlast run --on-interrupt resume --max-attempts 3 --follow -- sh "$0" "$recording" "$result"
fi

recording=$1 result=$2
segments=8
parts="$result.parts"
size=$((($(wc -c < "$recording") + segments - 1) / segments))
encode() { # encode SEGMENT FILE
  tail -c "+$((size * $1 + 1))" "$recording" | head -c "$size" | gzip -9 > "$2"
}

segment=$(cat "$OUTLAST_CURSOR_FILE" 2> /dev/null || echo 0)
echo "begins with segment $segment"
[ "$segment" -eq "$segments" ] || mkdir -p "$parts"
while [ "$segment" -lt "$segments" ]; do
  encode "$segment" "$parts/new"
  mv "$parts/new" "$parts/$segment"
  echo "encoded segment $segment"
  segment=$((segment + 1))
  echo "$segment" > "$OUTLAST_CURSOR_FILE.new"
  mv "$OUTLAST_CURSOR_FILE.new" "$OUTLAST_CURSOR_FILE"
  outlast progress "$segment" "$segments" "segment $segment of $segments"
done

if [ -d "$parts" ]; then # not joined yet
  part=0
  while [ "$part" -lt "$segments" ]; do
    cat "$parts/$part"
    part=$((part + 1))
  done > "$result.new"
  mv "$result.new" "$result"
  mv "$parts" "$parts.joined"
fi
rm -rf "$parts.joined"
