"""Who holds which work until when: jobs, workers, the backlog."""
