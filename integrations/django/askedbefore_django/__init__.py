"""Connects a Django forum to askedbefore.

Questions are sent through an outbox in the forum's own database; decisions are carried out in the
forum; the ask page shows what was asked before.
"""
