"""Which worker has claimed which work until when: jobs, workers, the backlog.

May touch: jobs, proofs of workers, and counts of what was done.
Must never: lose a job that is not done, or end one for a worker that no longer has it claimed.
Imported through: `jobs`, `workers`, `backlog`, `rows`.
"""
