# One make at a time in a run: this one takes the lock, and another one in its place does the work.
# The lock is held as long as any of its programs runs.

.PHONY: one-at-a-time
$(working): one-at-a-time
	@:

one-at-a-time:
	@mkdir -p $(dir $(state))
	@flock --nonblock $(state).lock true || { echo "another make works in $(RUN): wait for it, or choose another folder with RUN=..." >&2; exit 1; }
	@exec flock --nonblock --no-fork $(state).lock $(MAKE) --no-print-directory LOCKED=yes $(working)
