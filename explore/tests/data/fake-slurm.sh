#!/bin/sh
# Stands in for Slurm's programs: does what the one does under whose name it is called. Tasks run at
# once, as processes of this machine.
# FAKE_SLURM: a folder for the queue; each call gets a line in its file `calls`.
# FAKE_MAX_ARRAY: the value of MaxArraySize.
# FAKE_MAX_SUBMIT: the largest number of tasks in the queue.
# FAKE_ASSOCIATION: scontrol says that limit (controller), or sacctmgr does (database).
# FAKE_REFUSE: a reason for which sbatch refuses everything.
# FAKE_UNHEARD: sbatch accepts the first array, but says that the controller did not answer.
# FAKE_UNSENT: sbatch says so too, and has not accepted it.
# FAKE_DOWN: the number of first calls of squeue that do not reach the controller.
# FAKE_REQUEUE: each task runs a second time under its number.
set -eu
name=${0##*/}
mkdir -p "$FAKE_SLURM/tasks"
echo "$name $*" >> "$FAKE_SLURM/calls"
once() { mkdir "$FAKE_SLURM/once-$1" 2> /dev/null; }
unanswered() {
    echo "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation" >&2
    exit 1
}
running() { grep -l RUNNING "$FAKE_SLURM"/tasks/* 2> /dev/null | wc -l; }
case "$name $*" in
    "scontrol show assoc_mgr"*)
        if [ "${FAKE_ASSOCIATION:-}" = controller ]; then
            echo "ClusterName=fake Account=a UserName=me(7) Partition= ID=2"
            echo "    GrpSubmitJobs=N($(running)) GrpWall=N(0.00)"
            echo "    MaxJobs= MaxSubmitJobs=$FAKE_MAX_SUBMIT($(running)) MaxWallPJ="
        else
            echo "No associations currently cached in Slurm."
        fi
        exit
        ;;
    sacctmgr*)
        if [ "${FAKE_ASSOCIATION:-}" != database ]; then
            echo "You are not running a supported accounting_storage plugin" >&2
            exit 1
        fi
        echo "$FAKE_MAX_SUBMIT|"
        exit
        ;;
esac
case "$name" in
    scontrol)
        echo "Configuration data"
        echo "MaxArraySize            = ${FAKE_MAX_ARRAY:-1001}"
        exit
        ;;
    squeue)
        calls=$(grep -c '^squeue ' "$FAKE_SLURM/calls")
        if [ "$calls" -le "${FAKE_DOWN:-0}" ]; then
            echo "slurm_load_jobs error: Unable to contact slurm controller (connect failure)" >&2
            exit 1
        fi
        cat "$FAKE_SLURM"/tasks/* 2> /dev/null || true
        exit
        ;;
    scancel)
        shift # --quiet
        for job in "$@"; do
            for pid in "$FAKE_SLURM"/pids/"$job"_*; do
                kill -9 "$(cat "$pid")" 2> /dev/null || true
            done
            rm -f "$FAKE_SLURM"/tasks/"$job"_*
        done
        exit
        ;;
esac
while [ $# -gt 0 ]; do
    case "$1" in
        --array=*) last=${1#--array=0-} last=${last%%%*} ;;
        --comment=*) comment=${1#--comment=} ;;
        --output=*) output=${1#--output=} ;;
        --*) ;;
        *) break ;;
    esac
    shift
done
script=$1
shift
if [ -n "${FAKE_REFUSE:-}" ]; then echo "sbatch: error: $FAKE_REFUSE" >&2; exit 1; fi
if [ -n "${FAKE_UNSENT:-}" ] && once unsent; then unanswered; fi
queued=$(running)
if [ $((queued + last + 1)) -gt "${FAKE_MAX_SUBMIT:-1000000}" ]; then
    echo "sbatch: error: AssocMaxSubmitJobLimit" >&2
    echo "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy" >&2
    exit 1
fi
if [ "$last" -ge "${FAKE_MAX_ARRAY:-1001}" ]; then
    echo "sbatch: error: Batch job submission failed: Invalid job array specification" >&2
    exit 1
fi
job=1
until mkdir "$FAKE_SLURM/job-$job" 2> /dev/null; do job=$((job + 1)); done
mkdir -p "$FAKE_SLURM/pids"
cp "$script" "$FAKE_SLURM/job-$job/script"
run() {
    sh "$FAKE_SLURM/job-$job/script" "$@" > "$(echo "$output" | sed "s/%a/$SLURM_ARRAY_TASK_ID/")" 2>&1 < /dev/null &
    echo $! > "$FAKE_SLURM/pids/${job}_$SLURM_ARRAY_TASK_ID"
    wait $!
}
task() {
    task=$FAKE_SLURM/tasks/${job}_$SLURM_ARRAY_TASK_ID
    if run "$@"; then
        if [ -n "${FAKE_REQUEUE:-}" ]; then run "$@" || true; fi
        rm -f "$task"
    elif [ -e "$task" ]; then
        echo "$job|$SLURM_ARRAY_TASK_ID|NODE_FAIL|None|$comment" > "$task"
    fi
}
position=0
while [ "$position" -le "$last" ]; do
    echo "$job|$position|RUNNING|None|$comment" > "$FAKE_SLURM/tasks/${job}_$position"
    position=$((position + 1))
done
position=0
while [ "$position" -le "$last" ]; do
    export SLURM_ARRAY_TASK_ID=$position
    task "$@" > /dev/null 2>&1 < /dev/null &
    position=$((position + 1))
done
if [ -n "${FAKE_UNHEARD:-}" ] && once unheard; then unanswered; fi
echo "$job"
