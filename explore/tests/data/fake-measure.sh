#!/bin/sh
# Stands in for `measure`: the record is record.json beside it, with a latency of 1 to 9 ms computed
# from the crate and the length of the board's name.
# MEASURE_CALLS: a file that gets a line for each measurement.
# FAKE_UNPLUGGED_AFTER: number of measurements after which all others fail.
set -eu
here=$(dirname "$0")
shift
while [ $# -gt 0 ]; do
    case "$1" in
        --crate) crate=$2 ;;
        --board) board=$2 ;;
        --out) out=$2 ;;
        --config) config=$2 ;;
        --board-host) echo "host $2" >> "$MEASURE_CALLS" ;;
        --require-energy) echo "error: energy is required, but made up not to be there" >&2; exit 1 ;;
        *) echo "error: unknown option $1" >&2; exit 2 ;;
    esac
    shift 2
done
grep -q '"window_s": 0.5' "$config"
done=$(wc -l < "$MEASURE_CALLS" 2> /dev/null || echo 0)
if [ "$done" -ge "${FAKE_UNPLUGGED_AFTER:-1000}" ]; then echo "error: the board is made up to be unplugged" >&2; exit 1; fi
hash=$(cut -d ' ' -f 1 "$crate/crate")
name=$(sed -n 's/^ *"name": "\([^"]*\)".*/\1/p' "$board")
echo "$hash $name" >> "$MEASURE_CALLS"
mkdir -p "${out%/*}"
sed "s/\"p50_s\": [^,]*,/\"p50_s\": 0.00$((1 + (hash / ${#name}) % 9)),/" "$here/record.json" > "$out.new"
mv "$out.new" "$out"
