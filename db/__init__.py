"""The only package that knows SQL and Postgres."""
