"""A campaign of faults against the whole service, which must lose nothing meanwhile.

`python -m tests.faults --minutes 10 --seed 7` runs Postgres, Redis, an API, two workers and a beat
on this machine, with models that cost nothing. It kills, pauses, cuts, fills and restarts all of
them while clients submit, edit, hide, show and erase questions, upload archives, decide on pairs
and receive webhooks. At the end it compares everything that was accepted with the database.
"""
