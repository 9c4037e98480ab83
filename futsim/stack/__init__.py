"""What `manage.py up` runs: embedded PostgreSQL and Valkey, and the supervisor of all processes.

Nothing here imports Django, except `first_steps`, which runs as a process of its own.
"""
