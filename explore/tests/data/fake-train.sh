#!/bin/sh
# Stands in for `train`: computes an accuracy from genome, seed and epochs, which rises by 0.01 with
# each epoch. Individuals are listed by id, separated by spaces, or "all".
# FAKE_CALLS: a file that gets a line for each partial training.
# FAKE_FAIL, FAKE_DIVERGE: individuals that fail or diverge.
# FAKE_KILL: individuals that are killed, from the partial training to epoch FAKE_KILL_FROM on.
# FAKE_BREAK: individuals that leave an incomplete train.json.
# FAKE_ONCE: a folder; failures, kills and incomplete files then occur once for each individual.
# FAKE_FADE: individuals whose accuracy is 0.2 once they are trained in full.
# FAKE_GROWS: deeper networks have higher accuracies.
# FAKE_FULL: individuals for which the memory of a GPU is too small.
# FAKE_HANG: individuals that do not end while the calling program runs.
# FAKE_VANISH: individuals that vanish with the shell that runs them, as with their machine.
# FAKE_LATE: individuals whose train.json appears after their end, as in a shared folder.
# FAKE_KERNELS: a file that gets the value of NEUROPOWER_KERNELS for each partial training.
# `quantize` computes an accuracy from the weights.
# FAKE_QUANTIZED: a file that gets a line for each quantization.
# FAKE_UNQUANTIZABLE: individuals without an int8 network.
# FAKE_QUANTIZE_KILL: individuals that are killed while they are quantized.
set -eu
quantize() {
    while [ $# -gt 0 ]; do
        case "$1" in
            --network) network=$2 ;;
            --weights) weights=$2 ;;
            --dataset) [ -d "$2" ] ;;
            --out) out=$2 ;;
            --outcome) outcome=$2 ;;
            --max-loss) max_loss=$2 ;;
            *) echo "error: unknown option $1" >&2; exit 2 ;;
        esac
        shift 2
    done
    [ -f "$network" ]
    id=${weights%/*}
    id=${id##*/}
    if [ -n "${FAKE_QUANTIZED:-}" ]; then echo "$id" >> "$FAKE_QUANTIZED"; fi
    case " ${FAKE_QUANTIZE_KILL:-} " in *" $id "*) kill -9 $$ ;; esac
    hash=$(cksum < "$weights" | cut -d ' ' -f 1)
    common="\"max_loss\": $max_loss, \"weights_sha256\": \"$(sha256sum "$weights" | cut -d ' ' -f 1)\""
    mkdir -p "$out"
    case " ${FAKE_UNQUANTIZABLE:-} " in
        *" $id "*)
            found='"accepted": false, "reason": "made-up range of no width", "accuracy": null, "loss": null'
            worst='"worst_layer": null, "worst_error": null'
            ;;
        *)
            accuracy=0.$((100000 + hash % 300000))
            found="\"accepted\": true, \"reason\": null, \"accuracy\": {\"images\": 2, \"f32\": 0.5, \"int8\": $accuracy}, \"loss\": 0.1"
            worst='"worst_layer": "stem.conv", "worst_error": 0.5'
            cp "$weights" "$out/quantized.safetensors"
            echo "{}" > "$out/quantization.json"
            ;;
    esac
    echo "{\"schema\": \"neuropower/outcome/1\", $found, $worst, $common}" > "$outcome.new"
    mv "$outcome.new" "$outcome"
}
case "$1" in
    --version) echo "train 0.1.0 (commit 1a2b3c4, kernels made9)"; exit ;;
    quantize) shift; quantize "$@"; exit ;;
    init) [ "$2" = --network ] && [ "$4" = --out ] && echo "initial weights" > "$5"; exit ;;
esac
stop_after='' resume=''
[ "$1" = fit ] || { echo "error: not fit but $1" >&2; exit 2; }
shift
while [ $# -gt 0 ]; do
    case "$1" in
        --genome) genome=$2 ;;
        --dataset) dataset=$2 ;;
        --out) out=$2 ;;
        --config) config=$2 ;;
        --epochs) epochs=$2 ;;
        --subset) subset=$2 ;;
        --seed) seed=$2 ;;
        --threads) threads=$2 ;;
        --device) device=$2 ;;
        --stop-after) stop_after=$2 ;;
        --resume) resume=yes; shift; continue ;;
        *) echo "error: unknown option $1" >&2; exit 2 ;;
    esac
    shift 2
done
[ -d "$dataset" ] && [ -f "$config" ] && [ "$threads" -ge 1 ]
id=${out##*/}
if [ -n "${FAKE_CALLS:-}" ]; then echo "$id ${subset:-all}${stop_after:+ to $stop_after}" >> "$FAKE_CALLS"; fi
# As with `train`, only what was begun can go on.
[ -z "$resume" ] || [ -f "$out/train.json" ] || { echo "error: nothing to resume" >&2; exit 1; }
listed() { case " $1 " in *" $id "* | " all ") true ;; *) false ;; esac; }
first() { [ -z "${FAKE_ONCE:-}" ] || mkdir "$FAKE_ONCE/$id" 2> /dev/null; }
if listed "${FAKE_KILL:-}" && [ "${stop_after:-$epochs}" -ge "${FAKE_KILL_FROM:-0}" ] && first; then
    echo "epoch 1" >&2
    kill -9 $$
fi
if listed "${FAKE_VANISH:-}" && first; then
    kill -9 "$PPID" $$
fi
if [ -n "${FAKE_KERNELS:-}" ]; then echo "${NEUROPOWER_KERNELS:-}" >> "$FAKE_KERNELS"; fi
if listed "${FAKE_BREAK:-}" && first; then
    echo '{"schema": "neuropower/train/1", "seed"' > "$out/train.json"
    exit 0
fi
if listed "${FAKE_FAIL:-}" && first; then
    echo "epoch 1" >&2
    echo "error: made-up failure of $id" >&2
    exit 1
fi
if [ "$device" != cpu ] && listed "${FAKE_FULL:-}"; then
    # Each in a folder of its own, as `train` might name one.
    echo "error: $out: the GPU's memory is too small for this network with batches of 128 images" >&2
    exit 1
fi
while listed "${FAKE_HANG:-}"; do
    kill -0 "$PPID" 2> /dev/null && [ -d "$out" ] || exit 1
    sleep 0.05
done
diverged=false
if listed "${FAKE_DIVERGE:-}"; then diverged=true; fi
optimizer=$(sed -n 's/.*"optimizer": "\([a-z]*\)".*/\1/p' "$genome")
hash=$( (cat "$genome"; echo "$seed $epochs") | cksum | cut -d ' ' -f 1)
base=$((hash % 500000))
if [ -n "${FAKE_GROWS:-}" ]; then
    depth=$(sed -n 's/.*"feature_extraction_layers": \([0-9]*\).*/\1/p' "$genome")
    base=$((hash % 100000 + depth * 25000))
fi
last=${stop_after:-$epochs}
accuracy() {
    if [ -z "$stop_after" ] && listed "${FAKE_FADE:-}"; then echo 0.2; return; fi
    echo "0.$((400000 + base + $1 * 10000 - epochs * 10000))"
}
curve='' epoch=1
while [ "$epoch" -le "$last" ]; do
    point="\"epoch\": $epoch, \"learning_rate\": 0.1, \"loss\": 1.0, \"train_accuracy\": 0.5"
    curve="$curve${curve:+, }{$point, \"validation_accuracy\": $(accuracy "$epoch")}"
    epoch=$((epoch + 1))
done
echo "{}" > "$out/network.json"
echo "weights of $hash" > "$out/weights.safetensors"
cat > "$out/.train.$$" << EOF
{
  "schema": "neuropower/train/1", "seed": $seed, "epochs": $last, "images": 10, "optimizer": "$optimizer",
  "parameters": 1, "macs": 1, "accuracy": {"train": 0.5, "validation": $(accuracy "$last")}, "diverged": $diverged,
  "curve": [$curve],
  "data_sha256": "0", "weights_sha256": "0",
  "timing": {
    "wall_s": $(date +%s), "cpu_s": 1, "images_per_s": 1, "threads": $threads, "device": "$device", "peak_rss_bytes": 1, "peak_rss_reason": null
  }
}
EOF
if listed "${FAKE_LATE:-}"; then
    (sleep 0.2; mv "$out/.train.$$" "$out/train.json") > /dev/null 2>&1 &
    exit
fi
mv "$out/.train.$$" "$out/train.json"
