#!/bin/sh
# Stands in for `train`, `prune`, `codegen` and `measure` while networks of a finished run are made:
# under each of these names it writes whole files whose numbers follow from the weights.
# EXPLORE: the program `explore`, which expands genomes.
# STAGE_CALLS: a file that gets a line for each call: the program, its verb, the folder of the result.
# FAKE_STOP_AT: number of the call that is killed.
# FAKE_DIVERGE, FAKE_REFUSE: networks that diverge, and that have no int8 form; `all` for all.
# FAKE_UNFIT: precisions that do not fit on the board.
# FAKE_METER: not empty if there is a meter.
set -eu
here=$(dirname "$0")
program=$(basename "$0")
verb=$1
shift
if [ "$verb" = --version ]; then echo "$program 0.1.0 (commit 1a2b3c4, kernels made9)"; exit; fi
outcome='' resume='' require=''
while [ $# -gt 0 ]; do
    case "$1" in
        --resume) resume=yes; shift; continue ;;
        --require-energy) require=yes; shift; continue ;;
        --genome | --network | --weights | --quantized | --dataset | --config | --out | --outcome) ;;
        --board | --crate | --name | --platform | --precision | --samples | --split) ;;
        --test | --train | --seed | --device | --bin-dir | --threads) ;;
        *) echo "error: unknown option $1" >&2; exit 2 ;;
    esac
    # The option without its dashes is a variable.
    variable=$(echo "${1#--}" | tr - _)
    eval "$variable=\$2"
    shift 2
done
sha256() { sha256sum "$1" | cut -d ' ' -f 1; }
# A number below $2 that follows from the file $1.
number() { echo $(($(cksum < "$1" | cut -d ' ' -f 1) % $2)); }
whole() { cat > "$1.new" && mv "$1.new" "$1"; }
listed() { case " $1 " in *" $2 "* | " all ") true ;; *) false ;; esac; }
if [ "$program $verb" != "codegen plan" ]; then
    call="$program $verb ${out#*/networks/}"
    echo "$call" >> "$STAGE_CALLS"
    # Other calls may begin at the same time.
    [ "$(grep -nxF "$call" "$STAGE_CALLS" | tail -n 1 | cut -d : -f 1)" -ne "${FAKE_STOP_AT:-0}" ] || kill -9 $$
fi
case "$program $verb" in
"train fit")
    [ "$resume" = yes ] && [ "$device" = cpu ] && [ "$seed" = 0 ]
    mkdir -p "$out"
    counts=$("$EXPLORE" network --genome "$genome" --dataset "$dataset" --config "$config" --out "$out/network.json")
    parameters=$(echo "$counts" | sed 's/.*"parameters":\([0-9]*\).*/\1/')
    echo "weights of $(sha256 "$genome")" > "$out/weights.safetensors"
    accuracy=0.$((500 + $(number "$genome" 400)))
    name=$(basename "$(dirname "$out")")
    if listed "${FAKE_DIVERGE:-}" "$name"; then diverged=true; else diverged=false; fi
    whole "$out/train.json" << END
{"schema": "neuropower/train/1", "seed": 0, "epochs": 1, "images": 1, "optimizer": "sgd", "parameters": $parameters, "macs": 1,
 "accuracy": {"train": 0.5, "validation": $accuracy}, "diverged": $diverged, "curve": [], "data_sha256": "0",
 "weights_sha256": "$(sha256 "$out/weights.safetensors")",
 "timing": {"wall_s": 1, "cpu_s": 1, "images_per_s": 1, "threads": 1, "device": "cpu", "peak_rss_bytes": 1, "peak_rss_reason": null}}
END
    ;;
"train eval")
    [ "$split" = test ]
    of=${weights:-${quantized:-}/quantized.safetensors}
    whole "$out" << END
{"schema": "neuropower/eval/1", "split": "test", "images": 1000, "correct": $(number "$of" 1000), "accuracy": 0.$(number "$of" 1000),
 "loss": 1, "data_sha256": "0", "weights_sha256": "$(sha256 "$of")"}
END
    ;;
"train quantize")
    mkdir -p "$out"
    common="\"max_loss\": 0.01, \"weights_sha256\": \"$(sha256 "$weights")\""
    name=${out#*/networks/}
    if listed "${FAKE_REFUSE:-}" "${name%/int8}"; then
        common="$common, \"accepted\": false, \"reason\": \"a made-up loss\", \"accuracy\": null, \"loss\": null"
        common="$common, \"worst_layer\": null, \"worst_error\": null"
    else
        echo "integers of $(sha256 "$weights")" > "$out/quantized.safetensors"
        echo "{}" > "$out/quantization.json"
        accuracy=0.$((500 + $(number "$out/quantized.safetensors" 400)))
        common="$common, \"accepted\": true, \"reason\": null, \"accuracy\": {\"images\": 2, \"f32\": 0.5, \"int8\": $accuracy}, \"loss\": 0"
        common="$common, \"worst_layer\": \"stem.conv\", \"worst_error\": 0.5"
    fi
    echo "{\"schema\": \"neuropower/outcome/1\", $common}" | whole "$outcome"
    ;;
"prune run")
    [ "$bin_dir" = "$here" ] && [ "$device" = cpu ]
    mkdir -p "$out"
    cp "$network" "$out/network.json"
    echo "pruned $(sha256 "$weights")" > "$out/weights.safetensors"
    before=$(sed -n 's/.*"parameters": \([0-9]*\),.*/\1/p' "$(dirname "$network")/train.json")
    accuracy=0.$((500 + $(number "$out/weights.safetensors" 400)))
    whole "$out/prune.json" << END
{"schema": "neuropower/prune/1", "method": "l1", "choose": "uniform", "also": [], "seed": 0, "cap": 0.5, "cluster_factor": 0.9, "iterations": 1,
 "finetune_epochs": 1, "finetune_rate": 0.1, "parameters_before": $before, "parameters_after": $before, "removed": 0, "macs_before": 1,
 "macs_after": 1, "accuracy_before": 0.5, "cap_reached": true, "ended": "cap",
 "rounds": [{"round": 1, "filters_removed": 1, "parameters": $before, "removed": 0.1, "accuracy_untuned": 0.1, "accuracy": $accuracy}],
 "widths": [], "measured": null}
END
    ;;
"codegen plan")
    if listed "${FAKE_UNFIT:-}" "$precision"; then echo "error: it does not fit on the board" >&2; exit 1; fi
    ;;
"codegen generate")
    of=${weights:-${quantized:-}/quantized.safetensors}
    [ -f "$test" ] && [ -f "$train" ] && [ -d "$samples" ]
    mkdir -p "$out"
    half=''
    [ -z "${quantized:-}" ] || half='"precision": "int8",'
    whole "$out/manifest.json" << END
{"schema": "neuropower/manifest/1", "name": "$name", "platform": "$platform", $half "network_sha256": "$(sha256 "$network")",
 "weights_sha256": "$(sha256 "$of")", "parameters": $((1000 + $(number "$of" 50))), "macs": 1, "weights_bytes": 1,
 "arena_bytes": $((100 + $(number "$of" 30))), "arena_lower_bound_bytes": 1, "layers": [],
 "fit": {"flash_bytes": $((100 + $(number "$of" 40))), "boards": []}}
END
    ;;
"measure run")
    if [ "$require" = yes ] && [ -z "${FAKE_METER:-}" ]; then echo "error: energy is required, but made up not to be there" >&2; exit 1; fi
    [ -f "$board" ] || board=pipelines/boards/$board.json
    name=$(sed -n 's/.*"name": *"\([^"]*\)".*/\1/p' "$board" | head -n 1)
    weights=$(sed -n 's/.*"weights_sha256": "\([^"]*\)".*/\1/p' "$crate/manifest.json")
    n=$(number "$crate/manifest.json" 90)
    energy=''
    if [ -n "${FAKE_METER:-}" ]; then
        energy="s/\"status\": \"unavailable\"/\"status\": \"measured\"/; s/\"reason\": \".sys.class.powercap[^\"]*\"/\"reason\": null/
            s/\"gross_j\": null/\"gross_j\": 0.0$((10 + n % 7))/; s/\"gross_w\": null/\"gross_w\": 2.$((10 + n % 11))/
            s/\"net_reason\": null/\"net_reason\": \"no idle\"/"
    fi
    sed "s/\"board\": \"host\"/\"board\": \"$name\"/; s/\"weights_sha256\": \"[^\"]*\"/\"weights_sha256\": \"$weights\"/
        s/\"p50_s\": [^,]*,/\"p50_s\": 0.00$((10 + n)),/; $energy" "$here/record.json" | whole "$out"
    ;;
*) echo "error: unknown command $program $verb" >&2; exit 2 ;;
esac
