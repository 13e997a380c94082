# Where trainings run: on this machine, or with ENGINE=slurm as tasks of a Slurm cluster.

# From the command line only, as in data.mk: a job script may have lines that a run must not bring.
$(foreach variable,ENGINE CLUSTER_SCRIPT TOGETHER,$(if $(filter environment%,$(origin $(variable))),$(eval override $(variable) :=)))
$(call check-choice,ENGINE,local slurm,local or slurm)
$(call check-path,CLUSTER_SCRIPT)

slurm := $(filter slurm,$(ENGINE))
ifeq ($(slurm),)
$(if $(CLUSTER_SCRIPT),$(error CLUSTER_SCRIPT has an effect with ENGINE=slurm alone: leave it out, or add that))
endif
ifneq ($(and $(slurm),$(filter --board --board=%,$(PRUNE_ARGS))),)
$(error PRUNE_ARGS names a board, which a task of a cluster cannot measure: leave out ENGINE=slurm, or the target on the board)
endif

script  := $(CLUSTER_SCRIPT:%=--cluster-script %)
ENGINE_OPTIONS := $(if $(slurm),--engine slurm $(script))
# The number of trainings at a time, if it was asked for: the cores of this machine, which are the
# default, say nothing about a cluster.
asked-workers = $(if $(filter file,$(origin WORKERS)),,$(WORKERS))

# The beginning of a command that trains and writes the file $(1) last, in a run.
task = $(if $(slurm),$(BIN)/neuropower task --run $(RUN) --name $(patsubst $(RUN)/%/,%,$(dir $(1))) --result $(1) --train $(TRAIN_BIN)/train $(script) --)

# Makes the files $(1), each by a task, at the same time. The call of make waits, and computes nothing.
together = $(if $(strip $(1)),$(MAKE) $(if $(SHARE),-f $(SHARE)Makefile) --no-print-directory -j$(or $(asked-workers),$(words $(1))) \
  ENTERED=yes TOGETHER=yes $(if $(own),DATASET=$(call quoted,$(own))) $(1) >/dev/null &&)
