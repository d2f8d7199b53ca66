"""What starts work: the beat's schedule, a message for a lane, and the watch that needs neither.

Imported through `beat` (one process sends the periodic tasks), `lanes` (one slice of work on a
lane), `rounds` (the periodic work) and `watch` (a thread that does due work without a message).
May touch: `worker.resources` and all rooms below it.
Never: defines a Celery task, or does itself what a question or an archive needs.
"""
