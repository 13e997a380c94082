#!/bin/sh
# Stands in for `codegen`: a crate is a file with the hash of the network and its parameters; the
# arena of a plan has as many bytes as network.json, divided by 100, and its constants twice as many.
# In int8, both are a quarter. On armv7, code takes 1000 bytes more of flash, as on a microcontroller.
# FAKE_NO_CODEGEN: every command fails.
# FAKE_GENERATED: a file that gets a line for each crate.
# FAKE_PLANS: a file that gets a line for each plan; the fourth plan is killed.
set -eu
if [ -n "${FAKE_NO_CODEGEN:-}" ]; then echo "error: made-up failure of codegen" >&2; exit 1; fi
command=$1
shift
weights=/dev/null
divisor=100
while [ $# -gt 0 ]; do
    case "$1" in
        --network) network=$2 ;;
        --weights) weights=$2 ;;
        --quantized) weights=$2/quantized.safetensors ;;
        --precision) [ "$2" = f32 ] || divisor=400 ;;
        --platform) platform=$2 ;;
        --out) out=$2 ;;
        --name | --board) ;;
        *) echo "error: unknown option $1" >&2; exit 2 ;;
    esac
    shift 2
done
[ "$platform" = armv7 ] || [ "$platform" = x86_64 ]
case "$command" in
    plan)
        if [ -n "${FAKE_PLANS:-}" ]; then
            echo plan >> "$FAKE_PLANS"
            [ "$(wc -l < "$FAKE_PLANS")" -ne 4 ] || kill -9 $$
        fi
        arena=$(($(wc -c < "$network") / divisor))
        fit='{}'
        [ "$platform" != armv7 ] || fit="{\"flash_bytes\": $((2 * arena + 1000))}"
        echo "{\"arena_bytes\": $arena, \"weights_bytes\": $((2 * arena)), \"fit\": $fit, \"steps\": [], \"work\": []}"
        ;;
    generate)
        if [ -n "${FAKE_GENERATED:-}" ]; then echo crate >> "$FAKE_GENERATED"; fi
        mkdir -p "$out" && cat "$network" "$weights" | cksum > "$out/crate"
        ;;
esac
